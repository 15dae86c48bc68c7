"""What components cost with limits kept: power-law graphs, chains, and one edge in a hundred new."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.identity.graphs import chain, power_law
from benchmarks.identity.jobs import save_pairs, save_people, warm_up
from benchmarks.identity.table import Row, Section, Verdict

MILLION = 1_000_000
MOST_FOR_SPLINK = 5 * MILLION  # 20M of its clustering take minutes and tell nothing new
PATIENCE = 100  # seconds of the wall clock after which a measurement counts as without a result
CHAIN = MILLION
WAYS = {
    "scipy": "scipy alone, no limits",
    "splink": "Splink's clustering, no limits",
    "ours": "ours, limits kept",
    "incremental": "ours, 1 % of the edges new",
}


@dataclass(frozen=True)
class Workshop:
    """A folder for graphs that jobs read, each in a process of its own."""

    folder: Path

    def run(self, job: str, graph: str) -> Row:
        """Run one job on a graph that is there."""
        command = [sys.executable, "-m", "benchmarks.identity.child", job, str(self.folder / graph)]
        warm = self.folder / "warm"
        if not warm.exists():
            warm_up(warm)
        done = subprocess.run(
            [*command, str(warm), str(PATIENCE)], capture_output=True, text=True, check=False
        )
        if done.returncode == -signal.SIGALRM:
            return Row(f"{WAYS[job]}: no result in {PATIENCE} s", None)
        if done.returncode:
            raise RuntimeError(f"{job} on {graph} failed:\n{done.stderr}")
        return Row(WAYS[job], **json.loads(done.stdout))


def power_law_sections(workshop: Workshop, edges: int, seed: int) -> list[Section]:
    """Measure a power-law graph as a whole, and with one edge in a hundred new."""
    save_people(power_law(edges, seed), workshop.folder / "power")
    scipy, ours = workshop.run("scipy", "power"), workshop.run("ours", "power")
    splink = workshop.run("splink", "power") if edges <= MOST_FOR_SPLINK else None
    rows = [scipy, *([splink] if splink else []), ours]
    if len({row.figures["components"] for row in rows if row.figures}) > 1:
        raise RuntimeError("Two ways do not find the same components before limits.")
    verdicts = [
        Verdict("CPU, ours / scipy alone", _cpu(ours) / _cpu(scipy), 1.5),
        Verdict("MB over the interpreter's per 1M edges, ours", (ours.megabytes or 0) / edges * MILLION, 200),
    ]
    if splink and splink.cpu_seconds:
        verdicts.insert(1, Verdict("CPU, ours / Splink's clustering", _cpu(ours) / splink.cpu_seconds, 1 / 3))
    whole = Section(f"{edges:,} power-law edges", [seed], rows, verdicts)
    return [whole, _incremental_section(workshop, edges, seed, ours)]


def _incremental_section(workshop: Workshop, edges: int, seed: int, rebuild: Row) -> Section:
    new = workshop.run("incremental", "power")
    verdicts = [
        Verdict("CPU, 1 % new / full rebuild", _cpu(new) / _cpu(rebuild), 1 / 20),
        Verdict("nodes elsewhere than from scratch", new.figures["nodes elsewhere than from scratch"], 0),
        Verdict(
            "untouched nodes whose person changed", new.figures["untouched nodes whose person changed"], 0
        ),
    ]
    return Section(f"1 % of {edges:,} power-law edges new", [seed], [rebuild, new], verdicts)


def chain_sections(workshop: Workshop, seed: int, cost_per_edge: float) -> list[Section]:
    """Measure long chains against what an edge of the power-law graph cost (CPU seconds)."""
    graphs = {
        f"chain of {CHAIN:,} edges, sequential ids": chain(CHAIN),
        f"10 chains of {CHAIN // 10:,} edges, sequential ids": chain(CHAIN, 10),
        f"10 chains of {CHAIN // 10:,} edges, random ids": chain(CHAIN, 10, seed),
    }
    sections = []
    for number, (title, pairs) in enumerate(graphs.items()):
        name = f"chain{number}"
        save_pairs(*pairs, workshop.folder / name)
        rows = [workshop.run(job, name) for job in ("scipy", "splink", "ours")]
        cost = _cpu(rows[-1]) / CHAIN / cost_per_edge
        verdict = Verdict("CPU an edge, ours / ours on the power-law graph", cost, 2)
        sections.append(Section(title, [seed] if "random" in title else [], rows, [verdict]))
    return sections


def _cpu(row: Row) -> float:
    if row.cpu_seconds is None:
        raise RuntimeError(f"{row.way}; there is nothing to compare.")
    return row.cpu_seconds
