"""Row locks that order a STOP and a send: both lock the address and the person, so one comes first."""

from collections.abc import Iterable

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from messaging.store.tables import address_locks

CONSENT_CHAIN = "~consent-chain"  # sorts behind every other key: whoever needs it takes it last
AUDIT_CHAIN = "~~audit-chain"  # behind that one: what was done is recorded after it was done
PEPPER = "pepper"  # held while processes agree which one this store goes by
IDENTITY_DECISIONS = "identity-decisions"  # held while a decision is held against those that stand
SETTINGS = "settings"  # held while the home's file of settings is read and written
USERS = "users"  # held while accounts change and attempts to sign in are counted


def address_key(address_hash: str) -> str:
    """Name the lock of an address."""
    return f"address:{address_hash}"


def person_key(customer_id: str) -> str:
    """Name the lock of a person."""
    return f"person:{customer_id}"


def lock(connection: Connection, keys: Iterable[str]) -> None:
    """Hold the named locks until the transaction ends.

    They are taken in sorted order, so that two holders never wait for each other in a ring.

    On SQLite a write transaction is alone from its first statement, so nothing needs to be taken.
    """
    if connection.dialect.name == "sqlite":
        return
    wanted = sorted(set(keys))
    if not wanted:
        return
    connection.execute(insert(address_locks).on_conflict_do_nothing(), [{"lock_key": key} for key in wanted])
    rows = select(address_locks.c.lock_key).where(address_locks.c.lock_key.in_(wanted))
    connection.execute(rows.order_by(address_locks.c.lock_key).with_for_update()).all()
