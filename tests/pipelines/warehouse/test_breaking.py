"""Rows that landed before a rule was made are found with the files that they came in."""

import duckdb

from data_contracts.contracts import load_contract
from data_contracts.sql import name
from pipelines.warehouse.breaking import BreakingFile, breaking_files

ROWS = [  # record, file, when it came, when it happened
    ("1", "first", "2026-10-01 09:00:00", "2027-10-01 09:00:00"),
    ("2", "first", "2026-10-01 09:00:00", "2026-10-01 08:00:00"),
    ("3", "first", "2026-10-01 09:00:00", "2027-10-01 09:00:00"),
    ("3", "second", "2026-10-02 09:00:00", "2026-10-01 09:00:00"),  # was mended
    ("4", "second", "2026-10-02 09:00:00", "2026-10-09 09:00:00"),
    ("5", "second", "2026-10-02 09:00:00", "2026-10-09 09:00:00"),
]


def test_the_files_of_standing_rows_from_the_future_are_named_with_their_counts_the_worst_first() -> None:
    contract = load_contract("purchases")
    columns = {**contract.duckdb_columns(), "landing_id": "VARCHAR"}
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE SCHEMA landing")
        typed = ", ".join(f"{name(column).text} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE landing.purchases ({typed})")
        for record, file, received, occurred in ROWS:
            connection.execute(
                "INSERT INTO landing.purchases BY NAME SELECT 'shop' AS source, ? AS source_record_id,"
                " ? AS landing_id, ?::TIMESTAMP AS received_at, ?::TIMESTAMP AS occurred_at",
                [record, file, received, occurred],
            )
        found = breaking_files(connection, contract, ["not_a_day_ahead", "landed_files_whole"])
        assert found == [BreakingFile("shop", "second", 2), BreakingFile("shop", "first", 1)]
        assert breaking_files(connection, contract, ["landed_files_whole"]) == []
