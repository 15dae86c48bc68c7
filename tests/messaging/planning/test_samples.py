"""The messages of a plan that are shown before anybody approves it."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.outbox import PlannedMessage
from messaging.planner import Planner, build_planner
from messaging.planner.decisions import Decision
from messaging.planner.samples import MOST, Sampler
from messaging.settings import Settings
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_name": "Harbour & Pine"}), clock, store)
    path = built.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text().replace("share: 0.10", "share: 0"))
    yield built
    built.customers.close()


def decided(number: int, body: str = "Hello", segments: int = 1, missing: tuple[str, ...] = ()) -> Decision:
    customer = f"cus_{number:04d}"
    message = PlannedMessage(f"msg_{number}", customer, "sms", "+44", "hash", body, segment_count=segments)
    return Decision(customer, "send", None, "", "sms", "en", message=message, missing=missing)


def nobody(_customer_ids: Collection[str]) -> list[dict[str, Any]]:
    return []


def seen(decisions: list[Decision]) -> Sampler:
    sampler = Sampler()
    assert list(sampler.watch(decisions)) == decisions
    return sampler


def test_the_longest_and_those_that_wrote_around_most_come_first_wherever_they_stand_in_a_plan() -> None:
    people = [decided(number) for number in range(500)]
    people[490] = decided(490, "Hello " * 60, 3)
    people[250] = decided(250, "Hello " * 40, 2)
    people[100] = decided(100, missing=("given_name", "favourite_category"))
    people[3] = decided(3, missing=("favourite_category",))
    shown = [each.customer_id for each in seen(people).samples(nobody)]
    assert shown[:2] == ["cus_0490", "cus_0250"]
    assert {"cus_0100", "cus_0003"} <= set(shown[4:8])
    assert shown.index("cus_0100") < shown.index("cus_0003")
    assert len(shown) == len(set(shown)) == MOST


def test_the_same_plan_shows_the_same_whatever_the_order_and_nobody_twice() -> None:
    people = [decided(number, "Hello " * (number % 7), missing=("x",) * (number % 3)) for number in range(60)]
    first, last = (
        [each.customer_id for each in seen(order).samples(nobody)] for order in (people, people[::-1])
    )
    assert first == last
    assert len(set(first)) == MOST


@pytest.mark.parametrize("number", [0, 1, 9, 10])
def test_of_few_messages_all_are_shown(number: int) -> None:
    assert len(seen([decided(each) for each in range(number)]).samples(nobody)) == number


def test_who_gets_nothing_is_no_sample() -> None:
    out = Decision("cus_1", "excluded", "no_consent", "They have not agreed.")
    assert seen([out]).samples(nobody) == ()


def test_a_plan_warns_of_what_is_not_known_of_how_many_and_of_the_longer_ones() -> None:
    people = [decided(number, missing=("given_name",) if number < 3 else ()) for number in range(10)]
    people[9] = decided(9, "Hello " * 40, 2)
    assert seen(people).warnings() == (
        "3 of 10 messages are written without given_name, which is not known of these people.",
        "1 of the text messages take more segments than the usual 1.",
    )


def test_a_plan_brings_its_ten_messages_with_what_to_look_at(
    planner: Planner,
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
    store: Store,
    addresses: Addresses,
) -> None:
    people = [make_person(number) for number in range(40)]
    people[17] |= {"given_name": None}
    people[23] |= {"given_name": "Wolfeschlegelsteinhausenbergerdorff"}
    publish(customer_360=people)
    given: list[dict[str, Any]] = [
        {"customer_id": each["customer_id"], "source_record_id": f"consent/{each['customer_id']}"}
        for each in people
    ]
    same: dict[str, Any] = {"source": "shop", "channel": "sms", "purpose": "marketing", "action": "grant"}
    same |= {"legal_basis": "consent", "occurred_at": NOON - timedelta(days=9), "method": "web form"}
    same |= {"wording": None, "locale": None, "address": None}
    record_imports(store, addresses, [ImportedConsent(**each, **same) for each in given], NOON)
    summary = planner.plan("win_back", "eva")
    shown = {each.customer_id: each for each in summary.samples}
    assert len(shown) == MOST
    assert "greets nobody by name" in shown[people[17]["customer_id"]].remarks
    assert "a very long word" in shown[people[23]["customer_id"]].remarks
    assert shown[people[23]["customer_id"]].display_name == people[23]["display_name"]
    assert any("1 of 40 messages are written without given_name" in each for each in summary.warnings)
    assert planner.summary(summary.run_id).samples == ()
