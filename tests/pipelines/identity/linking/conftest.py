"""Records in a warehouse of their own, each its own person but where `person` says otherwise."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pytest

COLUMNS = {
    "source": "VARCHAR",
    "source_record_id": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    "given_name": "VARCHAR",
    "family_name": "VARCHAR",
    "birth_date": "DATE",
    "street": "VARCHAR",
    "city": "VARCHAR",
    "postcode": "VARCHAR",
    "person": "BIGINT",
    "email": "VARCHAR",
    "phone": "VARCHAR",
    "external_id": "VARCHAR",
}
Record = Mapping[str, Any]
Load = Callable[[Sequence[Record]], duckdb.DuckDBPyConnection]

_IDENTIFIERS = """
    CREATE VIEW identifiers AS
    SELECT 'contacts' AS origin_table, source, source_record_id, occurred_at, identifier_type,
        value, value AS match_key, NULL::VARCHAR AS refused_reason
    FROM (
        UNPIVOT (SELECT source, source_record_id, occurred_at, email, phone, external_id FROM loaded)
        ON email, phone, external_id INTO NAME identifier_type VALUE value
    )
"""


@pytest.fixture
def load() -> Iterator[Load]:
    opened: list[duckdb.DuckDBPyConnection] = []

    def into(records: Sequence[Record]) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        opened.append(connection)
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE loaded ({columns})")
        start = {"source": "shop", "occurred_at": "2026-01-01"}
        rows = [
            {**start, "source_record_id": str(number), "person": number, **record}
            for number, record in enumerate(records)
        ]
        connection.executemany(
            f"INSERT INTO loaded VALUES ({', '.join('?' * len(COLUMNS))})",
            [[row.get(name) for name in COLUMNS] for row in rows],
        )
        connection.execute("CREATE SCHEMA intermediate")
        connection.execute("CREATE VIEW intermediate.int_identity__records AS FROM loaded")
        connection.execute(_IDENTIFIERS)
        connection.execute(
            "CREATE TEMP TABLE resolved AS SELECT source, source_record_id, occurred_at, person AS component FROM loaded"
        )
        return connection

    yield into
    for connection in opened:
        connection.close()
