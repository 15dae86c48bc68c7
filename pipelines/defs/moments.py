"""The moments that a build may tell of, as people write them."""

from datetime import UTC, datetime

from data_contracts.errors import UsageError

EARLIEST = datetime(
    1970, 1, 1
)  # naive UTC; no customer's record is older, and sums of days stay within what dates can hold


def parse_moment(text: str, option: str = "--as-of") -> datetime:
    """Read a moment as naive UTC; one with an offset is converted.

    Raises UsageError, which names `option`, where it is none or lies before 1970; whether it lies ahead is for the build
    to say, which knows the time.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} is {text!r}, which is no moment.", "Write it like 2026-10-30T12:00:00 or 2026-10-30."
        ) from None
    if moment < EARLIEST:
        raise UsageError(
            f"{option} is {text!r}, which lies before 1970.",
            "Give a moment from 1970-01-01 until now, such as 2026-10-30T12:00:00.",
        )
    return moment
