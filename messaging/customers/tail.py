"""What the store knows and the release does not yet: messages, answers and consents since the last build."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from messaging.consent_chain import said_by
from messaging.customers.views import TimelineEntry
from messaging.store.tables import consent_events, inbound_messages, messages

if TYPE_CHECKING:
    from datetime import datetime

OUR_SOURCE = "rapport"  # what our own store is called among the sources of a release
NOT_YET_A_TOUCH = ("planned", "queued", "sending", "cancelled")
MOST = 500  # of each kind, for one person: enough for any page
KINDS = {"email": "email", "chat": "chat"}  # everything else that people answer by comes as text messages
CONSENT_WORDS = {"grant": "given", "revoke": "withdrawn"}


def touches(connection: Connection, customer_ids: Sequence[str]) -> list[TimelineEntry]:
    """Give all touches that the store holds of one person, who may have had several ids; newest first."""
    entries = [
        *map(_sent, _rows(connection, messages, customer_ids, messages.c.created_at)),
        *map(_received, _rows(connection, inbound_messages, customer_ids, inbound_messages.c.received_at)),
        *map(_consented, _rows(connection, consent_events, customer_ids, consent_events.c.recorded_at)),
    ]
    kept = [entry for entry in entries if entry.state not in NOT_YET_A_TOUCH]
    return sorted(kept, key=lambda entry: entry.occurred_at, reverse=True)


def lay_over(published: Sequence[TimelineEntry], stored: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Join both sides into one timeline, newest first; where both know a touch, the store's word counts."""
    stored_records = {_record(entry) for entry in stored}
    published_records = {_record(entry) for entry in published}
    joined = [entry for entry in published if _record(entry) not in stored_records]
    joined += [replace(entry, is_fresh=_record(entry) not in published_records) for entry in stored]
    return sorted(joined, key=lambda entry: (entry.occurred_at, entry.touch_id), reverse=True)


def told_state(state: str, provider_status: str | None) -> str:
    """Say in one word how a message stands: the provider's word once it has one, else ours."""
    if state in {"accepted", "done", "failed"} and provider_status:
        return provider_status
    return "sent" if state in {"accepted", "done"} else state


def _record(entry: TimelineEntry) -> tuple[str, str]:
    return entry.source, entry.source_record_id.rsplit("/", 1)[-1]


def _rows(
    connection: Connection, table: Table, customer_ids: Sequence[str], moment: ColumnElement[Any]
) -> list[Row[Any]]:
    query = select(table).where(table.c.customer_id.in_(customer_ids)).order_by(moment.desc()).limit(MOST)
    return list(connection.execute(query))


def _sent(row: Row[Any]) -> TimelineEntry:
    moment: datetime = row.delivered_at or row.accepted_at or row.calling_at or row.updated_at
    return TimelineEntry(
        occurred_at=moment,
        touch_id=row.message_id,
        channel=row.channel,
        origin_table="outreach",
        direction="none" if row.state == "skipped" else "out",
        kind="outreach",
        title=row.subject or (row.campaign or "message").replace("_", " ").capitalize(),
        body=row.body,
        source=OUR_SOURCE,
        source_record_id=f"message/{row.message_id}",
        campaign=row.campaign,
        state=told_state(row.state, row.provider_status),
        is_fresh=True,
    )


def _received(row: Row[Any]) -> TimelineEntry:
    return TimelineEntry(
        occurred_at=row.received_at,
        touch_id=row.inbound_id,
        channel=row.channel,
        origin_table="outreach",
        direction="in",
        kind=KINDS.get(row.channel, "sms"),
        title="Asked us to stop" if row.keyword == "stop" else "Wrote to us",
        body=row.body,
        source=OUR_SOURCE,
        source_record_id=f"message/{row.inbound_id}",
        state="received",
        is_fresh=True,
    )


def _consented(row: Row[Any]) -> TimelineEntry:
    return TimelineEntry(
        occurred_at=row.occurred_at,
        touch_id=row.event_id,
        channel=row.channel,
        origin_table="consents",
        direction="none",
        kind="consent",
        title=f"{row.purpose.capitalize()} consent {CONSENT_WORDS.get(row.action, row.action)}",
        body=row.wording,
        source=row.source,
        source_record_id=said_by(row.source_record_id, row.customer_id) or f"consent/{row.event_id}",
        state=row.action,
        is_fresh=True,
    )
