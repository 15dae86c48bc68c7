"""Consents and opt-outs that other systems recorded, taken over: each word of a record once, in short transactions.

A file's opt-outs come when it is taken in, by address alone; a build brings them again, now with the people they were
resolved to. What is known by then is not said twice, but the people are told of it.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select, update

from messaging.addresses import Addresses, normalise
from messaging.consent import SuppressionReason, hardness
from messaging.consent_chain import (
    VOIDED,
    ConsentEvent,
    RecordKey,
    Word,
    again,
    append,
    last_words,
    of_person,
    record_key,
    reworded,
    said_already,
    said_by,
)
from messaging.store import Store
from messaging.store.locks import address_key, lock, person_key
from messaging.store.tables import consent_events, messages, suppressions

IMPORT_BATCH = 2000  # rows a transaction, so that a STOP never waits long behind an import
NO_WORD = ("bounce",)  # reasons that say nothing of what a person wants

Place = tuple[str, str]  # address hash, channel


@dataclass(frozen=True)
class ImportedConsent:
    """A consent that another system recorded: a row of the published table `consent_imports`."""

    customer_id: str | None
    source: str
    source_record_id: str
    channel: str
    purpose: str
    action: str
    legal_basis: str
    occurred_at: datetime
    method: str | None
    wording: str | None
    locale: str | None
    address: str | None
    evidence: dict[str, Any] | None = None
    expires_at: datetime | None = None  # naive UTC


@dataclass(frozen=True)
class ImportedOptOut:
    """An address that another system writes to no more, and why; `occurred_at` is naive UTC.

    `dated` is False where the system's own date could not be read and ours stands in for it.
    """

    address_hash: str
    channel: str
    reason: SuppressionReason
    occurred_at: datetime
    source: str
    source_record_id: str
    method: str
    customer_id: str | None = None
    dated: bool = True
    wording: str | None = None
    evidence: dict[str, Any] | None = None

    @property
    def place(self) -> Place:
        """What is suppressed."""
        return self.address_hash, self.channel


@dataclass(frozen=True)
class ImportCounts:
    """What an import did: rows given = recorded + already recorded + unusable (no person, no address)."""

    recorded: int
    already: int
    unusable: int

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        """Add up two imports."""
        return ImportCounts(
            self.recorded + other.recorded, self.already + other.already, self.unusable + other.unusable
        )


def record_imports(
    store: Store,
    addresses: Addresses,
    rows: Iterable[ImportedConsent],
    recorded_at: datetime,
    parted: Container[str] = (),
) -> ImportCounts:
    """Record what other systems recorded, each word of a (source, record, channel, purpose) once.

    A system that keeps one record a contact and changes it has a new word where the action is another than
    the last one that we took from it; said again, with whatever date, a word is known. A revocation stays with
    whoever it was told of, and is told of everybody to whom its record comes: of nobody at first, of another after a
    merge or a split. A grant is told again only of people who were `parted` from others: what was recorded while
    they were one is nobody's, but this record is theirs.
    """
    counts = ImportCounts(0, 0, 0)
    for batch in _in_order(rows):
        usable, unusable = _usable(batch, addresses)
        with store.write() as connection:
            last = last_words(connection, usable)
            news = [new for key, event in usable.items() if (new := _news(event, last.get(key), parted))]
            recorded = _append_new(connection, news, recorded_at)
        counts += ImportCounts(recorded, len(batch) - recorded - unusable, unusable)
    return counts


def foresee_imports(store: Store, addresses: Addresses, rows: Iterable[ImportedConsent]) -> ImportCounts:
    """Say what `record_imports` would count of the same rows by now; nothing is written."""
    counts = ImportCounts(0, 0, 0)
    heard: dict[RecordKey, Word] = {}  # the last word of each record, and every word, of the batches before
    written: set[RecordKey] = set()
    for batch in _in_order(rows):
        usable, unusable = _usable(batch, addresses)
        with store.read() as connection:
            last = last_words(connection, usable) | {key: heard[key] for key in usable if key in heard}
            news = {key: new for key, event in usable.items() if (new := _news(event, last.get(key), ()))}
            known = said_already(connection, [record_key(event) for event in news.values()])
        fresh = {
            key: new
            for key, new in news.items()
            if record_key(new) not in known and record_key(new) not in written
        }
        written |= {record_key(new) for new in fresh.values()}
        for key, new in fresh.items():
            before = last.get(key)
            if before is None or before.action != new.action:
                heard[key] = Word(new.action, before.number + 1 if before else 1, new.customer_id)
        counts += ImportCounts(len(fresh), len(batch) - len(fresh) - unusable, unusable)
    return counts


def _in_order(rows: Iterable[ImportedConsent]) -> Iterator[list[ImportedConsent]]:
    """Give rows as they were said, of one moment an opt-out last, as many at a time as a transaction takes."""
    ordered = sorted(rows, key=lambda row: (row.occurred_at, row.action == "revoke", row.source_record_id))
    remaining = iter(ordered)
    while batch := list(islice(remaining, IMPORT_BATCH)):
        yield batch


def _usable(
    batch: Iterable[ImportedConsent], addresses: Addresses
) -> tuple[dict[RecordKey, ConsentEvent], int]:
    """Give the events of somebody, by their records, and how many are of nobody."""
    events = [_imported(row, addresses) for row in batch]
    usable = {record_key(event): event for event in events if event.customer_id or event.address_hash}
    return usable, sum(1 for event in events if not (event.customer_id or event.address_hash))


def record_opt_outs(store: Store, opt_outs: Iterable[ImportedOptOut], recorded_at: datetime) -> ImportCounts:
    """Suppress each address, and revoke marketing of those behind it: the person named, and all whom we wrote to there.

    A record does so once: where the suppression was lifted since, it does not come back with the record, and an opt-out
    that was said before a lifting is over. A suppression never gets weaker.
    """
    remaining, counts = iter(opt_outs), ImportCounts(0, 0, 0)
    while batch := list(islice(remaining, IMPORT_BATCH)):
        with store.write() as connection:
            recorded = _take_opt_outs(connection, batch, recorded_at)
        counts += ImportCounts(recorded, len(batch) - recorded, 0)
    return counts


def tell_owners(
    store: Store, addresses: Addresses, held: Iterable[tuple[str, str, str]], recorded_at: datetime
) -> int:
    """Tell people of the withdrawals that were recorded when nobody knew whose the address is; gives how many were news.

    `held` is who holds what: customer_id, identifier_type, value. A person may have other addresses, and may be
    merged with somebody who said yes: a withdrawal that is known by its address alone would be lost on them.
    """
    with store.read() as connection:
        nameless = _nameless(connection)
    if not nameless:
        return 0
    said = (
        of_person(one, customer_id)
        for customer_id, kind, value in held
        for one in nameless.get(addresses.hash((kind == "email" and normalise("email", value)) or value), ())
        if (one.channel == "email") == (kind == "email")
    )
    told = 0
    while batch := list(islice(said, IMPORT_BATCH)):
        with store.write() as connection:
            told += _append_new(connection, batch, recorded_at)
    return told


def _nameless(connection: Connection) -> dict[str, list[ConsentEvent]]:
    """Read the withdrawals that stand and name nobody, by address."""
    table = consent_events.c
    names = tuple(ConsentEvent.__dataclass_fields__)
    hashes = select(table.address_hash).where(table.customer_id.is_(None), table.action == "revoke")
    rows = select(table.event_id, *(table[name] for name in names)).where(table.address_hash.in_(hashes))
    said: dict[
        tuple[str, str, str], ConsentEvent
    ] = {}  # the newest that names nobody, while a withdrawal stands
    for row in connection.execute(rows.order_by(table.occurred_at, table.sequence)).mappings():
        event = ConsentEvent(**{name: row[name] for name in names})
        place = (event.address_hash or "", event.channel, event.purpose)
        if event.action == "grant":
            said.pop(place, None)
        elif event.action == "void":
            if place in said and _takes_back(event, said[place]):
                said.pop(place)
        elif event.customer_id is None:
            said[place] = replace(event, source_record_id=event.source_record_id or row["event_id"])
    found: dict[str, list[ConsentEvent]] = {}
    for (address_hash, _, _), event in said.items():
        found.setdefault(address_hash, []).append(event)
    return found


def _takes_back(void: ConsentEvent, event: ConsentEvent) -> bool:
    named = said_by(void.source_record_id, void.customer_id)
    record = said_by(event.source_record_id, event.customer_id)
    return void.source == event.source and named == f"{VOIDED}{record}"


def _take_opt_outs(connection: Connection, batch: Sequence[ImportedOptOut], recorded_at: datetime) -> int:
    """Take one transaction's opt-outs; give how many of them were news."""
    people = _people(connection, batch)
    keys = [person_key(person) for some in people.values() for person in some]
    # all at once and before the first look: two writers who take them one by one may wait for each other in a ring
    lock(connection, [*keys, *(address_key(one.address_hash) for one in batch)])
    standing = _standing(connection, {one.address_hash for one in batch})
    events = {id(one): _events(one, people[one.place]) for one in batch}
    known = said_already(connection, [record_key(event) for said in events.values() for event in said])
    written: dict[RecordKey, ConsentEvent] = {}
    changed: dict[Place, dict[str, Any]] = {}
    news = 0
    for one in batch:
        said = {record_key(event): event for event in events[id(one)]}
        heard = any(key in known for key in said)
        if _is_over(one, standing.get(one.place)) or (heard and not one.dated):
            continue
        harder = None if heard else _harder(one, standing.get(one.place))
        if harder:
            standing[one.place] = changed[one.place] = harder
        alone, *named = said
        fresh = [key for key in named or [alone] if key not in known and key not in written]
        written |= {key: said[key] for key in fresh if one.reason not in NO_WORD}
        news += bool(harder or (fresh and one.reason not in NO_WORD))
    _suppress(connection, changed)
    append(connection, list(written.values()), recorded_at)
    return news


