"""The identity step of a build: after dbt's tag `before_identity`, before its tag `after_identity`."""

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.identity.keys import PERSONAL_TYPES, read_evidence
from pipelines.identity.resolve import Components, resolve
from pipelines.identity.stable_ids import assign_ids
from pipelines.identity.state import attached_state, transaction
from pipelines.warehouse.connection import open_warehouse

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class IdentityReport:
    """What resolution found: `records` = `identified` + `guests`."""

    records: int
    identified: int
    guests: int
    people: int
    largest: int
    refused_values: int
    new_customers: int
    merged_customers: int

    def to_document(self) -> dict[str, int]:
        """Give the counts as plain data, for metadata and `--json`."""
        return asdict(self)


# A person keeps the addresses of records that resolution tied to them, and the devices that it did not
# tie by.
KNOWN_TYPES = (*PERSONAL_TYPES, "device_id")

_RESOLVED = """
    CREATE OR REPLACE TEMP TABLE resolved AS
    SELECT records.source, records.source_record_id, records.occurred_at, components.component
    FROM (
        SELECT record, source, source_record_id, min(occurred_at) AS occurred_at
        FROM identity_evidence GROUP BY ALL
    ) AS records
    JOIN (SELECT unnest(?) AS record, unnest(?) AS component) AS components USING (record)
"""

_MAP = """
    CREATE OR REPLACE TABLE identity.identity_map AS
    SELECT resolved.source, resolved.source_record_id, assigned.customer_id
    FROM resolved JOIN assigned USING (component)
    ORDER BY assigned.customer_id, resolved.source, resolved.source_record_id
"""

# The best of a type is the one that a contact record states, then the newest, then the most frequent.
_IDENTIFIERS = """
    CREATE OR REPLACE TABLE identity.customer_identifiers AS
    WITH seen AS (
        SELECT
            customer_id, identifier_type, value,
            count(DISTINCT source) AS source_count,
            min(occurred_at) AS first_seen_at,
            max(occurred_at) AS last_seen_at,
            max(occurred_at) FILTER (WHERE origin_table = 'contacts') AS stated_at,
            count(*) AS records
        FROM intermediate.int_identity__identifiers
        JOIN identity.identity_map USING (source, source_record_id)
        WHERE refused_reason IS NULL AND list_contains(?, identifier_type)
        GROUP BY ALL
    )
    SELECT
        customer_id, identifier_type, value, source_count, first_seen_at, last_seen_at,
        row_number() OVER (
            PARTITION BY customer_id, identifier_type
            ORDER BY stated_at DESC NULLS LAST, last_seen_at DESC, records DESC, value
        ) = 1 AS is_best
    FROM seen
    ORDER BY customer_id, identifier_type, value
"""

_COUNTS = """
    SELECT
        (SELECT count(*) FROM intermediate.int_identity__records),
        (SELECT count(*) FROM identity.identity_map),
        (SELECT count(*) FROM assigned),
        (SELECT coalesce(max(records), 0) FROM (
            SELECT count(*) AS records FROM identity.identity_map GROUP BY customer_id)),
        (SELECT count(*) FROM intermediate.int_identity__refused_values)
"""


def resolve_people(
    build: "duckdb.DuckDBPyConnection | Path", state_path: Path, as_of: datetime
) -> IdentityReport:
    """Decide who is whom, and write schema `identity` of build.duckdb.

    `build` is the file, or a connection whose current catalog it is; dbt's connections to it have to be
    closed. `as_of` (naive UTC) dates new ids and aliases. Run it again, and every id is the same.
    """
    with open_warehouse(build) if isinstance(build, Path) else nullcontext(build) as connection:
        components = resolve(read_evidence(connection))
        name_records(connection, components)
        with attached_state(connection, state_path):
            changes = assign_ids(connection, as_of)
            with transaction(connection):
                _write_identity(connection)
        records, identified, people, largest, refused = connection.execute(_COUNTS).fetchall()[0]
        return IdentityReport(
            records=records,
            identified=identified,
            guests=records - identified,
            people=people,
            largest=largest,
            refused_values=refused,
            new_customers=changes.new_customers,
            merged_customers=changes.merged_customers,
        )


def name_records(connection: "duckdb.DuckDBPyConnection", components: Components) -> None:
    """Give records their names back, in the temporary table `resolved`; guests are left out."""
    somebody = components.personal
    connection.execute(
        _RESOLVED,
        [components.record[somebody].astype(np.uint64), components.component[somebody].astype(np.int64)],
    )


def _write_identity(connection: "duckdb.DuckDBPyConnection") -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS identity")
    connection.execute(_MAP)
    connection.execute(_IDENTIFIERS, [list(KNOWN_TYPES)])
    connection.execute("CREATE OR REPLACE TABLE identity.identity_alias AS FROM state.identity_alias")
