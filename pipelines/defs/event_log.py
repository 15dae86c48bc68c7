"""Dagster's event log in one SQLite file, over connections that stay open: a build writes some 550 events to it.

Dagster opens a connection for each statement. The last one to close ends SQLite's write-ahead log, so that every event
waited for the disk three or four times: 20 of the 45 seconds in which a company of 300 people was built (2026-11-23,
dagster 1.13.27).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from sqlalchemy import Connection, Engine, PoolProxiedConnection, create_engine, event

BUSY_SECONDS = 30  # how long Dagster waits for other writers


class EventLog(ConsolidatedSqliteEventLogStorage):
    """What ran, when and how it ended. Named in dagster.yaml; other processes read and write the same file."""

    @cached_property
    def _engine(self) -> Engine:
        engine = create_engine(self._conn_string, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _set_up)
        return engine

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close the file."""
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()


def _set_up(connection: sqlite3.Connection, _record: PoolProxiedConnection) -> None:
    # A power cut may cost the last events and nothing else: what a build made stands in files of its own.
    connection.execute("PRAGMA synchronous = NORMAL")
