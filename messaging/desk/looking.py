"""Who looked at whom: a page that shows a person, or many, tells it here first, once a visit."""

from messaging import audit
from messaging.clock import Clock
from messaging.store import Store


def look(store: Store, clock: Clock, customer_id: str, *, actor: str) -> None:
    """Take down that somebody looked at a customer."""
    with store.write() as connection:
        audit.record(connection, actor, "customer.look", customer_id, at=clock.now())


def searched(store: Store, clock: Clock, found: int, *, actor: str) -> None:
    """Take down that somebody was shown several people; whom they searched for is nobody's business."""
    with store.write() as connection:
        audit.record(connection, actor, "customer.search", detail={"found": found}, at=clock.now())


def look_at_run(store: Store, clock: Clock, run_id: str, part: str, *, actor: str) -> None:
    """Take down that somebody looked at a run's people or messages; `part` says at which of them."""
    with store.write() as connection:
        audit.record(connection, actor, "campaign.look", run_id, {"part": part}, at=clock.now())
