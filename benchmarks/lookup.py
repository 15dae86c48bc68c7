"""How long it takes to look a customer up while others do, and while releases are swapped below them.

Eight readers share one reader of the release, as the windows of the app do, and each asks ten times a second; every other
second the pointer names another release with the same content. Latency is from the moment that a question was due,
so that a reader who had to wait is not forgiven.
"""

import gc
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

from messaging.customers import Customers
from messaging.customers.published import from_tables
from messaging.customers.reader import CARD_ORDERS, CARD_TOUCHES
from messaging.settings import Settings, read_settings
from messaging.store import open_store
from pipelines.publishing.pointer import Pointer, read_pointer, write_pointer

READERS, A_SECOND, SECONDS, SWAP_EVERY = 8, 10, 20, 2.0
TOUCHES = 500
_BUSY = """
    SELECT customer_id FROM c360.customer_timeline GROUP BY customer_id HAVING count(*) >= $touches
    ORDER BY count(*), customer_id LIMIT 20
"""


@dataclass(frozen=True)
class Latencies:
    """One row: milliseconds of so many questions; `cpu` is what one cost this process, in ms of CPU."""

    name: str
    asked: int
    p50: float
    p99: float
    worst: float
    swaps: int
    cpu: float

    def sentence(self) -> str:
        """Say it in one line."""
        return (
            f"{self.name}: p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, worst {self.worst:.1f} ms of {self.asked:,}"
            f" questions by {READERS} readers, {self.cpu:.1f} CPU ms each, {self.swaps} releases swapped meanwhile."
        )

    @staticmethod
    def of(name: str, milliseconds: Sequence[float], swaps: int, cpu_seconds: float) -> "Latencies":
        """Sum up what was measured."""
        found = sorted(milliseconds)
        place = len(found) - 1
        middle, late = found[place // 2], found[round(place * 0.99)]
        cpu = cpu_seconds / len(found) * 1000
        return Latencies(name, len(found), middle, late, found[place], swaps, cpu)


def lookup_rows(home: Path) -> list[Latencies]:
    """Measure customers with some 500 touches on the release that a home has published."""
    settings = read_settings(home=home)
    with open_store(settings) as store:
        customers = Customers(settings, store, behind=True)  # as in the app
        people = [row["customer_id"] for row in customers.query(_BUSY, {"touches": TOUCHES})]
        if not people:
            return []
        return [
            _row(settings, f"the customer's card, {TOUCHES} touches", _card(customers, TOUCHES), people),
            _row(
                settings,
                f"the customer's card, {CARD_TOUCHES} touches",
                _card(customers, CARD_TOUCHES),
                people,
            ),
            _row(settings, f"the same {TOUCHES} table by table", partial(_tables, customers), people),
        ]


def _card(customers: Customers, limit: int) -> Callable[[str], object]:
    return partial(customers.get, limit=limit)


def _tables(customers: Customers, customer_id: str) -> object:
    """Read what a card has, and the store's tail is not laid over: what a release without cards costs at the least."""
    with customers.reader.snapshot() as snapshot:
        return from_tables(snapshot, customer_id, orders=CARD_ORDERS, touches=TOUCHES)


def _row(settings: Settings, name: str, ask: Callable[[str], object], people: Sequence[str]) -> Latencies:
    ask(people[0])
    gc.freeze()  # as the app does
    done, found, swaps = threading.Event(), list[float](), list[str]()
    readers = [
        threading.Thread(target=_paced, args=(ask, people, number, found)) for number in range(READERS)
    ]
    swapper = threading.Thread(target=_swap, args=(settings.releases_dir, done, swaps))
    began = time.process_time()
    for thread in [*readers, swapper]:
        thread.start()
    for thread in readers:
        thread.join()
    done.set()
    swapper.join()
    return Latencies.of(name, found, len(swaps), time.process_time() - began)


def _paced(ask: Callable[[str], object], people: Sequence[str], number: int, found: list[float]) -> None:
    chance = Random(number)  # noqa: S311 - which customer is asked for is no secret
    begin = time.perf_counter() + number / (READERS * A_SECOND)
    for turn in range(SECONDS * A_SECOND):
        due = begin + turn / A_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        ask(chance.choice(people))
        found.append((time.perf_counter() - due) * 1000)


def _swap(releases: Path, done: threading.Event, swaps: list[str]) -> None:
    """Let the pointer name the same release under another name, and in the end the one that it named."""
    pointer = read_pointer(releases)
    assert pointer is not None
    while not done.wait(SWAP_EVERY):
        other = _named_anew(releases, pointer, len(swaps))
        write_pointer(releases, other)
        swaps.append(other.file)
    write_pointer(releases, pointer)
    for name in swaps:
        (releases / name).unlink()


def _named_anew(releases: Path, pointer: Pointer, number: int) -> Pointer:
    file = f"{Path(pointer.file).stem}-again{number}.duckdb"
    os.link(releases / pointer.file, releases / file)
    return replace(pointer, version=f"{pointer.version}-again{number}", file=file)
