"""`notifications.yaml`: who is told of what, by which way, and when they sleep.

A file of that name in RAPPORT_HOME stands before the shipped one, as a whole.
"""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, field_validator, model_validator

from data_contracts.yaml_files import home_rules_file, read_yaml_file
from messaging.addresses import normalise
from messaging.notifications.events import EVENTS

SHIPPED = Path(__file__).with_name("notifications.yaml")
MEND = "Mend it there: without it nobody is told of what is wrong."
COMPANY = "company"  # stands for the address that our own mail comes from
NOBODY = "nobody"
WayName = Literal["email", "webhook", "sms"]
WAYS: tuple[WayName, ...] = get_args(WayName)
Minutes = Annotated[int, Field(ge=0, le=100_000)]
LONGEST_WAIT = 480  # minutes, on a channel that no target names


class Night(NamedTuple):
    """The hours in which somebody is not disturbed, by their local clock; they may span midnight."""

    start: time
    end: time

    def until(self, local: datetime) -> datetime | None:
        """Give when the night that `local` lies in ends, by the same clock; None by day."""
        clock = local.time()
        before, after = clock < self.end, clock >= self.start
        spans_midnight = self.start > self.end
        if not (before or after if spans_midnight else before and after):
            return None
        day = local.date() + timedelta(days=int(spans_midnight and after))
        return datetime.combine(day, self.end)


def _read_night(written: Any) -> Night:
    try:
        start, end = (time.fromisoformat(part) for part in written.split("-"))
    except (AttributeError, ValueError):
        raise ValueError('write the hours as "20:00-07:00"') from None
    if start.tzinfo or end.tzinfo or start == end:
        raise ValueError('hours are two of the local clock, without a zone, as "20:00-07:00"')
    return Night(start, end)


class Owner(BaseModel):
    """Somebody who is told: by the first of their ways that works, of what is urgent by all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    email: str | None = None
    webhook: str | None = None
    sms: str | None = None
    quiet: Annotated[Night, PlainValidator(_read_night)] | None = None
    time_zone: str | None = None  # IANA; the company's where none is given

    @field_validator("email", "sms")
    @classmethod
    def _one_address(cls, value: str | None, info: Any) -> str | None:
        if value is None or (info.field_name == "email" and value == COMPANY):
            return value
        found = normalise(info.field_name, value)
        if found is None:
            number = "one number with its country code, such as +442079460018"
            legal = "one e-mail address, or `company`" if info.field_name == "email" else number
            raise ValueError(f"it should be {legal}")
        return found

    @field_validator("webhook")
    @classmethod
    def _whole_url(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "")
        if value is not None and (
            parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc
        ):
            raise ValueError(
                "it should be a whole address such as https://hooks.example.com/rapport, without a user"
            )
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("it should be an IANA time zone such as Europe/London") from error
        return value

    @property
    def ways(self) -> tuple[WayName, ...]:
        """Name the ways by which they are reached, the usual one first."""
        return tuple(way for way in WAYS if getattr(self, way) is not None)

    def quiet_until(self, now: datetime, company_zone: str) -> datetime | None:
        """Give when their night ends, where it is night for them at `now`; naive UTC both."""
        if self.quiet is None:
            return None
        zone = ZoneInfo(self.time_zone or company_zone)
        ends = self.quiet.until(now.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None))
        return None if ends is None else ends.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


class EventRule(BaseModel):
    """Who owns an event, whether it may wake them, and how long it may last before it is told; the rest is usual."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str | None = None  # the file's first one where none is named
    urgent: bool | None = None
    after_minutes: Minutes | dict[str, Minutes] | None = None


class Rules(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owners: Annotated[dict[str, Owner], Field(min_length=1)]
    most_an_hour: Annotated[int, Field(ge=2, le=100)] = 6
    remind_after_hours: Annotated[int, Field(ge=1, le=720)] = 24
    events: dict[str, EventRule] = {}

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for name, rule in self.events.items():
            if name not in EVENTS:
                raise ValueError(f"events names {name!r}; the events are {', '.join(EVENTS)}")
            if rule.owner not in {None, NOBODY, *self.owners}:
                legal = ", ".join([*self.owners, NOBODY])
                raise ValueError(f"events.{name} names the owner {rule.owner!r}; there is {legal}")
            per_channel = isinstance(rule.after_minutes, dict)
            if per_channel and isinstance(EVENTS[name].minutes, int):
                raise ValueError(f"events.{name}.after_minutes is one number, not one for each channel")
        if NOBODY in self.owners:
            raise ValueError(f"owners names {NOBODY!r}, which stands for none; choose another name")
        return self

    def owner_of(self, event: str) -> str | None:
        """Name who owns an event; None where nobody is told."""
        name = self._rule(event).owner or next(iter(self.owners))
        return None if name == NOBODY else name

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Name the owners of some event who have no way to be told of it."""
        owning = {self.owner_of(event) for event in EVENTS}
        return tuple(name for name, owner in self.owners.items() if name in owning and not owner.ways)

    def urgent(self, event: str) -> bool:
        """Say whether an event may wake its owner."""
        own = self._rule(event).urgent
        return EVENTS[event].urgent if own is None else own

    def after(self, event: str, channel: str = "") -> timedelta:
        """Give how long an event may last before it is told; of what has a time for each channel, on that channel."""
        usual = EVENTS[event].minutes
        minutes = usual if isinstance(usual, int) else usual.get(channel, LONGEST_WAIT)
        own = self._rule(event).after_minutes
        if own is not None:
            minutes = own if isinstance(own, int) else own.get(channel, minutes)
        return timedelta(minutes=minutes)

    @property
    def remind_after(self) -> timedelta:
        """Give after how long an owner is told again of what is still wrong."""
        return timedelta(hours=self.remind_after_hours)

    def _rule(self, event: str) -> EventRule:
        return self.events.get(event, USUAL)


USUAL = EventRule()


def read_rules(home: Path) -> Rules:
    """Read the file of an installation. Raises InputError with the line of each word that is wrong, and what is legal."""
    return read_yaml_file(home_rules_file(home, SHIPPED), mend=MEND).checked(Rules)
