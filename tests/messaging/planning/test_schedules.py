"""When a campaign is due: changes of clocks, ends of months, and what a file may say."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.errors import CampaignError
from messaging.campaigns import Schedule, read_campaign, refuse_past_start
from messaging.campaigns.schedule import instant

FILE = "segment: lapsed\ntemplate: win_back\nchannels: [sms]\nschedule: "
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
MINUTE = timedelta(minutes=1)
CHANGES = [  # just before clocks change somewhere: a gap, a fold, half an hour, a whole day left out
    datetime.fromisoformat(each)
    for each in (
        "2026-03-29T00:00",
        "2026-10-25T00:00",
        "2026-03-08T06:00",
        "2026-11-01T05:00",
        "2026-04-04T14:00",
        "2026-10-03T15:00",
        "2011-12-30T09:00",
        "2026-06-15T12:00",
    )
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def by_watching_the_clock(wall: datetime, zone: str) -> datetime:
    """Watch a clock in the zone minute by minute: the first that shows it, or as long after a gap's edge as it lies in it."""
    moment, before = wall - timedelta(hours=40), None
    while True:
        shown = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if shown == wall:
            return moment
        if before is not None and before < wall < shown:  # the hands jumped over it
            return moment - MINUTE + (wall - before)
        moment, before = moment + MINUTE, shown


@settings(max_examples=60)
@given(st.sampled_from(ZONES), st.sampled_from(CHANGES), st.integers(-24 * 4, 24 * 4))
def test_a_clock_time_is_the_moment_that_somebody_who_watches_the_clock_would_tell(
    zone: str, change: datetime, quarters: int
) -> None:
    local = change.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wall = local + timedelta(minutes=15 * quarters)
    assert instant(wall, zone) == by_watching_the_clock(wall, zone)


def test_an_hour_that_clocks_leave_out_and_one_that_comes_twice() -> None:
    assert instant(at("2026-03-29T01:30"), "Europe/London") == at("2026-03-29T01:30")  # shown as 02:30
    assert instant(at("2026-10-25T01:30"), "Europe/London") == at("2026-10-25T00:30")  # the first of two


@given(
    st.integers(1, 31),
    st.datetimes(at("2023-01-01T00:00"), at("2031-01-01T00:00")),
    st.sampled_from(ZONES),
)
@settings(max_examples=60)
def test_every_month_has_one_moment_and_it_is_the_day_or_the_last_one(
    day: int, after: datetime, zone: str
) -> None:
    found = list(islice(Schedule(None, "month", day, time(10)).moments(after, zone), 14))
    months = [each.wall.year * 12 + each.wall.month for each in found]
    assert months == list(range(months[0], months[0] + 14))
    for each in found:
        tomorrow = each.wall + timedelta(days=1)
        assert each.wall.day == day or (each.wall.day < day and tomorrow.day == 1)


@given(
    st.integers(0, 6), st.datetimes(at("2023-01-01T00:00"), at("2031-01-01T00:00")), st.sampled_from(ZONES)
)
@settings(max_examples=60)
def test_moments_come_in_order_each_once_and_none_is_left_out(on: int, after: datetime, zone: str) -> None:
    every_day = list(islice(Schedule(None, "day", None, time(2, 30)).moments(after, zone), 60))
    assert all(
        one.at < other.at for one, other in zip([every_day[0], *every_day], every_day[1:], strict=False)
    )
    assert after < every_day[0].at <= after + timedelta(hours=25)
    weekly = list(islice(Schedule(None, "week", on, time(2, 30)).moments(after, zone), 8))
    assert weekly == [each for each in every_day if each.wall.weekday() == on][:8]


def test_a_day_that_a_zone_left_out_doubles_no_moment() -> None:
    found = Schedule(None, "day", None, time(10)).moments(at("2011-12-29T00:00"), "Pacific/Apia")
    first = list(islice(found, 4))
    assert len({each.at for each in first}) == 4


def test_by_the_customers_own_clock_the_run_is_due_where_the_day_begins_first() -> None:
    [only] = Schedule(once=at("2026-12-01T10:00"), customer_local=True).moments(
        at("2026-11-23T09:00"), "Europe/London"
    )
    assert (only.wall, only.at) == (at("2026-12-01T10:00"), at("2026-11-30T20:00"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{at: 2026-12-01T10:00}", Schedule(once=at("2026-12-01T10:00"))),
        ("{at: 2026-12-01T10:00:00}", Schedule(once=at("2026-12-01T10:00"))),
        ('{every: day, at: "07:05"}', Schedule(None, "day", None, time(7, 5))),
        ('{every: week, on: tuesday, at: "10:00"}', Schedule(None, "week", 1, time(10))),
        ('{every: month, on: last, at: "10:00"}', Schedule(None, "month", 31, time(10))),
        (
            '{every: month, on: 30, at: "10:00", customer_local: true, catch_up_hours: 2}',
            Schedule(None, "month", 30, time(10), customer_local=True, catch_up_hours=2),
        ),
    ],
)
def test_a_schedule_is_read_as_it_is_written(written: str, expected: Schedule) -> None:
    assert read_campaign("win_back", FILE + written).schedule == expected


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("{every: day, at: 10:00}", "line 4: schedule.at: put the hour in quotes"),
        ('{every: day, on: monday, at: "10:00"}', "line 4: every day has no `on`"),
        ('{every: week, on: 3, at: "10:00"}', "line 4: every week needs an `on` of monday, tuesday"),
        ('{every: week, at: "10:00"}', "line 4: every week needs an `on` of monday, tuesday"),
        ('{every: month, on: 32, at: "10:00"}', "line 4: every month needs an `on` of 1 to 31, or last"),
        ('{every: month, on: 3, at: "25:00"}', "line 4: beside `every`, `at` needs an hour"),
        ("{at: 2026-12-01T10:00, on: 3}", "line 4: `on` needs `every: week` or"),
        ("{at: 2026-02-31T10:00}", "line 4: `at` needs a day and an hour"),
        ('{at: "10:00"}', "line 4: `at` needs a day and an hour"),
        ("{at: 2026-12-01T10:00:00+01:00}", "line 4: `at` needs a day and an hour without a zone"),
        ('{every: hour, at: "10:00"}', "line 4: schedule.every"),
        ('{every: day, at: "10:00", catch_up_hours: 0}', "line 4: schedule.catch_up_hours"),
    ],
)
def test_a_schedule_that_means_nothing_is_refused_with_its_line(written: str, sentence: str) -> None:
    with pytest.raises(CampaignError) as refused:
        read_campaign("win_back", FILE + written)
    assert sentence in str(refused.value)


def test_a_start_that_is_over_is_refused_with_its_line_and_stays_readable() -> None:
    text = f"{FILE}{{at: 2026-11-01T10:00}}"
    campaign = read_campaign("win_back", text)
    refuse_past_start(campaign, text, at("2026-11-01T09:59"), "Europe/London")
    with pytest.raises(CampaignError, match="line 4: its start, 2026-11-01 10:00:00, is over"):
        refuse_past_start(campaign, text, at("2026-11-01T10:00"), "Europe/London")
