"""Whom to ask the store about again: what it had said when it was asked last, kept beside it in the warehouse.

What the gate finds of a person follows from the consent events under their ids and of their addresses, from the suppressions
of these, and from who they were merged with and split from. Where none of that differs, neither does the answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import Connection, exists, select

from messaging.consent import KnownAs
from messaging.consent_standing import Holder
from messaging.store.tables import consent_events, suppressions

if TYPE_CHECKING:
    import duckdb

Silence = tuple[str, str, str]  # address hash, channel, reason

_CREATE = """
    CREATE OR REPLACE TABLE store.heard (newest BIGINT, chain VARCHAR, hashed BOOLEAN, moment TIMESTAMP);
    CREATE OR REPLACE TABLE store.silences (address_hash VARCHAR, channel VARCHAR, reason VARCHAR);
    CREATE OR REPLACE TABLE store.known_as (customer_id VARCHAR, known VARCHAR)
"""
_EVERYBODY = """
    CREATE OR REPLACE TABLE increment.asked AS
    SELECT customer_id FROM identity.customer_identifiers UNION SELECT customer_id FROM store.consents
"""
_ASK = """
    CREATE OR REPLACE TABLE increment.asked AS
    SELECT customer_id FROM increment.people
    UNION
    SELECT unnest(?::VARCHAR[])
    UNION
    SELECT customer_id FROM store.holders WHERE address IN (SELECT unnest(?::BIGINT[]))
"""


@dataclass(frozen=True)
class Heard:
    """All that the store says at a `moment` (naive UTC): up to which event, who is silent, who is known as whom.

    `newest` is the sequence number of that event and `chain` its hash, which stands for all events before it; 0 and "" where
    there is none. `hashed` is whether it knows any address, so that addresses have to be compared with its hashes.
    """

    newest: int
    chain: str
    hashed: bool
    moment: datetime
    silences: frozenset[Silence]
    known_as: Mapping[str, str]


def hear(reading: Connection, people: Mapping[str, KnownAs], moment: datetime) -> Heard:
    """Read it, before anything is asked: what comes in between is asked about now, and again the next time."""
    said = consent_events.c
    newest = select(said.sequence, said.hash).order_by(said.sequence.desc()).limit(1)
    last = reading.execute(newest).first()
    sequence, chain = (last.sequence, last.hash) if last else (0, "")
    table = suppressions.c
    silent = select(table.address_hash, table.channel, table.reason).where(table.lifted_at.is_(None))
    silences = frozenset((row.address_hash, row.channel, row.reason) for row in reading.execute(silent))
    said_of_addresses = exists(
        select(consent_events.c.sequence).where(consent_events.c.address_hash.is_not(None))
    )
    hashed = bool(silences) or bool(reading.execute(select(said_of_addresses)).scalar())
    known_as = {customer_id: repr(person) for customer_id, person in people.items()}
    return Heard(sequence, chain, hashed, moment, silences, known_as)


def ask_again(
    connection: "duckdb.DuckDBPyConnection",
    reading: Connection,
    now: Heard,
    people: Mapping[str, KnownAs],
) -> None:
    """Put into `increment.asked` of whom the store may say something else than it did to the build before.

    They are those of `increment.people`, of whom or of whose addresses something was said since, and whose consent has run
    out by now, or had by then, for a clock may be put back. It is everybody where nobody can tell: the store knew no address
    then, or its events are not those of then (a backup was put back, and numbers are given again).
    """
    before = _read(connection)
    if (now.hashed and not before.hashed) or _chain(reading, before.newest) != before.chain:
        connection.execute(_EVERYBODY)
        return
    table = consent_events.c
    new = reading.execute(
        select(table.customer_id, table.address_hash).where(
            (table.sequence > before.newest) | (table.expires_at <= max(now.moment, before.moment))
        )
    ).all()
    named = {row.customer_id for row in new if row.customer_id}
    named |= {one for one, person in people.items() if not named.isdisjoint(person.everything)}
    named |= {one for one, _ in now.known_as.items() ^ before.known_as.items()}
    places = {row.address_hash for row in new if row.address_hash}
    places |= {address_hash for address_hash, _, _ in now.silences ^ before.silences}
    connection.execute(_ASK, [sorted(named), sorted(map(_key, places))])


def remember(connection: "duckdb.DuckDBPyConnection", heard: Heard) -> None:
    """Keep what the store said, for the next time."""
    connection.execute(_CREATE)
    row = [heard.newest, heard.chain, heard.hashed, heard.moment]
    connection.execute("INSERT INTO store.heard VALUES (?, ?, ?, ?)", row)
    _insert(connection, "silences", sorted(heard.silences))
    _insert(connection, "known_as", sorted(heard.known_as.items()))


def keep_holders(connection: "duckdb.DuckDBPyConnection", holders: Iterable[Holder]) -> None:
    """Keep in `store.holders` who holds which address.

    An address is known by the first 60 bits of its hash: two that are one by chance let somebody be asked about too many.
    """
    held = [(each.customer_id, _key(each.address_hash)) for each in holders if each.address_hash]
    _insert(connection, "holders", held)


def _key(address_hash: str) -> int:
    return int(address_hash[:15], 16)


def _chain(reading: Connection, sequence: int) -> str:
    table = consent_events.c
    return reading.execute(select(table.hash).where(table.sequence == sequence)).scalar() or ""


def _read(connection: "duckdb.DuckDBPyConnection") -> Heard:
    newest, chain, hashed, moment = connection.execute("FROM store.heard").fetchall()[0]
    silences = connection.execute("FROM store.silences").fetchall()
    known_as = connection.execute("FROM store.known_as").fetchall()
    return Heard(newest, chain, hashed, moment, frozenset(silences), dict(known_as))


def _insert(connection: "duckdb.DuckDBPyConnection", table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        columns = {
            f"column_{place}": pa.array(column) for place, column in enumerate(zip(*rows, strict=True))
        }
        connection.from_arrow(pa.table(columns)).insert_into(f"store.{table}")
