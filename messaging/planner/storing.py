"""What was decided about people, written down with their messages: in the transaction of whoever calls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from messaging.campaigns import next_at_hour
from messaging.outbox import PlannedMessage, insert_planned
from messaging.planner.decisions import Decision
from messaging.planner.views import SumsDoNotCloseError
from messaging.quiet_hours import local_time, zone_named
from messaging.store.tables import messages, run_audience

_BY_ID = update(messages).where(messages.c.message_id == bindparam("this"))


def store_decisions(  # noqa: PLR0913 - what is stored, and how
    connection: Connection,
    run_id: str,
    decisions: Sequence[Decision],
    now: datetime,
    *,
    steps: Mapping[str, int] | None = None,
    queued: bool = False,
) -> None:
    """Store decisions and their messages, which may go at once where they are `queued`.

    `steps` tells by customer how often this run has met them or their address before; it is given of a run whose people
    come one by one, where everybody has a moment of their own. Raises SumsDoNotCloseError where a message was there before.
    """
    before = steps or {}
    rows = [
        {
            "run_id": run_id,
            "customer_id": each.customer_id,
            "step": before.get(each.customer_id, 0),
            "decided_at": None if steps is None else now,
            "decision": each.decided,
            "reason": each.reason,
            "detail": each.detail,
            "channel": each.channel,
            "variant": each.variant,
            "language": each.language,
        }
        for each in decisions
    ]
    connection.execute(insert(run_audience), rows)
    planned = [_at_step(each.message, before.get(each.customer_id, 0)) for each in decisions if each.message]
    stored = insert_planned(connection, planned, now, queued=queued)
    if stored != len(planned):
        raise SumsDoNotCloseError(
            f"{len(planned)} messages were planned but {stored} stored in run {run_id}."
        )
    waits = [
        {"this": each.message.message_id, "until": why.until, "why": why.reason, "told": why.sentence}
        for each in decisions
        if each.message is not None and (why := each.waits) is not None and why.until is not None
    ]
    if waits:
        timed: dict[str, Any] = {
            "send_after": bindparam("until"),
            "reason": bindparam("why"),
            "detail": bindparam("told"),
        }
        connection.execute(_BY_ID.values(timed), waits)


def time_again(connection: Connection, run_id: str, now: datetime) -> None:
    """Let messages whose hour by their readers' own clocks is over since they were planned wait for its next time."""
    table = messages.c
    over = select(table.message_id, table.send_after, table.time_zone).where(
        table.run_id == run_id, table.state == "queued", table.reason == "scheduled", table.send_after < now
    )
    late = [
        {"this": row.message_id, "until": next_at_hour(now, local_time(row.send_after, zone).hour, zone)}
        for row in connection.execute(over)
        if (zone := zone_named(row.time_zone or ""))
    ]
    if late:
        connection.execute(_BY_ID.values(send_after=bindparam("until")), late)


def _at_step(message: PlannedMessage, step: int) -> PlannedMessage:
    if not step:
        return message
    others = tuple(replace(each, step=step) for each in message.alternatives)
    return replace(message, step=step, alternatives=others)
