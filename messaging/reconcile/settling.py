"""Settling messages whose call broke off before its answer came, by what their provider has on record.

Evidence decides. A status callback that names our message id settled it already when it came. Here the
provider's own list is searched: the same address and the same text (matching.py), created since the call, under
an id that no other message has. If the provider surely has nothing, an order's receipt may go again; marketing
waits for a person, as nobody minds missing it as much as getting it twice. Where there is another text that no
message of ours explains, a person compares them. What a provider cannot be asked for waits for a person too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy import Connection, Row, Select, select, update

from data_contracts.errors import ServiceError
from messaging import outbox
from messaging.clock import Clock
from messaging.reconcile.looks import note_look, note_silence
from messaging.reconcile.matching import free_records, has_twin_in_call, same_text, strangers
from messaging.senders.base import Sender
from messaging.store import Store
from messaging.store.tables import attempts, messages
from messaging.store.tables_delivery import provider_looks
from messaging.store.times import database_now

log = structlog.get_logger(__name__)

GRACE = timedelta(seconds=60)  # a call ends within 50 seconds, and a provider's list may lag behind it
SKEW = timedelta(minutes=2)  # between our clocks and the provider's
SET_BACK = timedelta(days=2)  # how far a clock is set back at most: further, and a person looks
AT_ONCE = 200
WITH_A_PERSON = frozenset(
    {"not_on_record", "other_text", "no_list"}
)  # reasons of unknown messages that wait for somebody
ABSENT = (
    "The provider has no record of it, so it most likely never went. Marketing is not repeated by itself."
)
NO_LIST = "This provider keeps no list of what it took, so only a person can find out whether it went."

OTHER_TEXT = (
    "The provider has a message to this address, of about that time, that reads otherwise and is no other of ours. "
    "It may be this one, changed on its way. Compare them."
)

Sighting = Literal["sent", "absent", "other_text", "unanswered", "no_list"]
_LEFT = {
    "absent": ("not_on_record", ABSENT),
    "other_text": ("other_text", OTHER_TEXT),
    "no_list": ("no_list", NO_LIST),
}


@dataclass
class ReconcileReport:
    """What became of the unknown messages: found sent, put back to go again, or left for a person."""

    sent: int = 0
    requeued: int = 0
    left: int = 0
    cut_after: str = ""  # the last message that there was time for; nothing where there was for all

    def to_document(self) -> dict[str, int]:
        """Give the report as plain data."""
        return {"sent": self.sent, "requeued": self.requeued, "left": self.left}


def reconcile(  # noqa: PLR0913 - how sure, how often
    store: Store,
    senders: Mapping[str, Sender],
    clock: Clock,
    *,
    grace: timedelta = GRACE,
    resend_marketing: bool = False,
    again_after: timedelta = timedelta(0),
    after: str = "",
    go_on: Callable[[], bool] = lambda: True,
) -> ReconcileReport:
    """Look for each unknown message at its provider, and settle what the evidence settles.

    `resend_marketing` is a person's own decision: marketing that the provider surely does not have goes
    again. A provider that cannot be asked settles nothing; one that was asked less than `again_after` ago is
    not asked again for a message that a person decides, who may take days. Where `go_on`, which is asked behind each
    request, says no, the rest is left to the next time: begin it `after` what the report names.
    """
    report = ReconcileReport()
    while (found := _unknown(store, after))[1]:
        asked_from, unknown = found
        for row in unknown:
            if row.reason in WITH_A_PERSON and _asked_within(store, row, again_after):
                report.left += 1
                continue
            sighting = seek(store, row, senders.get(row.channel), clock.now())
            ripe = (
                asked_from - row.started_at >= grace
            )  # before it was asked: what it had not then may come yet
            verdict = _follow(store, row, sighting, clock.now(), ripe=ripe, resend_marketing=resend_marketing)
            setattr(report, verdict, getattr(report, verdict) + 1)
            if not go_on():
                report.cut_after = row.message_id
                return report
        after = unknown[-1].message_id
    return report


def unknown_messages() -> Select[Any]:
    """Select the unknown messages, each with when its newest call began (database's clock)."""
    return (
        select(messages, attempts.c.started_at)
        .join(attempts, attempts.c.message_id == messages.c.message_id)
        .where(messages.c.state == "unknown", attempts.c.number == messages.c.attempt_count)
        .order_by(messages.c.message_id)
    )


def _unknown(store: Store, after: str) -> tuple[datetime, list[Row[Any]]]:
    """Read the next unknown messages, and the moment at which they were read (database's clock)."""
    with store.read() as connection:
        rows = unknown_messages().where(messages.c.message_id > after).limit(AT_ONCE)
        return database_now(connection), list(connection.execute(rows))


def _asked_within(store: Store, row: Row[Any], again_after: timedelta) -> bool:
    if not again_after:
        return False
    looked = select(provider_looks.c.looked_at).where(provider_looks.c.message_id == row.message_id)
    with store.read() as connection:
        at = connection.execute(looked).scalar()
        return at is not None and database_now(connection) - at < again_after


def seek(store: Store, row: Row[Any], sender: Sender | None, now: datetime) -> Sighting:
    """Ask the provider for one unknown message, keep what it said, and settle the message where it has it."""
    if sender is None or not sender.can_find:
        return "no_list"
    try:
        records = sender.find(outbox.outbound(row), _since(store, row))
    except ServiceError as error:
        log.warning("reconcile.provider_unavailable", told=error.message)
        with store.write() as connection:
            note_silence(connection, row.message_id, error.message)
        return "unanswered"
    same = same_text([record for record in records if record.to == row.address], row.body)

    def settle(connection: Connection) -> Sighting:
        outbox.lock_all(connection, [row.message_id])  # two that look for one text find a record each
        found = next(iter(free_records(connection, sender.provider, same)), None)
        if found is not None and has_twin_in_call(connection, row):
            return "unanswered"  # nobody knows whose it is until that call has ended
        if found is None:
            note_look(connection, row.message_id, len(records), len(same))
            free = free_records(connection, sender.provider, records)
            return "other_text" if strangers(connection, row, free) else "absent"
        outbox.settle_as_sent(
            connection, row.message_id, sender.provider, found.sid, found.status, found.error_code, now
        )
        return "sent"

    return store.transact(settle)


def _follow(  # noqa: PLR0913 - one message's circumstances
    store: Store,
    row: Row[Any],
    sighting: Sighting,
    now: datetime,
    *,
    ripe: bool,
    resend_marketing: bool,
) -> Literal["sent", "requeued", "left"]:
    """Do what a sighting leads to; gives the counter of the report that it belongs to."""
    if sighting in {"sent", "unanswered"}:
        return "sent" if sighting == "sent" else "left"

    def follow(connection: Connection) -> Literal["requeued", "left"]:
        if not ripe:
            return "left"
        if sighting == "absent" and (row.message_class != "marketing" or resend_marketing):
            number = row.attempt_count  # what was asked is of this call alone
            again = outbox.requeue_unsent(connection, row.message_id, now, number=number)
            return "requeued" if again else "left"
        reason, told = _LEFT[sighting]
        this = (messages.c.message_id == row.message_id) & (messages.c.state == "unknown")
        this &= messages.c.attempt_count == row.attempt_count
        connection.execute(update(messages).where(this).values(reason=reason, detail=told, updated_at=now))
        return "left"

    return store.transact(follow)


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
