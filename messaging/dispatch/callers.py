"""The threads of a dispatcher that call providers, and nothing else."""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from messaging.dispatch.calling import NotMade
from messaging.outbox import Call
from messaging.senders.base import Outcome

# Seconds that the first calls which ended wait for others: one commit then serves many messages, and the pause is short
# beside what a call takes.
GATHER = 0.01

Ended = tuple[Call, Outcome | NotMade]


class Callers:
    """So many threads; `make` makes one call, and raises nothing."""

    def __init__(self, threads: int, make: Callable[[Call], Outcome | NotMade]) -> None:
        self._make = make
        self._waiting: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"sender-{number}", daemon=True)
            for number in range(threads)
        ]
        self.under_way = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is under way, which may still be written down by whoever takes over."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def begin(self, calls: Iterable[Call]) -> None:
        """Let threads make these calls."""
        for call in calls:
            self.under_way += 1
            self._waiting.put(call)

    def ended(self, timeout: float | None) -> list[Ended]:
        """Wait for a call to end (seconds; None: for as long as it takes), and give all that end with it."""
        gathered: list[Ended] = []
        enough = max(self.under_way // 2, 1)
        until: float | None = None if timeout is None else time.monotonic() + timeout
        while len(gathered) < enough or not self._ended.empty():
            rest = None if until is None else max(until - time.monotonic(), 0.0)
            try:
                gathered.append(self._ended.get(timeout=rest))
            except queue.Empty:
                break
            if len(gathered) == 1:
                until = time.monotonic() + GATHER
        self.under_way -= len(gathered)
        return gathered

    def _run(self) -> None:
        while (call := self._waiting.get()) is not None:
            self._ended.put((call, self._make(call)))
