"""What went and what is due, by day."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging.clock import Clock
from messaging.planner import Planner, build_planner, calendar, next_moments
from messaging.planner.schedules import Schedules
from messaging.planner.standing import approve_standing, withdraw
from messaging.settings import Settings
from messaging.store import Store

DAILY = 'schedule: {every: day, at: "14:00"}\n'
OURS = {"win_back", "welcome", "birthday"}


@pytest.fixture
def planner(
    settings: Settings,
    store: Store,
    clock: Clock,
    publish: Callable[..., str],
    make_person: Callable[..., Any],
) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_address": "1 Quay Street"}), clock, store)
    for name, lines in (("win_back", DAILY), ("welcome", DAILY), ("birthday", f"{DAILY}shadow: true\n")):
        path = built.library.folder / "campaigns" / f"{name}.yaml"
        path.write_text(path.read_text() + lines)
    publish(customer_360=[make_person(number) for number in range(3)])
    yield built
    built.customers.close()


def told(planner: Planner, days: float = 2.5) -> list[tuple[str, str]]:
    now = planner.clock.now()
    found = calendar(planner, now - timedelta(days=days), now + timedelta(days=days))
    return [(each.campaign, each.what) for each in found if each.campaign in OURS]


def test_a_schedule_is_due_where_it_is_approved_and_told_as_not_approved_where_it_is_not(
    planner: Planner,
) -> None:
    approve_standing(planner, planner.plan("win_back", "eva").run_id, "otto")
    assert told(planner) == [("welcome", "not approved"), ("win_back", "due")] * 3
    withdraw(planner, "win_back", "otto")
    assert set(told(planner)) == {("welcome", "not approved"), ("win_back", "not approved")}


def test_what_stands_approved_is_due_as_it_was_approved_whatever_its_file_says_now(planner: Planner) -> None:
    approve_standing(planner, planner.plan("win_back", "eva").run_id, "otto")
    (planner.library.folder / "campaigns" / "win_back.yaml").write_text("title: [")
    assert [each for each in told(planner) if each[0] == "win_back"] == [("win_back", "due")] * 3


def test_what_was_missed_is_told_with_the_reason_on_its_day(planner: Planner) -> None:
    approve_standing(planner, planner.plan("win_back", "eva").run_id, "otto")
    later = Clock(planner.clock.now() + timedelta(days=2))
    Schedules(build_planner(planner.settings, later, planner.store)).look()
    since = planner.clock.now()
    missed = [each for each in calendar(planner, since, later.now()) if each.what == "missed"]
    assert len(missed) == 2  # of both days
    assert all(each.told for each in missed)


def test_next_is_the_first_moment_of_each_campaign(planner: Planner) -> None:
    found = next_moments(planner)
    assert found["welcome"].at == datetime.fromisoformat("2026-10-30T14:00")
    assert "birthday" not in found  # it is in shadow, and goes never
