"""What a release says has changed since the one before it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.publishing.changes import MoneyChanges, Move, PeopleChanges, ReleaseChanges, compare
from pipelines.publishing.history import Recorded
from pipelines.publishing.pointer import Pointer
from pipelines.publishing.told import told
from pipelines.warehouse.connection import open_warehouse

NOON = datetime.fromisoformat("2026-10-30T12:00")
BEFORE = Pointer("20261030T120000-1", "c360-20261030T120000-1.duckdb", NOON, NOON, "1", {}, "")
People = Mapping[str, str | None]  # the segment of each customer
Orders = Sequence[tuple[str, int]]  # currency and net amount of each, one line an order


def fill(connection: duckdb.DuckDBPyConnection, schema: str, people: People, orders: Orders) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    connection.execute(f"CREATE TABLE {schema}.customer_360 (customer_id VARCHAR, rfm_segment VARCHAR)")
    connection.execute(f"CREATE TABLE {schema}.order_lines (currency VARCHAR, net_amount_minor BIGINT)")
    connection.execute(f"CREATE TABLE {schema}.orders (currency VARCHAR)")
    for row in people.items():
        connection.execute(f"INSERT INTO {schema}.customer_360 VALUES (?, ?)", row)
    for currency, amount in orders:
        connection.execute(f"INSERT INTO {schema}.order_lines VALUES (?, ?)", [currency, amount])
        connection.execute(f"INSERT INTO {schema}.orders VALUES (?)", [currency])


def changes(
    folder: Path,
    people: tuple[People, People],
    orders: tuple[Orders, Orders] = ((), ()),
    merged: Sequence[str] = (),
    split: Sequence[str] = (),
) -> ReleaseChanges:
    """Compare a release of before with a warehouse of now."""
    with duckdb.connect(str(folder / BEFORE.file)) as connection:
        fill(connection, "main", people[0], orders[0])
    with open_warehouse(folder / "build.duckdb") as connection:
        fill(connection, "marts", people[1], orders[1])
        connection.execute("CREATE SCHEMA identity")
        connection.execute("CREATE TABLE identity.identity_alias (old_customer_id VARCHAR)")
        connection.execute(
            'CREATE TABLE identity.identity_journal (kind VARCHAR, customer_id VARCHAR, "at" TIMESTAMP)'
        )
        for customer in merged:
            connection.execute("INSERT INTO identity.identity_alias VALUES (?)", [customer])
        for customer in split:
            connection.execute(
                "INSERT INTO identity.identity_journal VALUES ('split', ?, ?)", [customer, NOON]
            )
    found = compare(folder / "build.duckdb", folder, BEFORE)
    assert found is not None
    return found


def test_people_are_new_split_off_merged_or_gone_and_the_sum_closes(tmp_path: Path) -> None:
    before = dict.fromkeys(["cus_a", "cus_b", "cus_c"])
    now = dict.fromkeys(["cus_a", "cus_d", "cus_e"])
    found = changes(tmp_path, (before, now), merged=["cus_b"], split=["cus_e"])
    assert found.people == PeopleChanges(before=3, now=3, new=1, split=1, merged=1, gone=1)
    assert found.people.closes


def test_revenue_is_compared_currency_by_currency_to_the_penny(tmp_path: Path) -> None:
    found = changes(tmp_path, ({}, {}), ([("GBP", 1200)], [("GBP", 1200), ("GBP", -300), ("EUR", 99)]))
    assert found.money == (
        MoneyChanges("EUR", 0, 99, 0, 1),
        MoneyChanges("GBP", 1200, 900, 1, 2),
    )


def test_moves_are_counted_among_people_of_both_releases_the_largest_first(tmp_path: Path) -> None:
    before = {"cus_a": "champions", "cus_b": "champions", "cus_c": None, "cus_d": "new", "cus_e": "new"}
    now = {"cus_a": "at_risk", "cus_b": "at_risk", "cus_c": "new", "cus_d": "new", "cus_f": "new"}
    found = changes(tmp_path, (before, now))
    assert found.moves == {"rfm_segment": (Move("champions", "at_risk", 2), Move(None, "new", 1))}


def test_there_is_nothing_to_compare_with_before_the_first_release_or_after_its_file_has_gone(
    tmp_path: Path,
) -> None:
    assert compare(tmp_path / "build.duckdb", tmp_path, None) is None
    assert compare(tmp_path / "build.duckdb", tmp_path, BEFORE) is None


def test_a_damaged_file_is_nothing_to_compare_with(tmp_path: Path) -> None:
    (tmp_path / BEFORE.file).write_bytes(b"no database")
    with open_warehouse(tmp_path / "build.duckdb"):
        pass
    assert compare(tmp_path / "build.duckdb", tmp_path, BEFORE) is None


@pytest.mark.parametrize(
    ("people", "line"),
    [
        (PeopleChanges(5, 5, 0, 0, 0, 0), "  people: the same"),
        (PeopleChanges(5, 6, 3, 0, 1, 1), "  people: 3 new, 1 merged into another, 1 gone"),
    ],
)
def test_people_read_in_one_line_what_became_of_people(people: PeopleChanges, line: str) -> None:
    assert list(told(ReleaseChanges("v1", people, ()), Recorded())) == ["Since release v1:", line]


def test_people_read_what_came_in_and_who_moved() -> None:
    found = ReleaseChanges(
        "v1",
        PeopleChanges(5, 5, 0, 0, 0, 0),
        (MoneyChanges("GBP", 1000, 124450, 1, 3), MoneyChanges("EUR", 500, 400, 1, 1)),
        {"rfm_segment": (Move("champions", "at_risk", 2), Move(None, "new", 1))},
        columns_added=("vip_tier",),
    )
    assert list(told(found, Recorded(changed=4)))[1:] == [
        "  people: the same; 4 known otherwise",
        "  GBP: £1,234.50 more revenue, 2 more orders",
        "  EUR: €1.00 less revenue",
        "  Segments: 2 champions -> at_risk, 1 none -> new",
        "  new columns: vip_tier",
    ]
