"""Landing at scale: canonical files of the sample company through the whole ingest, beside the floor of plain SQL.

`make bench ROWS=10000000` measures ten million rows instead of one; that takes ten minutes and 3 GB of disk.

The floor is what any way of landing has to do at least: one COPY of the same files to zstd parquet, and one SELECT that
counts the rows that break each row rule of the real contracts. It lands nothing twice, sets nothing aside, and proves
nothing; the rest of the work is that. Everything is measured in processes of their own, warm, each with its own peak.
"""

import mailbox
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import duckdb
import pandas as pd

from benchmarks.delivery import SHARES, write_files
from benchmarks.measure import Measured, Stopwatch, measure
from data_contracts.contracts import load_contract
from data_contracts.rules import predicate
from data_contracts.sql import joined, sql, value
from messaging.clock import Clock
from messaging.settings import read_settings
from pipelines.landing import expectations, judging, keys, verdict, writer
from pipelines.landing.staging import open_stage
from pipelines.landing.verdict import judge
from pipelines.samples.shapes.mail import write_mbox
from pipelines.samples.world import make_world
from pipelines.sources import files, loading, readers
from pipelines.sources.intake import ingest
from pipelines.sources.mail import read_mail

DEFAULT_ROWS = 1_000_000
NEW_SHARE = 100  # the second delivery has one row for so many of the first one
APART = 1_000_000_000  # the number of its first person, who is in no other delivery
MAILBOX_PEOPLE = 3_000
FLOOR = "landing floor"
STAGES = {
    "find out what the file holds": [(readers, "canonical_sources"), (loading, "stage_canonical")],
    "judge every row by its own columns": [(writer, "judge_rows")],
    "decide what is new": [(writer, "decide")],
    "read what landed before": [(judging, "find_landed")],
    "type, hash and write": [(writer, "_write_rows"), (writer, "write_quarantine")],
    "index and prove": [(writer, "write_keys")] + [(each, "file_sha256") for each in (writer, keys, files)],
}
VERDICT = {
    "Great Expectations": [(verdict, "_row_failures"), (verdict, "_set_failures")],
    "load and count in SQL": [(verdict, "_load"), (verdict, "_sample"), (verdict, "_metrics")],
}
T = TypeVar("T")


