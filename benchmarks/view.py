"""`python -m benchmarks.view [ROWS ...]`: what builds cost at several sizes, stage by stage, the first beside its floor.

Each size is a home of the sample company's rows over all tables that it has, built in a process of its own that has
imported and parsed everything before. The floor is measured over the same files. Scoring pairs with Splink stands
in a row of its own, because the floor has nothing like it. Then the newest one row in a hundred lands, and is built.
"""

import argparse
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.floor import floor_rows
from benchmarks.homes import NOW, land_newest, make_home
from benchmarks.landing import alone
from benchmarks.lookup import lookup_rows
from benchmarks.measure import Measured, Stopwatch, measure, own_peak
from messaging.clock import Clock
from messaging.settings import Settings, read_settings

SIZES = (1_000_000, 5_000_000, 10_000_000)
AROUND = "Dagster, lock and store"
SCORING = "scoring of pairs (Splink)"
WHOLE = "whole view"
MORE = "newest 1 %"
RESET = Path("/proc/self/clear_refs")


def main() -> None:
    """Measure, print as it goes."""
    options = _options()
    curve = []
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as scratch:
        pieces = Path(options.keep or scratch) / "pieces"
        for rows in options.rows:
            found = view_rows(Path(scratch) / str(rows), pieces, rows)
            curve += found
            if not options.json:
                show(found)
        lookups = alone(lookup_rows, Path(scratch) / str(options.rows[-1]) / "home")
    told = [*sentences(curve), *(each.sentence() for each in lookups)]
    if options.json:
        rows = [asdict(row) for row in curve]
        print(
            json.dumps(
                {"rows": rows, "lookups": [asdict(each) for each in lookups], "sentences": told}, indent=2
            )
        )
    else:
        print(*told, sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.view", description="What a first build costs."
    )
    parser.add_argument(
        "rows", type=int, nargs="*", default=SIZES, help="source rows, several sizes for a curve"
    )
    parser.add_argument("--keep", help="a folder that keeps the sample company's files for the next time")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


def view_rows(folder: Path, pieces: Path, rows: int) -> list[Measured]:
    """Make a home of so many source rows, and measure the floor and a first build of it."""
    home = folder / "home"
    alone(_make, home, pieces, rows)
    return [
        *alone(floor_rows, home / "landing"),
        *alone(_build, home, f"build, {rows:,} rows"),
        *alone(_build_more, home, pieces, rows),
    ]


def _build_more(home: Path, pieces: Path, rows: int) -> list[Measured]:
    """Let the newest one in a hundred land, and measure the build of what that changes."""
    land_newest(read_settings(home=home), pieces, rows)
    return _build(home, f"{MORE}, {rows:,} rows")


def _make(home: Path, pieces: Path, rows: int) -> list[Measured]:
    make_home(home, pieces, rows)
    return []


def _build(home: Path, group: str) -> list[Measured]:
    from pipelines.defs.build import run_build
    from pipelines.identity.linking import scorer

    settings = read_settings(home=home)
    _warm(settings)
    with Stopwatch({SCORING: [(scorer, "score_pairs"), (scorer, "rescore_pairs")]}) as watch, _own_peaks():
        whole, report = measure(group, WHOLE, lambda: run_build(settings, Clock(NOW)), lambda _: 0)
    stages = [
        Measured(group, stage.name, stage.cpu_seconds, stage.seconds, stage.rows, stage.peak_mb)
        for stage in report.stages
    ]
    return [*_apart(stages, watch.spent[SCORING]), *_sums(group, stages, whole, _landed(report))]


def _landed(report: Any) -> int:
    return sum(item.landed for item in report.sums)


def _apart(stages: Sequence[Measured], scoring: tuple[float, float]) -> Iterator[Measured]:
    """Take the scoring of pairs out of identity's row."""
    for row in stages:
        if row.name != "identity":
            yield row
            continue
        cpu, wall = scoring
        yield Measured(row.group, row.name, row.cpu_seconds - cpu, row.seconds - wall, row.rows, row.peak_mb)
        yield Measured(row.group, SCORING, cpu, wall)


def _sums(group: str, stages: Sequence[Measured], whole: Measured, landed: int) -> list[Measured]:
    inside = sum(stage.cpu_seconds for stage in stages)
    peak = max(stage.peak_mb for stage in stages)
    around = Measured(group, AROUND, max(whole.cpu_seconds - inside, 0.0), 0.0)
    return [around, Measured(group, WHOLE, whole.cpu_seconds, whole.seconds, landed, peak)]


@contextmanager
def _own_peaks() -> Iterator[None]:
    """Let each stage tell its own peak of memory: Linux forgets the highest that a process was when asked to."""
    from pipelines.defs.session import BuildSession

    stage = BuildSession.stage

    @contextmanager
    def forgetful(session: BuildSession, name: str) -> Iterator[Any]:
        if RESET.exists():
            RESET.write_text("5")
        with stage(session, name) as running:
            yield running
        running.peak_mb = own_peak()

    with patch.object(BuildSession, "stage", forgetful):
        yield


def _warm(settings: Settings) -> None:
    """Import and parse what a running installation has imported and parsed long ago."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations  # noqa: F401 (imported for its cost)
        import pandas as pd
        import splink  # noqa: F401 (as above)

        from pipelines.defs.build import warm_definitions
        from pipelines.landing.expectations import run_expectations

        warm_definitions(settings)
        run_expectations(pd.DataFrame({"any": [1]}), [])


def show(rows: Sequence[Measured]) -> None:
    """Print one size for a person."""
    print(f"{'':<24} {'':<28} {'CPU s':>8} {'wall s':>8} {'rows':>11} {'peak MB':>8}")
    group = ""
    for row in rows:
        label, group = row.group if row.group != group else "", row.group
        peak = f"{row.peak_mb:8.0f}" if row.peak_mb else ""
        print(
            f"{label:<24} {row.name:<28} {row.cpu_seconds:8.2f} {row.seconds:8.2f} {row.rows or '':>11} {peak}".rstrip(),
            flush=True,
        )


def sentences(rows: Sequence[Measured]) -> list[str]:
    """Say how many times the floor each size is, what a row costs, and whether that stays flat."""
    floors = [row for row in rows if row.name == "the floor"]
    builds = [row for row in rows if row.name == WHOLE and not row.group.startswith(MORE)]
    more = [row for row in rows if row.name == WHOLE and row.group.startswith(MORE)]
    scores = [row for row in rows if row.name == SCORING and not row.group.startswith(MORE)]
    told, costs = [], []
    for floor, build, score in zip(floors, builds, scores, strict=True):
        ours = build.cpu_seconds - score.cpu_seconds
        costs.append(ours / build.rows * 1e6)
        told.append(
            f"{build.rows:,} rows: {ours:.0f} CPU s = {ours / floor.cpu_seconds:.1f} times the floor"
            f" ({floor.cpu_seconds:.1f}), {costs[-1]:.1f} us a row, at most {build.peak_mb / 1024:.1f} GB;"
            f" scoring {score.cpu_seconds:.0f} more."
        )
    told += [
        f"{build.rows:,} rows and the newest 1 % more: {part.cpu_seconds:.0f} CPU s,"
        f" 1/{build.cpu_seconds / part.cpu_seconds:.1f} of the whole build."
        for build, part in zip(builds, more, strict=True)
    ]
    grown = [f"{later / earlier:.2f}" for earlier, later in pairwise(costs)]
    return (
        [*told, f"A row costs {', then '.join(grown)} times what it did at the size before."]
        if grown
        else told
    )


if __name__ == "__main__":
    main()
