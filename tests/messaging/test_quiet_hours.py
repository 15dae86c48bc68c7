"""Quiet hours against an oracle that shares no code with them: a table of hours, the clock by the minute."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.quiet_hours import (
    Place,
    candidate_places,
    candidate_zones,
    is_legal,
    known_zone,
    next_legal,
    read_quiet_rules,
)

RULES = read_quiet_rules()
ZONES = [
    "Europe/London",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Phoenix",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Pacific/Apia",
    "America/St_Johns",
    "Africa/Casablanca",
    "Antarctica/Troll",  # two hours of it
]
STATES = [None, "NY", "CA", "TX", "RI", "FL", "CT", "OK", "WA"]
# Weekday, Saturday, Sunday: written down by hand from 47 CFR 64.1200(c)(1) and the states' statutes, and cut
# to our own 9 to 20.
HOURS = {
    "TX": [(9, 20), (9, 20), (12, 20)],
    "RI": [(9, 18), (10, 17), (10, 17)],
    "unknown": [(9, 18), (10, 17), (12, 17)],
    "other": [(9, 20), (9, 20), (9, 20)],
}
DST_DAYS = [datetime.fromisoformat(day) for day in ("2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01")]


def _oracle(moment: datetime, zones: list[str], state: str | None) -> bool:
    for zone in zones:
        local = datetime.fromtimestamp(moment.replace(tzinfo=UTC).timestamp(), ZoneInfo(zone))
        hours = HOURS.get(state or "unknown", HOURS["other"])
        first, last = hours[{5: 1, 6: 2}.get(local.weekday(), 0)]
        if not first * 60 <= local.hour * 60 + local.minute < last * 60:
            return False
    return True


def _cases(count: int) -> list[tuple[datetime, list[str], str | None]]:
    chance = random.Random(47)
    cases = []
    for number in range(count):
        day = chance.choice(DST_DAYS) if number % 2 else datetime.fromisoformat("2026-01-01")
        moment = day + timedelta(minutes=chance.randrange(-1440, 2880 if number % 2 else 525_600))
        zones = chance.sample(ZONES, chance.choice([1, 1, 1, 2, 3]))
        cases.append((moment, zones, chance.choice(STATES)))
    return cases


def test_ten_thousand_moments_agree_with_the_oracle() -> None:
    wrong = [
        case
        for case in _cases(10_000)
        if is_legal(case[0], case[1], RULES.weeks([Place("US", case[2])])) != _oracle(*case)
    ]
    assert wrong == []


def test_the_next_legal_moment_is_the_oracles_first() -> None:
    for moment, zones, state in _cases(300):
        found = next_legal(moment, zones, RULES.weeks([Place("US", state)]))
        first = next(
            (
                at
                for at in (moment + timedelta(minutes=m) for m in range(9 * 1440))
                if _oracle(at, zones, state)
            ),
            None,
        )
        assert found == first, (moment, zones, state)


@settings(max_examples=200, deadline=None)
@given(
    moment=st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2037-12-31")),
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3),
    state=st.sampled_from(STATES),
)
def test_the_next_legal_moment_is_legal_and_never_earlier(
    moment: datetime, zones: list[str], state: str | None
) -> None:
    weeks = RULES.weeks([Place("US", state)])
    found = next_legal(moment, zones, weeks)
    if found is not None:
        assert found >= moment
        assert is_legal(found, zones, weeks)
        assert _oracle(found, zones, state)


def test_zones_on_the_two_sides_of_the_earth_share_no_hour() -> None:
    zones = ["Pacific/Auckland", "Europe/London"]
    assert next_legal(datetime.fromisoformat("2026-06-01T12:00"), zones, RULES.weeks([])) is None


def test_hours_are_local_on_both_sides_of_a_change_of_the_clock() -> None:
    weeks, new_york = RULES.weeks([Place("US", "NY")]), ["America/New_York"]
    before, after = datetime.fromisoformat("2026-03-07T14:00"), datetime.fromisoformat("2026-03-08T13:00")
    for opening in (before, after):  # 9:00 is 14:00 UTC on the day before, 13:00 UTC on the day itself
        assert is_legal(opening, new_york, weeks)
        assert not is_legal(opening - timedelta(minutes=1), new_york, weeks)


def test_the_rules_name_their_day_and_channels() -> None:
    assert {"sms", "whatsapp", "voice"} <= RULES.channels
    assert "email" not in RULES.channels


@pytest.mark.parametrize(
    ("profile", "phone", "zones"),
    [
        ("Europe/Paris", None, ("Europe/Paris",)),
        (None, "+12125550123", ("America/New_York",)),
        ("Europe/Paris", "+12125550123", ("America/New_York", "Europe/Paris")),
        ("America/New_York", "+12125550123", ("America/New_York",)),
        (None, "+18005550199", ()),  # toll-free: anywhere
        ("Mars/Olympus", None, ()),
        (None, None, ()),
        (None, "+15005550006", ()),  # a personal number
    ],
)
def test_every_zone_where_somebody_may_be_is_a_candidate(
    profile: str | None, phone: str | None, zones: tuple[str, ...]
) -> None:
    assert candidate_zones(profile, phone) == zones


def test_a_phone_of_a_wide_country_may_be_in_any_of_its_zones() -> None:
    assert len(candidate_zones(None, "+61491570006")) > 3


@pytest.mark.parametrize(
    ("country", "region", "phone", "places"),
    [
        ("us", "tx", None, (Place("US", "TX"),)),
        (None, None, "+12125550123", (Place("US"),)),
        ("GB", None, "+12125550123", (Place("GB"), Place("US"))),
        ("US", "FL", "+12125550123", (Place("US", "FL"),)),
        (None, None, None, ()),
    ],
)
def test_every_place_whose_rules_may_hold_is_a_candidate(
    country: str | None, region: str | None, phone: str | None, places: tuple[Place, ...]
) -> None:
    assert candidate_places(country, region, phone) == places


@pytest.mark.parametrize("name", ["", None, "Etc/Unknown", "../etc/passwd", "Mars/Olympus", "/etc/localtime"])
def test_what_is_no_zone_is_not_taken_for_one(name: str | None) -> None:
    assert not known_zone(name)
