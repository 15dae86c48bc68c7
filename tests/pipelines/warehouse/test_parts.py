"""Tables that are written part by part, for a warehouse whose memory is small."""

from pathlib import Path

from pipelines.warehouse.connection import memory_of_builds, open_warehouse
from pipelines.warehouse.parts import count_rows, parts_of, write_by_parts

_GROUPED = """
    SELECT number, max(said) AS said FROM large WHERE number % $parts::UBIGINT = $part GROUP BY number
"""


def test_a_table_is_the_same_in_however_many_parts_it_is_written(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "build.duckdb") as connection:
        connection.execute(
            "CREATE TABLE large AS SELECT hash(i // 3) AS number, 'it is ' || i AS said FROM range(999) AS numbers(i)"
        )
        rows = []
        for parts in (1, 2, 7):
            write_by_parts(connection, "grouped", _GROUPED, parts)
            assert count_rows(connection, "grouped") == 333
            rows.append(sorted(connection.execute("FROM grouped").fetchall()))
        assert rows[0] == rows[1] == rows[2]


def test_what_is_small_or_has_all_memory_is_one_part() -> None:
    assert parts_of(10**9) == 1
    with memory_of_builds(1000):
        assert [parts_of(rows) for rows in (0, 1, 2_500_000, 2_500_001)] == [1, 1, 1, 2]
