"""The hour at which each reader answers, and the pace at which a campaign goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from data_contracts.errors import CampaignError
from messaging.campaigns import next_at_hour, read_campaign
from messaging.clock import Clock
from messaging.planner import Planner, build_planner, outlook, why_message
from messaging.policy import shipped_limits
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages
from tests.messaging.planning.test_planner import agree, planner  # noqa: F401 - fixtures

NOON = datetime.fromisoformat("2026-10-30T12:00")
HOUR = timedelta(hours=1)
FILE = "segment: lapsed\ntemplate: win_back\nchannels: [sms]\n"
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(0, 23), st.sampled_from(ZONES))
def test_the_next_time_it_is_that_hour_lies_ahead_and_within_a_day(
    now: datetime, hour: int, zone: str
) -> None:
    found = next_at_hour(now, hour, zone)
    here = found.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert now <= found <= now + 25 * HOUR
    assert here.hour == hour or here.utcoffset() != (here - 2 * HOUR).utcoffset()  # clocks left that hour out
    assert found == now or here.minute % 30 == 0


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("per_hour: 0\n", "line 4: per_hour: .*greater than or equal to 1, and it is 0"),
        ("per_hour: '5'\n", "line 4: per_hour"),
        ("send_time: morning\n", "line 4: send_time: .*usual_hour"),
        (
            'send_time: usual_hour\nschedule: {every: day, at: "10:00", customer_local: true}\n',
            "line 4: `customer_local` says the hour already",
        ),
    ],
)
def test_a_pace_and_an_hour_that_mean_nothing_are_refused_with_their_line(written: str, told: str) -> None:
    with pytest.raises(CampaignError, match=told):
        read_campaign("tried", FILE + written)


def sent_after(store: Store, run_id: str) -> dict[str, datetime | None]:
    with store.read() as connection:
        rows = select(messages.c.customer_id, messages.c.send_after).where(messages.c.run_id == run_id)
        return {row.customer_id: row.send_after for row in connection.execute(rows)}


def write(settings: Settings, line: str) -> None:
    path = settings.library_dir / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text() + line)


def test_each_waits_for_the_hour_at_which_they_answer_and_a_later_launch_for_its_next_time(
    settings: Settings,
    store: Store,
    publish: Any,
    make_person: Callable[..., dict[str, Any]],
    planner: Planner,  # noqa: F811
    agree: Callable[..., None],  # noqa: F811
) -> None:
    evening, now, unknown, abroad = people = [
        make_person(1, usual_hour=18),
        make_person(2, usual_hour=12),
        make_person(3, usual_hour=None),
        make_person(4, usual_hour=15, time_zone="Europe/Athens", country="GR"),
    ]
    publish(customer_360=people)
    agree(people)
    write(settings, "\nsend_time: usual_hour\n")
    run = planner.plan("win_back", "ana")
    assert sent_after(store, run.run_id) == {
        evening["customer_id"]: NOON + 6 * HOUR,  # London: it is noon there
        now["customer_id"]: None,
        unknown["customer_id"]: None,
        abroad["customer_id"]: NOON + HOUR,  # Athens: two o'clock
    }
    planner.approve(run.run_id, "otto")
    tomorrow = build_planner(planner.settings, Clock(NOON + 20 * HOUR), store)  # London: eight o'clock
    tomorrow.launch(run.run_id, "otto")
    assert sent_after(store, run.run_id) == {
        evening["customer_id"]: NOON + 30 * HOUR,
        now["customer_id"]: None,
        unknown["customer_id"]: None,
        abroad["customer_id"]: NOON + 25 * HOUR,
    }
    with store.read() as connection:
        asked = select(messages.c.message_id).where(messages.c.customer_id == evening["customer_id"])
        message_id = str(connection.execute(asked).scalar_one())
    told = " ".join(why_message(store, message_id, "Europe/London"))
    assert "18:00 by their own clock, around which they answer" in told
    tomorrow.customers.close()


def test_a_plan_says_how_long_its_pace_takes_and_when_that_is_too_long(
    settings: Settings,
    store: Store,
    publish: Any,
    make_person: Callable[..., dict[str, Any]],
    planner: Planner,  # noqa: F811
    agree: Callable[..., None],  # noqa: F811
) -> None:
    people = [make_person(number) for number in range(30)]
    publish(customer_360=people)
    agree(people)
    write(settings, "\nper_hour: 10\n")
    run = planner.plan("win_back", "ana")
    assert not [each for each in run.notices if "an hour" in each]
    assert outlook(store, planner.customers, run.run_id, shipped_limits()).hours == 3
    path = settings.library_dir / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text().replace("per_hour: 10", "per_hour: 1\nexpires_after_days: 1"))
    notices = planner.plan("win_back", "ana").notices
    assert any(each.startswith("At 1 an hour the last of 30 would go after 30 hours") for each in notices)
