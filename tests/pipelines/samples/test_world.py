"""What holds in every world of the sample company."""

import numpy as np
import pyarrow.compute as pc
import pytest

from data_contracts.contracts import load_contract
from pipelines.samples.tables import COLUMNS
from pipelines.samples.times import END
from pipelines.samples.world import World, make_chunks, make_world

TIMES = ("occurred_at", "shipped_at", "delivered_at", "read_at", "clicked_at")


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_a_canonical_table_has_the_columns_of_its_contract(table: str) -> None:
    assert list(COLUMNS[table]) == list(load_contract(table).duckdb_columns())


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_what_a_contract_requires_is_there(world: World, table: str) -> None:
    required = [column.name for column in load_contract(table).columns if column.required]
    assert {name: world.tables[table][name].null_count for name in required} == dict.fromkeys(required, 0)


def test_the_same_seed_makes_the_same_world() -> None:
    one, other = make_world(200, 5), make_world(200, 5)
    assert all(one.tables[name].equals(other.tables[name]) for name in one.tables)


def test_another_seed_makes_another_world() -> None:
    assert not make_world(200, 5).tables["purchases"].equals(make_world(200, 6).tables["purchases"])


def test_a_record_is_named_once(world: World) -> None:
    for name, table in world.tables.items():
        assert pc.count_distinct(table["source_record_id"]).as_py() == table.num_rows, name


def test_every_record_but_a_product_belongs_to_somebody(world: World) -> None:
    assert set(world.owners) == set(world.tables) - {"products"}
    for name, person in world.owners.items():
        assert len(person) == world.tables[name].num_rows
        assert ((person >= 0) & (person < 2_000)).all()


def test_nothing_happens_after_the_end(world: World) -> None:
    for table in world.tables.values():
        for name in set(TIMES) & set(table.column_names):
            latest = pc.max(table[name]).as_py()
            assert latest is None or np.datetime64(latest) <= END


def test_there_are_some_30_rows_a_person(world: World) -> None:
    assert 25 <= sum(world.rows.values()) / 2_000 <= 35


def test_lines_less_what_was_undone_are_what_customers_paid(world: World) -> None:
    orders = world.history.orders
    net = pc.sum(world.tables["purchases"]["net_amount_minor"]).as_py()
    assert net == orders.total.sum() - orders.refund.sum() - orders.total[orders.cancelled].sum()


def test_nobody_gets_more_back_than_they_paid(world: World) -> None:
    orders = world.history.orders
    assert (orders.refund <= orders.total).all()
    assert not (orders.cancelled & (orders.refund > 0)).any()


def test_a_parcel_arrives_after_it_left(world: World) -> None:
    parcels = world.history.parcels
    assert (parcels.delivered_at > parcels.shipped_at).all()
    assert (parcels.shipped_at > world.history.orders.at[parcels.order]).all()


def test_people_live_in_several_countries_and_write_in_several_languages(world: World) -> None:
    people = world.history.people
    assert len(np.unique(people.country)) >= 9
    assert len(np.unique(people.language)) >= 5
    ascii_only = pc.string_is_ascii(people.family).to_numpy(zero_copy_only=False)
    assert 0.05 < 1 - ascii_only.mean() < 0.4


def test_a_win_back_campaign_finds_people_and_reasons_to_leave_some_out(world: World) -> None:
    history = world.history
    last = np.full(2_000, np.datetime64("1970-01-01", "us"))
    np.maximum.at(last, history.orders.person, history.orders.at)
    lapsed = (last < END - np.timedelta64(120, "D")) & (last > np.datetime64("2000-01-01"))
    may_email, may_text = (history.permissions.may(channel, END) for channel in ("email", "sms"))
    agreed = np.zeros(2_000, dtype=np.bool_)
    agreed[history.accounts.person[may_email | may_text]] = True
    assert 0.1 < (lapsed & agreed).mean() < 0.3
    assert (lapsed & ~agreed).mean() > 0.1
    assert may_text.sum() > 100


def test_chunks_of_a_world_share_no_id_and_no_address() -> None:
    chunks = list(make_chunks(900, 7, chunk=300))
    assert sum(len(chunk.history.people) for chunk in chunks) == 900
    for name in ("contacts", "purchases", "sms_messages", "chat_messages", "outreach"):
        ids = [set(chunk.tables[name]["source_record_id"].to_pylist()) for chunk in chunks]
        assert len(set.union(*ids)) == sum(len(some) for some in ids)
    emails = [set(pc.drop_null(chunk.history.people.emails).to_pylist()) for chunk in chunks]
    assert len(set.union(*emails)) == sum(len(some) for some in emails)


def test_a_world_of_one_person_can_be_made() -> None:
    for seed in range(5):
        assert len(make_world(1, seed).history.people) == 1
