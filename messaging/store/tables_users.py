"""The tables of colleagues who use the app: accounts, links to set a password, sessions, and attempts to sign in.

Times are naive UTC by the machine's clock, which no demo pins. Of links and sessions only hashes are kept.
"""

from sqlalchemy import JSON, Column, DateTime, ForeignKey, Index, Integer, String, Table

from messaging.store.tables import metadata

users = Table(
    "users",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("name", String, nullable=False),  # as audits show it
    Column("login", String, nullable=False, unique=True),  # the name, folded: what is typed to sign in
    Column("roles", JSON, nullable=False),
    Column("password_hash", String),  # none until the first link was used
    Column("created_at", DateTime, nullable=False),
    Column("created_by", String, nullable=False),
    Column("disabled_at", DateTime),
    Column("oidc_issuer", String),  # who signs in at an identity provider has no password
    Column("oidc_subject", String),
    Index("ix_users_identity", "oidc_issuer", "oidc_subject", unique=True),
)

user_links = Table(  # one-time links that set a password
    "user_links",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("user_id", ForeignKey("users.user_id"), nullable=False),
    Column("expires_at", DateTime, nullable=False),
    Index(None, "user_id"),
)

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("user_id", ForeignKey("users.user_id"), nullable=False),
    Column("started_at", DateTime, nullable=False),
    Column("seen_at", DateTime, nullable=False),
    Index(None, "user_id"),
)

sign_in_attempts = Table(  # those that failed or are not decided yet; a success takes its own away
    "sign_in_attempts",
    metadata,
    Column("attempt", Integer, primary_key=True, autoincrement=True),
    Column("whom", String, nullable=False),  # a hash of the account's name or of the caller's address
    Column("at", DateTime, nullable=False),
    Index(None, "whom", "at"),
    Index(None, "at"),
)
