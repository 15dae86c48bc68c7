"""What was written, and the few ways of writing: CSV and JSON whose bytes depend on nothing but the world."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from pipelines.samples.arrays import Flags, Strings, Times, choose, digits, join
from pipelines.samples.broken import BROKEN

UTC = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class WrittenFile:
    """A file of the company: where it lies, how it is ingested, how many records it has and how many are bad.

    `source` is the first argument of `rapport ingest`; `mapping` its `--map`, where one is needed.
    """

    path: Path
    source: str
    mapping: str | None
    records: int
    broken: int
    about: str

    @property
    def command(self) -> str:
        """Give the command that lands the file, to be run in its folder."""
        mapping = f" --map {self.mapping}" if self.mapping else ""
        name = f"{self.path.name}/*.json" if self.path.is_dir() else self.path.name
        return f"rapport ingest {self.source}{mapping} {name}"


def write_csv(path: Path, columns: dict[str, Any], rows: int) -> None:
    """Write a CSV file with the header that headers.yaml has for its name; columns not given stay empty."""
    header = _headers()[path.stem]
    unknown = sorted(set(columns) - set(header))
    if unknown:
        raise KeyError(f"{path.name} has no column {unknown[0]}")
    arrays = [_text(columns.get(name), rows) for name in header]
    connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
    try:
        lines = connection.from_arrow(pa.table(arrays, names=header))
        lines.write_csv(str(path), header=True)
    finally:
        connection.close()


def with_broken(columns: dict[str, Any], rows: int, name: str) -> tuple[dict[str, Any], int]:
    """Put the bad records of a file behind its columns: each is the last good record with a fault in it."""
    bad = [record for _, record in BROKEN[name]]
    model = {key: column[rows - 1].as_py() for key, column in columns.items()}
    grown = {
        key: pa.concat_arrays(
            [_text(column, rows), pa.array([(model | fault)[key] for fault in bad], pa.string())]
        )
        for key, column in columns.items()
    }
    return grown, rows + len(bad)


def write_lines(path: Path, opening: str, records: Iterable[Any], closing: str) -> None:
    """Write a JSON document with one record a line between `opening` and `closing`."""
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    path.write_text(f"{opening}\n{lines}\n{closing}\n", encoding="utf-8")


def as_rows(table: pa.Table, names: Sequence[str], **more: pa.Array) -> Iterator[dict[str, Any]]:
    """Give the rows of some columns of a table, and of further ones beside them, as plain data."""
    columns = {name: table[name].to_pylist() for name in names}
    columns |= {name: column.to_pylist() for name, column in more.items()}
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def stamp(times: Times | pa.Array, pattern: str) -> Strings:
    """Write times of whole seconds by a strftime pattern; NaT stays NULL."""
    return pc.strftime(pa.array(times).cast(pa.timestamp("s"), safe=False), format=pattern)


def in_london(times: Times | pa.Array) -> Strings:
    """Write times as the shop's admin shows them: London time with its offset, 2026-05-14 11:23:45 +0100."""
    plain = np.asarray(pa.array(times).to_numpy(zero_copy_only=False)).astype("M8[s]")
    summer = _is_summer(plain)
    return join(
        stamp(plain + summer * np.timedelta64(1, "h"), "%Y-%m-%d %H:%M:%S"),
        choose(summer, " +0100", " +0000"),
    )


def pounds(pence: Any) -> Strings:
    """Write pence as pounds with two decimals."""
    amount = np.asarray(pence)
    return join(
        choose(amount < 0, "-", ""), digits(np.abs(amount) // 100), ".", digits(np.abs(amount) % 100, 2)
    )


@cache
def _headers() -> dict[str, list[str]]:
    document: dict[str, list[str]] = yaml.safe_load(files(__package__).joinpath("headers.yaml").read_text())
    return document


def _is_summer(times: Times) -> Flags:
    """Mark the times of British Summer Time: from the last Sunday of March, 01:00 UTC, to that of October."""
    summer = np.zeros(len(times), dtype=np.bool_)
    for year in (2025, 2026):
        begin, end = (_last_sunday(f"{year}-{month}-31") for month in ("03", "10"))
        summer |= (times >= begin) & (times < end)
    return summer


def _last_sunday(month_end: str) -> np.datetime64:
    sunday: Any = np.busday_offset(month_end, 0, roll="backward", weekmask="Sun")
    return np.datetime64(sunday, "s") + np.timedelta64(1, "h")


def _text(values: Any, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, pa.string())
    if isinstance(values, str):
        return pa.repeat(pa.scalar(values), rows)
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return flat.cast(pa.string())
