"""What a webhook changes in the store: each inside a transaction of the caller's, and each may come again."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from messaging import consent, outbox
from messaging.store.ids import new_id
from messaging.store.tables import messages, provider_events
from messaging.webhooks.requests import PROVIDER, StatusCallback


def record_status(connection: Connection, callback: StatusCallback, at: datetime) -> bool:
    """Keep a status callback as it came, then move its message on; say whether it was new.

    One that came before (same message, same status) changes nothing. Order does not matter: the status of a
    message only ever rises in rank.
    """
    if not _keep_event(connection, callback, at):
        return False
    outbox.apply_status(
        connection,
        PROVIDER,
        callback.provider_sid,
        callback.status,
        callback.message_id,
        callback.error_code,
        at,
    )
    return True


def _keep_event(connection: Connection, callback: StatusCallback, at: datetime) -> bool:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = {
        "event_id": new_id("evt"),
        "provider": PROVIDER,
        "provider_sid": callback.provider_sid,
        "status": callback.status,
        "message_id": callback.message_id,
        "error_code": callback.error_code,
        "received_at": at,
        "payload": callback.payload,
    }
    kept = connection.execute(insert(provider_events).values(**values).on_conflict_do_nothing())
    return bool(kept.rowcount)


def find_message(connection: Connection, message_id: str) -> Row[Any] | None:
    """Find the message that an unsubscribe link came in."""
    table = messages.c
    rows = select(table.message_id, table.customer_id, table.channel, table.address_hash)
    return connection.execute(rows.where(table.message_id == message_id)).first()


def unsubscribe(connection: Connection, message: Row[Any], at: datetime) -> None:
    """End marketing on this message's channel, for its address and everybody behind it (RFC 8058)."""
    consent.stop(
        connection,
        address_hash=message.address_hash,
        channel=message.channel,
        customer_ids=[message.customer_id],
        at=at,
        source="rapport",
        source_record_id=f"unsubscribe/{message.message_id}",
        reason="unsubscribe",
        method="link",
        evidence={"message_id": message.message_id},
    )
