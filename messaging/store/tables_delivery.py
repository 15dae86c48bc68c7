"""The tables of delivery: what was found out about unclear messages, who decided them, and how fast each sender goes.

Times marked "database's clock" go by `messaging.store.times`, all others by `messaging.clock.Clock`; naive UTC both.
"""

from sqlalchemy import JSON, Column, DateTime, Float, ForeignKey, Index, Integer, String, Table, Text

from messaging.store.tables import metadata

provider_looks = (
    Table(  # what its provider had on record when it was asked for an unknown message; the newest look
        "provider_looks",
        metadata,
        Column("message_id", ForeignKey("messages.message_id"), primary_key=True),
        Column("looks", Integer, nullable=False),
        Column("first_at", DateTime, nullable=False),  # database's clock
        Column("looked_at", DateTime, nullable=False),  # database's clock
        Column(
            "on_record", Integer
        ),  # messages to this address since the call; none where it could not be asked
        Column(
            "same_text", Integer
        ),  # of these, those with this very text, all of which belong to other messages
        Column("told", Text),  # why it could not be asked
    )
)

message_decisions = Table(  # what a person decided of a message that nobody could be sure of; append-only
    "message_decisions",
    metadata,
    Column("decision_id", String, primary_key=True),
    Column("message_id", ForeignKey("messages.message_id"), nullable=False),
    Column("verdict", String, nullable=False),  # sent | not-sent | dropped
    Column("reason", Text, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("decided_at", DateTime, nullable=False),
    Index(None, "message_id"),
)

sender_pace = Table(  # a row for each sender that is bounded or in trouble; all dispatchers go by it
    "sender_pace",
    metadata,
    Column("sender", String, primary_key=True),
    Column(
        "free_at", DateTime
    ),  # database's clock: when what was handed over has gone out at the sender's rate
    Column("rest_until", DateTime),  # database's clock: the provider asked us to slow down
    Column("slowed", Integer, nullable=False),  # how often in a row it asked
    Column("failures", Integer, nullable=False),  # calls in a row without an answer that tells anything
    Column("open_until", DateTime),  # database's clock: the breaker is open, and one call is tried then
    Column("open_seconds", Float),  # how long it was opened for; doubles
    Column("opened_at", DateTime),  # database's clock: since when nothing goes out
    Column("told", Text),  # what the last failure was
)

message_alternatives = (
    Table(  # the same message by the person's next channels, for when it surely did not arrive
        "message_alternatives",
        metadata,
        Column(
            "message_id", ForeignKey("messages.message_id"), primary_key=True
        ),  # the one that they stand behind
        Column("place", Integer, primary_key=True),  # in the person's order, from 1
        Column("planned", JSON, nullable=False),  # outbox.PlannedMessage, rendered with its message
    )
)

campaign_pace = Table(  # a row for each run that may send so many messages an hour; all dispatchers go by it
    "campaign_pace",
    metadata,
    Column("run_id", ForeignKey("campaign_runs.run_id"), primary_key=True),
    Column("free_at", DateTime, nullable=False),  # when its next message may go that has no turn yet
    Column("holds_from", DateTime, nullable=False),  # turns of before are void: it was paused meanwhile
)
