"""Many status callbacks at once: what goes as it should is written in bulk, whatever is special takes the longer way.

Callbacks come by the thousand, and most say of a message that was accepted that it came one step further.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from messaging.outbox.moves import STATE_BY_ID, move_each
from messaging.outbox.outcomes import StatusUpdate, apply_status, lock_all
from messaging.outbox.states import PROVIDER_WORDS, may_follow, state_after
from messaging.store.ids import new_id
from messaging.store.inserts import insert_many
from messaging.store.tables import messages, provider_events

ONWARD = ("queued", "sent", "delivered", "read")  # a failure has a code, and may suppress: never plain


def apply_statuses(connection: Connection, updates: Sequence[StatusUpdate], now: datetime) -> None:
    """Take many callbacks, each as `apply_status` does."""
    ids = [update_.message_id for update_ in updates if update_.message_id is not None]
    lock_all(connection, ids)
    rows, known = _accepted(connection, ids), _known(connection, updates)
    heard = Counter(name for update_ in updates for name in (update_.message_id, update_.sid))
    plain = [
        update_
        for update_ in updates  # of two about one message the order counts
        if heard[update_.message_id] == heard[update_.sid] == 1
        and (update_.provider, update_.sid, update_.status) not in known
        and _is_plain(update_, rows)
    ]
    _apply_plainly(connection, plain, rows, now)
    special = {id(update_) for update_ in plain}
    for update_ in updates:
        if id(update_) not in special:
            apply_status(connection, update_, now)


def _accepted(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Read the messages of these that a provider has taken."""
    if not ids:
        return {}
    table = messages.c
    found = select(
        table.message_id,
        table.provider,
        table.provider_sid,
        table.provider_status,
        table.delivered_at,
        table.done_at,
    ).where(table.message_id.in_(ids), STATE_BY_ID == "accepted")
    if connection.dialect.name == "postgresql":
        found = found.order_by(table.message_id).with_for_update()
    return {row.message_id: row for row in connection.execute(found)}


def _known(connection: Connection, updates: Sequence[StatusUpdate]) -> set[tuple[str, str, str]]:
    """Read which of these callbacks came before."""
    table = provider_events.c
    found = select(table.provider, table.provider_sid, table.status).where(
        table.provider_sid.in_({update_.sid for update_ in updates})
    )
    return {(row.provider, row.provider_sid, row.status) for row in connection.execute(found)}


def _is_plain(update_: StatusUpdate, rows: dict[str, Row[Any]]) -> bool:
    """Say whether a callback is of the call that its message stands at, and no failure."""
    row = rows.get(update_.message_id or "")
    return (
        row is not None
        and update_.error_code is None
        and PROVIDER_WORDS.get(update_.status) in ONWARD
        and (row.provider, row.provider_sid) == (update_.provider, update_.sid)
    )


def _apply_plainly(
    connection: Connection, plain: Sequence[StatusUpdate], rows: dict[str, Row[Any]], now: datetime
) -> None:
    events = [
        {
            "event_id": new_id("evt"),
            "provider": update_.provider,
            "provider_sid": update_.sid,
            "status": update_.status,
            "message_id": update_.message_id,
            "error_code": None,
            "received_at": now,
            "payload": dict(update_.payload or {}),
        }
        for update_ in plain
    ]
    insert_many(
        connection, provider_events, events
    )  # one that another process stored just now raised the rank there
    ended, further = [], []
    for update_ in plain:
        row, status = rows[str(update_.message_id)], PROVIDER_WORDS[update_.status]
        if not may_follow(row.provider_status, status):
            continue
        if state_after(status) == "done":
            moments = {"delivered_at": row.delivered_at or now, "done_at": row.done_at or now}
            ended.append({"this": row.message_id, "provider_status": status, **moments})
        else:
            further.append({"this": row.message_id, "to_status": status})
    move_each(connection, "accepted", "done", now, ended)
    if further:
        this = (messages.c.message_id == bindparam("this")) & (messages.c.state == "accepted")
        raised = {"provider_status": bindparam("to_status"), "updated_at": now}
        connection.execute(update(messages).where(this).values(raised), further)
