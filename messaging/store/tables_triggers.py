"""The table of what triggered campaigns: each event, or each entry into a segment, once for each campaign.

Times are naive UTC by `messaging.clock.Clock`.
"""

from sqlalchemy import Column, DateTime, ForeignKey, Index, String, Table

from messaging.store.tables import metadata

triggerings = Table(
    "triggerings",
    metadata,
    Column("campaign", String, primary_key=True),
    Column("sender", String, primary_key=True),  # of the event (sent_events), or empty where somebody came in
    Column("event_id", String, primary_key=True),  # the sender's own, or the release and the customer
    Column("run_id", ForeignKey("campaign_runs.run_id"), nullable=False),
    Column("customer_id", String, nullable=False),
    Column("happened_at", DateTime, nullable=False),
    Column("due_at", DateTime, nullable=False),
    Column("state", String, nullable=False),  # waiting | decided | called_off | missed
    Column("told", String),  # why it was called off or missed
    Column("decided_at", DateTime),
    Column("release_version", String),  # upon which it was decided
    Column("message_id", String, index=True),  # what was queued for it
    Index(None, "run_id", "state", "due_at"),
)
