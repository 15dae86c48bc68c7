"""The warehouse's connection."""

from pathlib import Path

import pytest

from messaging.settings import read_settings
from pipelines.warehouse.connection import memory_of_builds, open_warehouse
from pipelines.warehouse.dbt_runner import run_dbt


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


def test_a_build_takes_no_more_memory_than_it_may_and_others_are_not_bound_by_it(tmp_path: Path) -> None:
    def limit() -> str:
        with open_warehouse(tmp_path / "build.duckdb") as connection:
            return str(connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])

    before = limit()
    with memory_of_builds(500):
        assert limit() == "476.8 MiB"
    assert limit() == before


def test_dbt_spills_beside_the_warehouse_and_within_the_memory_of_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbt.adapters.duckdb import environments

    given: list[dict[str, str]] = []
    connect = environments.duckdb.connect

    def listened(*arguments: object, **options: dict[str, str]) -> object:
        given.append(options["config"])
        return connect(*arguments, **options)

    monkeypatch.setattr(environments.duckdb, "connect", listened)
    settings = read_settings(home=tmp_path, build_memory_mb=700)
    run_dbt(settings, select=["countries"], as_of="2026-10-30T12:00:00", full=False)
    assert given[0]["memory_limit"] == "700MB"
    assert given[0]["temp_directory"] == f"{settings.build_path.absolute()}.tmp"
