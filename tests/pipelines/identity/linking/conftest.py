"""Records in a warehouse of their own, each its own person but where `person` says otherwise."""

import random
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


@pytest.fixture(scope="session")
def company() -> list[dict[str, Any]]:
    """People who differ, every second one a second time with a slip."""
    draw = random.Random(11)
    syllables = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu"]

    def word(parts: int) -> str:
        return "".join(draw.choice(syllables) for _ in range(parts)).capitalize()

    records = []
    for number in range(400):
        person = {
            "given_name": word(2),
            "family_name": word(3),
            "birth_date": f"{draw.randint(1940, 2005)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
            "street": f"{draw.randint(1, 99)} {word(3)} Road",
            "city": draw.choice(["Leeds", "York", "Hull"]),
            "postcode": f"{draw.randint(10000, 99999)}",
        }
        records.append({**person, "source_record_id": f"a{number}", "person": 2 * number})
        if number % 2:
            slip = {"family_name": person["family_name"][:-1] + "x", "source_record_id": f"b{number}"}
            records.append({**person, **slip, "person": 2 * number + 1})
    return records
