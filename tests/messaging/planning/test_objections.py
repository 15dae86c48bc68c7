"""An objection to profiling counts from the second in which it is recorded, and not from the next build."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from data_contracts.contracts import published_contract
from messaging import consent, segments
from messaging.addresses import Addresses
from messaging.consent_chain import ConsentEvent
from messaging.customers import Customers
from messaging.objections import STANDS, concluded
from messaging.segments import Comparison, Segment
from messaging.store import Store

Publish = Callable[..., str]
MakePerson = Callable[..., dict[str, Any]]
NOON = datetime.fromisoformat("2026-10-30T12:00")
SCORED = {
    "rfm_segment": "champions",
    "vip_tier": "gold",
    "churn_risk": 0.2,
    "next_order_expected_at": "2026-12-01",
    "sentiment_trend": "rising",
    "largest_order_minor": 900,
    "profiling_objected": False,
    "score_note": None,
}


@pytest.fixture
def three(publish: Publish, make_person: MakePerson) -> list[dict[str, Any]]:
    """Publish three people with scores."""
    people = [make_person(number, **SCORED) for number in (1, 2, 3)]
    publish(customer_360=people)
    return people


def objects(store: Store, minute: int, action: str = "revoke", **who: Any) -> None:
    """Record a word on profiling so many minutes after the release's moment."""
    at = NOON + timedelta(minutes=minute)
    said = {"customer_id": None, "address_hash": None} | who
    event = ConsentEvent(
        **said, channel="email", purpose="profiling", legal_basis="legitimate_interest", action=action,
        occurred_at=at, source="letters", actor="customer", method="letter",
    )  # fmt: skip
    with store.write() as connection:
        consent.record(connection, event, at)


def matched(customers: Customers, store: Store, column: str, test: str, *values: Any) -> list[str]:
    """Give the ids of a segment of one rule, counted and listed."""
    segment = Segment("one", "One", "", Comparison(column, test, values))
    with customers.reader.snapshot() as snapshot, store.read() as connection:
        objectors = customers.objectors(snapshot, connection)
        found = segments.members(snapshot, segment, objectors)
        assert segments.count(snapshot, segment, objectors).matched == len(found)
        shown = segments.preview(snapshot, segment, objectors)
    assert sorted(row["customer_id"] for row in shown) == [row["customer_id"] for row in found]
    return [row["customer_id"] for row in found]


def test_a_segment_knows_no_score_of_who_objected_since_the_build(
    three: list[dict[str, Any]], customers: Customers, store: Store
) -> None:
    ids = [each["customer_id"] for each in three]
    assert matched(customers, store, "vip_tier", "=", "gold") == ids
    objects(store, 1, customer_id=ids[1])
    assert matched(customers, store, "vip_tier", "=", "gold") == [ids[0], ids[2]]
    assert matched(customers, store, "vip_tier", "is null") == [ids[1]]
    assert matched(customers, store, "sentiment_trend", "=", "unknown") == [ids[1]]
    assert matched(customers, store, "largest_order_minor", ">=", 900) == [ids[0], ids[2]]
    assert matched(customers, store, "profiling_objected", "=", True) == [ids[1]]
    assert matched(customers, store, "order_count", "=", 3) == ids  # what they did is no conclusion
    objects(store, 2, "grant", customer_id=ids[1])
    assert matched(customers, store, "vip_tier", "=", "gold") == ids


def test_who_is_planned_for_is_known_as_the_segment_knows_them(
    three: list[dict[str, Any]], customers: Customers, store: Store
) -> None:
    objects(store, 1, customer_id=three[0]["customer_id"])
    everyone = Segment("all", "All", "", Comparison("order_count", ">=", (0,)))
    with customers.reader.snapshot() as snapshot, store.read() as connection:
        found = segments.members(snapshot, everyone, customers.objectors(snapshot, connection))
    rows = [found.pick([each["customer_id"]])[0] for each in three[:2]]
    silent, told = ({name: row[name] for name in concluded()} for row in rows)
    assert silent == {name: STANDS.get(name) for name in concluded()}
    assert told["rfm_segment"] == "champions"


def test_a_card_shows_no_score_from_the_objection_on(
    three: list[dict[str, Any]], customers: Customers, store: Store, addresses: Addresses
) -> None:
    by_name, by_address, other = (each["customer_id"] for each in three)
    objects(store, 1, customer_id=by_name)
    objects(store, 1, customer_id=None, address_hash=addresses.hash(three[1]["email"]))
    for customer_id in (by_name, by_address):
        facts = customers.get(customer_id).facts
        assert {name: facts[name] for name in concluded()} == {name: STANDS.get(name) for name in concluded()}
        assert facts["order_count"] == 3
    assert customers.get(other).facts["vip_tier"] == "gold"


def test_an_objection_under_an_earlier_id_is_theirs(
    customers: Customers, store: Store, publish: Publish, make_person: MakePerson
) -> None:
    one = make_person(1, **SCORED)
    alias = {"old_customer_id": "cus_old", "customer_id": one["customer_id"]}
    publish(customer_360=[one], identity_alias=[alias])
    objects(store, 1, customer_id="cus_old")
    assert matched(customers, store, "vip_tier", "=", "gold") == []
    assert customers.get(one["customer_id"]).facts["vip_tier"] is None


def test_what_is_silenced_are_all_columns_that_conclude_something() -> None:
    contract = published_contract("customer_360")
    assert set(concluded()) == {"profiling_objected"} | {
        column.name for column in contract.columns if column.profiling
    }
    assert set(STANDS) <= set(concluded())
    assert {column.name for column in contract.columns if column.trait} <= set(concluded())
