"""Opt-ins and opt-outs found in landed data become consent events of the operational store, each once.

Ingest has taken the opt-outs to the store already (`pipelines.sources.opt_outs`); this is the second net, and it knows the
people whom a record is about. Starts are not imported: to write again to somebody who once said stop takes a consent, not
an old text message.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from data_contracts.sql import Sql
from messaging.addresses import read_addresses
from messaging.consent import KnownAs
from messaging.consent_imports import ImportCounts, ImportedConsent, record_imports, tell_owners
from messaging.customers.merges import dated, known_as
from messaging.settings import Settings
from messaging.store import Store
from pipelines.settings import home_region
from pipelines.sources.opt_outs import TABLES, Arrival, find_words, record_words
from pipelines.sources.outreach import SOURCE
from pipelines.warehouse.connection import has_table, open_warehouse

if TYPE_CHECKING:
    import duckdb

FETCHED = 10_000  # rows

# as the published table consent_imports has them, which is made after this
_IMPORTS = """
    SELECT people.customer_id, said.source, said.source_record_id, channel, purpose, action, legal_basis, occurred_at,
        method, wording, locale, CASE WHEN channel = 'email' THEN email ELSE phone END AS address
    FROM staging.stg_landing__consents AS said
    LEFT JOIN identity.identity_map AS people
        ON said.source = people.source AND said.source_record_id = people.source_record_id
"""
_PEOPLE = Sql("identity.identity_map")
_HELD = """
    SELECT customer_id, identifier_type, value FROM identity.customer_identifiers
    WHERE identifier_type IN ('email', 'phone')
"""
_CHANGES = """
    SELECT build_id, kind, customer_id, other_customer_id AS other, "at" FROM identity.identity_journal
    WHERE kind IN ('merged', 'split')
    ORDER BY build_id, "at", kind, customer_id, other_customer_id
"""
_ALIASES = "SELECT old_customer_id, customer_id FROM identity.identity_alias"


def push_consents(settings: Settings, store: Store, recorded_at: datetime) -> dict[str, int]:
    """Record imported consents and opt-outs that the store does not know yet; gives counts.

    `recorded_at` is naive UTC.
    """
    addresses = read_addresses(settings, store)
    arrival, said = Arrival(recorded_at, home_region(settings)), ImportCounts(0, 0, 0)
    # what our own receiver heard it obeyed at once: to obey it again would take back what the person said since
    landed = {
        table: Sql(f"(FROM staging.stg_landing__{table} WHERE source <> '{SOURCE}')") for table in TABLES
    }
    with open_warehouse(settings.build_path, read_only=True) as connection:
        imports = [ImportedConsent(*row) for row in connection.execute(_IMPORTS).fetchall()]
        with store.read() as reading:
            people = everybody(connection, reading, recorded_at)
        counts = record_imports(store, addresses, imports, recorded_at, _parted(people, recorded_at))
        for words in find_words(connection, landed, _PEOPLE):
            said += record_words(store, addresses, words, arrival)
        told = tell_owners(store, addresses, _rows(connection, _HELD), recorded_at)
    return {
        "consents_recorded": counts.recorded,
        "consents_already": counts.already,
        "consents_unusable": counts.unusable,
        "opt_outs_recorded": said.recorded,
        "opt_outs_already": said.already,
        "opt_outs_of_owners": told,
    }


def everybody(
    connection: "duckdb.DuckDBPyConnection", store: Connection, moment: datetime
) -> dict[str, KnownAs]:
    """Give what people are known as who have had several ids or shared one; `moment` dates a build that still runs."""
    if not has_table(connection, "identity", "identity_journal"):
        return {}
    names = ("build_id", "kind", "customer_id", "other", "at")
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute(_CHANGES).fetchall()]
    aliases = [
        {"old_customer_id": old, "customer_id": current}
        for old, current in connection.execute(_ALIASES).fetchall()
    ]
    return known_as(aliases, dated(rows, store, moment))


def _parted(people: Mapping[str, KnownAs], recorded_at: datetime) -> frozenset[str]:
    """Name the customers who were one with others until a split that everybody has seen by now."""
    return frozenset(
        customer_id
        for customer_id, person in people.items()
        if person.shared and all(until < recorded_at for _, until in person.shared)
    )


def _rows(connection: "duckdb.DuckDBPyConnection", query: str) -> Iterator[tuple[str, str, str]]:
    """Read rows some at a time: there are as many as people have addresses."""
    found = connection.execute(query)
    while some := found.fetchmany(FETCHED):
        yield from some
