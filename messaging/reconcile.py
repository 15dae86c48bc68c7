"""Settling what nobody knows: messages whose call broke off before its answer came.

Evidence decides. A status callback that names our message id settled it already when it came. Here the
provider's own list is searched: the same address and the same text, created since the call, under an id
that no other message has. If the provider surely has nothing, an order's receipt may go again; marketing
waits for a person, as nobody minds missing it as much as getting it twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy import Connection, Row, or_, select, update

from data_contracts.errors import ServiceError
from messaging import outbox
from messaging.clock import Clock
from messaging.senders.base import ProviderRecord, Sender
from messaging.store import Store
from messaging.store.tables import attempts, messages
from messaging.store.times import database_now

log = structlog.get_logger(__name__)

GRACE = timedelta(seconds=60)  # a call ends within 20 seconds, and a provider's list may lag behind it
SKEW = timedelta(minutes=2)  # between our clocks and the provider's
SET_BACK = timedelta(days=2)  # how far a clock is set back at most: further, and a person looks
AT_ONCE = 200

Verdict = Literal["sent", "requeued", "left"]


@dataclass
class ReconcileReport:
    """What became of the unknown messages: found sent, put back to go again, or left for a person."""

    sent: int = 0
    requeued: int = 0
    left: int = 0

    def to_document(self) -> dict[str, int]:
        """Give the report as plain data."""
        return asdict(self)


def reconcile(
    store: Store,
    senders: Mapping[str, Sender],
    clock: Clock,
    *,
    grace: timedelta = GRACE,
    resend_marketing: bool = False,
) -> ReconcileReport:
    """Look for each unknown message at its provider, and settle what the evidence settles.

    `resend_marketing` is a person's own decision: marketing that the provider surely does not have goes
    again. A provider that cannot be asked settles nothing.
    """
    report = ReconcileReport()
    after = ""
    while unknown := _unknown(store, after):
        for row in unknown:
            sender = senders.get(row.channel)
            verdict = _settle(store, row, sender, clock.now(), grace, resend_marketing=resend_marketing)
            setattr(report, verdict, getattr(report, verdict) + 1)
        after = unknown[-1].message_id
    return report


def _unknown(store: Store, after: str) -> list[Row[Any]]:
    """Read the next unknown messages, each with its newest attempt."""
    rows = (
        select(messages, attempts.c.started_at)
        .join(attempts, attempts.c.message_id == messages.c.message_id)
        .where(messages.c.state == "unknown", attempts.c.number == messages.c.attempt_count)
        .where(messages.c.message_id > after)
        .order_by(messages.c.message_id)
        .limit(AT_ONCE)
    )
    with store.read() as connection:
        return list(connection.execute(rows))


def _settle(  # noqa: PLR0913 - one message's circumstances
    store: Store,
    row: Row[Any],
    sender: Sender | None,
    now: datetime,
    grace: timedelta,
    *,
    resend_marketing: bool,
) -> Verdict:
    if sender is None or not sender.can_find:
        return "left"
    message = outbox.outbound(row)
    try:
        records = sender.find(message, _since(store, row))
    except ServiceError as error:
        log.warning("reconcile.provider_unavailable", told=error.message)
        return "left"
    with store.write() as connection:
        found = _match(connection, row, sender.provider, records)
        if found is not None:
            outbox.settle_as_sent(
                connection, row.message_id, sender.provider, found.sid, found.status, found.error_code, now
            )
            return "sent"
        if database_now(connection) - row.started_at < grace:
            return "left"
        if row.message_class != "marketing" or resend_marketing:
            return "requeued" if outbox.requeue_unsent(connection, row.message_id, now) else "left"
        _put_before_a_person(connection, row.message_id, now)
        return "left"


def _since(store: Store, row: Row[Any]) -> datetime:
    """Give the moment from which on the provider may have the message.

    A call that began in the future was begun by a clock that was set back since: what it called now says nothing, and
    a message that the provider has would pass for one that never came, and go twice.
    """
    with store.read() as connection:
        today = database_now(connection)
    if row.started_at > today:
        return today - SET_BACK
    began: datetime = min(
        row.calling_at, row.started_at
    )  # two clocks: a demo's stands still, the database's runs
    return began - SKEW


def _match(
    connection: Connection, row: Row[Any], provider: str, records: Sequence[ProviderRecord]
) -> ProviderRecord | None:
    """Find the oldest record with this very text that belongs to no message yet."""
    same = [record for record in records if record.to == row.address and record.body == row.body]
    for record in sorted(same, key=lambda one: one.created_at):
        if not _taken(connection, provider, record.sid):
            return record
    return None


def _taken(connection: Connection, provider: str, sid: str) -> bool:
    rows = select(messages.c.message_id).outerjoin(attempts, attempts.c.message_id == messages.c.message_id)
    by_sid = or_(messages.c.provider_sid == sid, attempts.c.provider_sid == sid)
    of_provider = or_(messages.c.provider == provider, messages.c.provider.is_(None))
    return connection.execute(rows.where(by_sid, of_provider).limit(1)).first() is not None


def _put_before_a_person(connection: Connection, message_id: str, now: datetime) -> None:
    this = (messages.c.message_id == message_id) & (messages.c.state == "unknown")
    told = (
        "The provider has no record of it, so it most likely never went. Marketing is not repeated by itself."
    )
    connection.execute(
        update(messages).where(this).values(reason="not_on_record", detail=told, updated_at=now)
    )
