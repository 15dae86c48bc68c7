"""How a segment grows: who came and who left between two releases, and its size in each."""

from collections.abc import Callable
from typing import Any

from data_contracts.contracts import published_contract
from messaging import segments
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.segments.sizes import keep_size, rule_hash, sizes
from messaging.store import Store

CONTRACT = published_contract("customer_360")
LAPSED: dict[str, Any] = {"column": "lifecycle_stage", "test": "=", "value": "lapsed"}
MakePerson = Callable[..., dict[str, Any]]


def segment(where: Any = LAPSED) -> segments.Segment:
    return segments.read_segment("lapsed", {"where": where}, CONTRACT)


def test_who_came_and_who_left_is_told_and_a_merge_moves_nobody(
    customers: Customers, publish: Callable[..., str], make_person: MakePerson
) -> None:
    people = [make_person(number) for number in range(5)]
    stays, leaves, merged, into, comes = (each["customer_id"] for each in people)
    publish(customer_360=[*people[:4], people[4] | {"lifecycle_stage": "active"}])
    publish(
        customer_360=[people[0], people[1] | {"lifecycle_stage": "active"}, people[3], people[4]],
        identity_alias=[{"old_customer_id": merged, "customer_id": into}],
    )
    with customers.reader.snapshot() as now, customers.reader.earlier() as before:
        assert before is not None
        found = segments.changes(now, before, segment(), ())
    assert (found.entered, found.left) == ((comes,), (leaves,))
    assert (found.matched_before, found.matched, found.before) == (4, 3, "20261030T000000")
    assert stays not in found.entered + found.left


def test_there_is_nothing_before_the_first_release(customers: Customers, publish: Callable[..., str]) -> None:
    publish()
    with customers.reader.earlier() as before:
        assert before is None


def test_a_size_is_kept_once_a_release_and_begins_anew_with_another_rule(
    store: Store, customers: Customers, clock: Clock, publish: Callable[..., str], make_person: MakePerson
) -> None:
    for number in (1, 3):
        publish(customer_360=[make_person(each) for each in range(number)])
        with customers.reader.snapshot() as snapshot, store.write() as connection:
            counted = segments.count(snapshot, segment(), ())
            for _ in range(2):
                keep_size(connection, segment(), counted, snapshot.info, clock.now())
    other = segment({"not": LAPSED})
    with store.read() as connection:
        assert [(each.people, each.matched) for each in sizes(connection, segment())] == [(1, 1), (3, 3)]
        assert len(sizes(connection, segment(), limit=1)) == 1
        assert sizes(connection, other) == []


def test_a_rule_has_another_hash_when_anything_in_it_is_another() -> None:
    same = segment({"all": [LAPSED, {"did": {"kind": "order"}, "within_days": 30}]})
    assert rule_hash(same.rule) == rule_hash(
        segment({"all": [LAPSED, {"did": {"kind": "order"}, "within_days": 30}]}).rule
    )
    others = [
        {"all": [LAPSED, {"did": {"kind": "order"}, "within_days": 31}]},
        {"all": [LAPSED, {"did": {"kind": "refund"}, "within_days": 30}]},
        {"any": [LAPSED, {"did": {"kind": "order"}, "within_days": 30}]},
    ]
    assert len({rule_hash(same.rule), *(rule_hash(segment(each).rule) for each in others)}) == 4
