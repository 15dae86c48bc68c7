"""Databases are asked from their cursor column on, and what comes lands like any file."""

import sqlite3
from pathlib import Path

import pytest

from messaging.settings import Settings
from pipelines.landing.manifest import list_landings

from .conftest import pull, write_pull

MAPPING = """
table: purchases
source: my_shop
record_id: line/{id}
currency: GBP
columns:
  occurred_at: bought_at
  order_id: id
  email: email
  line_kind: {value: sale}
  quantity: {value: "1"}
  unit_price_minor: {money: price}
  net_amount_minor: {money: price}
  currency: {value: GBP}
"""


@pytest.fixture
def shop(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    """Give the database of a shop with five orders, its mapping and its pull."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT, price DECIMAL(10, 2), bought_at TIMESTAMP, changed_at TIMESTAMP)"
    )
    add(connection, 1, 5)
    (settings.home / "mappings").mkdir(parents=True)
    (settings.home / "mappings" / "my_shop.yaml").write_text(MAPPING)
    monkeypatch.setenv("SHOP_DB_URL", f"sqlite:///{path}")
    return connection


def add(connection: sqlite3.Connection, first: int, last: int) -> None:
    rows = [
        (number, f"person{number}@example.com", number + 0.5, f"2026-10-{number:02d} 10:00:00.000000")
        for number in range(first, last + 1)
    ]
    connection.executemany("INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?4)", rows)
    connection.commit()


def test_a_table_lands_once_and_then_only_what_is_new(shop: sqlite3.Connection, settings: Settings) -> None:
    write_pull(
        settings,
        "shop_db",
        {
            "kind": "sql",
            "source": "purchases",
            "mapping": "my_shop",
            "url": "{SHOP_DB_URL}",
            "table": "orders",
            "cursor": "changed_at",
        },
    )
    (first,) = pull(settings, "shop_db").streams
    assert first.error is None
    assert (first.rows, first.total("accepted")) == (5, 5)
    add(shop, 6, 7)
    (second,) = pull(settings, "shop_db").streams
    assert (second.rows, second.total("accepted"), second.total("already_landed")) == (3, 2, 1)
    assert [landing.accepted for landing in list_landings(settings)] == [5, 2]
