"""Keys of programs that send us events: shown once when they are made, and kept as hashes alone.

A key is 256 random bits, so that its plain SHA-256 cannot be undone by trying.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging import audit
from messaging.store.ids import new_id
from messaging.store.tables_receiver import api_keys

PREFIX = "rapport_"
_KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
NAME_LIMIT = 80


@dataclass(frozen=True)
class ApiKey:
    """A key as it is listed; times are naive UTC."""

    key_id: str
    name: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str | None


def create(connection: Connection, name: str, actor: str, at: datetime) -> tuple[ApiKey, str]:
    """Make a key; give it with its secret, which nobody can read again. Raises UsageError for a name that is none."""
    name = name.strip()
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise UsageError(
            f"{name[:NAME_LIMIT]!r} is no name of a key.",
            f"Give 1 to {NAME_LIMIT} printable characters, such as web-shop.",
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(new_id("key"), name, at, actor, None, None)
    row = {
        "key_id": key.key_id,
        "name": name,
        "key_hash": _hash(secret),
        "created_at": at,
        "created_by": actor,
    }
    connection.execute(insert(api_keys).values(**row))
    audit.record(connection, actor, "keys.create", key.key_id, at=at)
    return key, secret


def list_keys(connection: Connection) -> Sequence[ApiKey]:
    """List all keys, the oldest first, revoked ones too."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id))
    return [_key(row) for row in rows]


def revoke(connection: Connection, key_id: str, actor: str, at: datetime) -> ApiKey:
    """End a key at once. Raises NotFoundError, or RefusedError where it was ended before."""
    this = api_keys.c.key_id == key_id
    row = connection.execute(select(api_keys).where(this)).first()
    if row is None:
        raise NotFoundError(f"There is no key {key_id}.", "See `rapport keys list`.")
    if row.revoked_at is not None:
        raise RefusedError(f"The key {key_id} was revoked before.", "Nothing is left to do.")
    connection.execute(update(api_keys).where(this).values(revoked_at=at, revoked_by=actor))
    audit.record(connection, actor, "keys.revoke", key_id, at=at)
    return _key(connection.execute(select(api_keys).where(this)).one())


def holder(connection: Connection, secret: str) -> ApiKey | None:
    """Give the key that this is the secret of, or None where it is none, or one that was revoked."""
    if not _KEY.fullmatch(secret):
        return None
    table = api_keys.c
    rows = select(api_keys).where(table.key_hash == _hash(secret), table.revoked_at.is_(None))
    found = connection.execute(rows).first()
    return _key(found) if found else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.key_id, row.name, row.created_at, row.created_by, row.revoked_at, row.revoked_by)
