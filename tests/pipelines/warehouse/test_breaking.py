"""Rows that landed before a rule was made are found with the files that they came in."""

import duckdb
import pytest

from data_contracts.contracts import load_contract
from data_contracts.sql import name
from pipelines.warehouse.breaking import BreakingFile, breaking_files, told_files

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


def test_a_table_that_is_not_loaded_has_no_rows_that_break_a_rule() -> None:
    with duckdb.connect(":memory:") as connection:
        assert breaking_files(connection, load_contract("purchases"), ["not_a_day_ahead"]) == []


FOUND = [
    BreakingFile("shop", "a", 40),
    BreakingFile("till", "b", 30),
    BreakingFile("shop", "c", 20),
    BreakingFile("shop", "d", 3),
    BreakingFile("till", "e", 1),
]
MANIFESTS = {(each.source, each.landing_id): f"{each.landing_id}.json" for each in FOUND}
NEWEST = ": of a record the newest version counts."


@pytest.mark.parametrize(
    ("found", "without", "told"),
    [
        ([], "", ""),
        (
            FOUND[:1],
            "",
            (
                "They are 40 rows of the file that a.json names. Mend them where they come from and run"
                f" `rapport ingest shop FILE` with the mended file{NEWEST}"
            ),
        ),
        (
            FOUND,
            "",
            (
                "They are 40 rows of the file that a.json names, 30 rows of the file that b.json names, 20 rows of the file"
                " that c.json names and 4 rows of 2 files more. Mend them where they come from and run"
                f" `rapport ingest shop FILE` and `rapport ingest till FILE` with the mended file of each{NEWEST}"
            ),
        ),
        (
            FOUND[:2],
            "b",
            (
                "They are 40 rows of the file that a.json names and 30 rows whose manifest is missing. Mend them where they come"
                f" from and run `rapport ingest shop FILE` and `rapport ingest till FILE` with the mended file of each{NEWEST}"
            ),
        ),
        (
            FOUND[:1],
            "a",
            (
                "They are 40 rows whose manifest is missing. Mend them where they come from and run `rapport ingest shop FILE`"
                f" with the mended file{NEWEST}"
            ),
        ),
    ],
)
def test_what_is_said_of_standing_rows_is_what_is_known_with_one_command_a_source(
    found: list[BreakingFile], without: str, told: str
) -> None:
    manifests = {key: path for key, path in MANIFESTS.items() if key[1] not in without}
    assert told_files(found, manifests) == told
