"""When a campaign goes: once, or again and again, by the company's clock or by each customer's own.

A clock time that a change of clocks leaves out counts as long after the gap as it lies in it (02:30 becomes 03:30); one
that comes twice is the first of the two. A month without the day has its last day instead.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Every = Literal["day", "week", "month"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[str, ...] = get_args(Weekday)
LAST = 31  # as a day of every month: its last one
CATCH_UP_HOURS = 6.0
FIRST_ZONE = "Etc/GMT-14"  # UTC+14, where every day begins first


@dataclass(frozen=True)
class Moment:
    """One due moment: `wall` as a clock on the wall shows it, `at` when the run is planned and launched (naive UTC)."""

    wall: datetime
    at: datetime


@dataclass(frozen=True)
class Schedule:
    """`once` at a wall-clock moment, or `every` day, week or month at an `hour`; `on` is a weekday from 0, or a day."""

    once: datetime | None = None
    every: Every | None = None
    on: int | None = None
    hour: time = time()
    customer_local: bool = False
    catch_up_hours: float = CATCH_UP_HOURS

    def moments(self, after: datetime, company_zone: str) -> Iterator[Moment]:
        """Give the due moments after a moment (naive UTC), each once and in their order, for as long as there is a calendar.

        By each customer's own clock the run is due when the first of all time zones gets there.
        """
        zone = FIRST_ZONE if self.customer_local else company_zone
        before = after
        for day in self._days(after.date() - timedelta(days=2)):
            wall = datetime.combine(day, self.hour) if self.once is None else self.once
            at = instant(wall, zone)
            if at > before:  # where a zone left out a whole day, two days' moments are one
                yield Moment(wall, at)
                before = at

    def _days(self, first: date) -> Iterator[date]:
        if self.once is not None:
            yield self.once.date()
            return
        for number in range(first.toordinal(), date.max.toordinal() - 1):
            day = date.fromordinal(number)
            if self.every == "day" or self.on == self._place(day):
                yield day

    def _place(self, day: date) -> int | None:
        """Give what `on` has to be for a day to be one of the schedule's."""
        if self.every == "week":
            return day.weekday()
        last = monthrange(day.year, day.month)[1]
        return self.on if day.day == min(self.on or LAST, last) else None


def instant(wall: datetime, zone: str) -> datetime:
    """Give the moment (naive UTC) at which a clock in a zone shows a time, by the rules for gaps and folds above."""
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC).replace(tzinfo=None)


def next_at_hour(now: datetime, hour: int, zone: str) -> datetime:
    """Give the next moment (naive UTC) at which it is that hour in a zone: `now` itself while the hour lasts."""
    here = now.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    if here.hour == hour:
        return now
    today = instant(datetime.combine(here.date(), time(hour)), zone)
    return (
        today if today > now else instant(datetime.combine(here.date() + timedelta(days=1), time(hour)), zone)
    )
