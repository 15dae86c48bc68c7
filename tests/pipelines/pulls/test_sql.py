"""Databases are asked from their cursor column on, and what comes lands like any file."""

import sqlite3
from pathlib import Path

import pytest

from data_contracts.errors import SettingsError
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


TABLE = {
    "kind": "sql",
    "source": "purchases",
    "mapping": "my_shop",
    "url": "{SHOP_DB_URL}",
    "table": "orders",
    "cursor": "changed_at",
}


def test_a_table_lands_once_and_then_only_what_is_new(shop: sqlite3.Connection, settings: Settings) -> None:
    write_pull(settings, "shop_db", TABLE)
    (first,) = pull(settings, "shop_db").streams
    assert first.error is None
    assert (first.rows, first.total("accepted")) == (5, 5)
    add(shop, 6, 7)
    (second,) = pull(settings, "shop_db").streams
    assert (second.rows, second.total("accepted"), second.total("already_landed")) == (3, 2, 1)
    assert [landing.accepted for landing in list_landings(settings)] == [5, 2]


def test_a_query_is_asked_from_its_cursor_on_too(shop: sqlite3.Connection, settings: Settings) -> None:
    query = "SELECT id, email, price, bought_at, changed_at FROM orders WHERE price > 2 ORDER BY id;"
    document = {key: value for key, value in TABLE.items() if key != "table"}
    write_pull(settings, "big_ones", {**document, "query": query})
    (first,) = pull(settings, "big_ones").streams
    assert (first.error, first.rows) == (None, 4)
    add(shop, 6, 6)
    (second,) = pull(settings, "big_ones").streams
    assert (second.rows, second.total("accepted")) == (2, 1)


def test_a_changed_row_comes_again_and_is_a_new_version(shop: sqlite3.Connection, settings: Settings) -> None:
    write_pull(settings, "shop_db", TABLE)
    pull(settings, "shop_db")
    shop.execute("UPDATE orders SET price = 99, changed_at = '2026-10-20 10:00:00.000000' WHERE id = 1")
    shop.commit()
    (second,) = pull(settings, "shop_db").streams
    assert (second.total("accepted"), second.total("changed")) == (1, 1)


def test_a_number_may_be_the_cursor_and_the_overlap(shop: sqlite3.Connection, settings: Settings) -> None:
    write_pull(settings, "shop_db", {**TABLE, "cursor": "id", "overlap": 2})
    pull(settings, "shop_db")
    add(shop, 6, 6)
    (second,) = pull(settings, "shop_db").streams
    assert (second.since, second.rows, second.watermark) == (3, 4, 6)


def test_a_row_without_a_cursor_comes_every_time_rather_than_never(
    shop: sqlite3.Connection, settings: Settings
) -> None:
    write_pull(settings, "shop_db", TABLE)
    pull(settings, "shop_db")
    shop.execute("INSERT INTO orders VALUES (9, 'late@example.com', 9.5, '2026-01-01 10:00:00.000000', NULL)")
    shop.commit()
    assert [pull(settings, "shop_db").streams[0].total("accepted") for _ in range(2)] == [1, 0]


def test_without_a_cursor_the_whole_table_comes_every_time_and_lands_once(
    shop: sqlite3.Connection, settings: Settings
) -> None:
    write_pull(settings, "shop_db", {key: value for key, value in TABLE.items() if key != "cursor"})
    pull(settings, "shop_db")
    add(shop, 6, 6)
    (second,) = pull(settings, "shop_db").streams
    assert (second.rows, second.total("accepted"), second.total("already_landed")) == (6, 1, 5)


def test_a_large_table_comes_in_batches_and_files(
    shop: sqlite3.Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.pulls.sql.CHUNK_ROWS", 2)
    monkeypatch.setattr("pipelines.pulls.deliveries.TABLE_ROWS", 4)
    write_pull(settings, "shop_db", TABLE)
    (first,) = pull(settings, "shop_db").streams
    assert (first.rows, len(first.landed), first.total("accepted")) == (5, 2, 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"table": "order"}, "has no table order. It has orders."),
        ({"cursor": "changed"}, "orders has no column changed, which is to be its cursor. It has id, email"),
    ],
)
def test_a_wrong_table_or_cursor_is_told_with_what_there_is(
    shop: sqlite3.Connection, settings: Settings, change: dict[str, str], said: str
) -> None:
    write_pull(settings, "shop_db", {**TABLE, **change})
    (first,) = pull(settings, "shop_db").streams
    assert said in str(first.error)


def test_a_query_that_is_none_is_told(shop: sqlite3.Connection, settings: Settings) -> None:
    document = {key: value for key, value in TABLE.items() if key != "table"}
    write_pull(settings, "shop_db", {**document, "query": "SELEKT 1"})
    (first,) = pull(settings, "shop_db").streams
    assert "The database at sqlite refused" in str(first.error)


def test_an_address_that_is_none_is_told_by_the_name_of_its_secret(
    shop: sqlite3.Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB_URL", "nosuchdb://reader:hunter2@host/shop")
    write_pull(settings, "shop_db", TABLE)
    with pytest.raises(SettingsError, match="SHOP_DB_URL makes no address of a database") as caught:
        pull(settings, "shop_db")
    assert "hunter2" not in str(caught.value)
