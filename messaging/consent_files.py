"""A CSV of consents with their evidence, as another system or a drawer of paper gives it: read whole, or refused whole.

A row names somebody by `customer_id`, by `address` (an e-mail address or a telephone number with its country code) or both.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data_contracts.errors import InputError
from messaging.addresses import normalise
from messaging.consent_imports import ImportedConsent

LEGAL: Mapping[str, tuple[str, ...]] = {
    "channel": ("email", "sms", "whatsapp", "voice", "chat"),
    "action": ("grant", "revoke"),
    "purpose": ("marketing", "service", "profiling"),
    "legal_basis": ("consent", "soft_opt_in", "legitimate_interest", "contract"),
}
NEEDED = ("channel", "action", "occurred_at")
KNOWN = (
    *NEEDED, "customer_id", "address", "purpose", "legal_basis", "method", "wording", "locale", "evidence", "expires_at",
    "record_id",
)  # fmt: skip
DEFAULTS = {"purpose": "marketing", "legal_basis": "consent"}
AHEAD = timedelta(days=1)  # a date without a zone may be today's in a country where it is tomorrow already
LONGEST_RECORD_ID = 200  # characters: it is part of an index, whose entries PostgreSQL limits
MOST_TOLD = 5  # faults of one file: whoever mends these reads it again
MEND = "Nothing was recorded. Mend the file; docs/consent.md names its columns."
_PLAIN = re.compile(r"[A-Za-z_ -]{1,24}")  # what may be told: an address or a number is nobody's business


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row, by the line of the file that it ends on; the sentence quotes nobody's data."""

    line: int
    sentence: str


@dataclass(frozen=True)
class ConsentFile:
    """What was read of a file: each row is either a consent, under the line that it ends on, or a fault."""

    name: str
    consents: Mapping[int, ImportedConsent]
    faults: tuple[Fault, ...]

    def whole(self) -> list[ImportedConsent]:
        """Give its consents. Raises InputError with the lines of what is wrong, if anything is."""
        if self.faults:
            told = "; ".join(f"line {each.line}: {each.sentence}" for each in self.faults[:MOST_TOLD])
            more = f"; and {len(self.faults) - MOST_TOLD} more" if len(self.faults) > MOST_TOLD else ""
            raise InputError(f"{self.name}: {told}{more}.", MEND)
        return list(self.consents.values())


def read_consent_file(path: Path, source: str, now: datetime | None = None) -> list[ImportedConsent]:
    """Read the consents of a file that came from a system. Raises InputError with the lines of what is wrong.

    `now` (naive UTC) is the moment after which nothing can have been said, where that is to be held.
    """
    return read_consents(path.read_bytes(), str(path), source, now).whole()


