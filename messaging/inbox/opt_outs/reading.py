"""Reads whether a text asks us to write no more, by the rules of every language: a verdict with the words that matched.

Pure. All languages are asked, for people write in whichever they like, and in two at once; only where a text is plainly in
another one is a language passed over, for "abmelden" is no slip for "afmelden" there. A rule counts where nothing
excepts it: an exception that shares words with what it found ("don't stop sending"), or one that holds for the whole text
("please put me back on the list").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_contracts.yaml_files import read_yaml_file
from messaging.inbox.opt_outs.patterns import Groups, compiled, words_in
from messaging.inbox.written import Spelling, sentences, words

FOLDER = Path(__file__).parent
Scope = Literal["channel", "everything"]
Patterns = tuple[str, ...]
_PLAIN_FROM = 3  # common words that tell a language
_PLAINLY = 2  # times the common words of another one


@dataclass(frozen=True)
class OptOut:
    """What a text was taken for: which rule found which words, and whether they mean this channel or every one.

    `rules_of` is the date of the rules.
    """

    language: str
    rule: str
    words: str
    scope: Scope
    rules_of: date


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    any_of: Annotated[Patterns, Field(min_length=1)]
    where: Patterns = ()  # the rule counts only in a text that has one of these too
    scope: Scope = "channel"
    always: bool = False  # what excepts other rules within a sentence does not except this one
    sentence: bool = False  # the rule has to be a whole sentence
    last: bool = False  # of the last sentence only: "Do you not understand? STOP"
    broad: bool = False  # only in a text of this language, and a sentence of no other matter (an order)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    language: Annotated[str, Field(pattern="^[a-z]{2}$")]
    common: tuple[str, ...] = ()  # words that tell this language
    asked_always: bool = False  # also of a text that is plainly in another language
    spelling: dict[str, str] = {}
    misspelt: tuple[str, ...] = ()
    groups: dict[str, Patterns]
    opt_out: Annotated[dict[str, _Rule], Field(min_length=1)]
    whole_text: Patterns = ()  # what is an opt-out where nothing else was written
    other_matters: Patterns = ()
    except_within: Patterns = ()
    except_anywhere: Patterns = ()
    everything: Patterns = ()
    not_everything: Patterns = ()


@dataclass(frozen=True)
class _Compiled:
    name: str
    any_of: re.Pattern[str]
    where: re.Pattern[str] | None = None
    scope: Scope = "channel"
    always: bool = False
    sentence: bool = False
    last: bool = False
    broad: bool = False


class Language:
    """The rules of one file, ready to be asked."""

    def __init__(self, path: Path) -> None:
        file = read_yaml_file(path).checked(_File)
        self.language, self.as_of = file.language, file.as_of
        self._common = frozenset(file.common)
        self._asked_always = file.asked_always
        self._spelling = _spelling(file)
        self._rules = tuple(_compile(name, rule, file.groups) for name, rule in file.opt_out.items())
        self._whole = compiled(file.whole_text, file.groups)
        self._other_matters = compiled(file.other_matters, file.groups)
        self._within = [compiled([each], file.groups) for each in file.except_within]
        self._anywhere = compiled(file.except_anywhere, file.groups)
        self._everything = compiled(file.everything, file.groups)
        self._not_everything = compiled(file.not_everything, file.groups)

    def asked(self, written: Sequence[str], most: int) -> bool:
        """Say whether a text of these words may be this language's, where another has `most` common words in it."""
        return self._asked_always or most < _PLAIN_FROM or self.common(written) * _PLAINLY >= most

    def common(self, written: Sequence[str]) -> int:
        """Give how many of these words tell this language."""
        return sum(each in self._common for each in written)

    def read(self, text: str, *, own: bool = True) -> OptOut | None:
        """Give what this language finds in a text, None where it is no opt-out; `own` says that it may be the text's."""
        told = sentences(text, self._spelling)
        narrow = any(_search(self._not_everything, each) for each in told)
        if not narrow and any(_search(self._anywhere, each) for each in told):
            return None
        found = next(self._found(told, own=own), None) or self._found_whole(told)
        if found is None:
            return None
        rule, matched = found
        wide = rule.scope == "everything" or any(_search(self._everything, each) for each in told)
        scope: Scope = "everything" if wide and not narrow else "channel"
        return OptOut(self.language, rule.name, matched.strip(), scope, self.as_of)

    def _found(self, told: list[str], *, own: bool) -> Iterator[tuple[_Compiled, str]]:
        for rule in self._rules:
            if (rule.broad and not own) or (
                rule.where is not None and not any(rule.where.search(each) for each in told)
            ):
                continue
            for each in told[-1:] if rule.last else told:
                if rule.broad and _search(self._other_matters, each):
                    continue
                matches = [
                    match
                    for match in rule.any_of.finditer(each)
                    if not rule.sentence or len(match[0]) == len(each)
                ]
                excepted = self._excepted(each) if matches and not rule.always else []
                for match in matches:
                    if not any(start < match.end() and match.start() < end for start, end in excepted):
                        yield rule, match[0]

    def _found_whole(self, told: list[str]) -> tuple[_Compiled, str] | None:
        text = "".join(told)
        if self._whole is None or not self._whole.fullmatch(text):
            return None
        return _Compiled("whole_text", self._whole), text

    def _excepted(self, sentence: str) -> list[tuple[int, int]]:
        """Give the places of what excepts a rule that shares words with it."""
        return [found.span() for each in self._within if each for found in each.finditer(sentence)]


def read_opt_out(text: str) -> OptOut | None:
    """Say whether a text asks us to write no more, in its writer's own words; None where it does not."""
    written = words(text)
    most = max(language.common(written) for language in languages())
    read = (
        language.read(text, own=language.common(written) == most)
        for language in languages()
        if language.asked(written, most)
    )
    found = [each for each in read if each is not None]
    return next((each for each in found if each.scope == "everything"), found[0] if found else None)


@cache
def languages() -> tuple[Language, ...]:
    """Read the rules of every language. Raises InputError with the line of what is wrong in a file."""
    return tuple(Language(path) for path in sorted(FOLDER.glob("*.yaml")))


def _compile(name: str, rule: _Rule, groups: Groups) -> _Compiled:
    any_of = compiled(rule.any_of, groups)
    assert any_of is not None
    where = compiled(rule.where, groups)
    return _Compiled(name, any_of, where, rule.scope, rule.always, rule.sentence, rule.last, rule.broad)


def _spelling(file: _File) -> Spelling:
    patterns = [one for group in file.groups.values() for one in group]
    patterns += [one for rule in file.opt_out.values() for one in (*rule.any_of, *rule.where)]
    patterns += [
        *file.whole_text,
        *file.other_matters,
        *file.except_within,
        *file.except_anywhere,
        *file.everything,
        *file.not_everything,
    ]
    return Spelling(words_in(patterns), file.spelling, file.misspelt)


def _search(pattern: re.Pattern[str] | None, sentence: str) -> bool:
    return pattern is not None and pattern.search(sentence) is not None
