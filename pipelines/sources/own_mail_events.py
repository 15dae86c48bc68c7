"""What readers did with our own mails, as the receiver heard it: from our own store into landing, as e-mail events.

Opens and clicks of machines come too and say so, for they still prove that a mail arrived. Bounces and drops are the
message's own state, and in `outreach`. Which mails are ours the store knows by their message; of others it keeps no address.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages
from messaging.store.tables_receiver import tracking_events
from pipelines.sources.outreach import SOURCE, OutreachReport, Record, as_moment, as_raw, land_own

TABLE = "email_events"
FORM = "1"  # raise it when a column below is filled in another way: then everything is read again
KINDS = ("delivered", "open", "click", "spamreport", "unsubscribe", "group_unsubscribe", "group_resubscribe")


def export_mail_events(
    settings: Settings, store: Store, clock: Clock, *, full: bool = False
) -> OutreachReport:
    """Land the events that came since they were landed last; with `full`, look at all of them again."""
    return land_own(settings, store, clock, (SOURCE, TABLE, FORM), read_mail_events, full=full)


def read_mail_events(connection: Connection, since: datetime | None = None) -> Iterator[Record]:
    """Read the store as canonical rows, all values as text; `since` (naive UTC) leaves out what came before it."""
    events, about = tracking_events.c, messages.c
    columns = (about.message_id, about.provider_sid, about.address, about.campaign)
    query = (
        select(tracking_events, *columns)
        .join(messages, about.message_id == events.message_id)
        .where(about.channel == "email", about.address.like("%@%"), events.kind.in_(KINDS))
    )
    if since:
        query = query.where(events.received_at >= since)
    for row in connection.execute(query.order_by(events.event_id)):
        yield {
            "source": SOURCE,
            "source_record_id": f"event/{row.event_id}",
            "occurred_at": as_moment(row.occurred_at),
            "event_id": row.event_id.partition("/")[2],
            "event": row.kind,
            "email": row.address,
            "message_ref": row.provider_sid or row.message_id,  # as our record of the message names it
            "url": row.url,
            "is_machine": "true" if row.machine else "false",
            "campaign": row.campaign,
            "raw_record": as_raw(detail=row.detail),
        }
