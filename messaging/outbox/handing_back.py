"""Calls that were committed to and never made: whoever knows that gives the message back, if it still is theirs to give."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, update

from messaging.outbox.backoff import rest_after
from messaging.outbox.intent import Call
from messaging.outbox.moves import move
from messaging.outbox.outcomes import lock_all, locked, requeue_unsent
from messaging.store.tables import attempts, messages
from messaging.store.times import database_now

TOLD = "Too much time had passed between the decision to call and the call, so we did not call."


def hand_back(connection: Connection, calls: Sequence[Call], now: datetime) -> int:
    """Let messages go again whose call was surely never made; give how many do.

    Whose number of calls is another by now was called again since, and has left `calling` and `unknown` where evidence
    or a person settled it: there nothing happens but that the call is closed. One that was taken over meanwhile is
    unknown to everybody else, and goes again by the word of the one who knows. It is decided upon anew in any case.
    """
    lock_all(connection, [call.message.message_id for call in calls])
    return sum(
        _one(connection, call, now) for call in sorted(calls, key=lambda call: call.message.message_id)
    )


def _one(connection: Connection, call: Call, now: datetime) -> int:
    row = locked(connection, call.message.message_id)
    today = database_now(connection)
    unless_settled = or_(attempts.c.outcome.is_(None), attempts.c.outcome == "unknown")
    closed = update(attempts).where(attempts.c.attempt_id == call.attempt_id, unless_settled)
    connection.execute(closed.values(outcome="not_made", finished_at=today))
    if row.attempt_count != call.number:
        return 0
    this = messages.c.message_id == row.message_id
    waits = {"reason": "not_called", "detail": TOLD, "retry_at": today + rest_after(row.attempt_count)}
    if row.state == "calling":
        return move(connection, this, ["calling"], "queued", now, **waits)
    moved = requeue_unsent(connection, row.message_id, now, number=call.number)
    if moved:
        connection.execute(update(messages).where(this, messages.c.state == "queued").values(waits))
    return moved
