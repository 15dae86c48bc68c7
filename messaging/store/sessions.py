"""The store itself: opening it, reading it, writing it in short transactions, migrating it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from data_contracts.errors import StoreError
from messaging.settings import Settings
from messaging.store.engine import BUSY_MILLISECONDS, WRITES, make_engine, make_private
from messaging.store.schema import REVISIONS, SchemaState, schema_state, stored_revision, upgrade

_TOLD = (  # what the database says, what a person is told, what to do
    (
        "locked",
        "Another process has held the store's write lock for too long.",
        "Try again; see `rapport doctor`.",
    ),
    (
        "is full",
        "The disk that the store lies on is full.",
        "Free some space; nothing was lost, work resumes by itself.",
    ),
    ("readonly", "The store cannot be written.", "Give this user the right to write its file and folder."),
    ("unable to open", "The store cannot be opened.", "Check that its folder is there and yours to write."),
    (
        "not a database",
        "The store's file is no database.",
        "Restore it from a backup, or name another in RAPPORT_STORE_URL.",
    ),
    ("malformed", "The store's file is damaged.", "Restore it from a backup."),
    (
        "connection",
        "The store's database server does not answer.",
        "Check RAPPORT_STORE_URL and that the server runs.",
    ),
)


class Store:
    """The operational store of one installation; a process opens it once, for all its threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writers = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection in a transaction that sees one moment and never waits for a writer."""
        with _told_plainly(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a write transaction: committed at the block's end, rolled back if it raises.

        Keep it short and never call a provider inside: SQLite has one writer at a time. Raises StoreError
        when the write lock cannot be had in ten seconds.
        """
        with _told_plainly(), self._turn(), self.engine.connect() as plain:
            connection = plain.execution_options(**{WRITES: True})
            with connection.begin():
                yield connection

    def schema_state(self) -> SchemaState:
        """Say whether the store's schema is this version's: current, missing, older or newer."""
        with self.read() as connection:
            return schema_state(connection)

    def migrate(self) -> None:
        """Bring the schema to this version's, in one transaction; several processes may try at once.

        Raises StoreError when a newer Rapport made the store.
        """
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(7241871)"))
            state = schema_state(connection)
            if state == "newer":
                raise _newer(stored_revision(connection))
            if state != "current":
                upgrade(connection)

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Queue this process's writers: SQLite's own waiting is unfair, one of four starves for seconds."""
        if self.engine.dialect.name != "sqlite":
            yield
            return
        if not self._writers.acquire(timeout=BUSY_MILLISECONDS / 1000):
            raise StoreError(
                "Another part of this process has held the store's write lock for too long.", "Try again."
            )
        try:
            yield
        finally:
            self._writers.release()


def open_store(settings: Settings, *, create: bool = True) -> Store:
    """Open the store that the settings name; with `create`, make or upgrade it where needed.

    Raises StoreError, with what to do, when it is newer than this version, or missing or older and may not
    be made.
    """
    engine = make_engine(settings.store_address)
    if engine.dialect.name == "sqlite":
        _prepare_file(Path(engine.url.database or ""), create=create)
    store = Store(engine)
    try:
        _require_current(store, create=create)
    except BaseException:
        store.close()
        raise
    return store


def _prepare_file(path: Path, *, create: bool) -> None:
    if path.exists():
        return
    if not create:
        raise StoreError(f"There is no store at {path}.", "Run `rapport upgrade` to make it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        make_private(str(path))
    except OSError as error:
        raise StoreError(
            f"The store cannot be made at {path}.", "Check that its folder is yours to write."
        ) from error


def _require_current(store: Store, *, create: bool) -> None:
    state = store.schema_state()
    if state == "current":
        return
    if state != "newer" and create:
        store.migrate()
        return
    if state == "newer":
        with store.read() as connection:
            raise _newer(stored_revision(connection))
    words = "has no tables yet" if state == "missing" else "was made by an older version"
    raise StoreError(f"The store {words}.", "Run `rapport upgrade`.")


def _newer(revision: str | None) -> StoreError:
    return StoreError(
        f"A newer version of Rapport made the store (schema {revision}; this one knows {REVISIONS[-1]}).",
        "Upgrade this installation, or restore the store's backup of before.",
    )


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turn what a database says about its own state into a sentence; errors of our SQL pass unchanged."""
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig).lower()
        for sign, message, mend in _TOLD:
            if sign in said:
                raise StoreError(message, mend) from error
        raise
