"""The words of the pages, in the languages of `words.yaml`, and which of them somebody reads."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from data_contracts.yaml_files import read_yaml_file

FILE = Path(__file__).with_name("words.yaml")
DEFAULT = "en"


class Words(BaseModel):
    """One language; a sentence names {company} and {channel} where they belong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    channels: dict[str, str]  # in the plural
    by: dict[str, str]
    leave_title: str
    leave_text: str
    leave_button: str
    left_title: str
    left_text: str
    more: str
    agree_title: str
    agree_button: str
    agreed_title: str
    agreed_text: str
    late_title: str
    late_text: str
    unknown_title: str
    unknown_text: str
    preferences_title: str
    preferences_text: str
    offers: str
    wording: str
    stopped_hint: str
    profiling: str
    profiling_hint: str
    save: str
    saved: str
    contact_title: str
    contact_text: str
    field_name: str
    field_email: str
    field_message: str
    leave_empty: str
    send: str
    sent_title: str
    sent_text: str
    wrong_title: str
    wrong_email: str
    wrong_message: str
    many_title: str
    many_text: str
    receipt_subject: str
    receipt_text: str

    def many(self, channel: str) -> str:
        """Name the messages of a channel."""
        return self.channels.get(channel, self.channels["other"])


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    en: Words
    de: Words
    fr: Words
    es: Words


@cache
def all_words() -> Mapping[str, Words]:
    """Read the words of every language, by its code. Raises InputError with the line of what is wrong."""
    file = read_yaml_file(FILE, mend="Mend the words of the pages.").checked(_File)
    return {code: getattr(file, code) for code in _File.model_fields}


def language_of(request: Request) -> str:
    """Choose the language of whoever asks: what the address says, else their browser, else English."""
    named = request.query_params.get("lang", "")
    if named in all_words():
        return named
    return _preferred(request.headers.get("accept-language", ""))


def _preferred(header: str) -> str:
    """Read Accept-Language (RFC 9110, 12.5.4): the best of ours, by weight and then by place."""
    best, found = 0.0, DEFAULT
    for part in header[:500].split(","):
        tag, _, weight = part.partition(";")
        code = tag.strip().lower().split("-")[0]
        value = _weight(weight)
        if code in all_words() and value > best:
            best, found = value, code
    return found


def _weight(text: str) -> float:
    name, _, number = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(number)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0 <= weight <= 1 else 0.0
