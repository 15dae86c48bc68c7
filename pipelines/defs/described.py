"""What a release says of itself: where each column comes from, and what every table and column means."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from data_contracts.errors import BuildError
from pipelines.contracts.dictionary import (
    VIEW,
    Described,
    Entry,
    describe,
    entries,
    shares_filled,
    write_dictionary,
)
from pipelines.contracts.dictionary_page import write_dictionary_page
from pipelines.contracts.html import write_whole
from pipelines.contracts.origins import Origin, outside_tables, trace, write_lineage
from pipelines.publishing.release import Comment, published_columns
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.dbt_runner import compiled_manifest, draw_models, manifest_path

if TYPE_CHECKING:
    from pipelines.contracts.lineage import Tables
    from pipelines.defs.session import BuildSession

log = structlog.get_logger(__name__)
TRACED = "lineage.json"
MODELS = "models.html"
DRAWN = "models.drawn"  # lies beside the manifest that the page was drawn from


@dataclass(frozen=True)
class Words:
    """What is said of each published table, and of each of its columns."""

    tables: Mapping[str, Described]
    entries: tuple[Entry, ...]


def describe_release(session: "BuildSession") -> Words:
    """Write the tables `lineage` and `data_dictionary` of the warehouse; gives what they say."""
    with open_warehouse(session.settings.build_path) as connection:
        write_dictionary(connection, ())  # it describes itself, too
        write_lineage(connection, ())
        tables = published_columns(connection)
        origins = _origins(session, outside_tables(connection), tuple(tables))
        write_lineage(connection, origins)
        manifest = json.loads(manifest_path(session.settings).read_text())
        words = {table: describe(table, manifest) for table in tables}
        filled = shares_filled(connection, tables[VIEW])
        found = entries(tables, words, origins, filled)
        write_dictionary(connection, found)
    return Words(words, tuple(found))


def release_comments(words: Words) -> list[Comment]:
    """Give the words as the comments of the release's tables and columns."""
    about = [Comment(table, described.description) for table, described in words.tables.items()]
    return about + [Comment(entry.table, entry.description, entry.column) for entry in words.entries]


def leave_dictionary(session: "BuildSession", words: Words) -> Path | None:
    """Write the page of the dictionary; a full disk costs the page and not the build."""
    about = {table: described.description for table, described in words.tables.items()}
    version = session.pointer.version if session.pointer else ""
    try:
        return write_dictionary_page(
            session.settings.reports_dir, version, session.as_of, about, words.entries
        )
    except OSError as error:
        log.warning("dictionary not written", build_id=session.build_id, error=type(error).__name__)
        return None


def leave_models(session: "BuildSession") -> Path | None:
    """Write dbt's page of the project after the first build of it; a full disk costs the page and not the build."""
    page = session.settings.reports_dir / MODELS
    manifest = manifest_path(session.settings)
    drawn = manifest.with_name(DRAWN)
    if page.exists() and drawn.exists():
        return page
    if dict(_models(json.loads(manifest.read_text()))).keys() - session.compiled.keys():
        return None  # a run of a few assets has not seen the SQL of them all
    try:
        write_whole(page, draw_models(session.settings, session.compiled))
        drawn.touch()
    except (OSError, BuildError) as error:
        log.warning("page of the models not written", build_id=session.build_id, error=type(error).__name__)
        return None
    return page


def _origins(session: "BuildSession", tables: "Tables", published: tuple[str, ...]) -> list[Origin]:
    """Trace the columns, which takes a second, again only where the project has changed or what it reads has."""
    seen = hashlib.sha256(json.dumps([sorted(tables.items()), published]).encode()).hexdigest()
    path = manifest_path(session.settings).with_name(TRACED)
    kept = _read(path, seen)
    if kept is None:
        text = json.dumps(_with_sql(session))
        kept = list(_traced(text, json.dumps(tables), published))
        write_whole(path, json.dumps({"seen": seen, "origins": [astuple(origin) for origin in kept]}))
    return kept


@cache
def _traced(manifest: str, tables: str, published: tuple[str, ...]) -> tuple[Origin, ...]:
    """Trace the same project once in a process, however many homes it builds."""
    return tuple(trace(json.loads(manifest), json.loads(tables), published))


def _with_sql(session: "BuildSession") -> dict[str, Any]:
    """Give the manifest's models with the SQL that this build ran; a build of some models asks dbt for the others."""
    manifest = json.loads(manifest_path(session.settings).read_text())
    models = dict(_models(manifest))
    if models.keys() - session.compiled.keys():
        models = dict(_models(compiled_manifest(session.settings.home)))
    else:
        for key, node in models.items():
            node["compiled_code"] = session.compiled[key]
    kept = (
        "resource_type",
        "schema",
        "alias",
        "depends_on",
        "original_file_path",
        "compiled_code",
        "columns",
    )
    return {
        "nodes": {
            key: {name: node.get(name) for name in kept} | {"columns": list(node["columns"])}
            for key, node in models.items()
        }
    }


def _models(manifest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((key, node) for key, node in manifest["nodes"].items() if node["resource_type"] == "model")


def _read(path: Path, seen: str) -> list[Origin] | None:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return [Origin(*row) for row in document["origins"]] if document["seen"] == seen else None
