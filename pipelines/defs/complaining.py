"""Complaints that a build found, told to the store: marketing rests while they are open, and no longer.

What stands for itself (a help desk's complaint, a call's topic, a bad review) is one; texts are read by the words that the
receiver reads by. Several texts of one conversation are one complaint, named by its first. Nobody's word counts for ever:
who was not answered for `STALE` has long gone elsewhere; but what a help desk keeps open is open however old it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dagster import AssetExecutionContext, MaterializeResult, asset

from messaging.complaints import RECORD, Complaint, agree_with, name_writers, said_at, unnamed
from messaging.inbox.complaints import complains
from messaging.settings import Settings
from messaging.store import Store
from pipelines.defs.consents import everybody
from pipelines.defs.keys import key
from pipelines.defs.resources import session_of
from pipelines.sources.outreach import SOURCE as OUR_SOURCE
from pipelines.sources.outreach import record_of
from pipelines.warehouse.connection import open_warehouse

if TYPE_CHECKING:
    import duckdb

STALE = timedelta(days=90)
FETCHED = 10_000  # rows
Row = tuple[str, str, str, str, datetime, datetime, str, str | None]
_FOUND = """
    SELECT customer_id, source, record_id, conversation_id, opened_at, said_at, basis, body
    FROM intermediate.int_service__unsettled LEFT JOIN intermediate.int_texts__texts USING (text_key)
    WHERE basis = 'desk' OR said_at > ?
    ORDER BY customer_id, conversation_id, opened_at, source, record_id
"""

_WROTE = """
    SELECT source_record_id, customer_id FROM identity.identity_map
    WHERE source = ? AND source_record_id IN (SELECT unnest(?::VARCHAR[])) AND customer_id IS NOT NULL
"""


@asset(
    key=key("store_complaints"),
    deps=[key("int_service__unsettled"), key("int_texts__texts"), key("identity", "identity_journal")],
    group_name="store",
    required_resource_keys={"build"},
    description="Open complaints among tickets, calls, reviews and messages, as flags of our own store: marketing rests.",
)
def store_complaints(context: AssetExecutionContext) -> MaterializeResult[None]:
    """Open and close the flags of complaints that records tell of."""
    session = session_of(context)
    with session.stage("complaints") as stage:
        opened, closed, stage.rows = tell_store(
            session.settings, session.store, session.as_of, session.clock.now()
        )
    return MaterializeResult(metadata={"open": stage.rows, "opened": opened, "closed": closed})


def tell_store(settings: Settings, store: Store, as_of: datetime, now: datetime) -> tuple[int, int, int]:
    """Make the store's flags those of what stands open; give how many were opened and closed, and how many stand.

    Both moments are naive UTC.
    """
    with open_warehouse(settings.build_path, read_only=True) as connection:
        found = connection.execute(_FOUND, [as_of - STALE])
        standing: dict[tuple[str, str], Complaint] = {}
        while rows := found.fetchmany(FETCHED):
            for conversation, one in _complaints(rows):
                first = standing.get(conversation, one)
                standing[conversation] = replace(first, said_at=max(said_at(first), said_at(one)))
        with store.read() as reading:
            people = everybody(connection, reading, now)
            writers = _writers(connection, unnamed(reading))
    with store.write() as writing:
        opened, closed = agree_with(writing, standing.values(), people, now)
        name_writers(writing, writers)
    return opened, closed, len(standing)


def _complaints(rows: Iterable[Row]) -> Iterator[tuple[tuple[str, str], Complaint]]:
    """Give each complaint with the person and the conversation that it is of."""
    for customer_id, source, record_id, conversation_id, opened_at, last_at, basis, body in rows:
        if basis != "text" or (body is not None and complains(body)):
            told = Complaint(source, record_id, RECORD, opened_at, customer_id, said_at=last_at)
            yield (customer_id, conversation_id), told


def _writers(connection: "duckdb.DuckDBPyConnection", flags: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Find out who wrote what the receiver heard from an address that was nobody's then, by flag."""
    by_record = {record_of(inbound_id, channel): flag_id for flag_id, (inbound_id, channel) in flags.items()}
    found = connection.execute(_WROTE, [OUR_SOURCE, list(by_record)]).fetchall() if by_record else []
    return {by_record[record_id]: customer_id for record_id, customer_id in found}
