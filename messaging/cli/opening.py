"""What commands open: the store, the customers, the planner; closed again when the command ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from data_contracts.errors import NotFoundError
from messaging import audit
from messaging.clock import read_clock
from messaging.customers import CustomerCard, CustomerHit, Customers
from messaging.planner import Planner, build_planner
from messaging.settings import Settings
from messaging.store import Store, open_store

if TYPE_CHECKING:
    from messaging.webhooks.missed import MissedMessages

CERTAIN = 0.98  # an exact identifier; names score less
MOST_TOLD = 10  # ids of people where several are meant


@contextmanager
def opened_store(settings: Settings) -> Iterator[Store]:
    """Open the store, making or upgrading it where needed."""
    with open_store(settings) as store:
        yield store


@contextmanager
def opened_customers(settings: Settings) -> Iterator[Customers]:
    """Open the reader of customers."""
    with opened_store(settings) as store:
        customers = Customers(settings, store)
        try:
            yield customers
        finally:
            customers.close()


@contextmanager
def opened_planner(settings: Settings) -> Iterator[Planner]:
    """Open a planner."""
    with opened_store(settings) as store:
        planner = build_planner(settings, store=store)
        try:
            yield planner
        finally:
            planner.customers.close()


@contextmanager
def opened_customer(settings: Settings, who: str) -> Iterator[tuple[Customers, Store, CustomerCard]]:
    """Open the one customer that `who` names. Raises NotFoundError where it names nobody, or several."""
    with opened_store(settings) as store:
        customers = Customers(settings, store)
        try:
            hits = customers.find(who)
            chosen = only(hits)
            if chosen is None:
                raise _unclear(hits)
            yield customers, store, customers.get(chosen.customer_id)
        finally:
            customers.close()


@contextmanager
def opened_missed(settings: Settings, store: Store) -> "Iterator[MissedMessages]":
    """Open the look for messages that were not delivered to us."""
    from messaging.webhooks.missed import MissedMessages
    from messaging.webhooks.owners import owners

    customers = Customers(settings, store)
    try:
        yield MissedMessages(settings, store, read_clock(settings.home), partial(owners, customers))
    finally:
        customers.close()


def _unclear(hits: Sequence[CustomerHit]) -> NotFoundError:
    """Tell whether nobody was named or several people were, by their ids alone: what was asked for is nobody's business."""
    if not hits:
        return NotFoundError(
            "That names nobody.", "Give an id, an e-mail address or a telephone number that we know."
        )
    ids = [hit.customer_id for hit in hits]
    more = f" and {len(ids) - MOST_TOLD} more" if len(ids) > MOST_TOLD else ""
    return NotFoundError(
        f"That names {len(ids)} people: {', '.join(ids[:MOST_TOLD])}{more}.", "Give the id of one."
    )


def looked(
    settings: Settings, store: Store, actor: str, action: str, subject: str | None = None, **detail: int
) -> None:
    """Record that somebody looks at people, before they are shown: who cannot be recorded sees nothing."""
    with store.write() as connection:
        audit.record(connection, actor, action, subject, detail or None, at=read_clock(settings.home).now())


def only(hits: Sequence[CustomerHit]) -> CustomerHit | None:
    """Give the one that is meant: a single answer, or the only certain one."""
    certain = [hit for hit in hits if hit.score >= CERTAIN]
    if len(certain) == 1:
        return certain[0]
    return hits[0] if len(hits) == 1 else None
