"""Messages of one word that are commands: STOP, START and HELP by country and channel, from `keywords.yaml`.

Pure. A word counts alone: "please don't stop my order" holds none. YES is a START only where we asked for one.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_contracts.yaml_files import read_yaml_file

KEYWORDS_FILE = Path(__file__).with_name("keywords.yaml")
MEND = "Mend it there: without these words nobody's STOP would be heard."
Keyword = Literal["stop", "start", "help"]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
# Around a word that ends something, typed or put there by a phone; a word that begins something is taken exactly.
CARELESS = ".!,;:\"'()[]*- \u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u200b\u200d\u2060\ufe0f\ufeff"


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    help: tuple[str, ...] = ()

    def meanings(self) -> dict[str, Keyword]:
        meant: dict[str, Keyword] = dict.fromkeys(self.stop, "stop")
        return meant | dict.fromkeys(self.start, "start") | dict.fromkeys(self.help, "help")


class _Answering(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    channels: tuple[str, ...]


class _Answers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    stop: dict[str, str]
    help: dict[str, str]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    everywhere: _Words
    countries: dict[Country, _Words]
    only_these: dict[str, tuple[str, ...]]
    yes: tuple[str, ...]
    answered_by: dict[str, _Answering]
    answers: _Answers


@dataclass(frozen=True)
class Keywords:
    """The words of `keywords.yaml`, ready to be asked."""

    file: _File

    def meaning(
        self, body: str, *, channel: str = "sms", country: str | None = None, asked: bool = False
    ) -> Keyword | None:
        """Give the command that a whole message is, or None.

        `country` is the writer's (ISO 3166 alpha-2), `asked` whether a question of ours waits for their yes.
        """
        word = _upper(body)
        if asked and word.strip(CARELESS) in self.file.yes:
            return "start"
        words = self._words(channel, country)
        found = words.get(word)
        if found is None and words.get(word.strip(CARELESS)) == "stop":
            return "stop"
        return found

    def is_yes(self, body: str) -> bool:
        """Say whether a message is a yes, which begins something only where we asked."""
        return _upper(body).strip(CARELESS) in self.file.yes

    def answers_itself(self, provider: str, channel: str, body: str) -> bool:
        """Say whether a provider answers this message by itself, for it knows the word."""
        answering = self.file.answered_by.get(provider)
        known = {*self.file.everywhere.meanings(), *self.file.yes}
        return answering is not None and channel in answering.channels and _upper(body) in known

    def answer(self, keyword: Keyword, company: str, contact: str, language: str = "en") -> str | None:
        """Give what we answer to a STOP or a HELP, in a language that we have words for; None to a START."""
        texts = {"stop": self.file.answers.stop, "help": self.file.answers.help}.get(keyword)
        if texts is None:
            return None
        return texts.get(language, texts["en"]).format(company=company, contact=contact)

    def _words(self, channel: str, country: str | None) -> dict[str, Keyword]:
        own = self.file.countries.get(country or "")
        words = self.file.everywhere.meanings() | (own.meanings() if own else {})
        only = self.file.only_these.get(channel)
        return words if only is None else {word: meant for word, meant in words.items() if word in only}


@lru_cache(maxsize=4)
def read_keywords(path: Path = KEYWORDS_FILE) -> Keywords:
    """Read the words. Raises InputError with the line of what is wrong in the file."""
    return Keywords(read_yaml_file(path, mend=MEND).checked(_File))


def keyword_of(
    body: str, *, channel: str = "sms", country: str | None = None, asked: bool = False
) -> Keyword | None:
    """Give the keyword that the whole message is, or None: "please don't stop my order" is none."""
    return read_keywords().meaning(body, channel=channel, country=country, asked=asked)


def _upper(body: str) -> str:
    """Give a message in capitals, without accents, with one space between words."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", body))
    kept = "".join(each for each in plain if unicodedata.category(each) != "Mn")
    return " ".join(kept.upper().split())
