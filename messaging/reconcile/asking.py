"""Asking for messages that a provider took and of which nothing is heard: the callbacks may have been lost.

Callbacks are the usual way. Where the receiver was down for longer than a provider repeats them, a message would stay
`accepted` for ever, an address that does not exist open, and a fall-back unused. So whatever has no final word is looked
up in the provider's own list: after 15 minutes, then each time after as long again as it has been silent, for three days
in all. What the list says goes the way of a callback. Who keeps no list (SMTP, SendGrid) is not asked.

What cannot be asked for, now or ever (a conversation that was removed), is put off, so that no other waits behind it.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, Select, literal_column, select, update

from data_contracts.errors import ServiceError
from messaging import outbox
from messaging.clock import Clock
from messaging.outbox import FIRST_ASKED
from messaging.senders.base import ProviderRecord, Sender
from messaging.store import Store
from messaging.store.tables import attempts, messages

log = structlog.get_logger(__name__)

LAST_ASKED = timedelta(days=3)  # ours: carriers give a phone that is off up to 72 hours
SKEW = timedelta(minutes=2)  # between our clocks and the provider's
IN_VAIN = 5  # in a row: the provider is away, and not one message the matter
AT_ONCE = 20  # of a dispatcher between two rounds: nothing is sent meanwhile, and each is a request


def ask_silent(
    store: Store,
    senders: Mapping[str, Sender],
    clock: Clock,
    limit: int = AT_ONCE,
    *,
    go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Ask for up to `limit` messages that are silent for too long; give of how many the provider told more.

    One that cannot be asked for is asked for later; several in a row end the round. So does `go_on`, asked behind each.
    """
    now, told, in_vain = clock.now(), 0, 0
    asked = {channel: sender for channel, sender in senders.items() if sender.can_find}
    for row in _silent(store, asked, now, limit):
        try:
            listed = asked[row.channel].find(
                outbox.outbound(row), min(row.accepted_at, row.started_at) - SKEW
            )
        except ServiceError as error:
            log.warning("reconcile.provider_unavailable", told=error.message)
            _put_off(store, row, now)
            in_vain += 1
        else:
            record = next((one for one in listed if one.sid == row.provider_sid), None)
            told += _take(store, row, record, now)
            in_vain = 0
        if in_vain == IN_VAIN or not go_on():
            break
    return told


def _silent(store: Store, senders: Mapping[str, Sender], now: datetime, limit: int) -> list[Row[Any]]:
    """Read the messages that have been silent for the longest, of those whose senders can be asked."""
    found: list[Row[Any]] = []
    with store.read() as connection:
        for provider in sorted({sender.provider for sender in senders.values()}):
            channels = [channel for channel, sender in senders.items() if sender.provider == provider]
            found += connection.execute(silent_of(provider, channels, now, limit - len(found)))
    return found


def silent_of(provider: str, channels: Collection[str], now: datetime, limit: int) -> Select[Any]:
    """Select the messages of a provider that are to be asked for, by channels that can be."""
    table = messages.c
    # Written out, not bound: SQLite takes the index of what was accepted only where it can read that here.
    accepted = table.state == literal_column("'accepted'")
    return (
        select(messages, attempts.c.started_at)
        .join(attempts, attempts.c.message_id == table.message_id)
        .where(accepted, table.provider == provider, table.ask_at <= now, table.channel.in_(channels))
        .where(attempts.c.number == table.attempt_count, table.provider_sid.is_not(None))
        .order_by(table.ask_at)
        .limit(limit)
    )


def _take(store: Store, row: Row[Any], record: ProviderRecord | None, now: datetime) -> bool:
    """Take what the list says, and note when to ask again; say whether it told something new."""

    def take(connection: Connection) -> bool:
        outbox.lock_all(connection, [row.message_id])
        _again(connection, row, _next(row, now))
        if record is None:
            return False
        said = outbox.StatusUpdate(
            str(row.provider),
            record.sid,
            record.status,
            row.message_id,
            record.error_code,
            {"asked_at": now.isoformat()},
        )
        return outbox.apply_status(connection, said, now) == "applied"

    return store.transact(take)


def _put_off(store: Store, row: Row[Any], now: datetime) -> None:
    """Ask again as late as if it had been asked, but not for the last time: nobody has said anything yet."""
    store.transact(lambda connection: _again(connection, row, _later(row, now)))


def _next(row: Row[Any], now: datetime) -> datetime | None:
    again = _later(row, now)
    return again if again <= row.accepted_at + LAST_ASKED else None


def _later(row: Row[Any], now: datetime) -> datetime:
    again: datetime = now + max(now - row.accepted_at, FIRST_ASKED)
    return again


def _again(connection: Connection, row: Row[Any], ask_at: datetime | None) -> None:
    this = (messages.c.message_id == row.message_id) & (messages.c.state == "accepted")
    connection.execute(update(messages).where(this).values(ask_at=ask_at))
