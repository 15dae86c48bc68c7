"""The tables of campaigns in shadow mode: what each day's plan counted, and who was in the newest one.

Times are naive UTC by `messaging.clock.Clock`, but for leases, which go by the database's.
"""

from sqlalchemy import JSON, BigInteger, Column, DateTime, Integer, String, Table

from messaging.store.tables import metadata

shadow_days = Table(  # a row for each campaign and day: whoever inserts it takes it
    "shadow_days",
    metadata,
    Column("campaign", String, primary_key=True),
    Column("day", String, primary_key=True),  # ISO, of the company's time zone
    Column("state", String, nullable=False),  # taken | planned | failed
    Column("plan_id", String, nullable=False),  # of whoever holds it
    Column(
        "lease_until", DateTime, nullable=False
    ),  # database's clock; then it is tried again unless planned
    Column("told", String),  # why it failed
    Column("planned_at", DateTime),
    Column("release_version", String),
    Column("content_hash", String),
    Column("matched", Integer),
    Column("to_send", Integer),
    Column("held_out", Integer),
    Column("excluded", JSON(none_as_null=True)),  # people by reason
    Column("by_channel", JSON(none_as_null=True)),  # people to send to
    Column("by_variant", JSON(none_as_null=True)),
    Column("came", Integer),  # beside the last planned day; none on the first one
    Column("went", Integer),
    Column("cost", BigInteger),  # millionths of the currency, by the price list where there is one
    Column("currency", String),
)

shadow_people = Table(  # whom the segment matched on the newest day, to tell who comes and goes by the next
    "shadow_people",
    metadata,
    Column("campaign", String, primary_key=True),
    Column("plan_id", String, primary_key=True),
    Column("customer_id", String, primary_key=True),
)
