"""Signing in and out: attempts are throttled before a password is looked at, and sessions live in the store.

`now` is naive UTC by the machine's clock, never by a demo's, which would keep a session alive for ever.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from data_contracts.errors import RefusedError
from messaging import audit
from messaging.access import Person, parse_roles
from messaging.passwords import is_password
from messaging.store import Store
from messaging.store.locks import USERS, lock
from messaging.store.tables_users import sign_in_attempts, user_sessions, users
from messaging.users import fold, hashed, invite

IDLE: Final = timedelta(hours=2)
LONGEST: Final = timedelta(hours=12)  # a working day: nobody is signed out twice in one
TOUCHED: Final = timedelta(minutes=1)  # how often a session notes that it was used: not at each rerun
WINDOW: Final = timedelta(minutes=15)
PER_ACCOUNT, PER_ADDRESS = 5, 20  # attempts in the window; an office of many colleagues may share one address


def sign_in(store: Store, name: str, password: str, address: str, now: datetime) -> str:
    """Open a session; give its token, which only the browser keeps.

    Raises RefusedError: after too many attempts, and, in the same words, for an unknown name, a wrong password and an
    account that was disabled, so that nobody learns who has one.
    """
    account, caller = _whom("account", fold(name)), _whom("address", address)
    with store.write() as connection:
        attempts = _attempt(connection, account, caller, now)
        rows = select(users).where(users.c.login == fold(name), users.c.disabled_at.is_(None))
        row = connection.execute(rows).first() if attempts else None
    if not attempts:
        minutes = int(WINDOW.total_seconds() // 60)
        raise RefusedError("Too many attempts to sign in.", f"Wait {minutes} minutes and try again.")
    right = is_password(password, row.password_hash if row else None)
    with store.write() as connection:
        lock(connection, [USERS])  # what was read before may have changed while the password was looked at
        same = (users.c.password_hash == row.password_hash) & users.c.disabled_at.is_(None) if row else None
        rows = select(users.c.user_id).where(users.c.login == fold(name))
        if right and row and same is not None and connection.execute(rows.where(same)).first():
            mine = sign_in_attempts.c.attempt.in_(attempts)
            connection.execute(delete(sign_in_attempts).where(mine | (sign_in_attempts.c.whom == account)))
            token = _open(connection, row.user_id, now)
            audit.record(connection, row.name, "user.sign_in", row.user_id, at=now)
            return token
        audit.record(connection, "nobody", "user.sign_in_refused", row.user_id if row else None, at=now)
    raise RefusedError("That name and password do not belong together.", "Try again, or ask an admin.")


def sign_in_as(store: Store, issuer: str, subject: str, now: datetime) -> str:
    """Open a session for whom an identity provider has proven; give its token.

    Raises RefusedError, in the same words, for who was never invited and for an account that was disabled.
    """
    same = (users.c.oidc_issuer == issuer) & (users.c.oidc_subject == subject)
    with store.write() as connection:
        lock(connection, [USERS])
        row = connection.execute(select(users).where(same, users.c.disabled_at.is_(None))).first()
        if row is not None:
            token = _open(connection, row.user_id, now)
            audit.record(connection, row.name, "user.sign_in", row.user_id, {"way": "oidc"}, at=now)
            return token
        audit.record(connection, "nobody", "user.sign_in_refused", None, {"way": "oidc"}, at=now)
    raise RefusedError(
        "No account here belongs to you.", "Ask an admin for an invitation, and open its link first."
    )


def sign_in_demo(store: Store, role: str, now: datetime) -> str:
    """Open a session for a colleague of that role whom the demo makes up; give its token.

    Whoever calls this has made sure that the company is made up and only this machine can ask. Raises UsageError for
    a role that there is not.
    """
    (wanted,) = parse_roles([role])
    name = f"Demo {wanted}"
    with store.write() as connection:
        lock(connection, [USERS])
        there = connection.execute(select(users.c.user_id).where(users.c.login == fold(name))).scalar()
        user_id = there or invite(connection, name, [wanted], "rapport", now)[0].user_id
        token = _open(connection, user_id, now)
        audit.record(connection, name, "user.sign_in", user_id, at=now)
    return token


def signed_in(store: Store, token: str, now: datetime) -> Person | None:
    """Say whose session this is, or None where it has ended; it goes on for as long as it is asked about."""
    with store.read() as connection:
        person = whose(connection, token, now)
        this = user_sessions.c.token_hash == hashed(token)
        seen = connection.execute(select(user_sessions.c.seen_at).where(this)).scalar() if person else None
    if seen is not None and seen <= now - TOUCHED:
        with store.write() as connection:
            connection.execute(update(user_sessions).where(this).values(seen_at=now))
    return person


def whose(connection: Connection, token: str, now: datetime) -> Person | None:
    """Say whose session this is, as the store knows them this moment, or None where it has ended."""
    this = user_sessions.c.token_hash == hashed(token)
    fresh = (user_sessions.c.seen_at > now - IDLE) & (user_sessions.c.started_at > now - LONGEST)
    rows = select(users.c.user_id, users.c.name, users.c.roles).join(user_sessions)
    row = connection.execute(rows.where(this, fresh, users.c.disabled_at.is_(None))).first()
    return Person(row.user_id, row.name, frozenset(row.roles)) if row else None


def sign_out(store: Store, token: str, now: datetime) -> None:
    """End a session; one that has ended already is none."""
    this = user_sessions.c.token_hash == hashed(token)
    with store.write() as connection:
        row = connection.execute(
            select(users.c.user_id, users.c.name).join(user_sessions).where(this)
        ).first()
        if row is not None:
            connection.execute(delete(user_sessions).where(this))
            audit.record(connection, row.name, "user.sign_out", row.user_id, at=now)


def _attempt(connection: Connection, account: str, caller: str, now: datetime) -> list[int]:
    """Note an attempt before it is tried, so that many at once are counted, too; give nothing where there were too many."""
    lock(connection, [USERS])
    table = sign_in_attempts.c
    connection.execute(delete(sign_in_attempts).where(table.at <= now - WINDOW))
    for whom, most in ((account, PER_ACCOUNT), (caller, PER_ADDRESS)):
        made = select(func.count()).select_from(sign_in_attempts).where(table.whom == whom)
        if (connection.execute(made).scalar() or 0) >= most:
            return []
    rows = [insert(sign_in_attempts).values(whom=whom, at=now) for whom in (account, caller)]
    return [connection.execute(row.returning(table.attempt)).scalar_one() for row in rows]


def _open(connection: Connection, user_id: str, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    old = (user_sessions.c.started_at <= now - LONGEST) | (user_sessions.c.seen_at <= now - IDLE)
    connection.execute(delete(user_sessions).where(old))
    row = {"token_hash": hashed(token), "user_id": user_id, "started_at": now, "seen_at": now}
    connection.execute(insert(user_sessions).values(row))
    return token


def _whom(kind: str, value: str) -> str:
    """Name an account or address without keeping it: what is typed as a name may be a password."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
