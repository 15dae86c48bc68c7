"""Colleagues who use the app: their accounts and roles, the links that set a password, and what ends a session.

`now` is naive UTC by the machine's clock, never by a demo's. Whoever asks for a change has passed `access.require`.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging import audit
from messaging.access import Role, parse_roles
from messaging.passwords import hash_password
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.locks import USERS, lock
from messaging.store.tables_users import user_links, user_sessions, users

LINK_LIVES: Final = timedelta(hours=24)
NAME_LIMIT: Final = 80
FIRST_ADMIN: Final = "admin"


@dataclass(frozen=True)
class User:
    """An account as it is listed; times are naive UTC. Who has not joined has no way in yet."""

    user_id: str
    name: str
    roles: frozenset[Role]
    joined: bool
    created_at: datetime
    disabled_at: datetime | None


def fold(name: str) -> str:
    """Give what two spellings of one name have in common."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def hashed(token: str) -> str:
    """Hash a token of 256 random bits, which nobody can find by trying."""
    return hashlib.sha256(token.encode()).hexdigest()


def invite(
    connection: Connection, name: str, roles: Sequence[str], actor: str, now: datetime
) -> tuple[User, str]:
    """Make an account; give it with the token of the link that sets its password, which nobody can read again.

    Raises UsageError for a name or role that is none, and RefusedError where somebody has that name.
    """
    lock(connection, [USERS])
    name = " ".join(name.split())
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise UsageError(f"That is no name of a person: {len(name)} characters.", f"Give 1 to {NAME_LIMIT}.")
    given = parse_roles(roles)
    if connection.execute(select(users.c.user_id).where(users.c.login == fold(name))).first():
        raise RefusedError("Somebody has an account of that name.", "Give another name, or a new link.")
    user_id = new_id("usr")
    row = {
        "user_id": user_id,
        "name": name,
        "login": fold(name),
        "roles": sorted(given),
        "created_at": now,
        "created_by": actor,
    }
    connection.execute(insert(users).values(row))
    token = _link(connection, user_id, now)
    audit.record(connection, actor, "user.invite", user_id, {"roles": sorted(given)}, at=now)
    return User(user_id, name, given, joined=False, created_at=now, disabled_at=None), token


def first_link(connection: Connection, now: datetime) -> str | None:
    """Give a link for an admin while no admin can sign in; the one before it ends. None once one can."""
    lock(connection, [USERS])
    there = list_users(connection)
    admins = [user for user in there if "admin" in user.roles and user.disabled_at is None]
    if any(user.joined for user in admins):
        return None
    if admins:
        return renew(connection, admins[0].user_id, "rapport", now)
    taken = {fold(user.name) for user in there}
    names = (FIRST_ADMIN, *(f"{FIRST_ADMIN} {number}" for number in range(2, len(taken) + 3)))
    free = next(name for name in names if name not in taken)
    return invite(connection, free, ["admin"], "rapport", now)[1]


def renew(connection: Connection, user_id: str, actor: str, now: datetime) -> str:
    """Give a new link that leads in, for who lost the link or the password; links of before end."""
    row = _active(connection, user_id)
    token = _link(connection, row.user_id, now)
    audit.record(connection, actor, "user.renew", user_id, at=now)
    return token


def join(store: Store, token: str, password: str, now: datetime) -> User:
    """Set the password that a link is for. The link ends, and so do all sessions of the account.

    Raises RefusedError for a link that is unknown, used or too old, and UsageError for a weak password.
    """
    with store.read() as connection:
        row = _linked(connection, token, now)
    kept = hash_password(
        password, row.name
    )  # outside a transaction: others would wait while it is worked out
    with store.write() as connection:
        lock(connection, [USERS])  # or a sign-in by the old password could open a session behind this
        row = _linked(connection, token, now)
        connection.execute(delete(user_links).where(user_links.c.user_id == row.user_id))
        way = {"password_hash": kept, "oidc_issuer": None, "oidc_subject": None}
        connection.execute(update(users).where(users.c.user_id == row.user_id).values(way))
        end_sessions(connection, row.user_id)
        audit.record(connection, row.name, "user.join", row.user_id, at=now)
        return _user(connection.execute(select(users).where(users.c.user_id == row.user_id)).one())


