"""Who did what, in a hash chain: approved, launched, paused, stopped, exported, imported, looked at a person, decided.

An entry carries ids and counts and no personal data; its subject is a customer's, run's or message's id. Whoever keeps
the hash of the newest entry elsewhere can prove later that nothing before it was changed, and nothing cut off behind it.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, null, select, update

from messaging.store import chain
from messaging.store.chain import GENESIS, ChainVerdict, commit, link
from messaging.store.ids import new_id
from messaging.store.locks import AUDIT_CHAIN, lock
from messaging.store.tables_record import audit

PAYLOAD = ("audit_id", "at", "actor", "action", "subject", "detail")


def record(  # noqa: PLR0913 - the columns of an entry
    connection: Connection,
    actor: str,
    action: str,
    subject: str | None = None,
    detail: Mapping[str, Any] | None = None,
    *,
    at: datetime,
) -> str:
    """Add an entry (`at` in naive UTC, `action` as noun.verb) in the transaction of what it tells of; give its id.

    Call it last in a transaction: on PostgreSQL all others that record wait from here until its commit.
    """
    lock(connection, [AUDIT_CHAIN])
    follows = head(connection)
    payload: dict[str, Any] = {"audit_id": new_id("aud"), "at": at, "actor": actor, "action": action}
    payload |= {"subject": subject, "detail": None if detail is None else dict(detail)}
    salt = secrets.token_hex(16)
    commitment = commit(salt, payload)
    hashes = {"commitment": commitment, "previous_hash": follows, "hash": link(follows, commitment)}
    connection.execute(insert(audit).values(**payload, salt=salt, **hashes))
    return str(payload["audit_id"])


def newest(
    connection: Connection,
    limit: int,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> list[dict[str, Any]]:
    """Give up to `limit` entries, the newest first; `action` may be its beginning, such as `campaign`."""
    rows = select(*(audit.c[name] for name in PAYLOAD), audit.c.hash).order_by(audit.c.sequence.desc())
    if actor is not None:
        rows = rows.where(audit.c.actor == actor)
    if action is not None:
        rows = rows.where(audit.c.action.startswith(action, autoescape=True))
    if subject is not None:
        rows = rows.where(audit.c.subject == subject)
    return [dict(row) for row in connection.execute(rows.limit(limit)).mappings()]


def verify(connection: Connection) -> ChainVerdict:
    """Go over the whole chain and say where it first does not hold; of an erased entry only its links are left."""
    rows = connection.execute(select(audit).order_by(audit.c.sequence))
    return chain.verify(rows.mappings(), _whole)


def head(connection: Connection) -> str:
    """Give the hash of the newest entry, which stands for all of them."""
    return (
        connection.execute(select(audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)).scalar()
        or GENESIS
    )


def holds(connection: Connection, hashed: str) -> bool:
    """Say whether an entry of this hash is there: a head that was kept elsewhere, if nothing was cut off."""
    found = connection.execute(select(audit.c.sequence).where(audit.c.hash == hashed))
    return hashed == GENESIS or found.first() is not None


def forget(connection: Connection, subject: str) -> int:
    """Erase of whom entries tell, with their salts; that something was done, by whom and when, stays."""
    this = (audit.c.subject == subject) & audit.c.salt.is_not(None)
    return connection.execute(
        update(audit).where(this).values(salt=None, subject=None, detail=null())
    ).rowcount


def _whole(row: Mapping[Any, Any]) -> bool:
    if row["salt"] is None:
        return row["subject"] is None and row["detail"] is None  # erased
    payload = {name: row[name] for name in PAYLOAD}
    return bool(row["commitment"] == commit(row["salt"], payload))
