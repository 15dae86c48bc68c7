"""The watch: looks every few seconds at what may be wrong, keeps it in the store, and tells whoever owns it.

A process of its own, so that it can speak of the others. Where the store itself fails it tells that without it.
"""

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection

from data_contracts.errors import StoreError, StoreOutdatedError
from messaging.clock import Clock
from messaging.notifications import record
from messaging.notifications.deciding import Circumstances, Item, StoreTrouble, Telling, compare, decide
from messaging.notifications.facts import read_facts
from messaging.notifications.owners import Rules
from messaging.notifications.rules import find
from messaging.notifications.urgency import UrgentWords, read_urgent_words
from messaging.notifications.ways import WayOutcome, Ways
from messaging.notifications.wording import word
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.times import database_now

log = structlog.get_logger(__name__)

EVERY = 15.0  # seconds
REAL_TIME = Clock().now  # the database's cannot be asked where the store fails


@dataclass(frozen=True)
class Watch:
    """How an installation is watched. `clock` is its own; `today` reads the database's."""

    rules: Rules
    ways: Ways
    clock: Clock
    company: str
    time_zone: str
    words: UrgentWords = field(default_factory=read_urgent_words)
    today: Callable[[Connection], datetime] = database_now
    holder: str = field(
        default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    )


@dataclass(frozen=True)
class Looked:
    """What a look came to: notices, messages told, and owners whom no way reached.

    `mine` is False where another process holds the watch.
    """

    mine: bool
    opened: int = 0
    ended: int = 0
    told: int = 0
    failed: int = 0

    def to_document(self) -> dict[str, int | bool]:
        """Give it as plain data."""
        return asdict(self)


def look_once(store: Store, watch: Watch) -> Looked:
    """Look at everything once, and tell what is to be told now. Raises StoreError where the store cannot be used."""
    now = watch.clock.now()
    with store.read() as connection:
        facts = read_facts(connection, now)
        findings = find(facts, watch.rules, watch.words, now, watch.today(connection))
    with store.write() as connection:
        today = watch.today(connection)
        if not record.take_watch(connection, watch.holder, today):
            return Looked(mine=False)
        changes = compare(record.open_notices(connection), findings, watch.rules, today)
        record.apply(connection, changes, today)
        snoozed = {(each.event, each.subject): each.until for each in record.snoozes(connection, today)}
        history = record.history(connection, today)
        at = Circumstances(now, today, watch.time_zone, snoozed, history)
        tellings = decide(record.open_notices(connection), watch.rules, at)
    told, failed = _tell_all(store, watch, tellings)
    return Looked(True, len(changes.opened), len(changes.ended), told, failed)


def _tell_all(store: Store, watch: Watch, tellings: Iterable[Telling]) -> tuple[int, int]:
    """Tell what is to be told; give how many messages were taken, and how many owners could not be reached.

    Whom no way reached is left alone until the next look: one trouble of a mail server is one failure, however much there
    was to tell. Each call may take a while, so the watch is kept before each; one that was lost ends the telling.
    """
    told, unreached = 0, set[str]()
    for telling in tellings:
        if telling.owner in unreached:
            continue
        telling_id = new_id("tel")
        with store.write() as connection:
            today = watch.today(connection)
            if not record.take_watch(connection, watch.holder, today):
                break
            record.begin_telling(connection, telling_id, telling, today)
        outcomes = _say(watch, telling, telling_id)
        with store.write() as connection:
            record.end_telling(connection, telling_id, telling, outcomes, watch.today(connection))
        if any(each.took for each in outcomes):
            told += 1
        else:
            unreached.add(telling.owner)
    return told, len(unreached)


def _say(watch: Watch, telling: Telling, telling_id: str) -> list[WayOutcome]:
    wording = word(telling, telling_id, watch.company)
    owner = watch.rules.owners[telling.owner]
    outcomes = watch.ways.tell(owner, wording, telling_id, everywhere=telling.urgent)
    log.info(
        "notifications.told",
        telling_id=telling_id,
        owner=telling.owner,
        notices=[item.notice.notice_id for item in telling.items],
        took=[each.way for each in outcomes if each.took],
    )
    return outcomes


def run_watch(
    open_it: Callable[[], Store],
    watch: Watch,
    stop_event: threading.Event,
    *,
    every: float = EVERY,
    real_time: Callable[[], datetime] = REAL_TIME,
) -> None:
    """Watch until `stop_event` is set; a store that fails, also at the start, is told of and waited for.

    Raises StoreOutdatedError when a newer version upgraded the store meanwhile.
    """
    trouble = StoreTrouble(watch.rules.after("store_trouble"), watch.rules.remind_after)
    store: Store | None = None
    try:
        while not stop_event.is_set():
            try:
                store = store or open_it()
                look_once(store, watch)
            except StoreOutdatedError:
                raise
            except StoreError as error:
                log.warning("notifications.store_unavailable", told=error.message)
                _tell_of_store(watch, trouble.failed(str(error), real_time()), trouble, real_time())
            else:
                _tell_of_store(watch, trouble.works(real_time()), trouble, real_time())
            stop_event.wait(every)
    finally:
        if store is not None:
            leave(store, watch)
            store.close()


def leave(store: Store, watch: Watch) -> None:
    """Let another process watch at once, instead of when the lease has run out."""
    try:
        with store.write() as connection:
            record.leave_watch(connection, watch.holder)
    except StoreError as error:
        log.warning("notifications.watch_not_left", told=error.message)


def _tell_of_store(watch: Watch, item: Item | None, trouble: StoreTrouble, now: datetime) -> None:
    owner = watch.rules.owner_of("store_trouble")
    if item is None or owner is None:
        return
    asleep = watch.rules.owners[owner].quiet_until(now, watch.time_zone) is not None
    if asleep and not watch.rules.urgent("store_trouble"):
        return
    outcomes = _say(watch, Telling(owner, (item,)), new_id("tel"))
    if not any(each.took for each in outcomes):
        return
    if item.kind == "over":
        trouble.cleared()
    else:
        trouble.told(now)