def _is_over(one: ImportedOptOut, standing: Mapping[str, Any] | None) -> bool:
    """Say whether the suppression was lifted after this was said."""
    return bool(standing and standing["lifted_at"] and standing["lifted_at"] > one.occurred_at)


def _harder(one: ImportedOptOut, standing: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Give the suppression as it is to be, or None where the one that stands is as hard."""
    weight = -1 if standing is None or standing["lifted_at"] is not None else hardness(standing["reason"])
    if hardness(one.reason) <= weight:
        return None
    return {"reason": one.reason, "since": one.occurred_at, "source": one.source, "lifted_at": None}


def _events(one: ImportedOptOut, people: Iterable[str]) -> list[ConsentEvent]:
    """Give what a record says: first of the address alone, then of each person behind it."""
    alone = ConsentEvent(
        address_hash=one.address_hash,
        channel=one.channel,
        purpose="marketing",
        legal_basis="consent",
        action="revoke",
        occurred_at=one.occurred_at,
        source=one.source,
        source_record_id=one.source_record_id,
        actor="import",
        method=one.method,
        wording=one.wording,
        evidence=one.evidence,
    )
    return [alone, *(of_person(alone, person) for person in sorted(people))]


def _people(connection: Connection, batch: Sequence[ImportedOptOut]) -> dict[Place, set[str]]:
    """Find the people behind each address: those named, and those whom we wrote to there."""
    found: dict[Place, set[str]] = {one.place: set() for one in batch}
    table = messages.c
    rows = select(table.address_hash, table.channel, table.customer_id).where(
        table.address_hash.in_({one.address_hash for one in batch})
    )
    for row in connection.execute(rows.distinct()):
        if (row.address_hash, row.channel) in found:
            found[row.address_hash, row.channel].add(row.customer_id)
    for one in batch:
        if one.customer_id:
            found[one.place].add(one.customer_id)
    return found


def _standing(connection: Connection, address_hashes: Iterable[str]) -> dict[Place, dict[str, Any]]:
    rows = select(suppressions).where(suppressions.c.address_hash.in_(list(address_hashes)))
    return {(row["address_hash"], row["channel"]): dict(row) for row in connection.execute(rows).mappings()}


def _suppress(connection: Connection, changed: Mapping[Place, Mapping[str, Any]]) -> None:
    """Write suppressions, new ones and those that stand; the locks of the addresses have to be held."""
    if not changed:
        return
    there = _standing(connection, {address_hash for address_hash, _ in changed})
    new = [
        {"address_hash": place[0], "channel": place[1], **values}
        for place, values in changed.items()
        if place not in there
    ]
    if new:
        connection.execute(insert(suppressions), new)
    for place in changed.keys() & there.keys():
        here = (suppressions.c.address_hash == place[0]) & (suppressions.c.channel == place[1])
        connection.execute(update(suppressions).where(here).values(**changed[place]))


def _news(event: ConsentEvent, last: Word | None, parted: Container[str]) -> ConsentEvent | None:
    """Give the event that a record's word is, or None where it has been said."""
    if last is None or last.action != event.action:
        return reworded(event, last)
    if event.customer_id is None:
        return None
    if event.customer_id in parted or (event.action == "revoke" and event.customer_id != last.customer_id):
        return of_person(again(event, last), event.customer_id)
    return None


def _append_new(connection: Connection, events: Sequence[ConsentEvent], recorded_at: datetime) -> int:
    """Add events that are not there; what another process added while we waited for the locks is there by then."""
    people = [person_key(event.customer_id) for event in events if event.customer_id]
    lock(connection, people + [address_key(event.address_hash) for event in events if event.address_hash])
    known = said_already(connection, [record_key(event) for event in events])
    return len(append(connection, [event for event in events if record_key(event) not in known], recorded_at))


def _imported(row: ImportedConsent, addresses: Addresses) -> ConsentEvent:
    address = normalise(row.channel, row.address) if row.address else None
    if row.action == "revoke":  # what cannot be a real number is kept as it stands, as an answered STOP is
        address = address or row.address
    return ConsentEvent(
        customer_id=row.customer_id,
        address_hash=addresses.hash(address) if address else None,
        channel=row.channel,
        purpose=row.purpose,
        legal_basis=row.legal_basis,
        action=row.action,
        occurred_at=row.occurred_at,
        source=row.source,
        source_record_id=row.source_record_id,
        actor="import",
        method=row.method or "import",
        locale=row.locale,
        wording=row.wording,
        evidence=row.evidence,
        expires_at=row.expires_at,
    )
