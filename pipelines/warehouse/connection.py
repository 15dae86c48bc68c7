"""Open the warehouse: build.duckdb, attached under the name that dbt knows it by."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import duckdb

CATALOG = "c360"
_MOST = ContextVar("most_megabytes", default=0)


@contextmanager
def memory_of_builds(megabytes: int) -> Iterator[None]:
    """Let warehouses that are opened inside the block take no more memory than this; 0 leaves it to DuckDB."""
    token = _MOST.set(megabytes)
    try:
        yield
    finally:
        _MOST.reset(token)


def most_megabytes() -> int:
    """Give what `memory_of_builds` lets a warehouse take; 0 where that is left to DuckDB."""
    return _MOST.get()


@contextmanager
def leave_room(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let a warehouse of bounded memory keep a quarter of it inside the block, where Python's own arrays are large."""
    if not _MOST.get():
        yield
        return
    connection.execute(f"SET memory_limit = '{_MOST.get() // 4}MB'")
    try:
        yield
    finally:
        connection.execute(f"SET memory_limit = '{_MOST.get()}MB'")


@contextmanager
def open_warehouse(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach `path` as `c360` and use it, for as short as can be: a writer locks every other process out.

    A connection costs 25 ms, and one that stayed open would keep dbt from opening the same file. What does not
    fit into memory spills beside the file, as it does for dbt; by default it would into the current folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "temp_directory": f"{path}.tmp"}
    )
    try:
        mode = " (READ_ONLY)" if read_only else ""
        connection.execute(f"ATTACH {quote_text(str(path))} AS {CATALOG}{mode}")
        connection.execute(f"USE {CATALOG}")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")  # it would draw one on our standard output
        if _MOST.get():
            connection.execute(f"SET memory_limit = '{_MOST.get()}MB'")
        yield connection
    finally:
        connection.close()


def quote_text(value: str) -> str:
    """Write a text as SQL does, for statements that take no bound parameter (ATTACH, COPY)."""
    return "'" + value.replace("'", "''") + "'"


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Say whether the warehouse has a table or view of that name."""
    found = connection.execute(
        "SELECT count(*) FROM information_schema.tables"
        " WHERE table_catalog = ? AND table_schema = ? AND table_name = ?",
        [CATALOG, schema, table],
    ).fetchall()
    return bool(found[0][0])
