"""Runs the receiver: as a process (`python -m messaging.webhooks`), or inside a test or the demo."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from data_contracts.errors import StoreOutdatedError
from messaging import serving
from messaging.clock import Clock, follow_clock
from messaging.customers.reader import Customers
from messaging.inbox import FindCustomers
from messaging.settings import Settings
from messaging.store import Store, open_store
from messaging.webhooks.app import build_app
from messaging.webhooks.checking import Checker
from messaging.webhooks.media import Fetcher
from messaging.webhooks.owners import owners
from messaging.webhooks.raw import forget_often
from messaging.webhooks.readers import find_person

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PORT = 8011
ENDING_SECONDS = 5  # a file that takes longer to come is fetched again by the next process


@dataclass(frozen=True)
class RunningWebhooks:
    """Where a running receiver is found. Send with these `settings`: their public address is its own."""

    base_url: str
    settings: Settings

    @property
    def inbound_url(self) -> str:
        """Give where incoming messages are posted to, as a sandbox wants to know it."""
        return f"{self.base_url}/webhooks/twilio/inbound"


@contextmanager
def running(  # noqa: PLR0913 - what a receiver runs on
    settings: Settings,
    store: Store,
    clock: Clock | None = None,
    port: int = 0,
    find_customers: FindCustomers | None = None,
    *,
    checked: bool = True,
) -> Iterator[RunningWebhooks]:
    """Run the receiver in threads of this process while the block runs; port 0 takes a free one.

    Its public address is its own, whatever `settings` say. `find_customers` gives the customers who own a
    normalised address; left out, the release is asked. With `checked` the intakes are tried now and then. Raises
    ServiceError when the port is taken.
    """
    customers = Customers(settings, store)
    finder, person = find_customers or partial(owners, customers), partial(find_person, customers)
    at = clock or follow_clock(settings.home)

    def make(base_url: str) -> "ASGIApp":
        return build_app(_at(settings, base_url), store, at, finder, find_person=person)

    with (
        serving.running(make, port, trusted_proxies=settings.trusted_proxies) as base_url,
        background(_at(settings, base_url), store, at, checked=checked),
    ):
        yield RunningWebhooks(base_url, _at(settings, base_url))


def serve(settings: Settings, host: str, port: int) -> None:
    """Run the receiver until the process is told to stop.

    Raises StoreOutdatedError when the store was upgraded meanwhile: providers heard 503, and ask its successor again.
    """
    outdated: list[StoreOutdatedError] = []

    def end(error: StoreOutdatedError) -> None:
        outdated.append(error)
        signal.raise_signal(signal.SIGTERM)

    with open_store(settings) as store:
        customers, clock = Customers(settings, store), follow_clock(settings.home)
        finder, person = partial(owners, customers), partial(find_person, customers)
        app = build_app(settings, store, clock, finder, end, person)
        with background(settings, store, clock):
            serving.serve(app, host, port, settings.trusted_proxies)
    if outdated:
        raise outdated[0]


@contextmanager
def background(settings: Settings, store: Store, clock: Clock, *, checked: bool = True) -> Iterator[None]:
    """Do what no request waits for while the block runs: fetch files, check the intakes, forget old requests."""
    stop = threading.Event()
    works: list[Callable[[threading.Event], None]] = [
        Fetcher(settings, store, clock).run,
        *([Checker(settings, store, clock).run] if checked else []),
        partial(forget_often, store, clock),
    ]
    threads = [threading.Thread(target=work, args=(stop,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(ENDING_SECONDS)


def _at(settings: Settings, base_url: str) -> Settings:
    return settings.model_copy(update={"public_url": base_url})
