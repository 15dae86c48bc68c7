"""Birth dates: whether two of them can be one person's."""

from datetime import date, timedelta
from functools import cache

from rapidfuzz.distance import OSA

EPOCH = date(1970, 1, 1)


@cache
def may_be_one_birthday(one: int, other: int) -> bool:
    """Say of two dates, in days since 1970, whether one may be the other mistyped.

    That is one digit, or two that changed places, or day and month the other way round. Nobody mistypes a
    father's date as a son's: apart by decades they seldom share the day as well.
    """
    first, second = (EPOCH + timedelta(days=each) for each in (one, other))
    if (first.year, first.month, first.day) == (second.year, second.day, second.month):
        return True
    return int(OSA.distance(f"{first:%Y%m%d}", f"{second:%Y%m%d}")) <= 1
