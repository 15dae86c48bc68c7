"""Cursor values: what a vendor or a database writes, as one thing that can be compared, kept and asked for again (pure).

A moment is naive UTC. dlt compares cursors as they are written; vendors write RFC 2822 (Twilio), offsets that change
with the season (Shopify) and seconds (Stripe), of which the greatest text is not the newest record. Hence our own.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Literal

Mark = datetime | int | str
Form = Literal["iso", "iso_seconds", "date", "unix", "number", "text"]
Overlap = timedelta | int
FIRST = datetime(1900, 1, 1)
MILLISECONDS = 10**11  # 10**11 seconds are the year 5138: a greater number counts milliseconds


def read_mark(value: Any, form: Form = "iso") -> Mark | None:
    """Read a cursor value; None where there is none. Raises ValueError where it is no moment and should be one."""
    if value is None or value == "":
        return None
    if form == "text":
        return str(value)
    if form == "number":
        return int(value)
    return _moment(value)


def mark_of_column(value: Any) -> Mark | None:
    """Take a database's cursor value by its own type."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, Decimal | int | float):
        return int(value)
    return None if value is None else str(value)


def write_mark(mark: Mark, form: Form) -> str:
    """Write a mark as an API asks for it."""
    if not isinstance(mark, datetime):
        return str(mark)
    if form == "unix":
        return str(int(mark.replace(tzinfo=UTC).timestamp()))
    if form == "date":
        return mark.date().isoformat()
    return mark.isoformat(timespec="seconds" if form == "iso_seconds" else "auto") + "Z"


def newest(marks: Iterable[Mark | None]) -> Mark | None:
    """Give the greatest of marks of one kind."""
    found = [mark for mark in marks if mark is not None]
    return max(found, default=None)


def stepped_back(mark: Mark, overlap: Overlap) -> Mark:
    """Go back by the overlap; a text has no distance, and a moment none that is a number."""
    if isinstance(mark, datetime) and isinstance(overlap, timedelta):
        return mark - overlap if mark > FIRST + overlap else mark
    if isinstance(mark, int) and isinstance(overlap, int):
        return mark - overlap
    return mark


def mark_document(mark: Mark) -> dict[str, Any]:
    """Give a mark as plain data, with its kind."""
    if isinstance(mark, datetime):
        return {"moment": mark.isoformat()}
    return {"number": mark} if isinstance(mark, int) else {"text": mark}


def read_document(document: dict[str, Any]) -> Mark:
    """Read what `mark_document` gave. Raises ValueError, KeyError or TypeError where it is something else."""
    if "moment" in document:
        return datetime.fromisoformat(document["moment"])
    return int(document["number"]) if "number" in document else str(document["text"])


def _moment(value: Any) -> datetime:
    text = str(value).strip()
    number = _number(text)
    if number is not None:
        seconds = number / 1000 if number > MILLISECONDS else number
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = parsedate_to_datetime(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