def read_consents(content: bytes, name: str, source: str, now: datetime | None = None) -> ConsentFile:
    """Read what a file of this name holds, row by row. Raises InputError where it is no CSV of consents at all."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no UTF-8 text.", "Save it as CSV in UTF-8.") from error
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _check_columns(name, rows.fieldnames or ())
        consents, faults = _consents(rows, source, now)
    except csv.Error as error:
        raise InputError(f"{name}: line {rows.line_num} is no CSV ({error}).", MEND) from error
    return ConsentFile(name, consents, faults)


def _consents(
    rows: "csv.DictReader[str]", source: str, now: datetime | None
) -> tuple[dict[int, ImportedConsent], tuple[Fault, ...]]:
    """Read the rows, and say of each that cannot be read why."""
    consents, faults = {}, []
    for row in rows:
        try:
            consents[rows.line_num] = _possible(_consent(row, source), now)
        except ValueError as fault:
            faults.append(Fault(rows.line_num, str(fault)))
    return consents, tuple(faults)


def _check_columns(file: str, found: Any) -> None:
    names = [str(name).strip() for name in found]
    if missing := [name for name in NEEDED if name not in names]:
        raise InputError(
            f"{file} has no column {', '.join(missing)}.", f"It needs {', '.join(NEEDED)}. {MEND}"
        )
    if not {"customer_id", "address"} & set(names):
        raise InputError(f"{file} names nobody.", f"It needs a column customer_id or address. {MEND}")
    if strange := sorted(set(names) - set(KNOWN)):
        told = ", ".join(name if _PLAIN.fullmatch(name) else "one without a plain name" for name in strange)
        raise InputError(f"{file} has columns that nobody reads: {told}.", f"Legal are {', '.join(KNOWN)}.")


def _consent(row: Mapping[Any, Any], source: str) -> ImportedConsent:
    if None in row or None in row.values():
        raise ValueError("it has more or fewer values than the file has columns")
    if any("\0" in value for value in row.values()):
        raise ValueError("it holds a NUL character, which no database keeps")
    given = {str(name).strip(): str(value).strip() for name, value in row.items()}
    told = DEFAULTS | {name: value for name, value in given.items() if value}
    for name, legal in LEGAL.items():
        if told.get(name) not in legal:
            raise ValueError(f"{name}{_shown(told.get(name))} is none of {', '.join(legal)}")
    if "customer_id" not in told and "address" not in told:
        raise ValueError("it names nobody: neither customer_id nor address")
    if "address" in told and (address := _address(told["channel"], told["address"])) is None:
        raise ValueError("address cannot be written to on this channel; a number needs its country code")
    if len(told.get("record_id", "")) > LONGEST_RECORD_ID:
        raise ValueError(f"record_id has more than {LONGEST_RECORD_ID} characters")
    return ImportedConsent(
        customer_id=told.get("customer_id"),
        source=source,
        source_record_id=told.get("record_id") or f"row/{_named(given)}",
        channel=told["channel"],
        purpose=told["purpose"],
        action=told["action"],
        legal_basis=told["legal_basis"],
        occurred_at=_moment(told, "occurred_at"),
        method=told.get("method"),
        wording=told.get("wording"),
        locale=told.get("locale"),
        address=address if "address" in told else None,
        evidence=_evidence(told.get("evidence")),
        expires_at=_moment(told, "expires_at") if "expires_at" in told else None,
    )


def _possible(said: ImportedConsent, now: datetime | None) -> ImportedConsent:
    """Refuse what was said in the future, and what was over before it was said. Raises ValueError."""
    if now is not None and said.occurred_at > now + AHEAD:
        raise ValueError("occurred_at lies ahead of today")
    if said.expires_at is not None and said.expires_at <= said.occurred_at:
        raise ValueError("expires_at is not after occurred_at")
    return said


def _address(channel: str, text: str) -> str | None:
    """Give an address as messages have it, for a word about another one would hold for nobody; 00 stands for +."""
    return normalise(channel, text) or normalise(channel, re.sub(r"^00", "+", text.strip()))


def _moment(told: Mapping[str, str], name: str) -> datetime:
    """Read a moment as naive UTC; one without a zone is UTC already."""
    try:
        moment = datetime.fromisoformat(told[name])
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (KeyError, ValueError, OverflowError):  # the year 1 less an offset is no year
        raise ValueError(
            f"{name} is no ISO 8601 date such as 2026-03-01 or 2026-03-01T09:30:00+01:00"
        ) from None


def _evidence(text: str | None) -> dict[str, Any] | None:
    """Read what proves it: a JSON object, or a sentence such as where the paper lies."""
    if not text:
        return None
    if not text.startswith("{"):
        return {"note": text}
    try:
        found = json.loads(text, parse_constant=_no_number)
        json.dumps(found, ensure_ascii=False).encode()  # no half of a pair, which is no text
    except (ValueError, RecursionError):
        raise ValueError("evidence begins like a JSON object and is none") from None
    if "\\u0000" in json.dumps(found):
        raise ValueError("evidence holds a NUL character, which no database keeps")
    return dict(found)


def _no_number(constant: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON has not. Raises ValueError."""
    raise ValueError(constant)


def _named(row: Mapping[str, str]) -> str:
    """Name a row without a record id by what it says: the same row again is the same record."""
    text = json.dumps(row, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _shown(value: str | None) -> str:
    return f" {value!r}" if value and _PLAIN.fullmatch(value) else ""
