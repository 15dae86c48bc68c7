"""Reads whether a text asks us to write no more, by the rules of every language: a verdict with the words that matched.

Pure. All languages are asked, for people write in whichever they like, and in two at once. A rule counts where nothing
excepts it: an exception that shares words with what it found ("don't stop sending"), or one that holds for the whole text
("please put me back on the list").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_contracts.yaml_files import read_yaml_file
from messaging.inbox.opt_outs.patterns import Groups, compiled, words_in
from messaging.inbox.written import Spelling, sentences

FOLDER = Path(__file__).parent
Scope = Literal["channel", "everything"]
Patterns = tuple[str, ...]


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


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    language: Annotated[str, Field(pattern="^[a-z]{2}$")]
    spelling: dict[str, str] = {}
    misspelt: tuple[str, ...] = ()
    groups: dict[str, Patterns]
    opt_out: Annotated[dict[str, _Rule], Field(min_length=1)]
    whole_text: Patterns = ()  # what is an opt-out where nothing else was written
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


class Language:
    """The rules of one file, ready to be asked."""

    def __init__(self, path: Path) -> None:
        file = read_yaml_file(path).checked(_File)
        self.language, self.as_of = file.language, file.as_of
        self._spelling = _spelling(file)
        self._rules = tuple(_compile(name, rule, file.groups) for name, rule in file.opt_out.items())
        self._whole = compiled(file.whole_text, file.groups)
        self._within = compiled(file.except_within, file.groups)
        self._anywhere = compiled(file.except_anywhere, file.groups)
        self._everything = compiled(file.everything, file.groups)
        self._not_everything = compiled(file.not_everything, file.groups)

    def read(self, text: str) -> OptOut | None:
        """Give what this language finds in a text, None where it is no opt-out."""
        told = sentences(text, self._spelling)
        narrow = any(_search(self._not_everything, each) for each in told)
        if not narrow and any(_search(self._anywhere, each) for each in told):
            return None
        found = next(self._found(told), None) or self._found_whole(told)
        if found is None:
            return None
        rule, words = found
        wide = rule.scope == "everything" or any(_search(self._everything, each) for each in told)
        scope: Scope = "everything" if wide and not narrow else "channel"
        return OptOut(self.language, rule.name, words.strip(), scope, self.as_of)

    def _found(self, told: list[str]) -> Iterator[tuple[_Compiled, str]]:
        for rule in self._rules:
            if rule.where is not None and not any(rule.where.search(each) for each in told):
                continue
            for each in told:
                excepted = [] if rule.always else self._excepted(each)
                for match in rule.any_of.finditer(each):
                    whole = not rule.sentence or len(match[0]) == len(each)
                    if whole and not any(
                        start < match.end() and match.start() < end for start, end in excepted
                    ):
                        yield rule, match[0]

    def _found_whole(self, told: list[str]) -> tuple[_Compiled, str] | None:
        text = "".join(told)
        if self._whole is None or not self._whole.fullmatch(text):
            return None
        return _Compiled("whole_text", self._whole), text

    def _excepted(self, sentence: str) -> list[tuple[int, int]]:
        """Give the places of what excepts a rule that shares words with it."""
        return [found.span() for found in self._within.finditer(sentence)] if self._within else []


def read_opt_out(text: str) -> OptOut | None:
    """Say whether a text asks us to write no more, in its writer's own words; None where it does not."""
    read = (language.read(text) for language in languages())
    found = [each for each in read if each is not None]
    return next((each for each in found if each.scope == "everything"), found[0] if found else None)


@cache
def languages() -> tuple[Language, ...]:
    """Read the rules of every language. Raises InputError with the line of what is wrong in a file."""
    return tuple(Language(path) for path in sorted(FOLDER.glob("*.yaml")))


def _compile(name: str, rule: _Rule, groups: Groups) -> _Compiled:
    any_of = compiled(rule.any_of, groups)
    assert any_of is not None
    return _Compiled(name, any_of, compiled(rule.where, groups), rule.scope, rule.always, rule.sentence)


def _spelling(file: _File) -> Spelling:
    patterns = [one for group in file.groups.values() for one in group]
    patterns += [one for rule in file.opt_out.values() for one in (*rule.any_of, *rule.where)]
    patterns += [
        *file.whole_text,
        *file.except_within,
        *file.except_anywhere,
        *file.everything,
        *file.not_everything,
    ]
    return Spelling(words_in(patterns), file.spelling, file.misspelt)


def _search(pattern: re.Pattern[str] | None, sentence: str) -> bool:
    return pattern is not None and pattern.search(sentence) is not None
