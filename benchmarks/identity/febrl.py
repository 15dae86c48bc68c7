"""FEBRL's third set: pairs that no identifier ties together, plain Splink at .95 and ours, trained on both sides."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.identity.table import Row, Section, Verdict

FILE = Path("identity_febrl3") / "dataset3.csv"
WAYS = {"splink": "Splink at .95", "ours": "ours, calibrated"}
MOST_LOST = 0.002  # of the clusters' pairwise F1


def febrl_sections(folder: Path) -> list[Section]:
    """Measure with and without the number that a person hardly ever shares, each side in a process of its own."""
    return [_section(folder / FILE, numbered) for numbered in ("with", "without")]


def _section(file: Path, numbered: str) -> Section:
    splink, ours = (_row(file, numbered, side) for side in WAYS)
    verdicts = [
        Verdict("cluster F1, ours", ours.figures["F1"], splink.figures["F1"] - MOST_LOST, at_least=True),
        Verdict("CPU, ours / Splink", (ours.cpu_seconds or 0) / (splink.cpu_seconds or 1), 1.15),
    ]
    return Section(f"FEBRL3 {numbered} soc_sec_id, training on both sides", [], [splink, ours], verdicts)


def _row(file: Path, numbered: str, side: str) -> Row:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.linking", side, str(file), numbered]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{side} on FEBRL3 failed:\n{done.stderr}")
    found = json.loads(done.stdout)
    return Row(WAYS[side], found["cpu"], figures={"F1": found["f1"]})
