"""The tables of notifications: what is wrong, who was told of it and when, what is not to be told for a while.

All times go by the database's clock (`messaging.store.times`), as naive UTC: they are about the people who keep an
installation running, whose night comes also where a demo's clock stands still.
"""

from sqlalchemy import JSON, Column, DateTime, Index, Integer, String, Table, Text, UniqueConstraint

from messaging.store.tables import metadata

notices = Table(  # one row for each thing that was wrong, from its beginning to its end
    "notices",
    metadata,
    Column("notice_id", String, primary_key=True),
    Column("event", String, nullable=False),
    Column(
        "subject", String, nullable=False
    ),  # what it is about: a table, a run, a channel; never an address
    Column("open_key", String),  # event and subject while it is not over for good: no two of these are open
    Column("sentence", Text, nullable=False),  # as a person reads it; ids and counts alone
    Column("amount", Integer, nullable=False),  # how many messages, rows or calls it is about now,
    Column("worst", Integer, nullable=False),  # and at its worst
    Column("returns", Integer, nullable=False),  # how often it seemed to be over and came back
    Column("began_at", DateTime, nullable=False),
    Column("seen_at", DateTime, nullable=False),  # when it last was other than before
    Column("ended_at", DateTime),
    Column("told_at", DateTime),
    Column("told_to", String),  # the owner's name
    Column("told_amount", Integer),
    Column("cleared_at", DateTime),  # when they were told that it is over
    UniqueConstraint("open_key"),
    Index(None, "began_at"),
)

notice_tellings = (
    Table(  # append-only but for its outcome: one row each time that an owner was told something
        "notice_tellings",
        metadata,
        Column("telling_id", String, primary_key=True),
        Column("owner", String, nullable=False),
        Column("notices", JSON, nullable=False),  # the ids of what it told
        Column("began_at", DateTime, nullable=False),  # committed before anybody is called
        Column("outcome", String),  # told | failed; none while it is under way, or where the process died
        Column("ways", JSON),  # [{"way", "took", "told"}]: never an address
        Index(None, "owner", "began_at"),
    )
)

notice_snoozes = Table(  # what nobody wants to hear of for a while
    "notice_snoozes",
    metadata,
    Column("event", String, primary_key=True),
    Column("subject", String, primary_key=True),  # empty: every subject of the event
    Column("until", DateTime, nullable=False),
    Column("snoozed_at", DateTime, nullable=False),
    Column("snoozed_by", String, nullable=False),
)

notice_watch = Table(  # which process looks just now, so that two of them do not tell everything twice
    "notice_watch",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("lease_until", DateTime, nullable=False),
    Column("looked_at", DateTime, nullable=False),
)
