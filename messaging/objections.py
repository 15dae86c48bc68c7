"""Who objected to profiling, and what is told of them: nothing that was concluded (Article 21 of the GDPR).

A release leaves out what was concluded of those whose objection its build knew. One that came since counts at once: whoever
reads customer_360 lays it over, so that a segment no longer matches by a score and a card no longer shows it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, literal_column, select

from data_contracts.contracts import published_contract
from messaging import consent
from messaging.consent import KnownAs
from messaging.release import Row, Snapshot
from messaging.store.tables import consent_events

VIEW, PURPOSE, KNOWN = "customer_360", "profiling", "profiling_objected"
# What stands in a column of theirs where that is not nothing, in the words of the models.
STANDS: Mapping[str, Any] = {
    KNOWN: True,
    "sentiment_trend": "unknown",
    "value_note": "They objected to profiling.",
    "score_note": "They objected to profiling, so nothing is concluded about them.",
}

# Into these go names of the contract; every value is bound.
REPLACED = 'CASE WHEN objectors.id IS NULL THEN person."{column}" ELSE ? END AS "{column}"'
SILENCED = """
(SELECT person.* REPLACE ({columns}) FROM c360.customer_360 AS person
 LEFT JOIN (SELECT unnest(?::VARCHAR[]) AS id) AS objectors ON person.customer_id = objectors.id)
"""


@cache
def concluded() -> tuple[str, ...]:
    """Name the columns of customer_360 that conclude something of a person, and the one that says whether they objected."""
    return (KNOWN, *(column.name for column in published_contract(VIEW).columns if column.profiling))


def has_objected(connection: Connection, person: KnownAs, address_hashes: Collection[str] = ()) -> bool:
    """Say whether a withdrawal stands for a person, on whichever channel: under one of their ids, or from an address."""
    asked = {"ids": person.everything, "hashes": list(address_hashes)}
    words = {
        (row.channel, row.address_hash if row.address_hash in address_hashes else None)
        for row in connection.execute(_said(), asked)
    }
    states = (consent.state(connection, person, address, channel, PURPOSE) for channel, address in words)
    return any(state is not None and not state.granted for state in states)


@cache  # to put a query together costs three times what it takes to run it (2026-11-22)
def _said() -> Select[Any]:
    table = consent_events.c
    by_id = table.customer_id.in_(bindparam("ids", expanding=True))
    by_address = table.address_hash.in_(bindparam("hashes", expanding=True))
    said = select(table.channel, table.address_hash).where(by_id | by_address, table.purpose == PURPOSE)
    return said.distinct()


def objectors_since(connection: Connection, people: Mapping[str, KnownAs], since: datetime) -> frozenset[str]:
    """Name everybody whose withdrawal was recorded after a moment (naive UTC) and stands, by all of their ids.

    `people` is what everybody is known as who has had or shared several ids. What was said from an address alone, by
    nobody in particular, is not among it: the next build finds whose that is.
    """
    table = consent_events.c
    # Written out, not bound: SQLite takes the index of what is said of profiling only where it can read that here.
    profiling = table.purpose == literal_column(f"'{PURPOSE}'")
    said = select(table.customer_id).where(profiling, table.action == "revoke", table.recorded_at >= since)
    names: set[Any] = set(connection.execute(said.distinct()).scalars())
    names.discard(None)
    concerned = {name: people.get(name) or KnownAs((name,)) for name in names}
    if names:  # who shared an id until a split keeps what was withdrawn under it
        concerned |= {
            one: person for one, person in people.items() if not names.isdisjoint(person.everything)
        }
    return frozenset(name for name, person in concerned.items() if has_objected(connection, person))


def silenced(facts: Row) -> Row:
    """Give the facts of somebody who objected, without what was concluded of them."""
    return facts | {name: STANDS.get(name) for name in concluded() if name in facts}


def everybody(snapshot: Snapshot, objectors: Collection[str]) -> tuple[str, Sequence[Any]]:
    """Give what to read customer_360 from, as SQL with its parameters: of objectors without what was concluded of them."""
    if not objectors:
        return f"c360.{VIEW}", ()
    known = [name for name in concluded() if name in snapshot.columns(VIEW)]
    columns = ", ".join(REPLACED.format(column=name) for name in known)
    return SILENCED.format(columns=columns), [*(STANDS.get(name) for name in known), sorted(objectors)]
