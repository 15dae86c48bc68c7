"""Read the published release: whole, read-only, and always the newest one, while builds go on beside us.

A release is a fresh DuckDB file that `releases/current.json` names. Each is opened in a DuckDB of its own and prepared, a
third of a second where it holds ten million rows: others go on reading the one before meanwhile, and wait for nobody. A
build never writes a file that was published, so a read that began on one release ends on it.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import structlog

from data_contracts.errors import RapportError, ReleaseError

log = structlog.get_logger(__name__)

POINTER = "current.json"
# A release may be collected between reading the pointer and attaching the file: read the pointer again.
ATTEMPTS = 5
PAUSE_SECONDS = 0.05
COLUMNS = """
SELECT table_name, list(column_name ORDER BY column_index), list(data_type ORDER BY column_index)
FROM duckdb_columns()
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
class _Opened:
    """A release in a DuckDB of its own, and the columns of its tables with their types: read once, when it was opened."""

    info: ReleaseInfo
    columns: Mapping[str, Mapping[str, str]]
    connection: duckdb.DuckDBPyConnection
    answers: dict[tuple[str, str], list[Row]] = field(default_factory=dict)


class Snapshot:
    """One release, held for the length of a few queries; tables are `c360.<name>`."""

    def __init__(self, opened: _Opened, cursor: duckdb.DuckDBPyConnection) -> None:
        self.info = opened.info
        self._opened = opened  # its connection has to outlive our cursor
        self._columns = opened.columns
        self._cursor = cursor

    def has(self, table: str) -> bool:
        """Say whether the release has a table of that name; not every version published every one."""
        return table in self._columns

    def columns(self, table: str) -> Mapping[str, str]:
        """Give the DuckDB types of the columns that a table has in this release, in their order."""
        return self._columns.get(table, {})

    def rows(self, sql: str, parameters: Parameters = (), *, seconds: float | None = None) -> list[Row]:
        """Run one query and give its rows as dicts; `seconds` bounds it.

        Raises ReleaseError when the time is up.
        """
        with self._bounded(seconds):
            found = self._cursor.execute(sql, parameters or None)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def kept(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Give the rows of a query as `rows` does, asked once for each release: for figures that a page shows often.

        What a release says does not change. Of few rows, and of few different parameters.
        """
        asked = (sql, repr(parameters))
        if asked not in self._opened.answers:
            self._opened.answers[asked] = self.rows(sql, parameters)
        return [dict(row) for row in self._opened.answers[asked]]

    def table(self, sql: str, parameters: Parameters = (), *, seconds: float | None = None) -> pa.Table:
        """Run one query and give its rows as an Arrow table: for many people, whose rows as dicts would fill the memory.

        Raises ReleaseError when the time is up.
        """
        with self._bounded(seconds):
            return self._cursor.sql(sql, params=parameters or None).to_arrow_table()

    def arrays(self, sql: str, parameters: Parameters = ()) -> dict[str, Any]:
        """Run one query and give its columns as NumPy arrays: for many rows of numbers."""
        return dict(self._cursor.execute(sql, parameters or None).fetchnumpy())

    @contextmanager
    def _bounded(self, seconds: float | None) -> Iterator[None]:
        watchdog = threading.Timer(seconds, self._cursor.interrupt) if seconds else None
        if watchdog:
            watchdog.start()
        try:
            yield
        except duckdb.InterruptException as error:
            raise ReleaseError(
                f"The question took longer than {seconds:g} seconds.", "Narrow it down."
            ) from error
        finally:
            if watchdog:
                watchdog.cancel()

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
    """The one door to the release. Build one per process and share it: it is safe between threads.

    Whoever finds a new release opens it. `behind` an app, where somebody waits for every answer, a thread of its own
    does, and until it is done everybody reads the one before.
    """

    def __init__(self, releases_dir: Path, *, behind: bool = False) -> None:
        self._dir = releases_dir.absolute()
        self._behind = behind
        self._opening = threading.Lock()
        self._opened: _Opened | None = None
        self._preparations: list[Callable[[Snapshot], object]] = []

    def prepare(self, work: Callable[[Snapshot], object]) -> None:
        """Have something done with every release that is opened from here on, before anybody reads it."""
        self._preparations.append(work)

    def is_named(self) -> bool:
        """Say whether there is a pointer to a release, readable or not."""
        return (self._dir / POINTER).exists()

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

    def reading(self) -> ReleaseInfo:
        """Tell which release is read at the moment: what is kept of its answers is kept under its name."""
        return self._newest().info

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Hold the newest release for a few queries; all of them see the same version.

        It is the one before for as long as another thread opens the newest.
        """
        opened = self._newest()
        with opened.connection.cursor() as cursor:
            try:
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                yield Snapshot(opened, cursor)
            except duckdb.Error as error:
                raise ReleaseError(
                    f"The newest data cannot answer this (release {opened.info.version}, {type(error).__name__}).",
                    "Run `rapport build`, which publishes it in this version's shape.",
                ) from error

    @contextmanager
    def earlier(self, since: str | None = None) -> Iterator[Snapshot | None]:
        """Hold the newest release before the one that is read now, where its file is still kept: None where it is not.

        With the version `since` that release, or where it is gone the first after it.
        """
        current = self._newest().info
        names = sorted(path.name for path in self._dir.glob("c360-*.duckdb") if path.name < current.file)
        if since is None:
            name = names[-1] if names else None
        else:
            name = next((each for each in names if each >= f"c360-{since}.duckdb"), None)
        if name is None:
            yield None
            return
        info = replace(current, file=name, version=name.removeprefix("c360-").removesuffix(".duckdb"))
        opened = self._open(info)
        with opened.connection as connection, connection.cursor() as cursor:
            row = cursor.execute("SELECT as_of, built_at FROM c360.release_info").fetchone()
            if row is None:
                raise ReleaseError(
                    f"Release {info.version} does not say of when it is.", "Compare a later one."
                )
            yield Snapshot(replace(opened, info=replace(info, as_of=row[0], built_at=row[1])), cursor)

    def close(self) -> None:
        """Let go of the files, once nobody reads them."""
        self._opened = None

    def _newest(self) -> _Opened:
        failure: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS)
            try:
                return self._try_newest()
            except duckdb.Error as error:
                failure = error
        raise ReleaseError(
            "The release that the pointer names cannot be opened.", "Run `rapport build` to publish another."
        ) from failure

    def _try_newest(self) -> _Opened:
        opened = self._opened
        if opened and opened.info == self.info():
            return opened
        if not self._opening.acquire(blocking=opened is None):
            return cast("_Opened", opened)  # somebody is opening the newest
        if opened and self._behind:
            threading.Thread(target=self._open_behind, name="open-release", daemon=True).start()
            return opened
        try:
            return self._open_newest()
        finally:
            self._opening.release()

    def _open_behind(self) -> None:
        """Open the newest while others read the one before, and let go of the lock that its finder took."""
        try:
            self._open_newest()
        except (duckdb.Error, RapportError) as error:  # whoever asks next tries again
            log.warning("release.unreadable", reason=type(error).__name__)
        finally:
            self._opening.release()

    def _open_newest(self) -> _Opened:
        info, opened = self.info(), self._opened
        if opened is None or opened.info != info:
            opened = self._open(info)
            for work in self._preparations:
                # what it cannot prepare, whoever needs it is told
                with opened.connection.cursor() as cursor, suppress(duckdb.Error, RapportError):
                    work(Snapshot(opened, cursor))
            self._opened = opened
        return opened

    def _open(self, info: ReleaseInfo) -> _Opened:
        """Open a release in a DuckDB that reads releases, and no other file."""
        if not self._dir.is_dir():
            raise ReleaseError("Nothing has been published yet.", "Run `rapport build`.")
        connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
        folder, path = (str(each).replace("'", "''") for each in (self._dir, self._dir / info.file))
        connection.execute(
            f"SET allowed_directories = ['{folder}/']"
        )  # SET and ATTACH take no bound parameter
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.execute(f"ATTACH '{path}' AS c360 (READ_ONLY)")
        found = connection.execute(COLUMNS).fetchall()
        columns = {str(table): dict(zip(names, kinds, strict=True)) for table, names, kinds in found}
        return _Opened(info, columns, connection)


def is_published(reader: ReleaseReader) -> bool:
    """Say whether there is a release to read."""
    try:
        reader.info()
    except RapportError:
        return False
    return True
