"""Quiet hours against an oracle that shares no code with them: a table of hours, the clock by the minute."""

import os
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import geocoder
from tzlocal.windows_tz import win_tz

from data_contracts.errors import InputError
from messaging.consent_words import ConsentState
from messaging.policy import Allowed, SendFacts, decide
from messaging.quiet_hours import (
    RULES_FILE,
    Place,
    QuietRules,
    candidate_places,
    candidate_zones,
    is_legal,
    known_zone,
    next_legal,
    read_quiet_rules,
    zone_named,
)
from messaging.quiet_hours.names import ZONE_NAMES_FILE
from messaging.quiet_hours.rules import public_holidays

from .quiet_oracle import by_hand, first_minute, may_arrive

RULES = read_quiet_rules()
ZONES = [
    "Europe/London",
    "Europe/Paris",
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
    "America/Toronto",
    "Australia/Sydney",
    "Europe/Rome",
    "Europe/Madrid",
    "Europe/Berlin",
]
STATES = [None, "NY", "CA", "AL", "CT", "FL", "KY", "LA", "MS", "OK", "RI", "TX", "UT", "WA"]
CHANNELS = ["sms", "whatsapp", "voice", "chat", "email"]
PHONES = [
    "+12125550123",
    "+13055550123",
    "+17135550123",
    "+18505550123",
    "+14015550123",
    "+12055550123",
    "+33612345678",
    "+447400123456",
    "+14165550123",
    "+61491570006",
    "+393123456789",
    "+34612345678",
    "+4915123456789",
    "+919876543210",
]
DST_DAYS = [datetime.fromisoformat(day) for day in ("2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01")]
BOUNDARIES = [
    datetime.fromisoformat(day)
    for day in (
        "2025-09-01",
        "2023-03-01",
        "2026-07-14",
        "2026-11-26",
        "2026-08-10",
        "2026-01-26",
        "2026-04-25",
        "2026-10-03",
        "2026-10-12",
        "2026-06-02",
        "2025-12-26",
        "2023-05-08",
        "2026-11-21",
        "2026-11-22",
    )
]
CASES = 10_000 if os.environ.get("RAPPORT_SOAK") else 2_500
IN_ORDER = SendFacts(
    channel="sms",
    message_class="marketing",
    now=datetime.fromisoformat("2026-10-30T12:00"),
    address=None,
    window_open=True,
    consent=ConsentState(True, "con_1", datetime.fromisoformat("2020-01-01"), "consent", "form", "form"),
)
STATE_NAMES = {
    "Alabama": "AL", "Connecticut": "CT", "Florida": "FL", "Kentucky": "KY", "Louisiana": "LA", "Maryland": "MD",
    "Mississippi": "MS", "New Jersey": "NJ", "Oklahoma": "OK", "Rhode Island": "RI", "Texas": "TX", "Utah": "UT",
    "Washington State": "WA",
}  # fmt: skip
Case = tuple[datetime, tuple[str, ...], tuple[Place, ...], str, str]


def _cases(count: int) -> list[Case]:
    """Draw moments near changes of the clock, of the law, on holidays and on any day, with zones, places and phones."""
    chance = random.Random(47)
    cases = []
    for number in range(count):
        near = chance.choice((DST_DAYS, BOUNDARIES)[number % 3 - 1]) if number % 3 else None
        day = near or datetime.fromisoformat("2022-12-01") + timedelta(days=chance.randrange(1500))
        moment = day + timedelta(minutes=chance.randrange(-1440, 2880))
        zones = chance.sample(ZONES, chance.choice([1, 1, 1, 2, 3]))
        phone = chance.choice(PHONES)
        country, state = (
            chance.choice(["US", "US", "US", "FR", "GB", "CA", "AU", "IT", "ES", "DE", "IN", "JP", None]),
            chance.choice(STATES),
        )
        places = candidate_places(country, state if country == "US" else None, phone)
        cases.append((moment, tuple(sorted(zones)), places, chance.choice(CHANNELS), phone))
    return cases


def _judge(case: Case) -> bool:
    """Ask the gate itself, with consent and everything else in order."""
    moment, zones, places, channel, phone = case
    return isinstance(
        decide(
            replace(IN_ORDER, now=moment, zones=zones, places=places, channel=channel, address=phone), RULES
        ),
        Allowed,
    )


def test_thousands_of_moments_agree_with_the_oracle() -> None:
    cases = _cases(CASES)
    wrong = [case for case in cases if _judge(case) != may_arrive(*case)]
    allowed = sum(map(_judge, cases))
    print(f"quiet hours: {len(cases)} cases, {allowed} allowed, {len(wrong)} against the oracle")  # noqa: T201 - a soak shows its figures
    assert wrong == []
    assert CASES * 0.1 < allowed < CASES * 0.9, "cases that all end alike hold nothing"


