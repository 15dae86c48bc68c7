"""Open complaints: while somebody complains, no marketing goes to them, from the moment that it is told here.

A complaint is flagged by what tells of it (a message that came in, a spam report, a record that a build read), each by its
own record, and rests until that record's end is told. It takes the locks that a send takes, so that once the flag is
committed no marketing to that person or address begins.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, select, update

from data_contracts.errors import NotFoundError, RefusedError
from messaging.consent import KnownAs
from messaging.consent_words import batches
from messaging.store.among import among
from messaging.store.ids import new_id
from messaging.store.inserts import insert_new
from messaging.store.locks import address_key, lock, person_key
from messaging.store.tables import inbound_messages
from messaging.store.tables_limits import complaint_flags

Kind = Literal["spam_report", "message", "record"]
RECORD: Literal["record"] = "record"  # the kind that a build opens, and closes
BUILD = "rapport build"  # who closed it, then


@dataclass(frozen=True)
class Complaint:
    """A complaint by a person, from an address (by its keyed hash), or both; moments are naive UTC.

    `said_at` is their last word in it, where that is not its first.
    """

    source: str
    source_record_id: str
    kind: Kind
    opened_at: datetime
    customer_id: str | None = None
    address_hash: str | None = None
    said_at: datetime | None = None


class OpenComplaints:
    """Who of those looked up has an open complaint, and since when."""

    def __init__(self, by_person: Mapping[str, datetime], by_address: Mapping[str, datetime]) -> None:
        self._by_person = by_person
        self._by_address = by_address

    def since(self, person: KnownAs, address_hash: str | None) -> datetime | None:
        """Give since when a person, under any id that counts, or an address has complained (naive UTC)."""
        if not self._by_person and not self._by_address:
            return None
        found = [self._by_person.get(customer_id) for customer_id in person.everything]
        found.append(self._by_address.get(address_hash or ""))
        return min((each for each in found if each is not None), default=None)


def said_at(complaint: Complaint) -> datetime:
    """Give when the last word in a complaint was said (naive UTC)."""
    return complaint.said_at or complaint.opened_at


def open_complaint(connection: Connection, complaint: Complaint) -> bool:
    """Flag a complaint, once for each record that tells of it; say whether it is new."""
    lock(connection, _keys(complaint))
    row = {
        "flag_id": new_id("cmp"),
        "customer_id": complaint.customer_id,
        "address_hash": complaint.address_hash,
        "kind": complaint.kind,
        "source": complaint.source,
        "source_record_id": complaint.source_record_id,
        "opened_at": complaint.opened_at,
    }
    return bool(insert_new(connection, complaint_flags, [row]))


def open_for_each(connection: Connection, complaint: Complaint, customer_ids: Iterable[str]) -> None:
    """Flag a complaint for each of those who may have made it, and for its address; without them for that alone."""
    for number, customer_id in enumerate(sorted(customer_ids) or [None]):
        named = f"{complaint.source_record_id}#{number}" if number else complaint.source_record_id
        open_complaint(connection, replace(complaint, customer_id=customer_id, source_record_id=named))


def close_complaint(connection: Connection, source: str, record_id: str, at: datetime, actor: str) -> bool:
    """Settle the complaint that a record told of; say whether it was open."""
    table = complaint_flags.c
    this = (table.source == source) & (table.source_record_id == record_id) & table.closed_at.is_(None)
    return bool(
        connection.execute(update(complaint_flags).where(this).values(closed_at=at, closed_by=actor)).rowcount
    )


def settle(connection: Connection, flag_id: str, at: datetime, actor: str) -> None:
    """Say that a complaint is settled, of which no record's end will ever tell. Raises NotFoundError, RefusedError."""
    this = complaint_flags.c.flag_id == flag_id
    row = connection.execute(select(complaint_flags).where(this)).first()
    if row is None:
        raise NotFoundError(f"There is no complaint {flag_id!r}.", "See `rapport consent complaint list`.")
    if row.closed_at is not None:
        raise RefusedError(
            f"Complaint {flag_id} was settled on {row.closed_at:%d %B %Y} by {row.closed_by}.", ""
        )
    close_complaint(connection, row.source, row.source_record_id, at, actor)


