"""The store itself: opening it, reading it, writing it in short transactions, migrating it."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, text

from data_contracts.errors import StoreDeadlockError, StoreError, StoreOutdatedError
from messaging.settings import Settings
from messaging.store.engine import BUSY_MILLISECONDS, WRITES, make_engine, make_private
from messaging.store.schema import REVISIONS, SchemaState, schema_state, stored_revision, upgrade
from messaging.store.telling import told_plainly
from messaging.store.writer import Writer

Done = TypeVar("Done")
TRIES = 5  # of a transaction that another writer was in the way of
PAUSE = 0.05  # seconds before the second try at most, twice as many before the third, and so on
SCHEMA_LOCK = 7241871  # an advisory lock of PostgreSQL: an upgrade holds it alone, writers share it

# PostgreSQL's own default would let each statement of a reader see another moment.
ONE_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Store:
    """The operational store of one installation; a process opens it once, for all its threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writers = threading.Lock()
        self._verified = False  # once it is, each write makes sure that the schema is still ours
        self._starting = threading.Lock()
        self._writer: Writer | None = None
        self._reading: dict[str, Any] = ONE_MOMENT if engine.dialect.name == "postgresql" else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection in a transaction that sees one moment and never waits for a writer."""
        with told_plainly(), self.engine.connect() as plain:
            connection = plain.execution_options(**self._reading)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a write transaction: committed at the block's end, rolled back if it raises.

        Keep it short and never call a provider inside: SQLite has one writer at a time. Raises StoreError
        when the write lock cannot be had in ten seconds, StoreOutdatedError when a newer version has upgraded the
        store since it was opened: nothing more is written by this process.
        """
        with told_plainly(), self._turn(), self.engine.connect() as plain:
            connection = plain.execution_options(**{WRITES: True})
            with connection.begin():
                if self._verified:
                    _require_own_schema(connection)
                yield connection

    def transact(self, work: Callable[[Connection], Done]) -> Done:
        """Run `work` in a write transaction, and again where another writer was in its way; give what it gave.

        What it did is rolled back each time, so it must do nothing but write to the store. Raises what `write` does;
        StoreDeadlockError when it was in vain several times in a row.
        """
        for tried in range(1, TRIES):
            try:
                with self.write() as connection:
                    return work(connection)
            except StoreDeadlockError:
                time.sleep(random.uniform(0, PAUSE * tried))  # noqa: S311 - so that two do not meet again
        with self.write() as connection:
            return work(connection)

    def schema_state(self) -> SchemaState:
        """Say whether the store's schema is this version's: current, missing, older or newer."""
        with self.read() as connection:
            return schema_state(connection)

    def hold_to_schema(self) -> None:
        """From here on, refuse to write once somebody has upgraded the store."""
        self._verified = True

    def migrate(self) -> None:
        """Bring the schema to this version's, in one transaction; several processes may try at once.

        Raises StoreError when a newer Rapport made the store.
        """
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"))
            state = schema_state(connection)
            if state == "newer":
                raise _newer(stored_revision(connection))
            if state != "current":
                upgrade(connection)

    @property
    def writer(self) -> Writer:
        """Give this process's writer of many small works in one commit."""
        with self._starting:
            if self._writer is None:
                self._writer = Writer(self)
            return self._writer

    def close(self) -> None:
        """Write what is still waiting, then let go of every connection."""
        with self._starting:
            if self._writer is not None:
                self._writer.close()
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
        store.hold_to_schema()
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


def _require_own_schema(connection: Connection) -> None:
    """Refuse a store that was upgraded since it was opened; on PostgreSQL, hold an upgrade off until the commit."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({SCHEMA_LOCK})"))
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision != REVISIONS[-1]:
        raise StoreOutdatedError(
            f"The store was upgraded to schema {revision} while this process (schema {REVISIONS[-1]}) ran.",
            "Start it again with the version that upgraded the store; what was under way is settled then.",
        )


def _newer(revision: str | None) -> StoreError:
    return StoreError(
        f"A newer version of Rapport made the store (schema {revision}; this one knows {REVISIONS[-1]}).",
        "Upgrade this installation, or restore the store's backup of before.",
    )
