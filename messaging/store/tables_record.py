"""Tables of the installation itself: who did what, and what every process of it has to agree upon."""

from sqlalchemy import JSON, Column, DateTime, Integer, String, Table

from messaging.store.tables import metadata

audit = Table(  # append-only, in a hash chain (messaging.audit); erasure empties salt, subject and detail
    "audit",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("audit_id", String, nullable=False, unique=True),
    Column("at", DateTime, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False, index=True),
    Column("subject", String, index=True),
    Column("detail", JSON),  # ids and counts, never personal data
    Column("salt", String),
    Column(
        "sealed", String
    ),  # H(salt, subject, detail), which erasure leaves; entries of before 0016 have none
    Column("commitment", String, nullable=False),  # H(what stays, sealed); of before 0016: H(salt, payload)
    Column("previous_hash", String, nullable=False),
    Column("hash", String, nullable=False, unique=True),
)

agreements = Table(  # what all processes have to share, and a store would be useless without
    "agreements",
    metadata,
    Column("name", String, primary_key=True),  # suppression.pepper
    Column("value", String, nullable=False),  # of a secret: a keyed check value, never the secret
)
