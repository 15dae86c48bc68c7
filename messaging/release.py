"""Read the published release: whole, read-only, and always the newest one, while builds go on beside us.

A release is a fresh DuckDB file that `releases/current.json` names. We hold one in-memory connection and
attach what the pointer names (1 ms a swap; opening a connection costs 25). A build never writes a file that
was published, so a reader never waits, and a read that began on one release ends on it.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.errors import RapportError, ReleaseError

POINTER = "current.json"
ATTEMPTS = (
    5  # a release may be collected between reading the pointer and attaching the file: read the pointer again
)
PAUSE_SECONDS = 0.05
COLUMNS = """
SELECT table_name, list(column_name) FROM duckdb_columns()
WHERE database_name = 'c360' AND schema_name = 'main' GROUP BY table_name
"""

Row = dict[str, Any]
Parameters = Sequence[Any] | dict[str, Any]


@dataclass(frozen=True)
class ReleaseInfo:
    """What `current.json` says of the newest release. Times are naive UTC."""

    version: str
    file: str
    as_of: datetime
    built_at: datetime
    schema_version: str
    row_counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Attached:
    """A release that is attached, and the columns of its tables: read once, when it was."""

    info: ReleaseInfo
    columns: Mapping[str, frozenset[str]]


class Snapshot:
    """One release, held for the length of a few queries; tables are `c360.<name>`.

    What tables it has is asked of `has` and `require` and never of DuckDB: a query that lists tables looks at every
    attached file, and fails where another release has been attached since the snapshot began (2026-11-22).
    """

    def __init__(self, attached: _Attached, cursor: duckdb.DuckDBPyConnection) -> None:
        self.info = attached.info
        self._columns = attached.columns
        self._cursor = cursor

    def has(self, table: str) -> bool:
        """Say whether the release has a table of that name; not every version published every one."""
        return table in self._columns

    def columns(self, table: str) -> frozenset[str]:
        """Name the columns that a table has in this release."""
        return self._columns.get(table, frozenset())

    def rows(self, sql: str, parameters: Parameters = (), *, seconds: float | None = None) -> list[Row]:
        """Run one query and give its rows as dicts; `seconds` bounds it.

        Raises ReleaseError when the time is up.
        """
        watchdog = threading.Timer(seconds, self._cursor.interrupt) if seconds else None
        if watchdog:
            watchdog.start()
        try:
            found = self._cursor.execute(sql, parameters or None)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.InterruptException as error:
            raise ReleaseError(
                f"The question took longer than {seconds:g} seconds.", "Narrow it down."
            ) from error
        finally:
            if watchdog:
                watchdog.cancel()

    def arrays(self, sql: str, parameters: Parameters = ()) -> dict[str, Any]:
        """Run one query and give its columns as NumPy arrays: for many rows of numbers."""
        return dict(self._cursor.execute(sql, parameters or None).fetchnumpy())

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Run one query and give its first row, if it has one."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def require(self, table: str, *columns: str) -> None:
        """Make sure that the release has a table with these columns, which not every version published.

        Raises ReleaseError, which names what is missing.
        """
        there = self._columns.get(table)
        lacks = [table] if there is None else [f"{table}.{each}" for each in columns if each not in there]
        if lacks:
            raise ReleaseError(
                f"Release {self.info.version} was published without {lacks[0]}, by an older version of Rapport.",
                "Run `rapport build`, which publishes it.",
            )


class ReleaseReader:
    """The one door to the release. Build one per process and share it: it is safe between threads."""

    def __init__(self, releases_dir: Path) -> None:
        self._dir = releases_dir.absolute()
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._attached: _Attached | None = None

    def info(self) -> ReleaseInfo:
        """Read the pointer. Raises ReleaseError when nothing was published yet."""
        try:
            document = json.loads((self._dir / POINTER).read_text())
            return ReleaseInfo(
                version=str(document["version"]),
                file=str(document["file"]),
                as_of=datetime.fromisoformat(document["as_of"]),
                built_at=datetime.fromisoformat(document["built_at"]),
                schema_version=str(document["schema_version"]),
                row_counts=dict(document.get("row_counts") or {}),
            )
        except FileNotFoundError:
            raise ReleaseError("Nothing has been published yet.", "Run `rapport build`.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ReleaseError(
                f"{self._dir / POINTER} cannot be read as a release's pointer.",
                "Run `rapport build`, which writes it again.",
            ) from error

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Hold the newest release for a few queries; all of them see the same version."""
        cursor, attached = self._begin()
        try:
            yield Snapshot(attached, cursor)
        except duckdb.Error as error:
            raise ReleaseError(
                f"Release {attached.info.version} cannot answer ({type(error).__name__}).",
                "Run `rapport build`, which publishes it in this version's shape.",
            ) from error
        finally:
            cursor.close()

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = self._attached = None

    def _begin(self) -> tuple[duckdb.DuckDBPyConnection, _Attached]:
        failure: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS)
            try:
                return self._try_begin()
            except duckdb.Error as error:
                failure = error
                with self._lock:
                    self._attached = None
        raise ReleaseError(
            "The release that the pointer names cannot be opened.", "Run `rapport build` to publish another."
        ) from failure

    def _try_begin(self) -> tuple[duckdb.DuckDBPyConnection, _Attached]:
        with self._lock:
            info = self.info()
            connection = self._connection or self._connect()
            if self._attached is None or info != self._attached.info:
                self._attached = self._attach(connection, info)
            cursor = connection.cursor()
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            cursor.execute(
                "SELECT version FROM c360.release_info LIMIT 1"
            ).fetchall()  # holds this file until we end
            return cursor, self._attached

    def _attach(self, connection: duckdb.DuckDBPyConnection, info: ReleaseInfo) -> _Attached:
        path = str(self._dir / info.file).replace("'", "''")  # ATTACH takes no bound parameter
        connection.execute(f"ATTACH OR REPLACE '{path}' AS c360 (READ_ONLY)")
        columns = {str(table): frozenset(names) for table, names in connection.execute(COLUMNS).fetchall()}
        return _Attached(info, columns)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if not self._dir.is_dir():
            raise ReleaseError("Nothing has been published yet.", "Run `rapport build`.")
        connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
        folder = str(self._dir).replace("'", "''")
        connection.execute(f"SET allowed_directories = ['{folder}/']")
        connection.execute("SET enable_external_access = false")  # a query reads releases, and no other file
        connection.execute("SET lock_configuration = true")
        self._connection = connection
        return connection


def is_published(reader: ReleaseReader) -> bool:
    """Say whether there is a release to read."""
    try:
        reader.info()
    except RapportError:
        return False
    return True
