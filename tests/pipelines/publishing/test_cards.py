"""A customer's card says what the tables of its release say, to the letter, and of nobody whom they do not know."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from data_contracts.contracts import published_contract
from messaging.customers.cards import CARDS, FORM, PARTS, TOUCHES, VIEW
from messaging.customers.published import from_tables, published
from messaging.release import ReleaseReader, Snapshot
from pipelines.publishing import cards
from pipelines.publishing.release import publish
from pipelines.warehouse.connection import open_warehouse

from .conftest import AS_OF, facts

PEOPLE = 23
BUSY = "cus_07"  # has more of everything than a card holds
TEXTS = (
    "",
    "Zoë",
    'He said "no"\n\tand left \\',
    "nul \x01 and \u202e, \U0001f600",
    "a" * 5000,
    "NULL",
    "2026-10-30 12:00:00",
)
TABLES = (VIEW, *(part.table for part in PARTS))
BARE = 3  # the customer of whom customer_360 alone knows


def some(kind: str, chance: random.Random) -> Any:
    """Give any value of a DuckDB type, or none."""
    moment = AS_OF - timedelta(microseconds=chance.randrange(10**15))
    made = {
        "VARCHAR": lambda: chance.choice(TEXTS),
        "BIGINT": lambda: chance.choice((0, -1, 2**63 - 1, -(2**63), chance.randrange(10**6))),
        "INTEGER": lambda: chance.choice((0, 2**31 - 1, -(2**31))),
        "DOUBLE": lambda: chance.choice(
            (0.1 + 0.2, -0.0, 1e300, 5e-324, float("inf"), 12.0, chance.random())
        ),
        "BOOLEAN": lambda: chance.random() < 0.5,
        "TIMESTAMP": lambda: chance.choice((moment, moment.replace(microsecond=0), datetime(1, 1, 1))),
        "DATE": lambda: chance.choice((date(1970, 1, 1), moment.date())),
    }
    return None if chance.random() < 0.2 else made[kind]()


def columns_of(table: str) -> dict[str, str]:
    """Give the columns of a table that cards are made of, with their types."""
    if table in {VIEW, TOUCHES.table}:
        return dict(published_contract(table).duckdb_columns())
    part = next(each for each in PARTS if each.table == table)
    return {"customer_id": "VARCHAR", **{name: kind_of(name) for name in part.columns}}


def kind_of(column: str) -> str:
    """Give the type of a column of the identifiers, orders and parcels."""
    by_ending = {
        "_at": "TIMESTAMP",
        "_count": "BIGINT",
        "_minor": "BIGINT",
        "_late": "INTEGER",
        "is_best": "BOOLEAN",
    }
    return next((kind for ending, kind in by_ending.items() if column.endswith(ending)), "VARCHAR")


def rows_of(table: str, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Give each customer some rows; those that are sorted by a moment have one, and every row has a key of its own."""
    for number in range(PEOPLE):
        customer_id = f"cus_{number:02d}"
        if table == VIEW:
            many = 1
        elif number == BARE:
            many = 0
        else:
            many = 2 * TOUCHES.most if customer_id == BUSY and TOUCHES.most else chance.randrange(6)
        for turn in range(many):
            row = {name: some(kind, chance) for name, kind in columns_of(table).items()}
            keys = {"customer_id": customer_id, "touch_id": f"t{turn}", "order_id": f"o{turn}"}
            keys |= {"shipment_id": f"s{turn}", "value": f"v{turn}", "identifier_type": "email"}
            keys |= {
                "occurred_at": AS_OF - timedelta(hours=turn // 3),
                "ordered_at": AS_OF - timedelta(days=turn // 2),
            }
            yield row | {name: value for name, value in keys.items() if name in row}


def make_company(path: Path, seed: int) -> None:
    """Fill the tables that cards are made of, in no order, and some rows of nobody."""
    chance = random.Random(seed)
    with open_warehouse(path) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for table in TABLES:
            columns = columns_of(table)
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"CREATE OR REPLACE TABLE marts.{table} ({listed})")
            rows = list(rows_of(table, chance))
            if table != VIEW:
                rows += [row | {"customer_id": None} for row in rows[:5]]
            chance.shuffle(rows)
            connection.register("given", pa.table({name: [row[name] for row in rows] for name in columns}))
            connection.execute(f"INSERT INTO marts.{table} SELECT * FROM given")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a release of such a company."""
    tmp_path = tmp_path_factory.mktemp("company")
    make_company(tmp_path / "build.duckdb", seed=7)
    publish(tmp_path / "build.duckdb", tmp_path / "releases", facts(), TABLES)
    return tmp_path / "releases"


def compare(snapshot: Snapshot, customer_id: str, orders: int, touches: int) -> None:
    told = published(snapshot, customer_id, orders=orders, touches=touches)
    assert told is not None
    truly = from_tables(snapshot, customer_id, orders=orders, touches=touches)
    assert truly is not None
    assert told == truly
    assert list(told.facts) == list(truly.facts)
    assert repr(told) == repr(truly)  # -0.0 equals 0.0, and 1 equals True


def test_a_card_says_of_everybody_what_the_tables_say(company: Path) -> None:
    reader = ReleaseReader(company)
    with reader.snapshot() as snapshot:
        assert snapshot.row("SELECT count(*) AS n FROM c360.customer_card") == {"n": PEOPLE}
        for number in range(PEOPLE):
            for orders, touches in ((50, 25), (50, 500), (0, 200), (3, 0)):
                compare(snapshot, f"cus_{number:02d}", orders, touches)
        assert published(snapshot, "cus_nobody", orders=1, touches=1) is None


@pytest.mark.parametrize(("orders", "touches"), [(51, 25), (50, 501)])
def test_who_asks_for_more_than_a_card_has_is_given_it_from_the_tables(
    company: Path, orders: int, touches: int
) -> None:
    reader = ReleaseReader(company)
    with reader.snapshot() as snapshot:
        found = published(snapshot, BUSY, orders=orders, touches=touches)
        assert found is not None
        assert (len(found.orders), len(found.touches)) == (orders, touches)


def test_cards_are_the_same_however_many_are_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = tmp_path / "build.duckdb"
    make_company(build, seed=11)
    found = []
    for at_once in (cards.PEOPLE_AT_ONCE, 4):
        monkeypatch.setattr(cards, "PEOPLE_AT_ONCE", at_once)
        publish(build, tmp_path / f"releases{at_once}", facts(), TABLES)
        with ReleaseReader(tmp_path / f"releases{at_once}").snapshot() as snapshot:
            assert snapshot.columns(CARDS) == FORM  # by which a reader knows that it can read them
            found.append(snapshot.rows("SELECT customer_id, facts, lists FROM c360.customer_card"))
    assert found[0] == found[1]
    assert [row["customer_id"] for row in found[0]] == sorted(row["customer_id"] for row in found[0])


def test_a_release_without_one_of_the_tables_has_no_cards_and_is_read_all_the_same(tmp_path: Path) -> None:
    make_company(tmp_path / "build.duckdb", seed=7)
    with open_warehouse(tmp_path / "build.duckdb") as connection:
        connection.execute("CREATE TABLE marts.messages AS SELECT 1 AS one")
    publish(tmp_path / "build.duckdb", tmp_path / "releases", facts(), ["messages"])
    with ReleaseReader(tmp_path / "releases").snapshot() as snapshot:
        assert not snapshot.has(CARDS)
