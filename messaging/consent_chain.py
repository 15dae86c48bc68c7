"""The hash chain of consent events: a change, an insertion or a gap shows.

Each event commits to H(salt, payload), and the chain goes over these commitments. An erasure may therefore
drop a payload with its salt, and the chain still verifies.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from messaging.store import chain
from messaging.store.chain import GENESIS, ChainVerdict, commit, link
from messaging.store.ids import new_id
from messaging.store.locks import CONSENT_CHAIN, lock
from messaging.store.tables import consent_events

VOIDED = "void:"  # before the name of a record whose words count no more
REWORDED = "~"  # before the number of a record's second and later words

RecordKey = tuple[str, str | None, str, str]  # source, record, channel, purpose


@dataclass(frozen=True)
class ConsentEvent:
    """Somebody granted or revoked something, at a naive UTC time: a person, an address hash, or both."""

    channel: str  # email | sms | whatsapp | voice
    purpose: str  # marketing | service | profiling
    action: str  # grant | revoke | void (what the record of this name said counts no more)
    legal_basis: str  # consent | soft_opt_in | legitimate_interest | contract
    occurred_at: datetime
    source: str
    actor: str
    method: str
    customer_id: str | None = None
    address_hash: str | None = None
    source_record_id: str | None = None
    locale: str | None = None
    wording: str | None = None
    evidence: dict[str, Any] | None = None
    wording_hash: str | None = None  # of the wording where there is one
    expires_at: datetime | None = None  # naive UTC: from then on a grant is none


class Word(NamedTuple):
    """What a record said last, as which of its words, and of which person, if it was known."""

    action: str
    number: int
    customer_id: str | None


class Said(NamedTuple):
    """What an event says, and of which person, if it was known."""

    action: str
    customer_id: str | None


def append(connection: Connection, events: Sequence[ConsentEvent], recorded_at: datetime) -> list[str]:
    """Add events to the end of the chain; give their ids."""
    if not events:
        return []
    lock(connection, [CONSENT_CHAIN])
    table = consent_events.c
    newest = select(table.hash).order_by(table.sequence.desc()).limit(1)
    previous = connection.execute(newest).scalar() or GENESIS
    rows = []
    for event in events:
        payload = _plain(event) | {"event_id": new_id("con"), "recorded_at": recorded_at}
        salt = secrets.token_hex(16)
        commitment = _commit(salt, payload)
        hashed = link(previous, commitment)
        rows.append(
            payload | {"salt": salt, "commitment": commitment, "previous_hash": previous, "hash": hashed}
        )
        previous = hashed
    connection.execute(insert(consent_events), rows)
    return [str(row["event_id"]) for row in rows]


def verify_chain(connection: Connection) -> ChainVerdict:
    """Go over the whole chain and say where it first does not hold."""
    rows = connection.execute(select(consent_events).order_by(consent_events.c.sequence))
    return chain.verify(rows.mappings(), lambda row: row["commitment"] == _commit(row["salt"], row))


def record_key(event: ConsentEvent) -> RecordKey:
    """Give what makes an event unique: the record that it came in, for one channel and purpose."""
    return event.source, event.source_record_id, event.channel, event.purpose


def reworded(event: ConsentEvent, last: Word | None) -> ConsentEvent:
    """Give the second and every later word of one record a number: each is an event of its own."""
    if last is None:
        return event
    return replace(event, source_record_id=_worded(event.source_record_id, last.number + 1))


def again(event: ConsentEvent, last: Word) -> ConsentEvent:
    """Give an event the name of the word that said the same."""
    return replace(event, source_record_id=_worded(event.source_record_id, last.number))


def of_person(event: ConsentEvent, customer_id: str) -> ConsentEvent:
    """Give what a record says of one of the people behind an address: an event of its own."""
    record_id = event.source_record_id
    return replace(
        event, customer_id=customer_id, source_record_id=record_id and f"{record_id}#{customer_id}"
    )


def voided(connection: Connection, source: str, record_id: str, said: ConsentEvent) -> list[ConsentEvent]:
    """Give what takes back everything that a record said, of whomever it was told; `said` tells when, by whom and how.

    Nothing where the record was taken back before.
    """
    table = consent_events.c
    named = table.source_record_id.startswith(record_id, autoescape=True)
    rows = connection.execute(
        select(consent_events).where(table.source == source, named).order_by(table.sequence)
    )
    told = [row for row in rows if said_by(row.source_record_id, row.customer_id) == record_id]
    events = [
        replace(
            said,
            action="void",
            channel=row.channel,
            purpose=row.purpose,
            legal_basis=row.legal_basis,
            customer_id=row.customer_id,
            address_hash=row.address_hash,
            source=source,
            source_record_id=f"{VOIDED}{row.source_record_id}",
        )
        for row in told
    ]
    known = said_already(connection, [record_key(event) for event in events])
    return [event for event in events if record_key(event) not in known]


def said_by(record_id: str | None, customer_id: str | None) -> str | None:
    """Give the record that an event came in, whichever of its words it is and whomever it is told of."""
    if record_id is None:
        return None
    word = record_id.removesuffix(f"#{customer_id}")
    record, _, number = word.rpartition(REWORDED)
    return record if record and number.isdigit() else word


def last_words(connection: Connection, keys: Iterable[RecordKey]) -> dict[RecordKey, Word]:
    """Read the last word taken of each record, following its numbers for as long as there are any."""
    last: dict[RecordKey, Word] = {}
    asked, number = {key: key for key in keys}, 1
    while asked:
        known = said_already(connection, asked)
        said = {key: asked[key] for key in asked if key in known}
        last |= {
            record: Word(known[key].action, number, known[key].customer_id) for key, record in said.items()
        }
        number += 1
        asked = {(record[0], _worded(record[1], number), *record[2:]): record for record in said.values()}
    return last


def said_already(connection: Connection, keys: Iterable[RecordKey]) -> dict[RecordKey, Said]:
    """Give what each event of these keys that is there says; it may give others of the same records too."""
    table, wanted = consent_events.c, list(keys)
    columns = (table.source, table.source_record_id, table.channel, table.purpose)
    rows = select(*columns, table.action, table.customer_id).where(
        table.source.in_({key[0] for key in wanted}), table.source_record_id.in_({key[1] for key in wanted})
    )
    return {tuple(row[:4]): Said(row.action, row.customer_id) for row in connection.execute(rows)}


def _worded(record_id: str | None, number: int) -> str | None:
    return record_id if number == 1 else f"{record_id}{REWORDED}{number}"


def _plain(event: ConsentEvent) -> dict[str, Any]:
    """Give an event as plain data; `asdict` copies deeply, which took 40 % of a long import."""
    plain = {name: getattr(event, name) for name in ConsentEvent.__dataclass_fields__}
    if event.wording and not event.wording_hash:
        plain["wording_hash"] = hash_of(event.wording)
    return plain


def hash_of(wording: str) -> str:
    """Give what names a wording, however its lines are broken: the same words have the same name for good."""
    return hashlib.sha256(" ".join(wording.split()).encode()).hexdigest()


# Since 2026-11-22; an event of before commits to its payload without them.
_LATER = ("wording_hash", "expires_at")
_PAYLOAD = ("event_id", "recorded_at", *ConsentEvent.__dataclass_fields__)


def _commit(salt: str, row: Mapping[Any, Any]) -> str:
    kept = (name for name in _PAYLOAD if name not in _LATER or row[name] is not None)
    return commit(salt, {name: row[name] for name in kept})
