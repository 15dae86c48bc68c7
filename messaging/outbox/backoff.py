"""How long a message rests before it is tried again."""

from datetime import timedelta

BACKOFF = timedelta(seconds=30)  # doubles with each attempt
LONGEST_BACKOFF = timedelta(hours=1)
LONGEST_RETRY_AFTER = timedelta(days=1)  # a provider's own word is believed up to here


def rest_after(attempt: int, retry_after: float | None = None) -> timedelta:
    """Give the rest after so many attempts; `retry_after` are the seconds that the provider asked for."""
    grown = min(BACKOFF.total_seconds() * 2 ** (attempt - 1), LONGEST_BACKOFF.total_seconds())
    return timedelta(seconds=max(grown, min(retry_after or 0, LONGEST_RETRY_AFTER.total_seconds())))
