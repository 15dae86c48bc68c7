"""What the databases say about their own state, as sentences that a person can act upon."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - a pool that is used up

from data_contracts.errors import StoreDeadlockError, StoreError

RING = ("Two writers of the store waited for each other.", "Try again: the other one is done by now.")
CROSSED = ("Another writer of the store changed what this one had read.", RING[1])
HELD = ("Another process has held the store's write lock for too long.", "Try again; see `rapport doctor`.")
FULL = (
    "The disk that the store lies on is full.",
    "Free some space; nothing was lost, work resumes by itself.",
)
AWAY = ("The store's database server does not answer.", "Check RAPPORT_STORE_URL and that the server runs.")

REFUSED = (
    "The store's database server refuses us: its database, user or password is another.",
    "Check RAPPORT_STORE_URL; a missing database is made by `createdb`.",
)
BUSY = ("No connection to the store is free.", "Try again; if it lasts, let the server take more of them.")

_AGAIN = {  # PostgreSQL's codes, whatever language its sentences are in
    "40P01": RING,  # a deadlock
    "40001": CROSSED,  # a serialization failure: where a server's default is stricter than READ COMMITTED
}

_TOLD = {  # what the database says: what a person is told, and what to do
    "locked": HELD,
    "lock timeout": HELD,
    "is full": FULL,
    "no space left": FULL,
    "readonly": ("The store cannot be written.", "Give this user the right to write its file and folder."),
    "unable to open": (
        "The store cannot be opened.",
        "Check that its folder is there and yours to write.",
    ),
    "not a database": (
        "The store's file is no database.",
        "Restore it from a backup, or name another in RAPPORT_STORE_URL.",
    ),
    "disk i/o error": (
        "The disk that the store lies on cannot be read or written.",
        "Check the disk; nothing that was acknowledged is lost, work resumes by itself.",
    ),
    "malformed": ("The store's file is damaged.", "Restore it from a backup."),
    "authentication failed": REFUSED,
    "no pg_hba.conf entry": REFUSED,
    'fatal:  database "': REFUSED,
    'fatal:  role "': REFUSED,
    "too many clients": BUSY,
    "connection slots": BUSY,
    "connection": AWAY,
    "starting up": AWAY,
    "shutting down": AWAY,
    "recovery mode": AWAY,
}


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what a database says about its own state into a sentence; errors of our SQL pass unchanged."""
    try:
        yield
    except TimeoutError as error:  # SQLAlchemy's: more threads than connections
        raise StoreError(*BUSY) from error
    except DBAPIError as error:
        again = _AGAIN.get(getattr(error.orig, "sqlstate", None) or "")
        if again is not None:
            raise StoreDeadlockError(*again) from error
        said = str(error.orig).lower()
        for sign, told in _TOLD.items():
            if sign in said:
                raise StoreError(*told) from error
        if error.connection_invalidated:
            raise StoreError(*AWAY) from error
        raise
