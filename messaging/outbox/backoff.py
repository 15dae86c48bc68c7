"""How long a message rests before it is tried again."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from messaging.senders.base import Rejected
from messaging.store.tables import attempts
from messaging.store.times import database_now

BACKOFF = timedelta(seconds=30)  # doubles with each attempt
LONGEST_BACKOFF = timedelta(hours=1)
DOUBLINGS = 7  # after which a rest is the longest; a provider that is away for a week costs no tries, but a thousand calls
LONGEST_RETRY_AFTER = timedelta(days=1)  # a provider's own word is believed up to here


def rest_after(attempt: int, retry_after: float | None = None) -> timedelta:
    """Give the rest after so many attempts; `retry_after` are the seconds that the provider asked for."""
    grown = min(BACKOFF.total_seconds() * 2 ** min(attempt - 1, DOUBLINGS), LONGEST_BACKOFF.total_seconds())
    return timedelta(seconds=max(grown, min(retry_after or 0, LONGEST_RETRY_AFTER.total_seconds())))


def again_at(connection: Connection, row: Row[Any], refused: Rejected) -> datetime | None:
    """Give from when on a refused message may be tried again (database's clock), or None where it has failed.

    What never left us goes as soon as its sender is called again: the breaker alone paces that. What would be refused
    whatever it was rests as well, as it may be that one destination alone is refused. Neither costs a try.
    """
    now = database_now(connection)
    if refused.about == "network":
        return now
    if refused.about == "us":
        return now + rest_after(row.attempt_count, refused.retry_after)
    tries = _tries(connection, row.message_id)
    if refused.kind != "retry" or tries >= refused.attempts:
        return None
    return now + rest_after(tries, refused.retry_after)


def _tries(connection: Connection, message_id: str) -> int:
    """Count the calls of a message that say something of it."""
    made = attempts.c.outcome.is_distinct_from("not_made") & attempts.c.outcome.is_distinct_from("refused_us")
    rows = select(func.count()).where(attempts.c.message_id == message_id, made)
    return connection.execute(rows).scalar_one()
