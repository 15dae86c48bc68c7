"""The tables of segments: lists of customers that people uploaded, and how many people a segment had in each release.

Times are naive UTC by `messaging.clock.Clock`.
"""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, String, Table

from messaging.store.tables import metadata

customer_lists = Table(  # an upload takes the place of the one before under its name
    "customer_lists",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", String, nullable=False),  # SHA-256 over its members' ids
    Column("rows", Integer, nullable=False),  # of the file
    Column("matched", Integer, nullable=False),  # customers whom they named
    Column("uploaded_at", DateTime, nullable=False),
    Column("uploaded_by", String, nullable=False),
)

customer_list_members = Table(
    "customer_list_members",
    metadata,
    Column("name", ForeignKey("customer_lists.name"), primary_key=True),
    Column("customer_id", String, primary_key=True),  # as it was when the list was uploaded
    Index(None, "customer_id"),
)

segment_sizes = Table(
    "segment_sizes",
    metadata,
    Column("segment", String, primary_key=True),
    Column("release_version", String, primary_key=True),
    Column("rule_hash", String, primary_key=True),  # SHA-256 over the rule: a changed rule begins anew
    Column("as_of", DateTime, nullable=False),
    Column("people", Integer, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("counted_at", DateTime, nullable=False),
)
