"""What was decided about people, written down with their messages: in the transaction of whoever calls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, update

from messaging.outbox import PlannedMessage, insert_planned
from messaging.planner.decisions import Decision
from messaging.planner.views import SumsDoNotCloseError
from messaging.store.tables import messages, run_audience


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
        connection.execute(
            update(messages)
            .where(messages.c.message_id == bindparam("this"))
            .values(send_after=bindparam("until"), reason=bindparam("why"), detail=bindparam("told")),
            waits,
        )


def _at_step(message: PlannedMessage, step: int) -> PlannedMessage:
    if not step:
        return message
    others = tuple(replace(each, step=step) for each in message.alternatives)
    return replace(message, step=step, alternatives=others)
