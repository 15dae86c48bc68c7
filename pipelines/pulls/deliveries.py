"""What came, as files that a reader takes: JSON lines of an API, parquet of a database, an mbox of a mailbox."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from messaging.settings import Settings
from pipelines.pulls.marks import Mark, newest
from pipelines.pulls.places import whole_delivery
from pipelines.sources.mailbox import mbox_entry

JSON_ROWS = 50_000  # readers hold a JSON file in memory as a whole
TABLE_ROWS = 500_000


@dataclass(frozen=True)
class Batch:
    """Some records as they came, and the greatest cursor among them."""

    records: list[Any] | pa.Table
    mark: Mark | None = None


@dataclass(frozen=True)
class Delivery:
    """The files of one stream, all of them whole; no files where nothing came."""

    files: tuple[Path, ...]
    rows: int
    mark: Mark | None


class _Writer(Protocol):
    suffix: str

    def fits(self, batch: Batch, rows: int) -> bool: ...
    def write(self, batch: Batch) -> None: ...
    def close(self) -> None: ...


def write_delivery(
    settings: Settings, name: str, stream: str, batches: Iterator[Batch], tell: Callable[[int], None]
) -> Delivery:
    """Write what comes as one delivery, whole or not at all; `tell` hears how many rows each batch has."""
    mark: Mark | None = None
    total = 0
    with whole_delivery(settings, name, stream) as (coming, there):
        files: list[str] = []
        with ExitStack() as stack:
            writer: _Writer | None = None
            rows = 0
            for batch in batches:
                if not len(batch.records):
                    continue
                if writer is None or not writer.fits(batch, rows):
                    stack.close()
                    writer, rows = _writer(batch, coming / f"{name}-{stream}-{len(files) + 1:04d}"), 0
                    stack.callback(writer.close)
                    files.append(f"{name}-{stream}-{len(files) + 1:04d}{writer.suffix}")
                writer.write(batch)
                rows += len(batch.records)
                total += len(batch.records)
                mark = newest((mark, batch.mark))
                tell(len(batch.records))
    return Delivery(tuple(there / file for file in files), total, mark)


def write_batch(batch: Batch, path: Path) -> Path:
    """Write one batch as a file; `path` gets the suffix of its kind."""
    writer = _writer(batch, path)
    writer.write(batch)
    writer.close()
    return path.with_name(path.name + writer.suffix)


def _writer(batch: Batch, path: Path) -> _Writer:
    if isinstance(batch.records, pa.Table):
        return _Parquet(path, batch.records.schema)
    return _Mbox(path) if isinstance(batch.records[0], bytes) else _JsonLines(path)


class _JsonLines:
    suffix = ".jsonl"

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(path.name + self.suffix).open("w", encoding="utf-8")

    def fits(self, batch: Batch, rows: int) -> bool:
        return rows + len(batch.records) <= JSON_ROWS

    def write(self, batch: Batch) -> None:
        for record in batch.records:
            self._file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        self._file.close()


class _Parquet:
    suffix = ".parquet"

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = pq.ParquetWriter(path.with_name(path.name + self.suffix), schema, compression="zstd")

    def fits(self, batch: Batch, rows: int) -> bool:
        # a batch of another schema (a column that had been empty so far) begins a file of its own
        table = batch.records
        same = isinstance(table, pa.Table) and self._schema.equals(table.schema)
        return same and rows + len(table) <= TABLE_ROWS

    def write(self, batch: Batch) -> None:
        self._file.write_table(batch.records)

    def close(self) -> None:
        self._file.close()


class _Mbox:
    suffix = ".mbox"

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(path.name + self.suffix).open("wb")

    def fits(self, batch: Batch, rows: int) -> bool:
        return rows + len(batch.records) <= JSON_ROWS

    def write(self, batch: Batch) -> None:
        for mail in batch.records:
            self._file.write(mbox_entry(mail))

    def close(self) -> None:
        self._file.close()
