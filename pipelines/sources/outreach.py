"""Our own store as a source: what we sent, whom we held out and who answered, so that the loop closes.

One record a message, a held-out person or a reply. A message whose status changed lands again as a newer
version of the same record; an unchanged one lands nothing. Our records know their customer already:
`customer_ref` carries the id.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Label, Row, func, or_, select

from messaging.addresses import UNKNOWN
from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.heard import by_a_person
from messaging.store.tables import campaign_runs, inbound_messages, messages, run_audience
from messaging.store.tables_receiver import tracking_events
from pipelines.landing.staging import Delivery
from pipelines.landing.writer import land_records, landings_of

SOURCE, TABLE = "rapport", "outreach"
FORM = "3"  # raise it when a column below is filled in another way: then everything is read again
FORM_CHANNEL = "form"
OVERLAP = timedelta(hours=1)  # a row's `updated_at` may be older than the transaction that made it visible

Record = Mapping[str, str | None]


@dataclass(frozen=True)
class OutreachReport:
    """What an export did: rows read = accepted (new or changed) + quarantined + already landed."""

    rows_in: int
    accepted: int
    quarantined: int
    already_landed: int


def export_outreach(settings: Settings, store: Store, clock: Clock, *, full: bool = False) -> OutreachReport:
    """Land what changed in the store since it was landed last; with `full`, look at all of it again."""
    return land_own(settings, store, clock, (SOURCE, TABLE, FORM), read_outreach, full=full)


def land_own(  # noqa: PLR0913 - what an export is made of
    settings: Settings,
    store: Store,
    clock: Clock,
    kind: tuple[str, str, str],
    read: Callable[[Connection, datetime | None], Iterable[Record]],
    *,
    full: bool,
) -> OutreachReport:
    """Land what `read` gives of our own store since it was landed last, or all of it.

    `kind` is the source, the table, and the form in which the columns are filled.
    """
    source, table, form = kind
    landings = [landing for landing in landings_of(settings, source, table) if landing.mapping_hash == form]
    newest = max((landing.received_at for landing in landings), default=None)
    since = None if full or newest is None else newest - OVERLAP
    with store.read() as connection:
        records = list(read(connection, since))
    if not records:
        return OutreachReport(0, 0, 0, 0)
    delivery = Delivery(source, table, "store", _content_hash(records), form)
    counts = land_records(settings, clock, delivery, records).counts
    return OutreachReport(counts.rows_in, counts.accepted, counts.quarantined, counts.already_landed)


def read_outreach(connection: Connection, since: datetime | None = None) -> Iterator[Record]:
    """Read the store as canonical rows, all values as text.

    `since` (naive UTC) leaves out what did not change after it.
    """
    yield from _messages(connection, since)
    yield from _holdouts(connection, since)
    yield from _replies(connection, since)


def _messages(connection: Connection, since: datetime | None) -> Iterator[Record]:
    """Read what has left the plan: a planned or queued message has reached nobody yet."""
    query = select(messages, _clicked_at()).where(messages.c.state.not_in(["planned", "queued", "cancelled"]))
    if since:
        followed = select(tracking_events.c.message_id).where(
            tracking_events.c.kind == "click", tracking_events.c.received_at >= since
        )
        query = query.where(or_(messages.c.updated_at >= since, messages.c.message_id.in_(followed)))
    for row in connection.execute(query.order_by(messages.c.message_id)):
        yield {
            **_identity(row.message_id, row.calling_at or row.done_at or row.created_at),
            # the provider's id, so that the same message in the provider's own export is told for the same
            "message_id": row.provider_sid or row.message_id,
            "run_id": row.run_id,
            "campaign": row.campaign,
            "customer_ref": None if row.customer_id.startswith(UNKNOWN) else row.customer_id,
            **_address(row.channel, row.address),
            "channel": row.channel,
            "direction": "outbound",
            "arm": "excluded" if row.state == "skipped" else "sent",
            "state": _message_state(row),
            "template": row.template,
            "variant": row.variant,
            "subject": row.subject,
            "body": row.body,
            "reason": row.reason or _text(row.error_code),
            "delivered_at": as_moment(row.delivered_at),
            "clicked_at": as_moment(row.clicked_at),
            "raw_record": as_raw(provider=row.provider, provider_sid=row.provider_sid, state=row.state),
        }


def _clicked_at() -> Label[datetime | None]:
    """Give when a person first followed a link in a message: to a phone no provider tells of it, our own link does."""
    table = tracking_events.c
    first = select(func.min(table.occurred_at)).where(
        table.message_id == messages.c.message_id, table.kind == "click", table.machine.is_(False)
    )
    return first.scalar_subquery().label("clicked_at")


def _message_state(row: Row[tuple[object, ...]]) -> str:
    """Give how far a message came: a link in it was followed, else what its provider said last, else its own state."""
    if row.clicked_at is not None:
        return "clicked"
    said = row.provider_status
    return str(said) if said in {"sent", "delivered", "read", "undelivered", "failed"} else str(row.state)


def _holdouts(connection: Connection, since: datetime | None) -> Iterator[Record]:
    query = (
        select(run_audience, campaign_runs.c.campaign, campaign_runs.c.launched_at)
        .join(campaign_runs, campaign_runs.c.run_id == run_audience.c.run_id)
        .where(run_audience.c.decision == "holdout", campaign_runs.c.launched_at.is_not(None))
    )
    query = query.where(run_audience.c.step == 0)  # who is met again is held out still
    if since:
        decided = func.coalesce(run_audience.c.decided_at, campaign_runs.c.launched_at)
        query = query.where(decided >= since)
    for row in connection.execute(query.order_by(run_audience.c.run_id, run_audience.c.customer_id)):
        yield {
            **_identity(f"holdout/{row.run_id}/{row.customer_id}", row.decided_at or row.launched_at),
            "run_id": row.run_id,
            "campaign": row.campaign,
            "customer_ref": row.customer_id,
            "channel": row.channel or "sms",
            "direction": "outbound",
            "arm": "holdout",
            "state": "held_out",
            "variant": row.variant,
            "raw_record": as_raw(decision=row.decision),
        }


def _replies(connection: Connection, since: datetime | None) -> Iterator[Record]:
    answered = messages.c.message_id == inbound_messages.c.reply_to_message_id
    query = select(inbound_messages, messages.c.run_id, messages.c.campaign).join_from(
        inbound_messages, messages, answered, isouter=True
    )
    query = query.where(inbound_messages.c.channel != FORM_CHANNEL)  # no reply: it lands as a submission
    query = query.where(by_a_person())  # an absence is no answer to anything
    if since:
        query = query.where(inbound_messages.c.received_at >= since)
    for row in connection.execute(query.order_by(inbound_messages.c.inbound_id)):
        yield {
            **_identity(f"reply/{row.inbound_id}", row.received_at),
            "message_id": row.provider_sid,
            "run_id": row.run_id,
            "campaign": row.campaign,
            "customer_ref": row.customer_id,
            **_address(row.channel, row.from_address),
            "channel": row.channel,
            "direction": "inbound",
            "arm": "reply",
            "state": "received",
            "body": row.body,
            "reason": row.keyword,
            "raw_record": as_raw(provider=row.provider, provider_sid=row.provider_sid),
        }


def record_of(inbound_id: str, channel: str) -> str:
    """Name the record that a message of the receiver's lands as: a reply, or a submission of our form."""
    return f"submission/{inbound_id}" if channel == FORM_CHANNEL else f"outreach/reply/{inbound_id}"


def _identity(record: str, occurred_at: datetime) -> Record:
    return {"source": SOURCE, "source_record_id": f"outreach/{record}", "occurred_at": as_moment(occurred_at)}


def _address(channel: str, address: str | None) -> Record:
    if channel == "chat":  # a conversation's id is nobody's number
        return {}
    return {"email": address} if channel == "email" else {"phone": address}


def as_moment(moment: datetime | None) -> str | None:
    """Write a moment as landing reads it."""
    return moment.isoformat(sep=" ") if moment else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def as_raw(**fields: object) -> str:
    """Write what else the store knows of a row, as the source's own record."""
    return json.dumps(fields, sort_keys=True)


def _content_hash(records: Iterable[Record]) -> str:
    """Name an export by what it holds, so that the same content is the same file."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(json.dumps(record, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()
