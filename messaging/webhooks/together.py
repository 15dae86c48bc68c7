"""Callbacks that come while a commit is under way, worked upon together in the next one.

The store's writer already commits many works at once; here, many callbacks are one work, so that the statements are shared
too. Where that fails, each is worked upon by itself, so that one spoils no other.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from sqlalchemy import Connection

from data_contracts.errors import StoreError
from messaging.store import Store
from messaging.webhooks.raw import RawRequest, keep_many

if TYPE_CHECKING:
    from concurrent.futures import Future

MOST = 200  # callbacks of one work
Item = TypeVar("Item")
Work = Callable[[Connection, Sequence[Item], datetime], None]


class _Batch(Generic[Item]):
    """What is worked upon together; once it is begun nothing is added, for it may be done twice."""

    def __init__(self) -> None:
        self.items: list[tuple[RawRequest, Item]] = []
        self.done: Future[None] | None = None
        self.begun = False

    @property
    def is_closed(self) -> bool:
        """Say whether nothing may be added: it is begun or full, or it ended before it began, in a store that failed."""
        return self.begun or len(self.items) >= MOST or (self.done is not None and self.done.done())


class Together(Generic[Item]):
    """Gathers items for `work`; used from one event loop, worked upon in the store's writer."""

    def __init__(self, store: Store, name: str, work: Work[Item]) -> None:
        self._store = store
        self._name = name
        self._work = work
        self._lock = threading.Lock()
        self._open: _Batch[Item] | None = None

    async def take(self, raw: RawRequest, item: Item) -> bool:
        """Have an item worked upon with others; come back after the commit. False where the work failed for all of them.

        Raises StoreError where the store could not be written.
        """
        done = self._join(raw, item)
        try:
            await asyncio.shield(asyncio.wrap_future(done))  # who hangs up takes nobody along
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - which of them it was is found one by one
            return False
        return True

    def _join(self, raw: RawRequest, item: Item) -> "Future[None]":
        with self._lock:
            batch = self._open
            if batch is not None and batch.done is not None and not batch.is_closed:
                batch.items.append((raw, item))
                return batch.done
            fresh = self._open = _Batch()
            fresh.items.append((raw, item))
            done = fresh.done = self._store.writer.submit(self._name, partial(self._run, batch=fresh))
            return done

    def _run(self, connection: Connection, batch: _Batch[Item]) -> None:
        with self._lock:
            batch.begun = True
        keep_many(connection, [raw for raw, _ in batch.items])
        self._work(connection, [item for _, item in batch.items], batch.items[-1][0].at)
