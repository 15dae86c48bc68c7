"""How a pull file writes times: `every: 15 minutes`, `overlap: 2 days` (pure)."""

import re
from datetime import timedelta

from data_contracts.yaml_files import name_or_hidden

UNITS = {"minute": 1, "hour": 60, "day": 60 * 24, "week": 60 * 24 * 7}
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
WORDS = "words such as 15 minutes, hour, 2 hours, day at 06:30, monday at 07:00, or a cron line such as */15 8-18 * * 1-5"
_SPAN = re.compile(r"(?:(\d+) )?(minute|hour|day|week)s?")
_CLOCK = re.compile(rf"(day|{'|'.join(WEEKDAYS)}) at (\d{{1,2}})(?::(\d\d))?")
_STEP = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?")
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # minute, hour, day, month, weekday


def cron_of(every: str) -> str:
    """Turn the words of `every` into a cron line. Raises ValueError with what is legal."""
    text = " ".join(every.lower().split())
    cron = _by_clock(text) or _by_span(text) or (text if _is_cron(text) else "")
    if not cron:
        raise ValueError(f"every is {name_or_hidden(text)}; write {WORDS}")
    return cron


def span_of(text: str) -> timedelta:
    """Read a length of time such as `10 minutes`. Raises ValueError with what is legal."""
    found = _SPAN.fullmatch(" ".join(text.lower().split()))
    if not found:
        raise ValueError(
            f"{name_or_hidden(text)} is no length of time; write it like 10 minutes, 1 hour or 2 days"
        )
    return timedelta(minutes=int(found[1] or 1) * UNITS[found[2]])


def _by_clock(text: str) -> str:
    found = _CLOCK.fullmatch(text)
    if not found or int(found[2]) > 23 or int(found[3] or 0) > 59:
        return ""
    day = "*" if found[1] == "day" else str(WEEKDAYS.index(found[1]))
    return f"{int(found[3] or 0)} {int(found[2])} * * {day}"


def _by_span(text: str) -> str:
    """Give the cron line of a span that fits into its hour or day, so that every gap is as long as it says."""
    found = _SPAN.fullmatch(text)
    if not found:
        return ""
    count, unit = int(found[1] or 1), found[2]
    if unit == "minute" and count < 60 and 60 % max(count, 1) == 0 and count:
        return f"*/{count} * * * *" if count > 1 else "* * * * *"
    if unit == "hour" and count < 24 and 24 % max(count, 1) == 0 and count:
        return f"0 */{count} * * *" if count > 1 else "0 * * * *"
    return {("day", 1): "0 3 * * *", ("week", 1): "0 3 * * 1"}.get(
        (unit, count), ""
    )  # before the daily build


def _is_cron(text: str) -> bool:
    fields = text.split()
    return len(fields) == len(_BOUNDS) and all(
        _is_field(field, low, high) for field, (low, high) in zip(fields, _BOUNDS, strict=True)
    )


def _is_field(field: str, low: int, high: int) -> bool:
    found = [_STEP.fullmatch(part) for part in field.split(",")]
    ends = [int(end) for step in found if step for end in step.groups()[:2] if end]
    return all(found) and all(low <= end <= high for end in ends)
