"""Quiet hours: when a phone may be reached, in every place and zone where its owner may be.

Pure: rules and moments in, a verdict out. Moments are naive UTC; zones are IANA names. Local time is
computed from UTC, never the other way round without a check, so that days with a clock change come out
right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone as phone_zones
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator

from data_contracts.yaml_files import read_yaml_file
from messaging.addresses import country_of

RULES_FILE = Path(__file__).with_name("quiet_hours.yaml")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKEND = DAYS[5:]
MEND = "Mend it there: without these hours nobody's phone may be reached."
Code = Annotated[str, Field(pattern="^[A-Z]{2}$")]  # of a country (ISO 3166), or of a state
HORIZON = timedelta(days=9)  # a week, and the two days that a change of the clock may cost


# A number of any other type (toll-free, shared cost, personal, pager, VoIP) tells nothing about where its
# owner is.
PLACED_TYPES = {
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}


class Place(NamedTuple):
    """Where somebody may be: a country (ISO 3166 alpha-2) and, where known, a state's code."""

    country: str
    region: str | None = None


class Hours(NamedTuple):
    """The hours of one day: from `start`, until but not including `end`, in local time."""

    start: time
    end: time


Week = tuple[Hours, ...]  # Monday first


@dataclass(frozen=True)
class QuietRules:
    """The rules of `quiet_hours.yaml`, ready to be asked."""

    channels: frozenset[str]
    ours: Week
    countries: dict[str, Week]
    states: dict[str, dict[str, Week]]

    def weeks(self, places: Iterable[Place]) -> tuple[Week, ...]:
        """Give every week of hours that applies in any of the places; an unknown state counts as each one."""
        weeks = [self.ours]
        for place in places:
            weeks += [self.countries[place.country]] if place.country in self.countries else []
            states = self.states.get(place.country, {})
            if place.region:
                weeks += [states[place.region]] if place.region in states else []
            else:
                weeks += states.values()
        return tuple(dict.fromkeys(weeks))


def _read_hours(written: Any) -> Hours:
    try:
        start, end = (time.fromisoformat(part) for part in written.split("-"))
    except (AttributeError, ValueError):
        raise ValueError('write the hours of a day as "09:00-20:00"') from None
    if start.tzinfo or end.tzinfo:
        raise ValueError('hours are of the local clock: write them without a zone, as "09:00-20:00"')
    return Hours(start, end)


Span = Annotated[Hours, PlainValidator(_read_hours)]


class _Rule(BaseModel):
    """Hours of a week: a day's own stand before its group's, a group's before those of every day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every_day: Span | None = Field(None, alias="every day")
    weekdays: Span | None = None
    weekend: Span | None = None
    monday: Span | None = None
    tuesday: Span | None = None
    wednesday: Span | None = None
    thursday: Span | None = None
    friday: Span | None = None
    saturday: Span | None = None
    sunday: Span | None = None

    @model_validator(mode="after")
    def _says_all_days(self) -> Self:
        if silent := [day for day in DAYS if self._of(day) is None]:
            raise ValueError(f"it gives no hours for {', '.join(silent)}; `every day` counts for all")
        return self

    def week(self) -> Week:
        """Give the hours of each day, Monday first."""
        return tuple(hours for day in DAYS if (hours := self._of(day)))

    def _of(self, day: str) -> Hours | None:
        group = "weekend" if day in WEEKEND else "weekdays"
        given: tuple[Hours | None, ...] = (getattr(self, day), getattr(self, group), self.every_day)
        return next((hours for hours in given if hours is not None), None)


class _Country(_Rule):
    law: str = ""
    states: dict[Code, _Rule] = {}


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    channels: tuple[Literal["email", "sms", "whatsapp", "voice", "chat"], ...]
    ours: _Rule
    countries: dict[Code, _Country]


@lru_cache(maxsize=4)
def read_quiet_rules(path: Path = RULES_FILE) -> QuietRules:
    """Read the rules file. Raises InputError with the line of what is wrong in it."""
    file = read_yaml_file(path, mend=MEND).checked(_File)
    return QuietRules(
        channels=frozenset(file.channels),
        ours=file.ours.week(),
        countries={name: rule.week() for name, rule in file.countries.items()},
        states={
            name: {state: hours.week() for state, hours in rule.states.items()}
            for name, rule in file.countries.items()
        },
    )


def is_legal(moment: datetime, zones: Sequence[str], weeks: Sequence[Week]) -> bool:
    """Say whether every week of hours allows a moment (naive UTC) in every zone."""
    return all(_open_in(moment, _zone(name), week) for name in zones for week in weeks)


def next_legal(moment: datetime, zones: Sequence[str], weeks: Sequence[Week]) -> datetime | None:
    """Give the first moment from this one on (naive UTC) that is legal everywhere, or None."""
    end = moment + HORIZON
    pairs = [(_zone(name), week) for name in zones for week in weeks]
    while moment <= end:
        shut = [pair for pair in pairs if not _open_in(moment, *pair)]
        if not shut:
            return moment
        moment = max(_opens_after(moment, zone, week) for zone, week in shut)
    return None


def known_zone(name: str | None) -> bool:
    """Say whether a name is a time zone that we can compute with."""
    try:
        return bool(name) and name != phone_zones.UNKNOWN_TIMEZONE and _zone(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def candidate_zones(profile_zone: str | None, phone: str | None) -> tuple[str, ...]:
    """Give every zone where the owner of a profile and a phone (E.164) may be; none where we cannot tell.

    A number that is not tied to a place, such as a toll-free one, tells nothing.
    """
    zones = {profile_zone} if profile_zone and known_zone(profile_zone) else set()
    if phone is not None:
        zones |= set(_phone_zones(phone))
    return tuple(sorted(zones))


def candidate_places(country: str | None, region: str | None, phone: str | None) -> tuple[Place, ...]:
    """Give every place whose rules may hold for the owner of a profile and a phone (E.164)."""
    places = {Place(country.upper(), region.upper() if region else None)} if country else set()
    phone_country = country_of(phone) if phone else None
    if phone_country and phone_country not in {place.country for place in places}:
        places.add(Place(phone_country))
    return tuple(sorted(places, key=lambda place: (place.country, place.region or "")))


@lru_cache(maxsize=65536)
def _phone_zones(phone: str) -> tuple[str, ...]:
    number = phonenumbers.parse(phone)
    if phonenumbers.number_type(number) not in PLACED_TYPES:
        return ()
    return tuple(name for name in phone_zones.time_zones_for_number(number) if known_zone(name))


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _open_in(moment: datetime, zone: ZoneInfo, week: Week) -> bool:
    local = moment.replace(tzinfo=UTC).astimezone(zone)
    hours = week[local.weekday()]
    return hours.start <= local.time() < hours.end


def _opens_after(moment: datetime, zone: ZoneInfo, week: Week) -> datetime:
    """Give when a shut zone opens next: the first opening of a local day that lies after the moment."""
    day = moment.replace(tzinfo=UTC).astimezone(zone).date()
    while True:
        hours = week[day.weekday()]
        if hours.start < hours.end:
            opening = _to_utc(day, hours.start, zone)
            if opening > moment:
                return opening
        day += timedelta(days=1)


def _to_utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    local = datetime.combine(
        day, at, tzinfo=zone
    )  # the earlier of two, where a clock goes back; caller checks
    return local.astimezone(UTC).replace(tzinfo=None)
