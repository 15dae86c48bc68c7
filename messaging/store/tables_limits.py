"""The tables of what holds marketing back: complaints, budgets promised, campaigns that did harm, approvals.

Times are naive UTC by `messaging.clock.Clock`.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from messaging.store.tables import metadata

complaint_flags = (
    Table(  # who is complaining: while one is open, marketing to the person and the address rests
        "complaint_flags",
        metadata,
        Column("flag_id", String, primary_key=True),
        Column("customer_id", String),
        Column("address_hash", String),
        Column("kind", String, nullable=False),  # spam_report | message | record
        Column("source", String, nullable=False),
        Column("source_record_id", String, nullable=False),
        Column("opened_at", DateTime, nullable=False),
        Column("closed_at", DateTime),
        Column("closed_by", String),
        UniqueConstraint("source", "source_record_id"),
        Index(None, "customer_id"),
        Index(None, "address_hash"),
    )
)

budget_days = Table(  # what calls of one day were promised, whatever came of them
    "budget_days",
    metadata,
    Column("day", String, primary_key=True),  # ISO, of the company's time zone
    Column("scope", String, primary_key=True),  # a channel, `campaign:` and a name, or `every channel`
    Column("promised", BigInteger, nullable=False),  # millionths of the currency
)

campaign_halts = Table(  # runs that were paused by themselves, and who let them go on
    "campaign_halts",
    metadata,
    Column("run_id", ForeignKey("campaign_runs.run_id"), primary_key=True),
    Column("halted_at", DateTime, primary_key=True),
    Column("channel", String, nullable=False),
    Column("what", String, nullable=False),  # bounced | complained | opted_out
    Column("messages", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("sentence", String, nullable=False),
    Column("resumed_at", DateTime),
    Column("resumed_by", String),
    Column("resumed_why", String),
)

campaign_approvals = Table(  # who approved a run; it is launched once these are enough
    "campaign_approvals",
    metadata,
    Column("run_id", ForeignKey("campaign_runs.run_id"), primary_key=True),
    Column("person", String, primary_key=True),  # the name without case and outer spaces: Eva and eva are one
    Column("approved_by", String, nullable=False),  # as it was told
    Column("approved_at", DateTime, nullable=False),
)
