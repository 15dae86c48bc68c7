"""Measure CPU seconds: of a piece of work in this process, or of a fresh process."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipelines.defs.session import peak_megabytes

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """One row of the table. Wall seconds depend on what else runs; CPU seconds hardly do."""

    group: str
    name: str
    cpu_seconds: float
    seconds: float
    rows: int = 0
    peak_mb: float = 0.0

    @property
    def rows_per_second(self) -> int:
        """Rows for each CPU second."""
        return round(self.rows / self.cpu_seconds) if self.rows and self.cpu_seconds else 0


def measure(group: str, name: str, work: Callable[[], T], rows: Callable[[T], int]) -> tuple[Measured, T]:
    """Do a piece of work in this process and measure it."""
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Measured(group, name, cpu, wall, rows(outcome), peak_megabytes()), outcome


def measure_process(group: str, name: str, arguments: Sequence[str]) -> Measured:
    """Run Python with these arguments in a process of its own, output thrown away, and measure it."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(group, name, cpu, time.perf_counter() - wall)
