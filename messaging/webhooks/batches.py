"""Many small writes, one commit: a commit waits for the disk, and callbacks come by the thousand."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from messaging.store import Store

LARGEST = 200

Work = Callable[[Connection], Any]


@dataclass(frozen=True)
class _Task:
    key: str
    work: Work
    done: "Future[Any]" = field(default_factory=Future)


class BatchWriter:
    """One thread that runs what is waiting in one transaction; a future is done only after its commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="webhooks-writer", daemon=True)
        self._thread.start()

    def submit(self, key: str, work: Work) -> "Future[Any]":
        """Run `work` in a transaction soon; works of one batch run in the order of their keys."""
        task = _Task(key, work)
        self._waiting.put(task)
        return task.done

    def close(self) -> None:
        """Write what is waiting, then end the thread."""
        self._waiting.put(None)
        self._thread.join(10)

    def _run(self) -> None:
        while batch := self._next():
            tasks = [task for task in batch if task is not None]
            self._write(sorted(tasks, key=lambda task: task.key))
            if len(tasks) < len(batch):
                return

    def _next(self) -> list[_Task | None]:
        batch = [self._waiting.get()]
        while len(batch) < LARGEST and not self._waiting.empty():
            batch.append(self._waiting.get())
        return batch

    def _write(self, tasks: list[_Task]) -> None:
        """Write all at once; where that fails, one by one, so that one bad work spoils no other."""
        tasks = [task for task in tasks if task.done.set_running_or_notify_cancel()]  # not those given up
        if not tasks:
            return
        try:
            with self._store.write() as connection:
                results = [task.work(connection) for task in tasks]
        except Exception:  # noqa: BLE001 - whatever it was, each work learns of its own below
            for task in tasks:
                self._write_alone(task)
            return
        for task, result in zip(tasks, results, strict=True):
            task.done.set_result(result)

    def _write_alone(self, task: _Task) -> None:
        try:
            with self._store.write() as connection:
                result = task.work(connection)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, and the thread has to go on
            task.done.set_exception(error)
        else:
            task.done.set_result(result)