def list_open(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """List the open complaints as plain data, the oldest first; who complains by id alone."""
    table = complaint_flags.c
    columns = (table.flag_id, table.customer_id, table.kind, table.source, table.opened_at)
    rows = (
        select(*columns)
        .where(table.closed_at.is_(None))
        .order_by(table.opened_at, table.flag_id)
        .limit(limit)
    )
    return [dict(row._mapping) for row in connection.execute(rows)]  # noqa: SLF001 - SQLAlchemy's public name


def unnamed(connection: Connection) -> dict[str, tuple[str, str]]:
    """Give the open complaints of writers whom nobody knew: by flag, the inbound message and its channel."""
    flags, heard = complaint_flags.c, inbound_messages.c
    wrote = (heard.provider == flags.source) & (flags.source_record_id == "message/" + heard.provider_sid)
    rows = (
        select(flags.flag_id, heard.inbound_id, heard.channel)
        .join_from(complaint_flags, inbound_messages, wrote)
        .where(flags.kind == "message", flags.customer_id.is_(None), flags.closed_at.is_(None))
    )
    return {row.flag_id: (row.inbound_id, row.channel) for row in connection.execute(rows)}


def name_writers(connection: Connection, writers: Mapping[str, str]) -> None:
    """Say who made complaints, by flag: from now on marketing to that person rests by whatever address."""
    lock(connection, [person_key(customer_id) for customer_id in writers.values()])
    for flag_id, customer_id in writers.items():
        this = (complaint_flags.c.flag_id == flag_id) & complaint_flags.c.customer_id.is_(None)
        connection.execute(update(complaint_flags).where(this).values(customer_id=customer_id))


def agree_with(
    connection: Connection, standing: Iterable[Complaint], people: Mapping[str, KnownAs], at: datetime
) -> tuple[int, int]:
    """Make the open complaints of records those that a build lists; give how many were opened and closed.

    One that is listed no more was settled where it was told of. What a person settled here stays so, however long it is
    listed, until the customer says something after that. `people` tells of those who have had several ids: a flag stays
    with the id that it was opened for while that is theirs, so that all parts of a person who was cut in two keep it.
    """
    wanted = _numbered(standing)
    known = {(row.source, row.source_record_id): row for row in connection.execute(select(complaint_flags))}
    opened = [key for key in sorted(wanted) if key not in known or _again(wanted[key], known[key])]
    moved = [key for key in sorted(wanted) if key in known and _is_anothers(known[key], wanted[key], people)]
    # all at once, and so in their order
    lock(connection, [lock_key for key in (*opened, *moved) for lock_key in _keys(wanted[key])])
    for key in opened:
        if key not in known:
            open_complaint(connection, wanted[key])
        else:
            _update(connection, key, opened_at=wanted[key].opened_at, closed_at=None, closed_by=None)
    for key in moved:
        _update(connection, key, customer_id=wanted[key].customer_id)
    gone = [
        key
        for key, row in known.items()
        if row.kind == RECORD and row.closed_at is None and key not in wanted
    ]
    for source, record_id in sorted(gone):
        close_complaint(connection, source, record_id, at, BUILD)
    return len(opened), len(gone)


def _numbered(standing: Iterable[Complaint]) -> dict[tuple[str, str], Complaint]:
    """Name each complaint by its record; where a record is of several people, those after the first by a number too."""
    named: dict[tuple[str, str], Complaint] = {}
    for each in sorted(standing, key=lambda one: (one.source, one.source_record_id, one.customer_id or "")):
        number, record_id = 0, each.source_record_id
        while (each.source, record_id) in named:
            number += 1
            record_id = f"{each.source_record_id}#{number}"
        named[each.source, record_id] = replace(each, source_record_id=record_id)
    return named


def _again(told: Complaint, row: Row[Any]) -> bool:
    """Say whether a complaint that was settled is open again."""
    if row.kind != RECORD or row.closed_at is None:
        return False
    return bool(row.closed_by == BUILD or said_at(told) > row.closed_at)


def _is_anothers(row: Row[Any], told: Complaint, people: Mapping[str, KnownAs]) -> bool:
    """Say whether a record turned out to be of somebody who never had the id that its flag was opened for."""
    if row.kind != RECORD or told.customer_id is None or row.customer_id == told.customer_id:
        return False
    person = people.get(told.customer_id) or KnownAs((told.customer_id,))
    return row.customer_id not in person.everything


def _update(connection: Connection, key: tuple[str, str], **values: Any) -> None:
    table = complaint_flags.c
    this = (table.source == key[0]) & (table.source_record_id == key[1])
    connection.execute(update(complaint_flags).where(this).values(**values))


def open_complaints(
    connection: Connection, customer_ids: Iterable[str], address_hashes: Iterable[str]
) -> OpenComplaints:
    """Look many people and addresses up at once."""
    return OpenComplaints(
        _since(connection, "customer_id", customer_ids), _since(connection, "address_hash", address_hashes)
    )


def _since(connection: Connection, subject: str, values: Iterable[str]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for some in batches(values):
        for row in connection.execute(_standing(subject), {"some": some}).all():
            found[row.subject] = min(row.opened_at, found.get(row.subject, row.opened_at))
    return found


@cache  # as with consents: to put a query together costs more than to run it
def _standing(subject: str) -> Select[Any]:
    table = complaint_flags.c
    return select(table[subject].label("subject"), table.opened_at).where(
        among(table[subject], "some"), table.closed_at.is_(None)
    )


def _keys(complaint: Complaint) -> list[str]:
    keys = [person_key(complaint.customer_id)] if complaint.customer_id else []
    return keys + ([address_key(complaint.address_hash)] if complaint.address_hash else [])
