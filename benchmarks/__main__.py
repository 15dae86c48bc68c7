"""`python -m benchmarks [--json] [--people N] [--rows N]`: what landing and a build cost, and what dominates."""

import argparse
import json
import logging
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import landing
from benchmarks.landing import DEFAULT_ROWS, landing_rows, mail_rows
from benchmarks.lifetime import lifetime_rows, sentence_of_cdnow, sentence_of_ranks, times_plain
from benchmarks.measure import Measured, measure, measure_process
from benchmarks.view import sentences, view_rows

VIEW = 1_000_000
IMPORTS = {
    "python alone": "pass",
    "duckdb": "import duckdb",
    "pandas": "import pandas",
    "great_expectations": "import great_expectations",
    "dbt": "import dbt.cli.main",
    "dagster": "import dagster",
    "dagster_dbt": "import dagster_dbt",
    "all that a build needs": "import pipelines.defs.build, dbt.cli.main",
}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What landing and a build cost."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--people", type=int, default=5000, help="size of the sample company (default 5000)")
    parser.add_argument(
        "--rows", type=int, default=DEFAULT_ROWS, help=f"rows to land, 0 for none (default {DEFAULT_ROWS:,})"
    )
    parser.add_argument(
        "--view",
        type=int,
        default=VIEW,
        help=f"source rows of the customer view, 0 for none (default {VIEW:,})",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        rows, moods = run(Path(folder), options.people, options.rows, options.view)
    told = [times_plain(rows), sentence_of_cdnow(), sentence_of_ranks(options.people), moods]
    if options.json:
        print(json.dumps(document(rows, told), indent=2))
    else:
        show(rows, told)


def run(folder: Path, people: int, landed: int, viewed: int) -> tuple[list[Measured], str]:
    """Measure everything that this machine has the data for; landing and view in processes of their own.

    Gives the rows, and what is to be said of moods.
    """
    rows = [measure_process("import", name, ["-W", "ignore", "-c", code]) for name, code in IMPORTS.items()]
    rows.append(measure_process("start-up", "rapport --help", ["-m", "rapport", "--help"]))
    if landed:
        rows += landing_rows(folder / "landing", landed) + mail_rows(folder / "mail")
    if viewed:
        rows += view_rows(folder / "view", folder / "view" / "pieces", viewed)
    warm()
    rows.append(sample_row(folder / "sample", people))
    rows += lifetime_rows(folder / "lifetime")
    from benchmarks.retail import FILE, real_data, retail_rows
    from benchmarks.sentiment import bench_sentiment

    data = real_data()
    read, moods = bench_sentiment(data, people)
    rows += read
    if data is None:
        sys.stderr.write(
            f"Skipped the real shop: {FILE} is not there (RAPPORT_REAL_DATA names its folder).\n"
        )
        return rows, moods
    return rows + parse_row(folder / "home") + retail_rows(data, folder / "home"), moods


def warm() -> None:
    """Import what a running installation has imported long ago."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dbt.cli.main  # noqa: F401 (imported for its cost)
        import great_expectations  # noqa: F401

        import pipelines.defs.build  # noqa: F401


def parse_row(home: Path) -> list[Measured]:
    """Draw the asset graph: once an installation, and again when a model changes."""
    from messaging.settings import read_settings
    from pipelines.defs.assembly import build_definitions

    settings = read_settings(home=home)
    row, _ = measure("start-up", "parse the models", lambda: build_definitions(settings), lambda _: 0)
    return [row]


def sample_row(out: Path, people: int) -> Measured:
    """Make the sample company as vendors' files."""
    from pipelines.samples.shapes import write_company
    from pipelines.samples.world import make_world

    name = f"sample company, {people:,} people, vendors' files"
    row, _ = measure("sample", name, lambda: write_company(make_world(people, 7), out), _records)
    shutil.rmtree(out)
    return row


def _records(files: Sequence[object]) -> int:
    return sum(int(getattr(file, "records", 0)) for file in files)


def document(rows: Sequence[Measured], lifetime: Sequence[str]) -> dict[str, object]:
    """Give the table as plain data."""
    return {
        "rows": [{**asdict(row), "rows_per_cpu_second": row.rows_per_second} for row in rows],
        "dominates": dominating(rows),
        "times_the_floor": times_floor(rows),
        "landing": landing.sentence(rows),
        "lifetime": list(lifetime),
        "view": sentences(rows),
    }


def show(rows: Sequence[Measured], lifetime: Sequence[str]) -> None:
    """Print the table for a person."""
    print(f"{'':<13} {'':<42} {'CPU s':>8} {'wall s':>8} {'rows':>10} {'rows/CPU s':>11} {'peak MB':>8}")
    group = ""
    for row in rows:
        label = row.group if row.group != group else ""
        group = row.group
        counts = f"{row.rows or '':>10} {row.rows_per_second or '':>11}"
        peak = f"{row.peak_mb:8.0f}" if row.peak_mb else ""
        print(
            f"{label:<13} {row.name:<42} {row.cpu_seconds:8.2f} {row.seconds:8.2f} {counts} {peak}".rstrip()
        )
    for sentence in (
        landing.sentence(rows),
        *sentences(rows),
        dominating(rows),
        times_floor(rows),
        *lifetime,
    ):
        if sentence:
            print(sentence)


def dominating(rows: Sequence[Measured]) -> str:
    """Name what a first build spends most of its time on."""
    build = [row for row in rows if row.group == "build"]
    if not build:
        return ""
    whole = build[-1].cpu_seconds
    most = max(build[:-1], key=lambda row: row.cpu_seconds)
    models = sum(row.cpu_seconds for row in build if row.name.startswith("dbt"))
    return (
        f"{most.name} dominates a first build: {most.cpu_seconds:.1f} of {whole:.1f} CPU s"
        f" ({most.cpu_seconds / whole:.0%}); both halves of dbt together are {models / whole:.0%}."
    )


def times_floor(rows: Sequence[Measured]) -> str:
    """Compare a first build with plain SQL over the same file."""
    floor = next((row.cpu_seconds for row in rows if row.group == "floor"), 0.0)
    if not floor:
        return ""
    whole = next(row.cpu_seconds for row in rows if row.name == "whole build")
    return f"A first build is {whole / floor:,.0f} times the plain SQL of its sums ({floor:.2f} CPU s)."


if __name__ == "__main__":
    main()
