"""Time spans as ODCS writes them, a number and a unit, and as everybody else does, ISO 8601."""

import re

_UNITS = {
    "y": "Y",
    "yr": "Y",
    "mo": "M",
    "month": "M",
    "w": "W",
    "wk": "W",
    "week": "W",
    "d": "D",
    "h": "H",
    "hr": "H",
}
_UNITS |= {"year": "Y", "day": "D", "hour": "H"}
_HOURS = {"H": 1, "D": 24, "W": 168}
_DURATION = re.compile("P(?:[0-9]+[YMWD]|T[0-9]+H)")


def iso_duration(number: object, unit: str | None) -> str | None:
    """Write 7 and `y` as P7Y; a text that is ISO 8601 already stays. None for what is no span of time."""
    if isinstance(number, str) and _DURATION.fullmatch(number):
        return number
    letter = _UNITS.get((unit or "").lower()) or _UNITS.get((unit or "").lower().removesuffix("s"))
    if letter is None or isinstance(number, bool) or not isinstance(number, int) or number < 1:
        return None
    return f"PT{number}H" if letter == "H" else f"P{number}{letter}"


def in_hours(duration: str) -> float | None:
    """Count the hours of an ISO duration of weeks, days or hours; None for months and years, which differ in length."""
    factor = _HOURS.get(duration[-1])
    return None if factor is None else int(re.sub("[^0-9]", "", duration)) * factor


def in_words(duration: str) -> str:
    """Write an ISO duration for people: 7 years, 90 days."""
    number = int(re.sub("[^0-9]", "", duration))
    unit = {"Y": "year", "M": "month", "W": "week", "D": "day", "H": "hour"}[duration[-1]]
    return f"{number} {unit}{'' if number == 1 else 's'}"
