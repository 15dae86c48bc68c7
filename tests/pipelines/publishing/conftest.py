"""A small warehouse with every published table, and a way to publish it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from messaging.customers.cards import PARTS
from messaging.store.ids import new_id
from pipelines.publishing.pointer import Pointer
from pipelines.publishing.release import PUBLISHED, ReleaseFacts, publish
from pipelines.warehouse.connection import open_warehouse

AS_OF = datetime.fromisoformat("2026-10-30T12:00")


def make_warehouse(path: Path, people: int, generation: int = 0) -> None:
    """Fill every published table with one row a person, all of one generation."""
    with open_warehouse(path) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for table in PUBLISHED:
            connection.execute(f"DROP TABLE IF EXISTS marts.{table}")
            more = "".join(f", {value} AS {column}" for column, value in on_cards(table).items())
            rows = connection.sql(
                "SELECT 'cus_' || ((range * 7919) % ?) AS customer_id, ?::INTEGER AS generation"
                f"{more} FROM range(?)",
                params=[people, generation, people],
            )
            rows.create(f"marts.{table}")


def on_cards(table: str) -> dict[str, str]:
    """Give a value for each column of a table that customers' cards show."""
    shown = [column for part in PARTS if part.table == table for column in part.columns]
    typed = {"source_count": "1", "is_best": "true", "line_count": "1", "days_late": "1"}
    found = {}
    for column in shown:
        moment = "TIMESTAMP '2026-10-01' + to_hours(range)" if column.endswith("_at") else "'text'"
        found[column] = typed.get(column, "range" if column.endswith("_minor") else moment)
    return found


def facts() -> ReleaseFacts:
    """Describe a release whose version is its own."""
    return ReleaseFacts(AS_OF, AS_OF, new_id("bld"), "run", {"purchases": "2026-10-30T11:00:00"})


@pytest.fixture
def build_path(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse" / "build.duckdb"
    make_warehouse(path, people=50)
    return path


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    return tmp_path / "releases"


@pytest.fixture
def publish_once(build_path: Path, releases: Path) -> Callable[[], Pointer]:
    return lambda: publish(build_path, releases, facts())
