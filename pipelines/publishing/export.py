"""A release as parquet files: one a table, for tools that do not open DuckDB.

Customers' cards are not among them: nobody but Rapport reads them. The files are written aside, each is read back against
its number of rows, and then one rename lets the folder stand; the link `parquet` names the newest one and is replaced by
a rename too. So whoever resolves the link first reads one release.
"""

import json
import os
import shutil
from pathlib import Path

import duckdb

from data_contracts.errors import BuildError
from data_contracts.sql import quote
from messaging.customers.cards import CARDS
from pipelines.publishing.pointer import file_sha256, read_pointer, sync
from pipelines.warehouse.connection import quote_text

LINK = "parquet"
MANIFEST = "manifest.json"
KEEP = 2  # the one that stands, and the one that somebody may be reading


def export_release(releases_dir: Path, version: str) -> Path:
    """Write the release that stands, which has to be `version`, as parquet files; gives the folder that has them.

    Raises BuildError where another release stands by now, or a file is not what was written.
    """
    pointer = read_pointer(releases_dir)
    if pointer is None or pointer.version != version:
        stands = pointer.version if pointer else "none"
        raise BuildError(
            f"Release {version} was to be exported and {stands} stands.",
            "Run `rapport build --export parquet`.",
        )
    folder = releases_dir / f"c360-{version}.{LINK}"
    aside = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"}) as connection:
        connection.execute(f"ATTACH {quote_text(str(releases_dir / pointer.file))} AS c360 (READ_ONLY)")
        found = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'c360' AND table_name <> ?"
            " ORDER BY table_name",
            [CARDS],
        ).fetchall()
        files = {table: _write(connection, aside, table) for (table,) in found}
    document = {"version": version, "as_of": pointer.as_of.isoformat(), "files": files}
    (aside / MANIFEST).write_text(json.dumps(document, indent=2) + "\n")
    sync(aside / MANIFEST)
    sync(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.replace(folder)
    _point(releases_dir, folder)
    _forget(releases_dir, folder)
    return folder


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, table: str) -> dict[str, object]:
    path = folder / f"{table}.parquet"
    target = quote_text(str(path))
    connection.execute(f"COPY c360.{quote(table)} TO {target} (FORMAT parquet, COMPRESSION zstd)")
    query = "SELECT (SELECT count(*) FROM query_table(?)), (SELECT count(*) FROM read_parquet(?))"
    rows, written = connection.execute(query, [f"c360.{table}", str(path)]).fetchall()[0]
    if rows != written:
        raise BuildError(
            f"{path.name} has {written:,} rows of {rows:,}; nothing was exported.", "Is the disk full?"
        )
    sync(path)
    return {"file": path.name, "rows": rows, "bytes": path.stat().st_size, "sha256": file_sha256(path)}


def _point(releases_dir: Path, folder: Path) -> None:
    aside = releases_dir / f"{LINK}.{os.getpid()}.tmp"
    aside.unlink(missing_ok=True)
    aside.symlink_to(folder.name, target_is_directory=True)
    aside.replace(releases_dir / LINK)
    sync(releases_dir)


def _forget(releases_dir: Path, newest: Path) -> None:
    folders = sorted(
        releases_dir.glob(f"c360-*.{LINK}"),
        key=lambda path: (path == newest, path.stat().st_mtime),
        reverse=True,
    )
    for old in [*folders[KEEP:], *releases_dir.glob(f"c360-*.{LINK}.tmp")]:
        shutil.rmtree(old, ignore_errors=True)