def test_the_next_legal_moment_is_the_oracles_first() -> None:
    for case in _cases(CASES // 200):
        moment, zones, places, channel, phone = case
        if channel == "email":
            continue
        found = next_legal(moment, zones, RULES.hours(places, channel, phone))
        if found is None or found > moment + timedelta(days=5):
            assert first_minute(moment, 5, zones, places, channel, phone) is None, case
        else:
            assert found == first_minute(moment, 6, zones, places, channel, phone), case


@settings(max_examples=200, deadline=None)
@given(
    moment=st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2037-12-31")),
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3),
    state=st.sampled_from(STATES),
    channel=st.sampled_from(CHANNELS[:-1]),
    phone=st.sampled_from(PHONES),
)
def test_the_next_legal_moment_is_legal_and_never_earlier(
    moment: datetime, zones: list[str], state: str | None, channel: str, phone: str
) -> None:
    places = candidate_places("US", state, phone)
    hours = RULES.hours(places, channel, phone)
    found = next_legal(moment, zones, hours)
    if found is not None:
        assert found >= moment
        assert is_legal(found, zones, hours)
        if 2023 <= found.year <= 2030:  # whose holidays the oracle knows by hand
            assert may_arrive(found, zones, places, channel, phone)


@pytest.mark.parametrize("country", ["FR", "IT", "ES", "DE", "AU", "GB"])
@pytest.mark.parametrize("year", range(2023, 2031))
def test_the_holidays_of_a_country_are_those_of_its_law(country: str, year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    known = {day for day in days if day in public_holidays(Place(country)) and day.weekday() < 6}
    assert known == {day for day in by_hand(country, year) if day.weekday() < 6}, (
        "but for Sundays, which rest anyway"
    )


@pytest.mark.parametrize(
    ("country", "channel", "zone", "local", "allowed"),
    [
        ("CA", "voice", "America/Toronto", "2026-11-22T09:30", False),  # a Sunday
        ("CA", "voice", "America/Toronto", "2026-11-22T17:59", True),
        ("CA", "voice", "America/Toronto", "2026-11-22T18:00", False),
        ("AU", "voice", "Australia/Sydney", "2026-11-22T12:00", False),
        ("AU", "sms", "Australia/Sydney", "2026-11-21T17:00", False),  # a Saturday
        ("AU", "sms", "Australia/Sydney", "2026-01-26T12:00", False),
        ("IT", "voice", "Europe/Rome", "2026-11-22T12:00", False),
        ("IT", "voice", "Europe/Rome", "2026-11-21T12:00", True),
        ("ES", "voice", "Europe/Madrid", "2026-11-21T12:00", False),
        ("FR", "sms", "Europe/Paris", "2026-11-22T12:00", False),
        ("FR", "sms", "Europe/Paris", "2026-07-14T12:00", False),
        ("IN", "sms", "Asia/Kolkata", "2026-11-23T09:30", False),
        ("IN", "sms", "Asia/Kolkata", "2026-11-23T10:00", True),
        ("DE", "voice", "Europe/Berlin", "2026-11-22T12:00", False),
        ("GB", "voice", "Europe/London", "2026-11-22T12:00", False),
        ("JP", "voice", "Asia/Tokyo", "2026-11-22T12:00", False),  # no rule of Japan's: elsewhere
        ("JP", "sms", "Asia/Tokyo", "2026-11-22T12:00", True),
        ("US", "voice", "America/Los_Angeles", "2026-11-21T12:00", True),  # its law allows Saturdays
    ],
)
def test_a_phone_rests_when_its_country_says_so(
    country: str, channel: str, zone: str, local: str, *, allowed: bool
) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    state = "CA" if country == "US" else None
    assert is_legal(moment, (zone,), RULES.hours((Place(country, state),), channel)) is allowed


def test_a_call_rests_at_weekends_where_nobody_knows_the_country() -> None:
    hours = RULES.hours((), "voice")
    assert [bool(hours.on(date(2026, 11, day))) for day in (20, 21, 22)] == [True, False, False]


def test_every_rule_of_a_country_says_where_it_was_read() -> None:
    countries = yaml.safe_load(RULES_FILE.read_text())["countries"]
    rules = [
        rule for name, each in countries.items() if name != "US" for rule in (each, *each.get("besides", ()))
    ]
    assert len(rules) >= 11
    for rule in rules:
        assert rule["law"]
        assert rule["source"].startswith(("https://", "memory, and stricter"))


def test_a_state_keeps_its_own_holidays_where_its_country_rests_on_holidays() -> None:
    epiphany = date(2026, 1, 6)  # a Tuesday, and a holiday in Bavaria
    assert [bool(RULES.hours((Place("DE", state),), "voice").on(epiphany)) for state in ("BY", "BE")] == [
        False,
        True,
    ]


def test_area_codes_are_all_those_that_the_numbering_plan_places_in_a_state() -> None:
    wanted = {place.region for place in RULES.area_codes.values()}
    told = {}
    for code in range(200, 1000):
        number = phonenumbers.PhoneNumber(country_code=1, national_number=code * 10**7 + 2345678)
        where = geocoder.description_for_number(number, "en") if phonenumbers.is_valid_number(number) else ""
        state = STATE_NAMES.get(where) or where.rpartition(", ")[2]
        if state in wanted:
            told[f"+1{code}"] = Place("US", state)
    assert RULES.area_codes == told


def test_zones_on_the_two_sides_of_the_earth_share_no_hour() -> None:
    zones = ["Pacific/Auckland", "Europe/London"]
    assert next_legal(datetime.fromisoformat("2026-06-01T12:00"), zones, RULES.hours((), "sms")) is None


def test_hours_are_local_on_both_sides_of_a_change_of_the_clock() -> None:
    hours, new_york = RULES.hours((Place("US", "NY"),), "sms"), ["America/New_York"]
    before, after = datetime.fromisoformat("2026-03-07T14:00"), datetime.fromisoformat("2026-03-08T13:00")
    for opening in (before, after):  # 9:00 is 14:00 UTC on the day before, 13:00 UTC on the day itself
        assert is_legal(opening, new_york, hours)
        assert not is_legal(opening - timedelta(minutes=1), new_york, hours)


def test_the_rules_name_their_day_and_channels() -> None:
    assert {"sms", "whatsapp", "voice"} <= RULES.channels
    assert "email" not in RULES.channels


def _rules(tmp_path: Path, **countries: object) -> QuietRules:
    path = tmp_path / "quiet_hours.yaml"
    hours = {"every day": "00:00-24:00"}
    document = {"as_of": "2026-11-22", "channels": ["sms", "voice"], "ours": hours, "countries": countries}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return read_quiet_rules(path)


def _noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00")


def test_a_rule_holds_from_its_day_until_the_next_version(tmp_path: Path) -> None:
    versions = [
        {"until": date(2026, 7, 1), "every day": "08:00-11:00"},
        {"from": date(2026, 7, 1), "until": date(2027, 1, 1), "every day": "10:00-13:00"},
    ]
    hours = _rules(tmp_path, US={"every day": "06:00-20:00", "states": {"TX": versions}}).hours(
        (Place("US", "TX"),), "sms"
    )
    spans = {
        str(day): hours.on(day)
        for day in (date(2026, 6, 30), date(2026, 7, 1), date(2026, 12, 31), date(2027, 1, 1))
    }
    assert spans == {
        "2026-06-30": ((480, 660),),
        "2026-07-01": ((600, 780),),
        "2026-12-31": ((600, 780),),
        "2027-01-01": ((360, 1200),),
    }


def test_hours_of_holidays_stand_before_those_of_the_day_in_the_places_own_calendar(tmp_path: Path) -> None:
    rule = {"every day": "08:00-20:00", "holidays": "10:00-12:00, 14:00-16:00"}
    rules = _rules(tmp_path, DE=rule, FR=rule | {"holidays": "closed"})
    unity, bastille = date(2026, 10, 3), date(2026, 7, 14)
    assert [len(rules.hours((Place("DE"),), "sms").on(day)) for day in (unity, bastille)] == [2, 1]
    assert [len(rules.hours((Place("FR"),), "sms").on(day)) for day in (unity, bastille)] == [1, 0]


def test_our_own_holidays_are_those_of_every_place_where_the_reader_may_be(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(
        "as_of: 2026-11-22\nchannels: [sms]\nours: {every day: '09:00-20:00', holidays: closed}\ncountries: {}\n"
    )
    rules = read_quiet_rules(path)
    bastille = date(2026, 7, 14)
    assert [
        bool(rules.hours(places, "sms").on(bastille))
        for places in ((), (Place("GB"),), (Place("FR"), Place("GB")))
    ] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("country", "told"),
    [
        ({"every day": "9-20"}, "every day: .*09:00-20:00"),
        ({"every day": "09:00-25:00"}, "every day: "),
        ({"every day": "20:00-09:00"}, "every day: .*end after it begins"),
        ({"every day": "09:00-13:00, 12:00-20:00"}, "every day: .*before the next one"),
        ({"weekdays": "09:00-20:00"}, "no hours for saturday, sunday"),
        (
            {"every day": "closed", "from": date(2026, 7, 1), "until": date(2026, 7, 1)},
            "ends before it begins",
        ),
        (
            {"every day": "closed", "at most": {"messages": 3, "hours": 24, "of": "one subject"}},
            "line 13: .*one campaign",
        ),
        (
            {"every day": "closed", "states": {"TX": [{"every day": "closed"}, {"sunday": "closed"}]}},
            "line 13: .*no hours for",
        ),
        (
            {"every day": "closed", "states": {}, "area codes": {"TX": [713]}},
            "TX has area codes and no rules",
        ),
        (
            {
                "every day": "closed",
                "states": {key: {"every day": "closed"} for key in ("OK", "TX")},
                "area codes": {"OK": [405], "TX": [405]},
            },
            "405 is another state's",
        ),
    ],
)
def test_a_slip_in_the_rules_is_told_with_its_line(
    tmp_path: Path, country: dict[str, object], told: str
) -> None:
    with pytest.raises(InputError, match=rf"line \d+: .*{told}" if "line" not in told else told):
        _rules(tmp_path, US=country)


def test_holidays_that_nobody_knows_are_refused_and_not_taken_for_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the holidays of XX are not known here"):
        _rules(tmp_path, XX={"every day": "09:00-20:00", "holidays": "closed"})


def test_an_area_code_counts_beside_the_state_that_a_profile_names() -> None:
    evening = date(2026, 11, 23)
    profile = (Place("US", "NY"),)
    assert RULES.hours(profile, "sms", "+12125550123").on(evening) == ((540, 1200),)
    assert RULES.hours(profile, "sms", "+14015550123").on(evening) == ((540, 1080),), "Rhode Island's"
    assert [
        each.place.region for each in RULES.limits(profile, "sms", "+13055550123", _noon("2026-11-23"))
    ] == ["FL"]
    assert RULES.limits(profile, "sms", "+12125550123", _noon("2026-11-23")) == ()


@pytest.mark.parametrize(
    ("profile", "phone", "zones"),
    [
        ("Europe/Paris", None, ("Europe/Paris",)),
        (None, "+12125550123", ("America/New_York",)),
        ("Europe/Paris", "+12125550123", ("America/New_York", "Europe/Paris")),
        ("America/New_York", "+12125550123", ("America/New_York",)),
        (None, "+18005550199", ()),  # toll-free: anywhere
        ("Mars/Olympus", None, ()),
        ("Mars/Olympus", "+12125550123", ()),  # its owner is somewhere else than the number may be
        ("  ", "+12125550123", ("America/New_York",)),
        ("Etc/Unknown", "+12125550123", ("America/New_York",)),
        ("Pacific Time (US & Canada)", "+12125550123", ("America/Los_Angeles", "America/New_York")),
        ("(GMT-08:00) Pacific Time (US & Canada)", None, ("America/Los_Angeles",)),
        ("(GMT+1:00) Bern", None, ("Europe/Zurich",)),
        ("W. Europe Standard Time", None, ("Europe/Berlin",)),
        ("Samoa", None, ("Pacific/Apia",)),  # IANA's Pacific/Samoa lies on the other side of the date line
        ("Newfoundland", None, ("America/St_Johns",)),
        ("europe/london", None, ("Europe/London",)),
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
        ("US", "US-TX", None, (Place("US", "TX"),)),
        ("US", " tx ", None, (Place("US", "TX"),)),
        ("US", "Texas", None, (Place("US", "TX"),)),
        ("US", "NEW  york", None, (Place("US", "NY"),)),
        ("CA", "CA-ON", None, (Place("CA", "ON"),)),
        ("CA", "British Columbia", None, (Place("CA", "BC"),)),
        ("AU", "New South Wales", None, (Place("AU", "NSW"),)),
        ("US", "CA-ON", None, (Place("US"),)),  # another country's: unknown, and every state's rules hold
        ("US", "Texass", None, (Place("US"),)),
        ("US", "", None, (Place("US"),)),
        ("ZZ", "TX", None, (Place("ZZ"),)),
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


@pytest.mark.parametrize("written", ["Texas", "tx ", "US-TX", "TX", None, "Lone Star State"])
def test_a_state_however_it_is_written_keeps_its_law(written: str | None) -> None:
    sunday = datetime.fromisoformat("2026-11-22T17:30")  # 11:30 in Texas, which rests until noon
    facts = replace(
        IN_ORDER,
        now=sunday,
        address="+12125550123",
        zones=("America/Chicago",),
        places=candidate_places("US", written, "+12125550123"),
    )
    assert not isinstance(decide(facts, RULES), Allowed)


def test_every_name_of_a_zone_that_is_not_ianas_means_one_that_we_can_compute_with() -> None:
    names = yaml.safe_load(ZONE_NAMES_FILE.read_text())
    spelt = [*names["cities"], *(each for others in names["others"].values() for each in others), *win_tz]
    assert len(spelt) > 280
    assert [name for name in spelt if not known_zone(zone_named(name))] == []
    for name in names["cities"]:
        assert (zone_named(name) or "").rpartition("/")[2] == name.replace(" ", "_")
