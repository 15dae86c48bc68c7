"""A look at a pull before it runs: is every secret there, what would come, and how would it land."""

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts.contracts import load_contract
from data_contracts.errors import RapportError
from data_contracts.sql import joined, name, sql
from messaging.settings import Settings
from pipelines.landing.staging import open_stage, staged_columns
from pipelines.pulls.deliveries import Batch, write_batch
from pipelines.pulls.files import Pull
from pipelines.pulls.marks import Mark, mark_document
from pipelines.pulls.running import StreamSight, look
from pipelines.pulls.secrets import missing_secrets, secret_names
from pipelines.sources.files import find_files
from pipelines.sources.readers import Part, chosen_parts, find_reader

ROWS = 5
HIDDEN = {"raw_record", "source"}


@dataclass(frozen=True)
class Sight:
    """What one stream showed: how many records were asked for, and the rows that they would land as, by table."""

    name: str
    asked: str
    since: Mark | None
    records: int
    rows: dict[str, list[dict[str, str]]]
    error: RapportError | None

    def to_document(self) -> dict[str, Any]:
        """Give the sight as plain data; its rows may be personal."""
        return {
            "name": self.name,
            "asked": self.asked,
            "since": mark_document(self.since) if self.since is not None else None,
            "records": self.records,
            "rows": self.rows,
            "error": str(self.error) if self.error else None,
        }


def secrets_of(settings: Settings, pull: Pull) -> dict[str, bool]:
    """Name the secrets of a pull, each with whether it is set."""
    document = pull.plan.model_dump()
    missing = missing_secrets(settings, document)
    return {secret: secret not in missing for secret in secret_names(document)}


def check_pull(settings: Settings, pull: Pull) -> list[Sight]:
    """Ask each stream for five records and stage them; nothing lands, and no watermark moves."""
    return [_sight(settings, pull, each) for each in look(settings, pull, ROWS)]


def _sight(settings: Settings, pull: Pull, seen: StreamSight) -> Sight:
    rows: dict[str, list[dict[str, str]]] = {}
    error = seen.error
    try:
        rows = _as_landed(settings, pull, seen, seen.batch) if seen.batch else {}
    except RapportError as refused:
        error = refused
    return Sight(seen.name, seen.asked, seen.since, len(seen.batch.records) if seen.batch else 0, rows, error)


def _as_landed(
    settings: Settings, pull: Pull, seen: StreamSight, batch: Batch
) -> dict[str, list[dict[str, str]]]:
    """Give the records as rows of their tables, in canonical text, without the columns that are empty."""
    reader = find_reader(settings, pull.plan.source, pull.plan.mapping or None)
    with tempfile.TemporaryDirectory() as folder:
        path = write_batch(batch, Path(folder) / seen.name)
        reading = reader.read(find_files(path, reader.suffixes))
        for error in reading.unread.values():
            raise error
        parts = chosen_parts(reading.parts, seen.tables or None)
        return {part.table: _staged(part) for part in parts}


def _staged(part: Part) -> list[dict[str, str]]:
    columns = [column for column in staged_columns(load_contract(part.table)) if column not in HIDDEN]
    with closing(open_stage()) as connection:
        part.stage(connection)
        query = sql("SELECT {} FROM staged ORDER BY position", joined(", ", map(name, columns)))
        rows = connection.execute(query.text).fetchall()[:ROWS]
    return [
        {column: cell for column, cell in zip(columns, row, strict=True) if cell is not None} for row in rows
    ]
