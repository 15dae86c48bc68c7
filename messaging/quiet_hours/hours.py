"""The hours that all rules together allow, and the next moment at which every zone is within them.

Pure. Moments are naive UTC; zones are IANA names. Local time is computed from UTC, never the other way round without a
check, so that days with a clock change come out right.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from messaging.quiet_hours.places import zone

# From a shut day to an open one it may take a weekend, holidays on both its sides and two days of a change of the
# clock; who finds no hour in this time is told that there is none.
HORIZON = timedelta(days=21)
_DAYS_KEPT = 64


class Span(NamedTuple):
    """Minutes of a local day: from `start`, until but not including `end`."""

    start: int
    end: int


Day = tuple[Span, ...]  # in their order; none where nothing may be sent
WHOLE_DAY: Day = (Span(0, 1440),)


class Hours:
    """What several rules together allow on each local day; `days` gives each rule's spans, None where it asks nothing."""

    def __init__(self, days: Sequence[Callable[[date], Day | None]]) -> None:
        self._days = tuple(days)
        self._known: dict[date, Day] = {}

    def on(self, day: date) -> Day:
        """Give the spans of a local day that every rule allows."""
        known = self._known.get(day)
        if known is None:
            if len(self._known) >= _DAYS_KEPT:
                self._known.clear()
            known = self._known[day] = self._allowed(day)
        return known

    def _allowed(self, day: date) -> Day:
        allowed = WHOLE_DAY
        for rule in self._days:
            spans = rule(day)
            if spans is not None:
                allowed = _both(allowed, spans)
        return allowed


def is_legal(moment: datetime, zones: Sequence[str], hours: Hours) -> bool:
    """Say whether a moment (naive UTC) lies within the hours in every zone."""
    return all(_open_in(moment, name, hours) for name in zones)


def next_legal(moment: datetime, zones: Sequence[str], hours: Hours) -> datetime | None:
    """Give the first moment from this one on (naive UTC) that is legal everywhere, or None in three weeks."""
    end = moment + HORIZON
    while moment <= end:
        shut = [name for name in zones if not _open_in(moment, name, hours)]
        if not shut:
            return moment
        openings = [_opens_after(moment, zone(name), hours, end) for name in shut]
        known = [opening for opening in openings if opening is not None]
        if len(known) < len(openings):
            return None
        moment = max(known)
    return None


@lru_cache(maxsize=1024)  # a batch is judged at one moment, in few zones
def legal_until(moment: datetime, zones: tuple[str, ...], hours: Hours) -> datetime | None:
    """Give when a moment's hours end (naive UTC), in whichever zone that is first; None where not within two days.

    The moment itself is legal in every zone.
    """
    ends = [end for name in zones if (end := _closes_after(moment, zone(name), hours)) is not None]
    return min(ends, default=None)


@lru_cache(maxsize=4096)  # a batch is judged at one moment, in few zones
def local_time(moment: datetime, name: str) -> datetime:
    """Give what the clock on a wall shows there at a moment (naive UTC)."""
    return moment.replace(tzinfo=UTC).astimezone(zone(name)).replace(tzinfo=None)


def _open_in(moment: datetime, name: str, hours: Hours) -> bool:
    local = local_time(moment, name)
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in hours.on(local.date()))


def _opens_after(moment: datetime, where: ZoneInfo, hours: Hours, end: datetime) -> datetime | None:
    """Give when a shut zone opens next: the first opening of a local day that lies after the moment."""
    day = moment.replace(tzinfo=UTC).astimezone(where).date()
    while datetime.combine(day, time.min) <= end:
        for span in hours.on(day):
            opening = _to_utc(day, span.start, where)
            if opening > moment:
                return opening
        day += timedelta(days=1)
    return None


def _closes_after(moment: datetime, where: ZoneInfo, hours: Hours) -> datetime | None:
    """Give when the span that a moment lies in ends; one that ends at midnight may go on with the next day's."""
    local = moment.replace(tzinfo=UTC).astimezone(where)
    day, minute = local.date(), local.hour * 60 + local.minute
    for _ in range(2):
        ends = [end for start, end in hours.on(day) if start <= minute < end]
        if not ends:
            return _to_utc(day, 0, where)  # it ended at the midnight that this day began with
        if ends[0] < WHOLE_DAY[0].end:
            return _to_utc(day, ends[0], where)
        day, minute = day + timedelta(days=1), 0
    return None


def _to_utc(day: date, minute: int, where: ZoneInfo) -> datetime:
    # the earlier of two, where a clock goes back, and past the gap where it goes forward: the caller looks again
    local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=where)
    return local.astimezone(UTC).replace(tzinfo=None)


def _both(one: Day, other: Day) -> Day:
    """Give the minutes that lie in both."""
    found = (
        Span(max(a.start, b.start), min(a.end, b.end))
        for a in one
        for b in other
        if max(a.start, b.start) < min(a.end, b.end)
    )
    return tuple(sorted(found))
