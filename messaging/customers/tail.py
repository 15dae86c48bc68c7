"""What the store knows and the release does not yet: messages, answers and consents since the last build."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, select

from messaging.consent_chain import said_by
from messaging.customers.views import TimelineEntry
from messaging.store.tables import consent_events, inbound_messages, messages

if TYPE_CHECKING:
    from datetime import datetime

OUR_SOURCE = "rapport"  # what our own store is called among the sources of a release
NOT_YET_A_TOUCH = ("planned", "queued", "sending", "cancelled")
MOST = 500  # of each kind, for one person: enough for any page
KINDS = {"email": "email", "chat": "chat"}  # everything else that people answer by comes as text messages
PLACE = attrgetter("occurred_at", "touch_id")  # by which touches are sorted
CONSENT_WORDS = {"grant": "given", "revoke": "withdrawn", "void": "as it was before"}


def touches(connection: Connection, customer_ids: Sequence[str]) -> list[TimelineEntry]:
    """Give all touches that the store holds of one person, who may have had several ids; newest first."""
    entries = [
        *map(_sent, _rows(connection, _SENT, customer_ids)),
        *map(_received, _rows(connection, _RECEIVED, customer_ids)),
        *map(_consented, _rows(connection, _CONSENTS, customer_ids)),
    ]
    kept = [entry for entry in entries if entry.state not in NOT_YET_A_TOUCH]
    return sorted(kept, key=lambda entry: entry.occurred_at, reverse=True)


def lay_over(published: Sequence[TimelineEntry], stored: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Join both sides, each the newest first, into one timeline; where both know a touch, the store's word counts."""
    if not stored:
        return list(published)
    stored_records = {_record(entry) for entry in stored}
    named = [(_record(entry), entry) for entry in published]
    published_records = {record for record, _ in named}
    joined = [entry for record, entry in named if record not in stored_records]
    joined += [replace(entry, is_fresh=_record(entry) not in published_records) for entry in stored]
    return sorted(joined, key=PLACE, reverse=True)


def told_state(state: str, provider_status: str | None) -> str:
    """Say in one word how a message stands: the provider's word once it has one, else ours."""
    if state in {"accepted", "done", "failed"} and provider_status:
        return provider_status
    return "sent" if state in {"accepted", "done"} else state


def _record(entry: TimelineEntry) -> tuple[str, str]:
    return entry.source, entry.source_record_id.rsplit("/", 1)[-1]


def _newest(table: Table, moment: ColumnElement[Any]) -> Select[Any]:
    """Build a query once for all look-ups: to put it together costs three times what it takes to run it (2026-11-22)."""
    theirs = table.c.customer_id.in_(bindparam("customer_ids", expanding=True))
    return select(table).where(theirs).order_by(moment.desc()).limit(MOST)


_SENT = _newest(messages, messages.c.created_at)
_RECEIVED = _newest(inbound_messages, inbound_messages.c.received_at)
_CONSENTS = _newest(consent_events, consent_events.c.recorded_at)


def _rows(connection: Connection, query: Select[Any], customer_ids: Sequence[str]) -> Sequence[Row[Any]]:
    return connection.execute(query, {"customer_ids": list(customer_ids)}).all()


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
