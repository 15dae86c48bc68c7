"""The tables of what a person looks over, of consents that were asked for and wait, and of which commands were answered.

Times are naive UTC by `messaging.clock.Clock`.
"""

from sqlalchemy import JSON, Column, DateTime, Index, Integer, String, Table, Text, UniqueConstraint, text

from messaging.store.tables import metadata

opt_out_reviews = Table(  # opt-outs in people's own words, obeyed at once; and opt-ins of nobody knows whom, which are not
    "opt_out_reviews",
    metadata,
    Column("review_id", String, primary_key=True),
    Column("inbound_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("address_hash", String, nullable=False),
    Column("customer_id", String),  # who wrote, where that is one person
    Column("source", String, nullable=False),  # with the record: whose consent events these are
    Column("source_record_id", String, nullable=False),
    Column("scope", String, nullable=False),  # channel | everything
    Column("language", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("rules_of", String, nullable=False),  # the date of the rules
    Column("words", Text, nullable=False),  # the words that matched
    Column(
        "silenced", JSON, nullable=False
    ),  # the channels on which this suppressed the address, and why it was before
    Column("state", String, nullable=False),  # waiting | confirmed | lifted
    Column("created_at", DateTime, nullable=False),
    Column("decided_at", DateTime),
    Column("decided_by", String),
    Column("asks", String, nullable=False, server_default=text("'stop'")),  # stop | start
    Column(
        "doubt", String
    ),  # why it was not obeyed, or a stop not in full: form | mail_unverified | sender_unproven | automatic
    Column("owners", JSON),  # of what is in doubt: whose address it was by the release
    UniqueConstraint("inbound_id"),
    Index(None, "state", "created_at"),
)

consent_requests = Table(  # double opt-in: asked, and no consent before the answer
    "consent_requests",
    metadata,
    Column("request_id", String, primary_key=True),
    Column("customer_id", String, nullable=False),
    Column("address_hash", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("wording", Text, nullable=False),
    Column("locale", String),
    Column("source", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("message_id", String, nullable=False),  # the one message that asks
    Column("asked_at", DateTime, nullable=False),
    Column("expires_at", DateTime, nullable=False),
    Column("consent_expires_at", DateTime),  # when the consent itself is to run out
    Column("granted_at", DateTime),
    Column("event_id", String),  # of the consent that the answer was
    Index(None, "address_hash", "channel", "asked_at"),
    Index(None, "customer_id", "channel"),
)

keyword_answers = (
    Table(  # when we last answered a STOP or a HELP: so that two machines do not write to each other
        "keyword_answers",
        metadata,
        Column("address_hash", String, primary_key=True),
        Column("channel", String, primary_key=True),
        Column("keyword", String, primary_key=True),  # stop | help
        Column("answered_at", DateTime, nullable=False),
        Column(
            "opted_in", Integer, nullable=False
        ),  # the consent event by which they last had opted in, 0 for none
    )
)