def join_as(store: Store, token: str, issuer: str, subject: str, now: datetime) -> User:
    """Tie the account that a link is for to somebody at an identity provider, in place of its password.

    The link ends, and so do all sessions of the account. Raises RefusedError for a link that is unknown, used or too
    old, and for somebody who has another account.
    """
    same = (users.c.oidc_issuer == issuer) & (users.c.oidc_subject == subject)
    with store.write() as connection:
        lock(connection, [USERS])
        row = _linked(connection, token, now)
        ended = update(users).where(same, users.c.disabled_at.is_not(None))
        connection.execute(ended.values(oidc_issuer=None, oidc_subject=None))
        if connection.execute(select(users.c.user_id).where(same, users.c.user_id != row.user_id)).first():
            raise RefusedError("You have another account here already.", "Sign in with that one.")
        connection.execute(delete(user_links).where(user_links.c.user_id == row.user_id))
        way = {"password_hash": None, "oidc_issuer": issuer, "oidc_subject": subject}
        connection.execute(update(users).where(users.c.user_id == row.user_id).values(way))
        end_sessions(connection, row.user_id)
        audit.record(connection, row.name, "user.join", row.user_id, {"way": "oidc"}, at=now)
        return _user(connection.execute(select(users).where(users.c.user_id == row.user_id)).one())


def list_users(connection: Connection) -> list[User]:
    """List all accounts by name, those that are disabled too."""
    return [_user(row) for row in connection.execute(select(users).order_by(users.c.login))]


def find(connection: Connection, who: str) -> User:
    """Give the account of that id or name. Raises NotFoundError where there is none."""
    this = (users.c.user_id == who) | (users.c.login == fold(who))
    if (row := connection.execute(select(users).where(this)).first()) is None:
        raise NotFoundError("There is no account of that name or id.", "Look at `rapport users list`.")
    return _user(row)


def set_roles(connection: Connection, user_id: str, roles: Sequence[str], actor: str, now: datetime) -> User:
    """Give an account other roles; its sessions end at once. Raises RefusedError where no admin would be left."""
    lock(connection, [USERS])
    given = parse_roles(roles)
    row = _active(connection, user_id)
    if "admin" not in given:
        _refuse_last_admin(connection, row)
    connection.execute(update(users).where(users.c.user_id == user_id).values(roles=sorted(given)))
    end_sessions(connection, user_id)
    audit.record(connection, actor, "user.role", user_id, {"roles": sorted(given)}, at=now)
    return _user(_active(connection, user_id))


def disable(connection: Connection, user_id: str, actor: str, now: datetime) -> None:
    """End an account, its links and its sessions at once. Raises RefusedError where no admin would be left."""
    lock(connection, [USERS])
    row = _active(connection, user_id)
    _refuse_last_admin(connection, row)
    connection.execute(update(users).where(users.c.user_id == user_id).values(disabled_at=now))
    connection.execute(delete(user_links).where(user_links.c.user_id == user_id))
    end_sessions(connection, user_id)
    audit.record(connection, actor, "user.disable", user_id, at=now)


def end_sessions(connection: Connection, user_id: str) -> None:
    """End all sessions of an account."""
    connection.execute(delete(user_sessions).where(user_sessions.c.user_id == user_id))


def _link(connection: Connection, user_id: str, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    connection.execute(delete(user_links).where(user_links.c.user_id == user_id))
    row = {"token_hash": hashed(token), "user_id": user_id, "expires_at": now + LINK_LIVES}
    connection.execute(insert(user_links).values(row))
    return token


def _linked(connection: Connection, token: str, now: datetime) -> Row[Any]:
    this = (user_links.c.token_hash == hashed(token)) & (user_links.c.expires_at > now)
    rows = select(users).join(user_links).where(this, users.c.disabled_at.is_(None))
    if (row := connection.execute(rows).first()) is None:
        raise RefusedError(
            "This link was used, is older than a day or was never given.", "Ask an admin for a new one."
        )
    return row


def _active(connection: Connection, user_id: str) -> Row[Any]:
    this = (users.c.user_id == user_id) & users.c.disabled_at.is_(None)
    if (row := connection.execute(select(users).where(this)).first()) is None:
        raise NotFoundError(
            f"There is no account {user_id}, or it was disabled.", "Look at the list of users."
        )
    return row


def _refuse_last_admin(connection: Connection, row: Row[Any]) -> None:
    joined = users.c.password_hash.is_not(None) | users.c.oidc_subject.is_not(None)
    this = users.c.disabled_at.is_(None) & joined
    rows = select(users.c.roles).where(this, users.c.user_id != row.user_id)
    others: Sequence[list[str]] = connection.execute(rows).scalars().all()
    if "admin" in row.roles and not any("admin" in roles for roles in others):
        raise RefusedError("This is the last admin who can sign in.", "Let another admin join before.")


def _user(row: Row[Any]) -> User:
    return User(
        row.user_id,
        row.name,
        frozenset(row.roles),
        joined=row.password_hash is not None or row.oidc_subject is not None,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )
