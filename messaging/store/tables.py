"""The tables of the operational store, on SQLite and PostgreSQL alike.

Times are naive UTC; columns marked "database's clock" go by `messaging.store.times`, all others by
`messaging.clock.Clock`, which a demo pins. Ids are a prefix and a UUIDv7 (`messaging.store.ids.new_id`).
Addresses are E.164 phone numbers or normalised e-mail addresses; where an address must outlive its owner's
erasure, only its keyed hash is stored.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

builds = Table(  # what the pipelines tell messaging: which release stands, and since when
    "builds",
    metadata,
    Column("build_id", String, primary_key=True),
    Column("release_version", String),
    Column("as_of", DateTime, nullable=False),
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("state", String, nullable=False),  # running | published | failed
    Column("detail", JSON),  # row counts by table, or the reason of a failure: never personal data
)

contract_status = Table(  # the newest verdict on each table, also when it kept a build from publishing
    "contract_status",
    metadata,
    Column("table_name", String, primary_key=True),
    Column("state", String, nullable=False),  # green | amber | red
    Column("checked_at", DateTime, nullable=False),
    Column("rows_checked", Integer, nullable=False),
    Column("rows_quarantined", Integer, nullable=False),
    Column("detail", JSON),  # [{"rule", "failed", "severity"}]
)

campaign_runs = Table(
    "campaign_runs",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("campaign", String, nullable=False),
    Column("content_hash", String, nullable=False),
    Column(
        "content", JSON, nullable=False
    ),  # campaign, segment and templates as they were planned: what runs is this
    Column("release_version", String, nullable=False),
    Column("state", String, nullable=False),  # planned | approved | running | paused | stopped | done
    Column("planned_at", DateTime, nullable=False),
    Column("planned_by", String, nullable=False),
    Column("approved_at", DateTime),
    Column("approved_by", String),
    Column("launched_at", DateTime),
    Column("finished_at", DateTime),
    # Of a run whose people come one by one, by the campaign's trigger:
    Column("opened_by", String, index=True, unique=True),  # the plan whose standing approval opened it
    Column("closed_at", DateTime),  # since when nobody comes any more
    Column("entered_until", String),  # the release of which it was looked who had come into the segment
)

run_audience = (
    Table(  # everybody whom the segment matched, and what was decided about each: the sums close here
        "run_audience",
        metadata,
        Column("run_id", ForeignKey("campaign_runs.run_id"), primary_key=True),
        Column("customer_id", String, primary_key=True),
        Column(
            "step", Integer, primary_key=True, server_default="0"
        ),  # how often they were met before in this run
        Column("decided_at", DateTime),  # where that is another moment than the plan's
        Column("decision", String, nullable=False),  # send | holdout | excluded
        Column("reason", String),  # a policy reason code where excluded
        Column("detail", String),  # the same as a sentence that a marketer understands
        Column("channel", String),
        Column("variant", String),
        Column("language", String),
        Index(None, "run_id", "decision"),
        Index(None, "customer_id"),
    )
)

messages = Table(  # the outbox: rendered once, stored, sent at most once
    "messages",
    metadata,
    Column("message_id", String, primary_key=True),
    Column("run_id", ForeignKey("campaign_runs.run_id")),
    Column("campaign", String),
    Column("step", Integer, nullable=False, default=0),
    Column("customer_id", String, nullable=False),
    Column("channel", String, nullable=False),  # sms | email | whatsapp | voice | chat
    Column("address", String),
    Column("address_hash", String, nullable=False),
    Column("time_zone", String),  # what the profile says, for quiet hours: IANA name,
    Column("country", String),  # ISO 3166 alpha-2,
    Column("region", String),  # and a state's code such as TX
    Column("message_class", String, nullable=False),  # marketing | transactional | conversational
    Column("purpose", String, nullable=False, default="marketing"),
    Column("template", String),
    Column("template_hash", String),
    Column("variant", String),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("html", Text),
    Column("parts", JSON(none_as_null=True)),  # what goes along: outbox.Parts
    Column("state", String, nullable=False),
    # planned | queued | sending | calling | accepted | done | skipped | failed | unknown | cancelled
    Column("reason", String),  # why skipped, failed or waiting, as a code
    Column("detail", String),  # the same as a sentence
    Column("send_after", DateTime),  # not before the end of quiet hours
    Column("retry_at", DateTime),  # database's clock: not before, after a failure that passes
    Column("attempt_count", Integer, nullable=False, default=0),
    Column("lease_owner", String),
    Column("lease_until", DateTime),  # database's clock
    Column("provider", String),
    Column("provider_sid", String),
    Column(
        "provider_status", String
    ),  # queued | sent | delivered | read | undelivered | failed; never goes back
    Column("error_code", Integer),
    Column("segment_count", Integer),
    Column("cost", BigInteger),  # promised when it was called, in millionths of the currency
    Column("created_at", DateTime, nullable=False),
    Column("calling_at", DateTime),
    Column("accepted_at", DateTime),
    Column("ask_at", DateTime),  # while it is accepted: when to ask the provider what became of it
    Column("delivered_at", DateTime),
    Column("done_at", DateTime),
    Column("updated_at", DateTime, nullable=False),
    UniqueConstraint("run_id", "step", "customer_id", "channel"),
    UniqueConstraint("run_id", "step", "channel", "address_hash"),  # covers a merge in mid-campaign
    Index(None, "state", "send_after"),
    Index(  # by which they are claimed: what is queued, class by class, by birth
        None,
        "message_class",
        "message_id",
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(  # by which those are found of which a provider says nothing
        None,
        "provider",
        "ask_at",
        sqlite_where=text("state = 'accepted'"),
        postgresql_where=text("state = 'accepted'"),
    ),
    Index(None, "customer_id", "created_at"),
    Index(None, "provider_sid"),
    Index(None, "address_hash", "created_at"),
)

attempts = Table(  # append-only: one row a provider call
    "attempts",
    metadata,
    Column("attempt_id", String, primary_key=True),
    Column("message_id", ForeignKey("messages.message_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column(
        "started_at", DateTime, nullable=False
    ),  # database's clock: committed before the provider is called
    Column("finished_at", DateTime),  # database's clock
    Column(
        "outcome", String
    ),  # accepted | rejected | refused_us | unknown | not_made; none while it is under way
    Column("provider_sid", String),
    Column("http_status", Integer),
    Column("error_code", Integer),
    UniqueConstraint("message_id", "number"),
)

provider_events = Table(  # status callbacks, as they came, each once
    "provider_events",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("provider_sid", String, nullable=False),
    Column("status", String, nullable=False),
    Column("message_id", String),
    Column("error_code", Integer),
    Column("received_at", DateTime, nullable=False),
    Column("payload", JSON, nullable=False),
    UniqueConstraint("provider", "provider_sid", "status"),
    Index(None, "message_id"),
)

inbound_messages = Table(
    "inbound_messages",
    metadata,
    Column("inbound_id", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("provider_sid", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("from_address", String, nullable=False),
    Column("to_address", String, nullable=False),
    Column("address_hash", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("keyword", String),  # stop | start | help, where the whole message is that one word
    Column("customer_id", String),
    Column("reply_to_message_id", String),
    Column("received_at", DateTime, nullable=False),
    Column("payload", JSON, nullable=False),
    UniqueConstraint("provider", "provider_sid"),
    Index(None, "customer_id", "received_at"),
    Index(None, "address_hash", "received_at"),
    Index(None, "received_at"),
)

consent_events = Table(  # append-only, in a hash chain; the state of a consent is derived from these
    "consent_events",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("event_id", String, nullable=False, unique=True),
    Column("customer_id", String),
    Column("address_hash", String),
    Column("channel", String, nullable=False),
    Column("purpose", String, nullable=False),  # marketing | service | profiling
    Column("legal_basis", String, nullable=False),  # consent | soft_opt_in | legitimate_interest | contract
    Column("action", String, nullable=False),  # grant | revoke | void: what a record said counts no more
    Column("occurred_at", DateTime, nullable=False),
    Column("recorded_at", DateTime, nullable=False),
    Column("source", String, nullable=False),
    Column("source_record_id", String),
    Column("actor", String, nullable=False),
    Column("method", String, nullable=False),
    Column("locale", String),
    Column("wording", Text),
    Column("evidence", JSON),
    Column("wording_hash", String),  # which wording it was, also where the words themselves were erased
    Column("expires_at", DateTime),  # a consent that ran out is none
    Column("salt", String, nullable=False),
    Column(
        "commitment", String, nullable=False
    ),  # H(salt, payload): what the chain goes over, so that both may be erased
    Column("previous_hash", String, nullable=False),
    Column("hash", String, nullable=False),
    UniqueConstraint("source", "source_record_id", "channel", "purpose"),
    Index(None, "customer_id", "channel"),
    Index(None, "address_hash", "channel"),
    Index(  # by which it is found who objected to profiling lately
        "ix_consent_events_profiling",
        "recorded_at",
        sqlite_where=text("purpose = 'profiling'"),
        postgresql_where=text("purpose = 'profiling'"),
    ),
    Index(  # by which it is found who withdrew since a build
        "ix_consent_events_revoked",
        "recorded_at",
        sqlite_where=text("action = 'revoke'"),
        postgresql_where=text("action = 'revoke'"),
    ),
)

suppressions = Table(  # an address that we never write to again, by keyed hash: it outlives erasure
    "suppressions",
    metadata,
    Column("address_hash", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("reason", String, nullable=False),  # stop | unsubscribe | bounce | complaint | provider | person
    Column("since", DateTime, nullable=False),
    Column("source", String, nullable=False),
    Column("lifted_at", DateTime),
)

address_locks = (
    Table(  # rows that a STOP and a send both lock, in sorted order, so that one of them comes first
        "address_locks",
        metadata,
        Column("lock_key", String, primary_key=True),
    )
)

work_requests = Table(  # what the app asks of the pipelines
    "work_requests",
    metadata,
    Column("request_id", String, primary_key=True),
    Column("kind", String, nullable=False),  # build | replay
    Column("arguments", JSON, nullable=False),
    Column("actor", String, nullable=False),
    Column("state", String, nullable=False),  # waiting | running | done | failed
    Column("requested_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("result", JSON),
    Index(None, "state", "requested_at"),
)

identity_decisions = Table(  # who a person said is one, or is not; append-only but for its withdrawal
    "identity_decisions",
    metadata,
    Column("decision_id", String, primary_key=True),
    Column("kind", String, nullable=False),  # merge | split
    Column("source", String, nullable=False),
    Column("source_record_id", String, nullable=False),
    Column("other_source", String, nullable=False),
    Column("other_record_id", String, nullable=False),
    Column("author", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_at", DateTime, nullable=False),
    Column("withdrawn_at", DateTime),  # none while it stands
    Column("withdrawn_by", String),
    Column("withdrawn_reason", Text),
)
