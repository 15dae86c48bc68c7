"""The store's word on consents laid into the warehouse, so that the view never says more than the gate would.

It is asked after what this build brought was recorded, and for every address that somebody holds: which of them is the
best is decided later, in the models. A build of a part asks only of whom something may have changed (heard.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from messaging.addresses import Addresses, normalise, read_addresses
from messaging.consent_standing import MAIL, PHONE, Holder, Standing, StandingConsents
from messaging.settings import Settings
from messaging.store import Store
from pipelines.defs.consents import everybody
from pipelines.defs.heard import ask_again, hear, keep_holders, remember
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.increment import is_part

if TYPE_CHECKING:
    import duckdb

BATCH = 50_000  # addresses in memory at a time

_CREATE = """
    CREATE SCHEMA IF NOT EXISTS store;
    CREATE OR REPLACE TABLE store.consents (
        customer_id VARCHAR, address VARCHAR, channel VARCHAR, purpose VARCHAR, state VARCHAR, "at" TIMESTAMP,
        suppression VARCHAR
    );
    CREATE OR REPLACE TABLE store.holders (customer_id VARCHAR, address BIGINT)
"""
# A cursor begins in no catalog, so the tables are named with it. The plans were asked about each number already: that takes
# 50 us, a thousand times this query's share. `{}` says of whom.
_HELD = """
    SELECT DISTINCT customer_id, NULL AS identifier_type, NULL AS value, NULL AS validity, NULL AS canonical
    FROM c360.identity.customer_identifiers {}
    UNION ALL
    SELECT customer_id, identifier_type, value, validity, canonical
    FROM (FROM c360.identity.customer_identifiers {}) AS held
    LEFT JOIN c360.identity.identity_phones AS phones ON identifier_type = 'phone' AND held.value = phones.phone
    WHERE identifier_type IN ('email', 'phone')
"""
_ASKED = "SEMI JOIN c360.increment.asked USING (customer_id)"
_TAKE_OUT = """
    CREATE OR REPLACE TABLE increment.former_consents AS
    FROM store.consents SEMI JOIN increment.asked USING (customer_id);
    DELETE FROM store.consents WHERE customer_id IN (FROM increment.asked);
    DELETE FROM store.holders WHERE customer_id IN (FROM increment.asked)
"""
_CHANGED = """
    INSERT INTO increment.people
    WITH consents AS (FROM store.consents SEMI JOIN increment.asked USING (customer_id))
    SELECT customer_id FROM (
        (FROM consents EXCEPT FROM increment.former_consents)
        UNION ALL (FROM increment.former_consents EXCEPT FROM consents)
    )
"""
_INSERT = "INSERT INTO store.consents SELECT " + ", ".join(["unnest(?)"] * 7)


def write_standing(settings: Settings, store: Store, moment: datetime) -> int:
    """Make `store.consents`: a row a person, address, channel and purpose of which anything stands; count those asked for.

    A row without an address says what stands of the person alone. `moment` is naive UTC.
    """
    addresses, count = read_addresses(settings, store), 0
    with open_warehouse(settings.build_path) as connection, store.read() as reading:
        people = everybody(connection, reading, moment)
        heard = hear(
            reading, people, moment
        )  # before all else: what is said from now on is for the next build
        standing = StandingConsents(reading, people, moment)
        if part := is_part(connection):
            ask_again(connection, reading, heard, people)
            connection.execute(_TAKE_OUT)
        else:
            connection.execute(_CREATE)
        holders = _holders(connection.cursor(), addresses, hashed=heard.hashed, part=part)
        while batch := list(islice(holders, BATCH)):
            count += _write(connection, list(standing.of(batch)))
            keep_holders(connection, batch)
        remember(connection, heard)
        if part:
            connection.execute(_CHANGED)
    return count


def _holders(
    connection: "duckdb.DuckDBPyConnection", addresses: Addresses, *, hashed: bool, part: bool
) -> Iterator[Holder]:
    only = _ASKED if part else ""
    found = connection.execute(_HELD.format(only, only))
    while some := found.fetchmany(BATCH):
        for customer_id, kind, value, validity, canonical in some:
            if kind is None:
                yield Holder(customer_id, None, (*MAIL, *PHONE), None)
                continue
            usable = _usable(kind, value, validity, canonical) if hashed else None
            channels = MAIL if kind == "email" else PHONE
            yield Holder(customer_id, value, channels, addresses.hash(usable) if usable else None)


def _usable(kind: str, value: str, validity: str | None, canonical: str | None) -> str | None:
    """Give the normal form of an address, as the gate makes it, or None where it cannot be written to."""
    if kind == "phone" and validity is not None:
        return canonical if validity == "valid" else None
    return normalise("email" if kind == "email" else "sms", value)


def _write(connection: "duckdb.DuckDBPyConnection", rows: Sequence[Standing]) -> int:
    if rows:
        connection.execute(_INSERT, [list(column) for column in zip(*map(astuple, rows), strict=True)])
    return len(rows)
