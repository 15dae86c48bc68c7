"""What a plan will do, beside the last one; and that nothing is launched upon another audience, old data or red data."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from data_contracts.errors import RefusedError
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.planner import Planner, build_planner, outlook
from messaging.planner.outlooks import moved
from messaging.policy import Limits, shipped_limits
from messaging.policy.prices import Price, Prices
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import contract_status

MakePerson = Callable[..., dict[str, Any]]
PRICES = Limits(prices=Prices("GBP", {"sms": Price(40_000, {"GB": 30_000}), "email": Price(1_000)}))


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_address": "1 Quay Street"}), clock, store)
    yield built
    built.customers.close()


@pytest.fixture
def agreed(store: Store, addresses: Addresses) -> Callable[[list[dict[str, Any]]], None]:
    def record(people: list[dict[str, Any]]) -> None:
        rows = [
            ImportedConsent(
                customer_id=each["customer_id"], source="shop", source_record_id=f"{each['customer_id']}/{channel}",
                channel=channel, purpose="marketing", action="grant", legal_basis="consent",
                occurred_at=datetime.fromisoformat("2026-10-01"), method="web form", wording=None, locale=None, address=None,
            )
            for each in people for channel in ("sms", "email")
        ]  # fmt: skip
        record_imports(store, addresses, rows, datetime.fromisoformat("2026-10-01"))

    return record


def approved(planner: Planner) -> str:
    run_id = planner.plan("win_back", "mia").run_id
    planner.approve(run_id, "noa")
    return run_id


def test_a_plan_tells_who_is_new_and_gone_what_it_costs_and_who_gets_which_variant(
    planner: Planner,
    publish: Callable[..., str],
    make_person: MakePerson,
    agreed: Callable[[list[dict[str, Any]]], None],
) -> None:
    people = [make_person(number) for number in range(24)]
    agreed(people)
    publish(customer_360=people[:20])
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(
        path.read_text()
        .replace("share: 0.10", "share: 0")
        .replace("template: win_back", "variants: {a: {template: win_back}, b: {template: win_back}}")
    )
    first = planner.plan("win_back", "mia")
    seen = outlook(planner.store, planner.customers, first.run_id, PRICES)
    assert (seen.before, seen.entered, seen.left) == (None, (), ())
    assert sum(seen.by_variant.values()) == first.to_send == 20
    assert set(seen.by_variant) == {"a", "b"}
    assert seen.cost == 20 * 30_000  # each one segment to a British number
    assert outlook(planner.store, planner.customers, first.run_id, shipped_limits()).cost is None
    ids = [each["customer_id"] for each in people]
    aliases = [{"old_customer_id": ids[3], "customer_id": ids[4]}]
    publish(customer_360=[*people[4:24]], identity_alias=aliases)
    second = planner.plan("win_back", "mia")
    seen = outlook(planner.store, planner.customers, second.run_id, PRICES)
    assert (seen.before, seen.entered, seen.left) == (first.run_id, tuple(ids[20:]), tuple(ids[:3]))


def test_nothing_is_launched_where_the_audience_has_become_another(
    planner: Planner,
    publish: Callable[..., str],
    make_person: MakePerson,
    agreed: Callable[[list[dict[str, Any]]], None],
) -> None:
    people = [make_person(number) for number in range(20)]
    agreed(people)
    publish(customer_360=people[:15])
    run_id = approved(planner)
    publish(customer_360=people[2:18])
    with pytest.raises(RefusedError, match="moved by 33 % since it was planned: 3 came and 2 left, of 15"):
        planner.launch(run_id, "noa")
    publish(customer_360=people[:17])
    assert planner.launch(run_id, "noa").state == "running"


def test_nothing_is_launched_upon_old_or_red_data(
    planner: Planner,
    store: Store,
    clock: Clock,
    publish: Callable[..., str],
    make_person: MakePerson,
    agreed: Callable[[list[dict[str, Any]]], None],
) -> None:
    publish(customer_360=[make_person(1)])
    agreed([make_person(1)])
    run_id = approved(planner)
    with store.write() as connection:
        red = {
            "table_name": "contacts",
            "state": "red",
            "checked_at": clock.now(),
            "rows_checked": 1,
            "rows_quarantined": 1,
        }
        connection.execute(insert(contract_status).values(**red))
    with pytest.raises(RefusedError, match="The data of contacts failed its checks"):
        planner.launch(run_id, "noa")
    with store.write() as connection:
        connection.execute(contract_status.delete())
    publish(as_of=clock.now() - timedelta(hours=49), customer_360=[make_person(1)])
    with pytest.raises(
        RefusedError, match="is of 49 hours ago; campaign 'win_back' may be launched upon 48 at most"
    ):
        planner.launch(run_id, "noa")
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text() + "launch: {data_hours: 72, moved_percent: 5}\n")
    assert planner.launch(approved(planner), "noa").state == "running"


@pytest.mark.parametrize(
    ("planned", "now", "share"),
    [(set(), set(), 0.0), ({"a"}, {"a"}, 0.0), ({"a", "b"}, {"b", "c"}, 1.0), (set(), {"a", "b"}, 2.0)],
)
def test_how_far_an_audience_has_moved(planned: set[str], now: set[str], share: float) -> None:
    assert moved(planned, now) == share
