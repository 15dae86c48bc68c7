"""Campaigns that go by themselves: launched once for a due moment, and only as they were approved."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data_contracts.errors import RefusedError
from messaging.addresses import Addresses
from messaging.campaigns import Moment
from messaging.clock import Clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.notifications.facts import read_facts
from messaging.planner import Planner, build_planner, calendar
from messaging.planner.schedules import Schedules
from messaging.planner.standing import approve_standing, withdraw
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import campaign_runs, messages
from messaging.store.tables_schedules import scheduled_moments

AGREED_AT = datetime.fromisoformat("2026-10-01")


@pytest.fixture
def planner(
    settings: Settings,
    store: Store,
    clock: Clock,
    addresses: Addresses,
    publish: Callable[..., str],
    make_person: Callable[..., Any],
) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_address": "1 Quay Street"}), clock, store)
    path = built.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(f'{path.read_text()}schedule: {{every: day, at: "14:00"}}\n')
    people = [make_person(number) for number in range(10)]
    publish(customer_360=people)
    record_imports(store, addresses, [agreed(each["customer_id"]) for each in people], AGREED_AT)
    approve_standing(built, built.plan("win_back", "eva").run_id, "otto")
    yield built
    built.customers.close()


def agreed(customer_id: str) -> ImportedConsent:
    return ImportedConsent(
        customer_id=customer_id, source="shop", source_record_id=customer_id, channel="sms", purpose="marketing",
        action="grant", legal_basis="consent", occurred_at=AGREED_AT, method="web form", wording=None, locale=None,
        address=None,
    )  # fmt: skip


def later(planner: Planner, hours: float) -> Schedules:
    clock = Clock(planner.clock.now() + timedelta(hours=hours))
    return Schedules(build_planner(planner.settings, clock, planner.store))


def launched(planner: Planner) -> int:
    with planner.store.read() as connection:
        return connection.execute(
            select(func.count()).where(campaign_runs.c.launched_at.is_not(None))
        ).scalar_one()


def test_a_due_moment_launches_the_campaign_once_whoever_looks(planner: Planner) -> None:
    assert later(planner, 1).look() == []
    assert [(each.state, each.told) for each in later(planner, 3).look()] == [("launched", "")]
    assert later(planner, 3).look() == []
    assert launched(planner) == 1


def test_a_day_on_which_nobody_is_due_is_done_and_not_held(planner: Planner) -> None:
    later(planner, 3).look()
    with planner.store.write() as connection:  # they had it: nobody gets it again for ninety days
        connection.execute(update(messages).values(state="done", calling_at=planner.clock.now()))
        connection.execute(update(campaign_runs).values(state="done"))
    assert [(each.state, each.told) for each in later(planner, 27).look()] == [
        ("nobody", "There was nobody to write to.")
    ]
    assert launched(planner) == 1
    with planner.store.read() as connection:
        assert read_facts(connection, planner.clock.now() + timedelta(hours=27)).held == ()


def test_two_processes_that_look_at_once_launch_it_once(planner: Planner) -> None:
    two = [later(planner, 3), later(planner, 3)]
    with ThreadPoolExecutor(2) as pool:
        done = [each for found in pool.map(Schedules.look, two) for each in found]
    assert [each.state for each in done] == ["launched"]
    assert launched(planner) == 1


def test_a_changed_file_does_not_go_and_says_why(planner: Planner) -> None:
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(f"{path.read_text()}# another word\n")
    [done] = later(planner, 3).look()
    assert (done.state, launched(planner)) == ("refused", 0)
    assert "have changed" in done.told


def test_a_campaign_that_stands_on_a_dropped_column_is_held_and_holds_up_no_other(planner: Planner) -> None:
    newer = later(planner, 3)
    contract = newer._planner.library.contract
    kept = tuple(each for each in contract.columns if each.name != "open_shipment_count")
    newer._planner.library.contract = replace(contract, columns=kept)
    [done] = newer.look()
    assert done.state == "refused"
    assert "rapport campaign plan win_back" in done.told  # who does is told the line
    now = planner.clock.now()
    due = calendar(newer._planner, now, now + timedelta(days=2))
    assert {each.what for each in due if each.campaign == "win_back"} == {"refused", "due"}


def test_a_moment_that_nobody_saw_to_is_missed_after_its_catch_up(planner: Planner) -> None:
    assert [each.state for each in later(planner, 2 + 7).look()] == ["missed"]
    assert launched(planner) == 0


def test_a_holder_that_died_is_taken_over_when_its_lease_has_run_out(planner: Planner) -> None:
    due = later(planner, 3)
    moment = planner.clock.now() + timedelta(hours=2)
    assert due._take("win_back", Moment(moment, moment), None)
    assert due.look() == []
    with planner.store.write() as connection:
        connection.execute(update(scheduled_moments).values(lease_until=moment - timedelta(days=3650)))
    assert [each.state for each in due.look()] == ["launched"]
    assert launched(planner) == 1


def test_a_withdrawn_approval_launches_nothing(planner: Planner) -> None:
    assert withdraw(planner, "win_back", "eva") == 1
    assert later(planner, 3).look() == []


def test_a_campaign_without_a_schedule_has_no_standing_approval(planner: Planner) -> None:
    run_id = planner.plan("welcome", "eva").run_id
    with pytest.raises(RefusedError, match="has no schedule"):
        approve_standing(planner, run_id, "otto")
