"""Requests as they came, byte for byte: kept before anything is read out of them, and not for longer than needed."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, delete, select, update

from data_contracts.errors import StoreError
from messaging.clock import Clock
from messaging.store import Store
from messaging.store.inserts import insert_many, insert_new
from messaging.store.tables_receiver import raw_requests

log = structlog.get_logger(__name__)

KEPT = timedelta(
    days=30
)  # what was read out of them stands elsewhere; they hold addresses and words of people
AT_ONCE = 500  # rows in one transaction
FORGET_EVERY = 3600.0  # seconds


@dataclass(frozen=True)
class RawRequest:
    """A request as it came: through which intake, with which query, and its bytes; `at` is naive UTC.

    `check` is the token of a synthetic one of ours.
    """

    intake: str
    query: str
    content_type: str
    body: bytes
    at: datetime
    check: str | None = None

    @property
    def digest(self) -> str:
        """Name it by what it holds, so that the same one again is the same row."""
        head = f"{self.intake}\n{self.query}\n".encode("utf-8", "surrogateescape")
        return hashlib.sha256(head + self.body).hexdigest()


def keep(connection: Connection, raw: RawRequest, failure: str | None = None) -> None:
    """Store a request as it came, once."""
    if not insert_new(connection, raw_requests, [_row(raw, failure)]) and failure is not None:
        this = raw_requests.c.digest == raw.digest
        connection.execute(update(raw_requests).where(this).values(failure=failure))


def keep_many(connection: Connection, raws: Sequence[RawRequest]) -> None:
    """Store requests as they came, each once."""
    insert_many(connection, raw_requests, [_row(raw, None) for raw in raws])


def _row(raw: RawRequest, failure: str | None) -> dict[str, Any]:
    return {
        "digest": raw.digest,
        "intake": raw.intake,
        "query": raw.query.replace("\x00", "\ufffd"),
        "content_type": raw.content_type.replace("\x00", "\ufffd"),
        "body": raw.body,
        "received_at": raw.at,
        "failure": failure,
    }


def forget_old(store: Store, clock: Clock) -> int:
    """Delete what was kept long enough, also what nobody could read; give how many that were."""
    table, gone = raw_requests.c, 0
    old = select(table.digest).where(table.received_at < clock.now() - KEPT).limit(AT_ONCE)
    while True:
        with store.write() as connection:
            some = connection.execute(
                delete(raw_requests).where(table.digest.in_(old.scalar_subquery()))
            ).rowcount
        gone += some
        if some < AT_ONCE:
            return gone


def forget_often(store: Store, clock: Clock, stop: threading.Event) -> None:
    """Forget every hour until `stop` is set; a store that cannot be written is waited for."""
    while not stop.wait(FORGET_EVERY):
        try:
            log.info("raw_requests.forgotten", rows=forget_old(store, clock))
        except StoreError as error:
            log.warning("raw_requests.store", reason=type(error).__name__)
