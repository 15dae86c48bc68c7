"""Engines for the store: which SQLite library is safe to use, and how its connections are set up."""

import importlib
import os
import sqlite3
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from data_contracts.errors import SettingsError, StoreError

# SQLite 3.7.0 to 3.51.2 can corrupt a WAL database that two connections write and checkpoint at the same
# time (sqlite.org/wal.html#walresetbug, mended in 3.51.3). Ours is written by several processes.
SAFE_SQLITE = (3, 51, 3)
BUSY_MILLISECONDS = 10_000
WAL_PAUSE_SECONDS = 0.02
POSTGRESQL_SESSION = (
    # An acknowledged webhook survives a power cut, whatever the server's default; a stricter one stays.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    # A lock is waited for as long as on SQLite; a holder that fell silent loses it.
    f"SET lock_timeout = {BUSY_MILLISECONDS}",
    "SET idle_in_transaction_session_timeout = 60000",
)
WRITES = "rapport_writes"  # an execution option: the transaction takes the write lock when it begins


def make_engine(address: str) -> Engine:
    """Build the engine for a SQLAlchemy URL, which must name SQLite or PostgreSQL.

    Raises SettingsError for an address that is neither, StoreError where no safe driver is installed.
    """
    url = _parse(address)
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    try:
        engine = create_engine(url, pool_size=8, max_overflow=24, pool_pre_ping=True, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"RAPPORT_STORE_URL names PostgreSQL, but its driver ({error.name}) is not installed.",
            "Run `pip install 'psycopg[binary]'` and write the address as postgresql+psycopg://user@host/name.",
        ) from error
    event.listen(engine, "connect", _set_up_postgresql)
    event.listen(engine, "handle_error", _hide_values)
    return engine


def sqlite_module() -> ModuleType:
    """Find a SQLite that is safe with several writers: pysqlite3's, else the standard library's.

    Raises StoreError naming the mend when neither is new enough.
    """
    for name in ("pysqlite3", "sqlite3"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if tuple(module.sqlite_version_info) >= SAFE_SQLITE:
            return module
    raise StoreError(
        f"SQLite {sqlite3.sqlite_version} can corrupt a store that several processes write.",
        "Run `pip install pysqlite3` for 3.51.3 or newer, or set RAPPORT_STORE_URL to a PostgreSQL address.",
    )


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise SettingsError(
            "RAPPORT_STORE_URL is no database address.",
            "Write it as sqlite:////folder/store.db or postgresql+psycopg://user@host/name.",
        ) from error
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise SettingsError(
            f"RAPPORT_STORE_URL names {url.get_backend_name()}, which the store does not speak.",
            "Use SQLite or PostgreSQL.",
        )
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise SettingsError(
            "RAPPORT_STORE_URL names a SQLite in memory, which several processes cannot share.",
            "Name a file, such as sqlite:////folder/store.db.",
        )
    return url


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        module=sqlite_module(),
        pool_size=8,
        max_overflow=24,
        hide_parameters=True,  # an error's text goes into logs, and the values are people's addresses and words
        connect_args={"timeout": BUSY_MILLISECONDS / 1000, "check_same_thread": False},
    )
    file = Path(str(url.database))

    @event.listens_for(engine, "do_connect")
    def require_file(*_: object) -> None:
        _which(file)  # SQLite would make an empty one, and the next question find no table in it

    @event.listens_for(engine, "connect")
    def remember_file(_: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _which(file)

    @event.listens_for(engine, "checkout")
    def same_file(_: object, record: ConnectionPoolEntry, __: object) -> None:
        # What an open connection writes to a file that was moved away or replaced (a backup put back) is lost.
        if record.info["file"] != _which(file):
            raise DisconnectionError

    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _which(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError as error:
        raise StoreError(
            f"The store's file {file} is gone.", "Put it back, or run `rapport upgrade` for a new one."
        ) from error
    return found.st_dev, found.st_ino


def _set_up(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin` does
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        _begin_wal(cursor)
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged webhook survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is erased leaves no bytes behind
    finally:
        cursor.close()


def _begin_wal(cursor: Any) -> None:
    """Have the file keep a write-ahead log; where several processes open a new file at once, one of them does it.

    Raises the driver's OperationalError when the file stays locked for longer than others are waited for.
    """
    until = time.monotonic() + BUSY_MILLISECONDS / 1000
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite_module().OperationalError:
            # SQLite waits for nobody here, whatever `busy_timeout` says: two that hold the read lock and both want
            # the write lock would wait for each other (sqlite.org/c3ref/busy_handler.html).
            if time.monotonic() > until:
                raise
            time.sleep(WAL_PAUSE_SECONDS)


def _begin(connection: Connection) -> None:
    # One that reads first and writes later may fail when it upgrades its lock, so writers lock at once.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    autocommit = connection.autocommit
    connection.autocommit = True
    for statement in POSTGRESQL_SESSION:
        connection.execute(statement)
    connection.autocommit = autocommit


def _hide_values(context: ExceptionContext) -> None:
    """Cut what PostgreSQL tells of the values: they are people's addresses and words, and this gets logged."""
    said = context.original_exception
    diagnosis = getattr(said, "diag", None)
    if diagnosis is None or diagnosis.sqlstate is None:
        return  # not the server's word, or a connection that broke
    plain = str(diagnosis.message_primary)  # without its DETAIL: Key (address)=(...) already exists
    if diagnosis.sqlstate.startswith("22"):  # a data exception: its sentence quotes the value itself
        plain = f"data exception {diagnosis.sqlstate}"
    said.args = (plain,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"({type(said).__name__}) {plain}",)


def make_private(path: str) -> None:
    """Create a SQLite file that only its owner may read; its WAL inherits the mode."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
