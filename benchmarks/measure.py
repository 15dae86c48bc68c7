"""Measure CPU seconds: of a piece of work in this process, or of a fresh process."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from unittest.mock import patch

STATUS = Path("/proc/self/status")
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
    return Measured(group, name, cpu, wall, rows(outcome), own_peak()), outcome


def own_peak() -> float:
    """Give the most memory of this process in MB; Linux would count that of its parent before the fork too."""
    if not STATUS.exists():
        from pipelines.defs.session import peak_megabytes  # brings Dagster along, which is memory too

        return peak_megabytes()
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


class Stopwatch:
    """Take the time of stages, named with the functions that are theirs, as (module, name).

    `spent` gives CPU and wall seconds; what a stage does inside another one is its own and not the other's.
    """

    def __init__(self, stages: Mapping[str, Sequence[tuple[object, str]]]) -> None:
        self.spent = dict.fromkeys(stages, (0.0, 0.0))
        self._stages = stages
        self._running: list[str] = []
        self._since = (0.0, 0.0)
        self._patches = ExitStack()

    def __enter__(self) -> Self:
        for stage, functions in self._stages.items():
            for module, name in functions:
                timed = self._timed(stage, getattr(module, name))
                self._patches.enter_context(patch.object(module, name, timed))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patches.close()

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:
            self._lap()
            self._running.append(stage)
            try:
                return function(*arguments, **options)
            finally:
                self._lap()
                self._running.pop()

        return run

    def _lap(self) -> None:
        now = (time.process_time(), time.perf_counter())
        if self._running:
            cpu, wall = self.spent[self._running[-1]]
            self.spent[self._running[-1]] = (cpu + now[0] - self._since[0], wall + now[1] - self._since[1])
        self._since = now


def measure_process(group: str, name: str, arguments: Sequence[str]) -> Measured:
    """Run Python with these arguments in a process of its own, output thrown away, and measure it."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(group, name, cpu, time.perf_counter() - wall)
