"""The tables of campaigns that go by themselves: standing approvals, and what became of each due moment.

Times are naive UTC by `messaging.clock.Clock`, but for leases, which go by the database's.
"""

from sqlalchemy import Column, DateTime, ForeignKey, String, Table

from messaging.store.tables import metadata

standing_approvals = Table(  # who approved what a run says, for every due moment of its schedule
    "standing_approvals",
    metadata,
    Column("run_id", ForeignKey("campaign_runs.run_id"), primary_key=True),  # the plan that they looked at
    Column("person", String, primary_key=True),  # as campaign_approvals has it
    Column("campaign", String, nullable=False, index=True),
    Column("approved_by", String, nullable=False),
    Column("approved_at", DateTime, nullable=False),
    Column("withdrawn_at", DateTime),
)

scheduled_moments = Table(  # a row for each due moment: whoever inserts it takes it
    "scheduled_moments",
    metadata,
    Column("campaign", String, primary_key=True),
    Column("due_at", DateTime, primary_key=True),
    Column("state", String, nullable=False),  # taken | launched | nobody | refused | missed
    Column("run_id", String),  # of whoever holds it; not there yet while it is planned
    Column("lease_until", DateTime),  # database's clock
    Column("told", String),  # why it was refused or missed
)
