"""What was said of consent, as it stands in the store: words in their order, and which of them counts.

Of each person and of each address the newest word counts, but for a withdrawal that nothing after it has taken back: an
import never takes back what was said of another address. Times are naive UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice, zip_longest
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, or_, select

from messaging.consent_chain import VOIDED, said_by
from messaging.store.among import among
from messaging.store.tables import consent_events

LOOKUP_BATCH = 5000  # values in one IN (...)
_READ = (
    "sequence", "event_id", "customer_id", "address_hash", "action", "occurred_at", "recorded_at", "legal_basis",
    "source", "source_record_id", "method", "actor", "expires_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsentState:
    """Whether a consent stands, and the event that says so."""

    granted: bool
    event_id: str
    occurred_at: datetime
    legal_basis: str
    source: str
    method: str
    expires_at: datetime | None = None  # naive UTC

    def ran_out(self, now: datetime) -> bool:
        """Say whether this is a grant whose time is over by now (naive UTC)."""
        return self.granted and self.expires_at is not None and self.expires_at <= now


class Word(NamedTuple):
    """An event as it was said: what orders it, and what tells whose word it takes back."""

    moment: tuple[datetime, int]
    recorded_at: datetime
    address_hash: str | None
    is_import: bool
    record: tuple[str, str | None]
    state: ConsentState

    def takes_back(self, other: "Word") -> bool:
        """Say whether this grant ends a withdrawal before it: an import does so for its own address or record."""
        strange = self.address_hash and other.address_hash and self.address_hash != other.address_hash
        return not (self.is_import and strange and self.record != other.record)


def newest(words: Iterable[Word]) -> ConsentState | None:
    """Give the state of the last word, None where there is none."""
    last = max(words, key=lambda word: word.moment, default=None)
    return last.state if last else None


def standing_word(words: Sequence[Word]) -> ConsentState | None:
    """Give the newest word of one id, or a withdrawal before it that nothing has taken back."""
    if len(words) == 1:
        return words[0].state
    ordered = sorted(words, key=lambda word: word.moment)
    for place in range(len(ordered) - 1, -1, -1):
        word = ordered[place]
        if not word.state.granted and not any(after.takes_back(word) for after in ordered[place + 1 :]):
            return word.state
    return ordered[-1].state if ordered else None


def words_of(  # noqa: PLR0913, PLR0917 - what to look for
    connection: Connection,
    subject: Any,
    values: Iterable[str],
    channel: str,
    purpose: str,
    which: ColumnElement[bool] | None = None,
) -> dict[str, list[Word]]:
    """Read the words on a channel and purpose of many people or addresses, by the column that is the `subject`."""
    return words_by(connection, {subject.name: values}, channel, purpose, which)[subject.name]


def words_by(
    connection: Connection,
    asked: Mapping[str, Iterable[str]],
    channel: str,
    purpose: str,
    which: ColumnElement[bool] | None = None,
) -> dict[str, dict[str, list[Word]]]:
    """Read the words on a channel and purpose of many people and of many addresses, by a column's name and its values.

    Most words are of a person and an address: asked for both at once, they are read once.
    """
    rows = _said(tuple(asked)) if which is None else _said(tuple(asked)).where(which)
    found = {subject: _Found({}, set()) for subject in asked}
    for some in zip_longest(*map(batches, asked.values()), fillvalue=[]):
        these = dict(zip(asked, some, strict=True))
        wanted = [(_READ.index(subject), frozenset(these[subject]), found[subject]) for subject in asked]
        here = these | {"channel": channel, "purpose": purpose}
        for row in connection.execute(rows, here).all():  # one by one costs thrice as much
            word = _word(row)
            for place, values, theirs in wanted:
                if (value := row[place]) in values:
                    theirs.add(value, word, is_void=row.action == "void")
    return {subject: theirs.standing() for subject, theirs in found.items()}


class _Found(NamedTuple):
    """The words of each person, or of each address, with those records of theirs that were taken back."""

    words: dict[str, list[Word]]
    taken_back: set[tuple[str, tuple[str, str | None]]]

    def add(self, value: str, word: Word, *, is_void: bool) -> None:
        if is_void:
            self.taken_back.add((value, word.record))
        else:
            self.words.setdefault(value, []).append(word)

    def standing(self) -> dict[str, list[Word]]:
        if not self.taken_back:
            return self.words
        return {
            value: [word for word in words if (value, word.record) not in self.taken_back]
            for value, words in self.words.items()
        }


@cache  # to put a query together costs three times what it takes to run it (2026-11-22)
def _said(subjects: tuple[str, ...]) -> Select[Any]:
    """Build the query of the events of which one of these columns is among the values that are given by its name."""
    table = consent_events.c
    return select(*(table[name] for name in _READ)).where(
        or_(*(among(table[subject], subject) for subject in subjects)),
        table.channel == bindparam("channel"),
        table.purpose == bindparam("purpose"),
    )


def _word(row: Sequence[Any]) -> Word:
    (
        sequence, event_id, customer_id, address_hash, action, occurred_at, recorded_at, legal_basis, source,
        source_record_id, method, actor, expires_at,
    ) = row  # fmt: skip
    # A record dated in the future must not outrank a STOP that comes after it.
    moment = (min(recorded_at, occurred_at), sequence)
    said = ConsentState(action == "grant", event_id, occurred_at, legal_basis, source, method, expires_at)
    name = said_by(source_record_id, customer_id)  # the record that an event is of, or that it takes back
    record = (source, name and name.removeprefix(VOIDED))
    return Word(moment, recorded_at, address_hash, actor == "import", record, said)


def withdrawals(connection: Connection, which: ColumnElement[bool], since: datetime) -> list[Row[Any]]:
    """List the withdrawals of marketing that were recorded from a moment on (naive UTC) and that nobody voided since.

    Rows have channel, customer_id, address_hash, source, source_record_id and recorded_at.
    """
    table = consent_events.c
    columns = (table.channel, table.customer_id, table.address_hash, table.source, table.source_record_id)
    here = (table.purpose == "marketing") & (table.recorded_at >= since) & (table.action == "revoke")
    rows = select(*columns, table.recorded_at).where(here, which).order_by(table.sequence)
    said = {
        (row.source, f"{VOIDED}{row.source_record_id}", row.channel): row for row in connection.execute(rows)
    }
    names = {name for _, name, _ in said}
    void = select(table.source, table.source_record_id, table.channel).where(
        table.action == "void", table.purpose == "marketing", table.source_record_id.in_(names)
    )
    taken_back = {tuple(row) for row in connection.execute(void)} if said else set()
    return [row for key, row in said.items() if key not in taken_back]


def batches(values: Iterable[str]) -> Iterable[list[str]]:
    """Cut values into as many as one query takes, each value once."""
    remaining = iter(sorted(set(values)))
    while some := list(islice(remaining, LOOKUP_BATCH)):
        yield some
