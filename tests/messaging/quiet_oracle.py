"""An oracle of quiet hours that shares nothing with the rules' code: the law's words as one question a minute.

Written down by hand from 47 CFR 64.1200(c)(1), the states' statutes, article D223-9 of the code de la consommation and
the rules of seven more countries, as the shipped file cites them, and from the company's own nine to eight. It knows no spans, weeks or openings: it looks
at a wall clock, and looks at every minute where a moment is to be found.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

RULED_STATES = ("AL", "CT", "FL", "KY", "LA", "MD", "MS", "NJ", "OK", "RI", "TX", "UT", "WA")
AREA_CODES = {  # some of each, by hand
    "205": "AL", "256": "AL", "203": "CT", "860": "CT", "305": "FL", "850": "FL", "270": "KY", "504": "LA", "410": "MD",
    "601": "MS", "201": "NJ", "405": "OK", "918": "OK", "401": "RI", "713": "TX", "915": "TX", "801": "UT", "206": "WA",
}  # fmt: skip
SATURDAY, SUNDAY = 5, 6


def may_arrive(
    moment: datetime, zones: Sequence[str], places: Iterable[tuple[str, str | None]], channel: str, phone: str
) -> bool:
    """Say whether a marketing message may arrive at a moment (naive UTC) wherever its reader may be."""
    if channel == "email":
        return True
    where = set(places)
    if phone.startswith("+1") and phone[2:5] in AREA_CODES:
        where.add(("US", AREA_CODES[phone[2:5]]))
    if ("US", None) in where:
        where |= {("US", state) for state in RULED_STATES}
    return bool(zones) and all(_open(_wall(moment, zone), where, channel) for zone in zones)


def first_minute(
    moment: datetime,
    days: int,
    zones: Sequence[str],
    places: Iterable[tuple[str, str | None]],
    channel: str,
    phone: str,
) -> datetime | None:
    """Look at every minute from a moment (a whole one) on, for some days."""
    where = list(places)
    for minute in range(days * 1440):
        at = moment + timedelta(minutes=minute)
        if may_arrive(at, zones, where, channel, phone):
            return at
    return None


def _wall(moment: datetime, zone: str) -> datetime:
    """Read the clock on a wall there, by way of seconds since 1970."""
    seconds = moment.replace(tzinfo=UTC).timestamp()
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).replace(tzinfo=None)


def _open(wall: datetime, where: Iterable[tuple[str, str | None]], channel: str) -> bool:
    if not 9 <= wall.hour < 20:
        return False
    where = list(where)
    if not where and channel == "voice":  # nobody knows the country
        return wall.weekday() < SATURDAY
    return all(_allowed(country, state, wall, channel) for country, state in where)


def _allowed(country: str, state: str | None, wall: datetime, channel: str) -> bool:  # noqa: C901, PLR0911, PLR0912 - a list of laws
    """Ask the law of one place."""
    hour, weekday, day = wall.hour, wall.weekday(), wall.date()
    rings, texts = channel == "voice", channel in {"sms", "whatsapp"}
    rests = weekday == SUNDAY or day in by_hand(country, day.year)
    if country == "FR" and rings and day >= date(2023, 3, 1):
        return weekday < SATURDAY and not rests and (10 <= hour < 13 or 14 <= hour < 20)
    if country in {"FR", "IT", "ES"} and texts:
        return not rests
    if country == "AU" and (rings or texts):
        return not rests and hour < (20 if weekday < SATURDAY else 17)
    if country == "CA" and rings:
        return weekday < SATURDAY or 10 <= hour < 18
    if country == "IT" and rings:
        return not rests and 10 <= hour < 19
    if country in {"DE", "ES", "GB"} and rings:
        return weekday < SATURDAY and not rests
    if country == "IN" and (rings or texts):
        return hour >= 10
    if country not in {"US", "FR"} and rings:  # a country that says nothing of calls
        return weekday < SATURDAY
    if country != "US":
        return True
    if state in {"AL", "LA", "UT"} and rings:
        return weekday != SUNDAY and not _holiday(state, day) and hour < (20 if state != "UT" else 21)
    if state == "MS" and rings and weekday == SUNDAY:
        return False
    if state == "KY" and rings:
        return hour >= 10
    if state == "RI":
        if rings and _holiday(state, day):
            return False
        return 9 <= hour < 18 if weekday < SATURDAY else 10 <= hour < 17
    if state == "TX" and (rings or day >= date(2025, 9, 1)):  # texts are calls there since SB 140
        return hour >= 12 if weekday == SUNDAY else hour >= 9
    return 8 <= hour < 21


def _holiday(state: str, day: date) -> bool:
    return day in holidays.country_holidays("US", subdiv=state, years=day.year)


FIXED = {  # month and day, by country
    "FR": ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)),
    "IT": ((1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26)),
    "ES": ((1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)),
    "DE": ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)),
    "AU": ((1, 1), (1, 26), (4, 25), (12, 25), (12, 26)),
    "GB": ((1, 1), (12, 25), (12, 26)),
}
AROUND_EASTER = {  # days after Easter Sunday
    "FR": (1, 39, 50),
    "IT": (0, 1),
    "ES": (-2,),
    "DE": (-2, 1, 39, 50),
    "AU": (-2, 1),
    "GB": (-2,),
}


def by_hand(country: str, year: int) -> set[date]:
    """List the days of a country's law that are holidays everywhere in it, Easter by the rule of Meeus, Jones and Butcher."""
    if country not in FIXED:
        return set()
    found = {date(year, *pair) for pair in FIXED[country]}
    found |= {_easter(year) + timedelta(days=n) for n in AROUND_EASTER[country]}
    if country == "IT" and year >= 2026:
        found.add(date(year, 10, 4))  # Saint Francis, since 2026
    if country == "GB":
        found |= _moved(year, (1, 1), (12, 25), (12, 26)) | {_monday(year, 5, 1), _monday(year, 5, 25)}
        found |= {date(2023, 5, 8)} if year == 2023 else set()  # the coronation
    return found


def _monday(year: int, month: int, first: int) -> date:
    """Give the first Monday from a day of a month on."""
    day = date(year, month, first)
    return day + timedelta(days=-day.weekday() % 7)


def _moved(year: int, *pairs: tuple[int, int]) -> set[date]:
    """Give the weekdays on which holidays of a weekend are kept instead, each on one of its own."""
    taken = {date(year, *pair) for pair in pairs}
    moved: set[date] = set()
    for day in sorted(taken):
        instead = day
        while instead.weekday() >= SATURDAY or (instead != day and instead in taken | moved):
            instead += timedelta(days=1)
        moved.add(instead)
    return moved


def _easter(year: int) -> date:
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
