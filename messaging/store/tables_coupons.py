"""The tables of coupons: codes that people uploaded, each for one customer, and the runs that write them.

Times are naive UTC by `messaging.clock.Clock`, but for reservations, which go by the database's.
"""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, String, Table, text

from messaging.store.tables import metadata

coupons = Table(  # a code stands in one list, and is one customer's at most
    "coupons",
    metadata,
    Column("code_key", String, primary_key=True),  # in small letters: shops take both for the same
    Column("code", String, nullable=False),
    Column("list", String, nullable=False),
    Column("place", Integer, nullable=False),  # in its list: drawn in this order
    Column("imported_at", DateTime, nullable=False),
    Column("imported_by", String, nullable=False),
    Column("customer_id", String),  # whose it is; none while it is free
    Column("campaign", String),  # which drew it for them
    Column("reserved_by", String),  # the run that is being planned, which may write it
    Column("reserved_until", DateTime),  # database's clock: a run whose process died holds it no longer
    Index(  # by which the next free ones are found
        None,
        "list",
        "place",
        sqlite_where=text("customer_id IS NULL"),
        postgresql_where=text("customer_id IS NULL"),
    ),
    Index(None, "list", "customer_id"),
    Index(None, "reserved_by"),
)

coupon_draws = Table(  # which code the messages of a run to one customer carry
    "coupon_draws",
    metadata,
    Column("run_id", ForeignKey("campaign_runs.run_id"), primary_key=True),
    Column("customer_id", String, primary_key=True),
    Column("code_key", ForeignKey("coupons.code_key"), nullable=False, index=True),
)
