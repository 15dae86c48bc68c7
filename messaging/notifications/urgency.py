"""Which topics a message speaks of that somebody should read at once, by `urgent_words.yaml`. Pure.

All languages are asked, for people write in whichever they like. Nothing of the text itself leaves this module.
"""

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from data_contracts.yaml_files import read_yaml_file
from messaging.inbox.written import Spelling, sentences

WORDS_FILE = Path(__file__).with_name("urgent_words.yaml")
MEND = "Mend it there: without these words nobody is told of what is urgent."
MOST_KNOWN = (
    50_000  # messages whose topics are remembered: reading 5,000 again takes 0.7 s, every 15 s (2026-11-22)
)
AS_WRITTEN = Spelling((), {}, ())
Language = Annotated[str, Field(pattern="^[a-z]{2}$")]


class _Topic(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    told: str
    words: dict[Language, Annotated[tuple[str, ...], Field(min_length=1)]]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    topics: Annotated[dict[str, _Topic], Field(min_length=1)]


class UrgentWords:
    """The words of the file, ready to be asked."""

    def __init__(self, file: _File) -> None:
        self._topics = [(topic.told, _pattern(topic)) for topic in file.topics.values()]
        self._known: dict[str, tuple[str, ...]] = {}

    def topics(self, body: str) -> tuple[str, ...]:
        """Say what a text speaks of that is urgent, as clauses such as "they say that it is urgent"."""
        written = sentences(body, AS_WRITTEN)
        return tuple(told for told, pattern in self._topics if any(map(pattern.search, written)))

    def topics_of(self, inbound_id: str, body: str) -> tuple[str, ...]:
        """Say the same of a stored message, which is asked about in every look and never changes."""
        if inbound_id not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[inbound_id] = self.topics(body)
        return self._known[inbound_id]


@cache
def read_urgent_words(path: Path = WORDS_FILE) -> UrgentWords:
    """Read the words. Raises InputError with the line of what is wrong in the file."""
    return UrgentWords(read_yaml_file(path, mend=MEND).checked(_File))


def _pattern(topic: _Topic) -> re.Pattern[str]:
    phrases = sorted({_regex(phrase) for words in topic.words.values() for phrase in words})
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")


def _regex(phrase: str) -> str:
    """Write a phrase as texts are read: "didn't order" is `didnt order` there, and an asterisk any letters."""
    parts = [" ".join(sentences(part, AS_WRITTEN)).strip() for part in phrase.split("*")]
    spaced = [
        f"{' ' if part.startswith(' ') else ''}{told}{' ' if part.endswith(' ') else ''}"
        for part, told in zip(phrase.split("*"), parts, strict=True)
    ]
    return r"\w*".join(map(re.escape, spaced))
