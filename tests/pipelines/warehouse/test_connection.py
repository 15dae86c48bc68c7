"""The warehouse's connection."""

from pathlib import Path

import pytest

from pipelines.warehouse.connection import open_warehouse


def test_what_does_not_fit_into_memory_spills_beside_the_warehouse_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, folder = tmp_path / "current", tmp_path / "warehouse"
    current.mkdir()
    monkeypatch.chdir(current)
    with open_warehouse(folder / "build.duckdb") as connection:
        connection.execute("SET threads = 1")
        connection.execute("SET memory_limit = '60MB'")
        connection.execute(
            "CREATE TEMP TABLE large AS SELECT hash(i)::VARCHAR AS one, hash(i, 1)::VARCHAR AS other"
            " FROM range(1_500_000) AS numbers(i)"
        )
        assert sorted(each.name for each in folder.iterdir()) == ["build.duckdb", "build.duckdb.tmp"]
    assert [each.name for each in folder.iterdir()] == ["build.duckdb"]
    assert list(current.iterdir()) == []
