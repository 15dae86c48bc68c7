"""When the messages of a campaign may go that sends so many an hour: each is given a turn, one after the other.

A turn is a message's `send_after`. One that comes due is used, however late the dispatcher was; those that came due while
the run was paused are void, and are given anew at the end, so that a pause is not followed by a flood.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from messaging.policy import Blocked
from messaging.store.inserts import insert_new
from messaging.store.tables_delivery import campaign_pace

HOUR: Final = timedelta(hours=1)
PACE: Final = "campaign_pace"  # the reason by which a message waits for its turn


class Turns:
    """The turns of some runs during one transaction; their rows stay locked until it ends."""

    def __init__(self, connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> None:
        self._now = now
        self._per_hour: dict[str, int] = {
            row.run_id: row.run_content["per_hour"]
            for row in rows
            if row.run_id and (row.run_content or {}).get("per_hour")
        }
        self._free_at: dict[str, datetime] = {}
        self._holds_from: dict[str, datetime] = {}
        self._took: dict[str, str] = {}  # the run by the message that goes and had no turn
        if not self._per_hour:
            return
        new = [{"run_id": run_id, "free_at": now, "holds_from": now} for run_id in sorted(self._per_hour)]
        insert_new(connection, campaign_pace, new)
        table = campaign_pace.c
        known = select(campaign_pace).where(table.run_id.in_(self._per_hour)).order_by(table.run_id)
        if connection.dialect.name == "postgresql":
            known = known.with_for_update()
        for row in connection.execute(known):
            self._free_at[row.run_id] = max(row.free_at, now)
            self._holds_from[row.run_id] = row.holds_from

    def blocks(self, row: Row[Any]) -> Blocked | None:
        """Give until when a message waits for its turn, or None where it is its turn now."""
        per_hour = self._per_hour.get(row.run_id)
        if per_hour is None:
            return None
        if (
            row.reason == PACE
            and row.send_after is not None
            and row.send_after >= self._holds_from[row.run_id]
        ):
            return None
        turn = self._free_at[row.run_id]
        self._free_at[row.run_id] = turn + HOUR / per_hour
        if turn <= self._now:
            self._took[row.message_id] = row.run_id
            return None
        told = f"This campaign sends {per_hour:,} messages an hour; its turn is at {turn:%H:%M} UTC."
        return Blocked("campaign_pace", told, turn)

    def write(self, connection: Connection, held: Collection[str]) -> None:
        """Write down which turns are taken; the turn of a message that is held back after all is free again."""
        for message_id in held:
            if run_id := self._took.pop(message_id, None):
                self._free_at[run_id] -= HOUR / self._per_hour[run_id]
        for run_id, free_at in self._free_at.items():
            this = campaign_pace.c.run_id == run_id
            connection.execute(update(campaign_pace).where(this).values(free_at=free_at))


def void_turns(connection: Connection, run_id: str, now: datetime) -> None:
    """Take back the turns of a run that came due until now: it goes on after a pause."""
    this = campaign_pace.c.run_id == run_id
    connection.execute(update(campaign_pace).where(this).values(holds_from=now))
