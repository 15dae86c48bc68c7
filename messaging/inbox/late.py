"""Messages that we hear late, fetched from a provider's list because nobody was there when they came.

They count from when they were said. What their writer took back since they said it is kept, and changes nothing: a STOP
before a START that we heard, a START before an opt-out.
"""

from datetime import datetime

from sqlalchemy import Connection, exists, or_, select

from messaging.inbox.keywords import Keyword
from messaging.inbox.messages import Heard
from messaging.store.tables import consent_events, inbound_messages, suppressions

SAID_AT = "said_at"  # in a message's payload


def overtaken(connection: Connection, heard: Heard, keyword: Keyword | None) -> bool:
    """Say whether a message that came late was taken back since it was said; `keyword` is none of one in own words."""
    if heard.inbound.said_at is None:
        return False
    return _opted_out_since(connection, heard) if keyword == "start" else _came_back_since(connection, heard)


def _came_back_since(connection: Connection, heard: Heard) -> bool:
    table = inbound_messages.c
    rows = select(table.received_at, table.payload).where(
        table.address_hash == heard.address_hash,
        table.channel == heard.inbound.channel,
        table.keyword == "start",
        table.received_at > heard.said_at,
    )
    return any(_said_at(row.received_at, row.payload) > heard.said_at for row in connection.execute(rows))


def _said_at(received_at: datetime, payload: dict[str, str]) -> datetime:
    return datetime.fromisoformat(payload[SAID_AT]) if SAID_AT in payload else received_at


def _opted_out_since(connection: Connection, heard: Heard) -> bool:
    events, silent = consent_events.c, suppressions.c
    theirs = or_(events.address_hash == heard.address_hash, events.customer_id.in_(heard.owners))
    revoked = exists().where(
        theirs,
        events.channel == heard.channel,
        events.purpose == "marketing",
        events.action == "revoke",
        events.occurred_at > heard.said_at,
    )
    silenced = exists().where(
        silent.address_hash == heard.address_hash,
        silent.channel == heard.channel,
        silent.since > heard.said_at,
        silent.lifted_at.is_(None),
    )
    return bool(connection.execute(select(or_(revoked, silenced))).scalar())
