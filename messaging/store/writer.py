"""Many small writes, one commit: a commit waits for the disk, and callbacks come by the thousand.

A process has one such writer, its store's (`Store.writer`): what its threads submit while a commit is under way goes
with the next one. The dispatcher does not write through it: its own transaction already records all calls that
ended, claims, and commits to the next ones, so a hop to another thread would add waiting and save no commit.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from data_contracts.errors import StoreError
from messaging.store.telling import told_plainly

if TYPE_CHECKING:
    from messaging.store.sessions import Store

LARGEST = 200  # works in one commit: at about 0.5 ms each, others of this process wait for 0.1 s at most

Work = Callable[[Connection], Any]


@dataclass(frozen=True)
class _Task:
    key: str
    work: Work
    done: "Future[Any]" = field(default_factory=Future)


@dataclass(frozen=True)
class _Failed:
    error: Exception


class Writer:
    """One thread that runs what is waiting in one transaction; a future is done only after its commit."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, key: str, work: Work) -> "Future[Any]":
        """Run `work` in a transaction soon; works of one batch run in the order of their keys.

        It may be run several times (all but the last are rolled back), so it must do nothing but write to the store. Its
        future has what it gave, or its error; StoreError when the store could not be written, and then nothing
        of its batch is. Raises StoreError once the writer is closed.
        """
        task = _Task(key, work)
        with self._closing:  # nothing gets in behind the end mark, where nobody would ever write it
            if self._closed:
                raise StoreError("The store is being closed.", "Try again when the process has restarted.")
            self._waiting.put(task)
        return task.done

    def close(self) -> None:
        """Write what is waiting, then end the thread."""
        with self._closing:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

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
        tasks = [task for task in tasks if task.done.set_running_or_notify_cancel()]  # not those given up
        if not tasks:
            return
        try:
            results = self._commit(tasks)
        except Exception as error:  # noqa: BLE001 - the thread has to go on, whatever it was
            results = [_Failed(error)] * len(tasks)
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, _Failed):
                task.done.set_exception(result.error)
            else:
                task.done.set_result(result)

    def _commit(self, tasks: list[_Task]) -> list[Any]:
        """Write all at once; where a work fails, again with each apart, so that it spoils no other."""
        try:
            return self._store.transact(lambda connection: [task.work(connection) for task in tasks])
        except StoreError:  # it is the store that fails: one by one would fail as well, and take long
            raise
        except Exception:  # noqa: BLE001 - each work learns of its own
            return self._store.transact(lambda connection: [_apart(connection, task) for task in tasks])


def _apart(connection: Connection, task: _Task) -> Any:
    try:
        with told_plainly(), connection.begin_nested():
            return task.work(connection)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - it belongs to the caller
        return _Failed(error)
