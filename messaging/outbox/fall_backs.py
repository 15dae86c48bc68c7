"""The next channel: where a message surely did not arrive, the same one goes by the person's next channel.

Surely: the provider refused the address, or took the message and could not deliver it for a reason that stays. Of an
unknown message nobody knows that, and it has no other way; nor has one that the customer answered STOP to. Each way is
a message of its own, rendered when the first was, and passes the gate when it is its turn.

Whoever said no meanwhile, by whichever channel, has no other way either: the next channel's consent may well stand, and
the same offer after a STOP is what they asked us to end.
"""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, or_, select, update

from messaging.consent_words import withdrawals
from messaging.outbox.queue import PlannedMessage, insert_planned, run_on
from messaging.senders.codes import CodeRule
from messaging.store.tables import consent_events, messages
from messaging.store.tables_delivery import message_alternatives

if TYPE_CHECKING:
    from collections.abc import Sequence

STOPS = ("keyword", "words", "provider")  # how a STOP comes, which ends receipts as well
NAMES = {"email": "e-mail", "sms": "SMS", "whatsapp": "WhatsApp", "voice": "phone call", "chat": "chat"}


def stays(rule: CodeRule | None) -> bool:
    """Say whether what kept a message from arriving is known, stays so, and is not the customer's own word."""
    return rule is not None and rule.kind in {"stop", "fix"} and not rule.opt_out


def fall_back(connection: Connection, row: Row[Any], now: datetime) -> bool:
    """Queue the next way of a message (a row of `messages`) that surely did not arrive; say whether there was one.

    The ways behind it stand behind the new message from now on. The row's address and person are locked.
    """
    this = message_alternatives.c.message_id == row.message_id
    rows = select(message_alternatives.c.planned).where(this).order_by(message_alternatives.c.place)
    kept: Sequence[dict[str, Any]] = connection.execute(rows).scalars().all()
    ways = [PlannedMessage(**each) for each in kept]
    if not ways or _said_no(connection, row):
        return False
    connection.execute(delete(message_alternatives).where(this))
    first = replace(ways[0], alternatives=tuple(ways[1:]))
    if not insert_planned(connection, [first], now, queued=True):
        return False  # somebody else in this run has that address, and gets the message
    run_on(connection, row.run_id)
    told = select(messages.c.detail).where(messages.c.message_id == row.message_id)
    detail = f"{connection.execute(told).scalar() or ''} The same goes by {NAMES.get(first.channel, first.channel)}."
    connection.execute(
        update(messages).where(messages.c.message_id == row.message_id).values(detail=detail.strip())
    )
    return True


def _said_no(connection: Connection, row: Row[Any]) -> bool:
    """Say whether the person or the address of a message said no since it was planned; a receipt heeds a STOP alone."""
    table = consent_events.c
    theirs = or_(table.customer_id == row.customer_id, table.address_hash == row.address_hash)
    if row.message_class != "marketing":
        theirs = (table.address_hash == row.address_hash) & table.method.in_(STOPS)
    return bool(withdrawals(connection, theirs, row.created_at))
