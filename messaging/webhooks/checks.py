"""Does each way in still work? A synthetic request every few minutes, which goes all the way and leaves no customer behind.

It comes by the public address, through whatever stands before us, signed like any other; it is kept, worked upon and
written like any other, and then what it wrote is taken back in the same commit, which notes that it came so far.
"""

import hmac
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, select, update
from starlette.requests import Request

from messaging.links import Links
from messaging.store.inserts import insert_new
from messaging.store.tables_receiver import intakes

HEADER = "X-Rapport-Check"
LASTS = 300  # seconds, by the real clock
Done = TypeVar("Done")


def check_token(links: Links, intake: str, now: int) -> str:
    """Give what a synthetic request carries: for one intake, and for a few minutes."""
    return f"{now}.{links.sign('check', f'{intake}:{now}')}"


def token_of(links: Links, intake: str, request: Request) -> str | None:
    """Give the token of a synthetic request of ours, or None of any other."""
    token = request.headers.get(HEADER, "")
    moment = token.partition(".")[0]
    if not (moment.isascii() and moment.isdigit() and len(moment) < 12):
        return None
    if abs(time.time() - int(moment)) > LASTS:
        return None
    ours = hmac.compare_digest(check_token(links, intake, int(moment)).encode(), token.encode())
    return token if ours else None


def rehearsed(
    connection: Connection, intake: str, token: str, now: datetime, work: Callable[[Connection], Done]
) -> Done:
    """Do a work and take it back, and note that the intake works."""
    savepoint = connection.begin_nested()
    try:
        done = work(connection)
    finally:
        savepoint.rollback()
    note(connection, intake, now, passed_by=token)
    return done


def note(
    connection: Connection, intake: str, now: datetime, *, reason: str | None = None, passed_by: str = ""
) -> None:
    """Write down how an intake was found: what is wrong with it, or by which request it was passed."""
    this = intakes.c.intake == intake
    row = connection.execute(select(intakes.c.failing_since).where(this)).first()
    failing = row.failing_since if row else None
    values = {
        "checked_at": now,
        "failing_since": None if reason is None else failing or now,
        "reason": reason,
    } | ({"passed_at": now, "passed_by": passed_by} if reason is None else {})
    if row is None:
        insert_new(connection, intakes, [{"intake": intake, **values}])
    else:
        connection.execute(update(intakes).where(this).values(**values))
