"""The file of quiet hours, read and checked word by word: rules with the days they hold, limits, area codes."""

import itertools
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from data_contracts.yaml_files import YamlFile, home_rules_file, read_yaml_file
from messaging.quiet_hours.hours import Day, Span
from messaging.quiet_hours.places import Place
from messaging.quiet_hours.rules import Limit, QuietRules, Rule, public_holidays

RULES_FILE = Path(__file__).with_name("quiet_hours.yaml")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKEND = DAYS[5:]
MEND = "Mend it there: without these hours nobody's phone may be reached."
CLOSED = "closed"
LONGEST_LIMIT = timedelta(days=31)  # so far back it is read what somebody was sent
Code = Annotated[str, Field(pattern="^[A-Z]{2}$")]  # of a country (ISO 3166)
State = Annotated[str, Field(pattern="^[A-Z0-9]{1,3}$")]  # of a state, without its country (ISO 3166-2)
Channels = tuple[Literal["email", "sms", "whatsapp", "voice", "chat"], ...]


def _read_day(written: Any) -> Day:
    """Read the spans of a day, such as "10:00-13:00, 14:00-20:00"."""
    if written == CLOSED:
        return ()
    try:
        spans = tuple(_read_span(part) for part in written.split(","))
    except (AttributeError, ValueError):
        raise ValueError(f'write the hours of a day as "09:00-20:00", or {CLOSED}') from None
    if any(one.end <= one.start for one in spans) or any(
        one.end > other.start for one, other in itertools.pairwise(spans)
    ):
        raise ValueError("each part of a day has to end after it begins, and before the next one")
    return spans


def _read_span(written: str) -> Span:
    start, end = (_minute(part.strip()) for part in written.split("-"))
    return Span(start, end)


def _minute(written: str) -> int:
    """Read a time of a local day as its minute; 24:00 is its end."""
    hours, minutes = written.split(":")
    if not (len(hours) == len(minutes) == 2 and hours.isdecimal() and minutes.isdecimal()):
        raise ValueError(written)
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > 1440:
        raise ValueError(written)
    return minute


Spans = Annotated[Day, PlainValidator(_read_day)]


class _Limit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: int = Field(ge=1, le=100, strict=True)
    hours: int = Field(ge=1, le=LONGEST_LIMIT // timedelta(hours=1), strict=True)
    of: Literal["one campaign", "all campaigns"] = "all campaigns"


class _Rule(BaseModel):
    """Hours of a week: a day's own stand before its group's, a group's before those of every day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    law: str = ""
    source: str = ""  # where it was read
    channels: Channels | None = None
    since: date | None = Field(None, alias="from")
    until: date | None = None
    every_day: Spans | None = Field(None, alias="every day")
    weekdays: Spans | None = None
    weekend: Spans | None = None
    monday: Spans | None = None
    tuesday: Spans | None = None
    wednesday: Spans | None = None
    thursday: Spans | None = None
    friday: Spans | None = None
    saturday: Spans | None = None
    sunday: Spans | None = None
    holidays: Spans | None = None
    at_most: _Limit | None = Field(None, alias="at most")

    @model_validator(mode="after")
    def _says_all_days(self) -> Self:
        if silent := [day for day in DAYS if self._of(day) is None]:
            raise ValueError(f"it gives no hours for {', '.join(silent)}; `every day` counts for all")
        if self.since and self.until and self.until <= self.since:
            raise ValueError("it ends before it begins: `until` is the first day on which it holds no more")
        return self

    def rule(self, place: Place | None, channels: frozenset[str]) -> Rule:
        """Give the rule of a place; `channels` are those that have quiet hours at all."""
        held = channels if self.channels is None else channels.intersection(self.channels)
        most = self.at_most
        return Rule(
            week=tuple(hours for day in DAYS if (hours := self._of(day)) is not None),
            on_holidays=self.holidays,
            since=self.since,
            until=self.until,
            channels=held,
            place=place,
            limit=Limit(most.messages, most.hours, most.of == "one campaign", place, held)
            if most and place
            else None,
        )

    def _of(self, day: str) -> Day | None:
        group = "weekend" if day in WEEKEND else "weekdays"
        given: tuple[Day | None, ...] = (getattr(self, day), getattr(self, group), self.every_day)
        return next((hours for hours in given if hours is not None), None)


def _listed(value: Any) -> Any:
    """Take a place's only rule for a list of one."""
    return value if isinstance(value, list) else [value]


Rules = Annotated[tuple[_Rule, ...], BeforeValidator(_listed), Field(min_length=1)]
AreaCode = Annotated[int, Field(ge=200, le=999, strict=True)]


class _Country(_Rule):
    besides: tuple[_Rule, ...] = ()
    states: dict[State, Rules] = {}
    area_codes: dict[State, tuple[AreaCode, ...]] = Field({}, alias="area codes")

    def all(self) -> tuple[_Rule, ...]:
        """Give the country's rules, its states' apart."""
        return (self, *self.besides)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    channels: Channels
    ours: _Rule
    elsewhere: _Rule | None = None
    countries: dict[Code, _Country]


@lru_cache(maxsize=4)
def read_quiet_rules(path: Path = RULES_FILE) -> QuietRules:
    """Read the rules file. Raises InputError with the line of what is wrong in it."""
    source = read_yaml_file(path, mend=MEND)
    file = source.checked(_File)
    channels = frozenset(file.channels)
    _check_places(source, file)
    return QuietRules(
        channels=channels,
        ours=file.ours.rule(None, channels),
        elsewhere=file.elsewhere.rule(None, channels) if file.elsewhere else None,
        countries={
            name: tuple(rule.rule(Place(name), channels) for rule in country.all())
            for name, country in file.countries.items()
        },
        states={
            name: {
                state: tuple(each.rule(Place(name, state), channels) for each in rules)
                for state, rules in country.states.items()
            }
            for name, country in file.countries.items()
        },
        area_codes=dict(_area_codes(file.countries)),
    )


def installed_rules(home: Path) -> QuietRules:
    """Read the rules of an installation: the file in its home, else the shipped one."""
    return read_quiet_rules(home_rules_file(home, RULES_FILE))


def _area_codes(countries: Mapping[str, _Country]) -> Iterator[tuple[str, Place]]:
    for name, country in countries.items():
        for state, codes in country.area_codes.items():
            for code in codes:
                yield f"+1{code}", Place(name, state)


def _check_places(source: YamlFile, file: _File) -> None:
    """Refuse holidays that nobody knows, area codes of a state without rules, and one that two states have."""
    for name, country in file.countries.items():
        asked = [*country.all(), *(rule for rules in country.states.values() for rule in rules)]
        if any(rule.holidays is not None for rule in asked):
            try:
                public_holidays(Place(name))
            except NotImplementedError:
                source.refuse(
                    ("countries", name), f"the holidays of {name} are not known here; leave `holidays` out"
                )
        seen: set[int] = set()
        for state, codes in country.area_codes.items():
            place = ("countries", name, "area codes", state)
            if state not in country.states:
                source.refuse(place, f"{state} has area codes and no rules under `states`")
            if twice := seen & set(codes):
                source.refuse(place, f"the area code {min(twice)} is another state's already")
            seen |= set(codes)