def landing_rows(folder: Path, rows: int) -> list[Measured]:
    """Measure it all over `rows` rows, in `folder`."""
    made = alone(_make, folder / "first", rows, 0)
    alone(_make, folder / "second", max(rows // NEW_SHARE, 1000), APART)
    paths, more = _files(folder / "first"), _files(folder / "second")
    home = folder / "home"
    floor = alone(_floor, paths, folder)
    landed = alone(_land, paths, home, "land and check", "landing")
    second = alone(_land, more, home, f"1/{NEW_SHARE} more, all new", "landing +1%")
    again = alone(_land, paths, home, "the same files again", "landing again")
    return [*made, *floor, *landed, *second, again[-1], *alone(_judge, home)]


def mail_rows(folder: Path) -> list[Measured]:
    """Measure the reading of mails beside Python's own way through the same mailbox."""
    folder.mkdir(parents=True)
    box = write_mbox(make_world(MAILBOX_PEOPLE, 7), folder)
    return alone(_mail, box.path, folder / "home")


def alone(work: Callable[..., T], *arguments: object) -> T:
    """Run a measurement in a new process, so that its peak of memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def sentence(rows: Sequence[Measured]) -> str:
    """Compare landing with its floor, and the 1 % with the whole."""
    cpu = {(row.group, row.name): row for row in rows}
    floor = cpu.get((FLOOR, "COPY and one SELECT"))
    if floor is None:
        return ""
    full = cpu["landing", "land and check"]
    more = next(row for row in rows if row.name.endswith("more, all new"))
    dearest = max((row for row in rows if row.group == "landing" and row.name in STAGES), key=_cpu)
    return (
        f"Landing {full.rows:,} rows is {full.cpu_seconds / floor.cpu_seconds:.2f} times its floor"
        f" ({floor.cpu_seconds:.1f} CPU s), at most {full.peak_mb / 1024:.1f} GB; to {dearest.name} is"
        f" {dearest.cpu_seconds / full.cpu_seconds:.0%} of it. 1 % more rows cost"
        f" {more.cpu_seconds / full.cpu_seconds:.1%} of the whole."
    )


def _cpu(row: Measured) -> float:
    return row.cpu_seconds


def _make(folder: Path, rows: int, first: int) -> list[Measured]:
    name = f"make {rows:,} canonical rows"
    return [measure("files", name, lambda: write_files(folder, rows, first=first), lambda _: rows)[0]]


def _files(folder: Path) -> dict[str, Path]:
    return {table: folder / f"{table}.parquet" for table in SHARES}


def _floor(paths: Mapping[str, Path], folder: Path) -> list[Measured]:
    copied, counted = [], []
    with _plain_database() as connection:
        for table, path in paths.items():
            copy, _ = measure(FLOOR, table, partial(_copy, connection, path, folder), int)
            select, _ = measure(FLOOR, table, partial(_count, connection, table, path), int)
            copied.append(copy)
            counted.append(select)
    parts = [_summed("COPY to zstd parquet", copied), _summed("one SELECT of the row rules", counted)]
    return [*parts, replace(_summed("COPY and one SELECT", [*copied, *counted]), rows=parts[0].rows)]


def _plain_database() -> duckdb.DuckDBPyConnection:
    connection = open_stage()
    connection.execute("SET memory_limit = '2GB'")  # the floor spills nothing
    return connection


def _copy(connection: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> int:
    target = str(folder / "floor.parquet")
    query = "COPY (FROM read_parquet(?)) TO ? (FORMAT parquet, COMPRESSION zstd)"
    return int(connection.execute(query, [str(path), target]).fetchall()[0][0])


def _count(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> int:
    contract = load_contract(table)
    held = {row[0] for row in connection.execute("DESCRIBE FROM read_parquet(?)", [str(path)]).fetchall()}
    broken = (
        sql("count(*) FILTER (NOT {})", predicate(rule, contract.duckdb_columns()))
        for rule in contract.row_rules
        if held.issuperset([*rule.columns, *(condition.column for condition in rule.where)])
    )
    query = sql("SELECT count(*), {} FROM read_parquet({})", joined(", ", broken), value(str(path)))
    return int(connection.execute(query.text, query.bound).fetchall()[0][0])


def _land(paths: Mapping[str, Path], home: Path, name: str, group: str) -> list[Measured]:
    """Ingest each file under the name of its table; a row for each stage, and one for the whole."""
    settings, clock = read_settings(home=home), Clock()
    open_stage(settings).close()  # what is slow the first time in a process: this, and to read all mappings
    for table in paths:
        readers.find_reader(settings, table, None)
    with Stopwatch(STAGES) as watch:
        whole, _ = measure(
            group,
            name,
            lambda: [ingest(settings, clock, table, [path]) for table, path in paths.items()],
            lambda reports: sum(report.rows_in for report in reports),
        )
    stages = [Measured(group, stage, *spent) for stage, spent in watch.spent.items()]
    around = Measured(group, "everything around", whole.cpu_seconds - sum(map(_cpu, stages)), 0.0)
    return [*stages, around, whole]


def _judge(home: Path) -> list[Measured]:
    """Give the verdicts of a build on all tables: Great Expectations judges a sample of bounded size."""
    settings, clock = read_settings(home=home), Clock()
    expectations.run_expectations(pd.DataFrame({"any": [1]}), [])  # imported once a process: 8 CPU seconds
    with Stopwatch(VERDICT) as watch:
        whole, _ = measure(
            "verdict",
            f"all, at most {verdict.SAMPLE:,} rows a table by GX",
            lambda: [judge(table, settings, clock) for table in SHARES],
            lambda verdicts: sum(each.rows_checked for each in verdicts),
        )
    return [*(Measured("verdict", stage, *spent) for stage, spent in watch.spent.items()), whole]


def _mail(path: Path, home: Path) -> list[Measured]:
    settings = read_settings(home=home)
    plain, _ = measure("mail", "Python's mailbox, headers parsed", lambda: len(list(mailbox.mbox(path))), int)
    ours, _ = measure(
        "mail", "read_mail: texts, threads, replies", lambda: sum(1 for _ in read_mail([path], settings)), int
    )
    return [plain, ours]


def _summed(name: str, rows: list[Measured]) -> Measured:
    return Measured(
        FLOOR,
        name,
        sum(row.cpu_seconds for row in rows),
        sum(row.seconds for row in rows),
        sum(row.rows for row in rows),
        max(row.peak_mb for row in rows),
    )
