"""What the headers of a mail say: addresses, message ids and moments. They are written by every program in its own way."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple

from pipelines.sources.encoded_words import words
from pipelines.sources.mime import Part

LONGEST_LIST = 20_000  # characters of a header with addresses: some hundred readers
SHORT = 500  # characters of one address: patterns take quadratic time on blanks without end
EARLIEST = datetime(1970, 1, 2)
CLOCKS_DIFFER = timedelta(
    days=1
)  # a mail that was written later than this after its reception has a wrong date
_ID = re.compile(r"<([^<>]+)>")
_PLAIN_ADDRESS = re.compile(r'\s*("?)([^"<>,;:()@\\]*)\1\s*<([^<>@\s,;:()"]+@[^<>@\s,;:()"]+)>\s*')
_BARE_ADDRESS = re.compile(r'\s*([^<>@\s,;:()"]+@[^<>@\s,;:()"]+)\s*')
_IN_BRACKETS = re.compile(r"<\s*([^<>\s@]+@[^<>\s@]+)\s*>")
_RECEIVED_FOR = re.compile(r"\bfor\s+<?([^<>\s;@]+@[^<>\s;@]+)>?")


class Address(NamedTuple):
    """A person's name as it is shown, and the address in lower case."""

    name: str
    address: str


def addresses(part: Part, *names: str) -> list[Address]:
    """Give the addresses in headers of these names, in their order."""
    return [found for name in names for header in part.headers.get(name, ()) for found in _listed(header)]


def delivered_to(part: Part) -> str:
    """Give the address that a mail was delivered to, where its headers name no reader: a blind copy."""
    for name in ("delivered-to", "x-original-to", "envelope-to", "apparently-to", "x-envelope-to"):
        for found in _listed(part.header(name)):
            return found.address
    received = (_RECEIVED_FOR.search(header) for header in part.headers.get("received", ()))
    return next((named[1].lower() for named in received if named), "")


@lru_cache(maxsize=4096)  # a mailbox writes few addresses often, above all its own
def _listed(header: str) -> tuple[Address, ...]:
    header = header[:LONGEST_LIST]
    short = header if len(header) <= SHORT else ""
    if plain := _PLAIN_ADDRESS.fullmatch(short):
        return (Address(words(plain[2]).strip(), plain[3].lower()),)
    if bare := _BARE_ADDRESS.fullmatch(short):
        return (Address("", bare[1].lower()),)
    found = _parsed(header)
    if not found and "=?" in header:  # the address itself is encoded
        found = _parsed(words(header))
    return found or tuple(Address("", address.lower()) for address in _IN_BRACKETS.findall(header))


def _parsed(header: str) -> tuple[Address, ...]:
    pairs = getaddresses([header])
    return tuple(
        Address(words(name).strip(), address.strip().lower()) for name, address in pairs if "@" in address
    )


def ids(part: Part, name: str) -> list[str]:
    """Give the message ids in a header, without their angle brackets; prose about another mail is none."""
    header = " ".join(part.headers.get(name, ()))
    found = _ID.findall(header) or [word for word in header.split() if "@" in word]
    return [name for item in found if (name := "".join(item.split()))]


def moment(part: Part) -> datetime | str | None:
    """Give when a mail was written, naive UTC; when it was received, where it has no date or an absurd one.

    Where no header has a date that can be read: the words that stand there, or nothing.
    """
    reception = part.header("received").rpartition(";")[2].strip()
    received = _moment(reception) if reception else None
    text = part.header("date") or reception
    written = _moment(text) if text else None
    if written is None:
        return received or text or None
    absurd = written < EARLIEST or (received is not None and written > received + CLOCKS_DIFFER)
    return received if absurd and received is not None else written


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text.strip())
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def split_name(shown: str) -> tuple[str, str]:
    """Split a name as it is shown: "Ann Lee" or "Lee, Ann"; an address instead of a name is none."""
    if "@" in shown:
        return "", ""
    if "," in shown:
        family, _, given = shown.partition(",")
        return given.strip(), family.strip()
    given, _, family = shown.partition(" ")
    return given, family.strip()
