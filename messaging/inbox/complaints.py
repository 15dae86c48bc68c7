"""Whether a text is a complaint, by data_contracts/complaint_words.yaml, which the models of a build share. Pure.

All languages are asked, for people write in whichever they like. A pattern counts where no exception shares a word
with what it found: "no complaints, thanks!" complains of nothing, "not disappointed, but it broke after a week" does.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

import data_contracts
from data_contracts.yaml_files import read_yaml_file
from messaging.inbox.opt_outs.patterns import compiled, words_in
from messaging.inbox.written import Spelling, sentences

WORDS_FILE = Path(data_contracts.__file__).with_name("complaint_words.yaml")
MEND = "Mend it there: without these words marketing goes on to those who complain."
_ANSWERS = re.compile(r"\s*(re|aw|antw|sv|rv|r|rif|odp|fw|fwd|wg|tr)\s*(\[\d+\])?\s*:", re.IGNORECASE)
Patterns = Annotated[tuple[str, ...], Field(min_length=1)]


class _Language(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    patterns: Patterns
    excepted: tuple[str, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    named: Patterns
    languages: dict[Annotated[str, Field(pattern="^[a-z]{2}$")], _Language]


class ComplaintWords:
    """The rules of the file, ready to be asked: those of all languages at once, for some words stand in several."""

    def __init__(self, file: _File) -> None:
        self.named = file.named
        patterns = [each for language in file.languages.values() for each in language.patterns]
        excepted = [each for language in file.languages.values() for each in language.excepted]
        self._spelling = Spelling(words_in([*patterns, *excepted]), {}, ())
        self._patterns = compiled(patterns, {})
        self._excepted = [
            compiled([each], {}) for each in excepted
        ]  # each apart: they may overlap one another

    def complains(self, text: str) -> bool:
        """Say whether somebody complains in what they newly wrote."""
        return any(map(self._complains, sentences(text, self._spelling)))

    def names(self, label: str) -> bool:
        """Say whether a help desk's kind, tag or topic calls something a complaint, as the models do."""
        told = label.lower()
        return any(word in told for word in self.named)

    def _complains(self, sentence: str) -> bool:
        found = _spans([self._patterns], sentence)
        taken = _spans(self._excepted, sentence) if found else []
        return any(not any(start < end and begin < stop for start, stop in taken) for begin, end in found)


@cache
def read_complaint_words(path: Path = WORDS_FILE) -> ComplaintWords:
    """Read the words. Raises InputError with the line of what is wrong in the file."""
    return ComplaintWords(read_yaml_file(path, mend=MEND).checked(_File))


def complains(text: str, subject: str = "") -> bool:
    """Say whether somebody complains in what they newly wrote, in any language; an answer's subject is not theirs."""
    words = read_complaint_words()
    return words.complains(text) or (not _ANSWERS.match(subject) and words.complains(subject))


def _spans(patterns: Iterable[re.Pattern[str] | None], sentence: str) -> list[tuple[int, int]]:
    return [match.span() for pattern in patterns if pattern for match in pattern.finditer(sentence)]
