"""The tables of the receiver: requests as they came, files of messages, what readers of mails do, keys and events.

Times are naive UTC by `messaging.clock.Clock`.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from messaging.store.tables import metadata

raw_requests = Table(  # what a provider or a person sent, byte for byte, before anything was read out of it
    "raw_requests",
    metadata,
    Column("digest", String, primary_key=True),  # SHA-256 over intake, query and body: the same one once
    Column("intake", String, nullable=False),  # twilio/status | sendgrid/events | ...
    Column("query", String, nullable=False),
    Column("content_type", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", DateTime, nullable=False),
    Column("failure", String),  # the kind of error that kept it from being worked upon; none where it was
    Index(None, "received_at"),
)

inbound_media = Table(  # files that came with messages: fetched from the provider in the background
    "inbound_media",
    metadata,
    Column("media_id", String, primary_key=True),
    Column("inbound_id", ForeignKey("inbound_messages.inbound_id"), nullable=False),
    Column("number", Integer, nullable=False),  # its place in the message, from 0
    Column("url", Text, nullable=False),
    Column("content_type", String, nullable=False),  # as the provider says, and once it is kept, as it is
    Column("state", String, nullable=False),  # waiting | kept | refused | failed
    Column("reason", String),  # why it was refused or failed, as a code
    Column("sha256", String),  # and so its place under the home
    Column("size", Integer),  # bytes
    Column("tries", Integer, nullable=False, default=0),
    Column("next_try_at", DateTime, nullable=False),
    Index(None, "inbound_id"),
    Index(None, "state", "next_try_at"),
)

tracking_events = Table(  # what became of messages on the way, and what their readers did: each once
    "tracking_events",
    metadata,
    Column("event_id", String, primary_key=True),  # the provider and its own id of the event
    Column(
        "kind", String, nullable=False
    ),  # in the provider's word: delivered, bounce, open, click, spamreport ...
    Column("message_id", String),
    Column("occurred_at", DateTime, nullable=False),
    Column("received_at", DateTime, nullable=False),
    Column("machine", Boolean, nullable=False),  # a scanner or a mailbox that loads pictures: no person
    Column("url", Text),
    Column("detail", JSON),
    Index(None, "message_id", "kind"),
    Index(None, "received_at"),
)

api_keys = Table(  # who may send events: only the hash of a key is kept
    "api_keys",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("key_hash", String, nullable=False, unique=True),  # SHA-256: a key is 256 random bits
    Column("created_at", DateTime, nullable=False),
    Column("created_by", String, nullable=False),
    Column("revoked_at", DateTime),
    Column("revoked_by", String),
)

sent_events = Table(  # events that a program sent, each of its message ids once; they land as source `events`
    "sent_events",
    metadata,
    Column("sender", String, primary_key=True),  # the name of its key, which a renewed key keeps
    Column("message_id", String, primary_key=True),
    Column("key_id", String, nullable=False),
    Column("occurred_at", DateTime, nullable=False),
    Column("received_at", DateTime, nullable=False),
    Column("event", JSON, nullable=False),
    Column("name", String),
    Column("customer_id", String),  # where a trigger looks at events of that name: whose it is
    Column(
        "looked_at", DateTime
    ),  # when it was looked whether it triggers something; none where nobody has yet
    Index(None, "received_at"),
    Index(
        "ix_sent_events_not_looked_at",
        "received_at",
        sqlite_where=text("looked_at IS NULL"),
        postgresql_where=text("looked_at IS NULL"),
    ),
    Index(None, "customer_id", "name"),
)

provider_lists = Table(  # up to when a provider's own list was read for what we were not told
    "provider_lists",
    metadata,
    Column("provider", String, primary_key=True),
    Column("read_until", DateTime, nullable=False),
)

intakes = Table(  # each way in, as the last synthetic request found it
    "intakes",
    metadata,
    Column("intake", String, primary_key=True),
    Column("checked_at", DateTime, nullable=False),
    Column("passed_at", DateTime),  # when a request last went all the way
    Column("passed_by", String),  # and which one that was
    Column("failing_since", DateTime),  # none while it works
    Column("reason", String),  # what went wrong, as a code
)
