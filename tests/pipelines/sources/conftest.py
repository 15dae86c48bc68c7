"""A home, files to ingest, and where the real data lies."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from pipelines.landing.manifest import list_landings
from pipelines.sources.intake import ingest
from pipelines.sources.report import IngestReport

REPOSITORY = Path(__file__).parents[3]
# Read when the tests are collected: each test runs without any RAPPORT_ variable.
REAL_DATA = Path(os.environ.get("RAPPORT_REAL_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    return read_settings(home=tmp_path / "home", own_domains="shop.example.com")


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.fromisoformat("2026-10-30T12:00"))


@pytest.fixture
def take(settings: Settings, clock: Clock) -> Callable[..., IngestReport]:
    def taking(source: str, *paths: Path, mapping: str | Path | None = None) -> IngestReport:
        return ingest(settings, clock, source, paths, mapping)

    return taking


@pytest.fixture
def landed(settings: Settings) -> Callable[[str, str], list[tuple[Any, ...]]]:
    """Read columns of all landed rows of a table, by record id."""

    def reading(table: str, columns: str) -> list[tuple[Any, ...]]:
        files = [str(landing.path) for landing in list_landings(settings, table)]
        with duckdb.connect() as connection:
            query = f"SELECT {columns} FROM read_parquet(?) ORDER BY source_record_id, received_at"
            return connection.execute(query, [files]).fetchall()

    return reading


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real data sets are not at {REAL_DATA} (RAPPORT_REAL_DATA names another place)")
    return REAL_DATA
