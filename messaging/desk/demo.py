"""The demo's clock: moved on by whoever wants to see what the next hours bring."""

from datetime import datetime, timedelta

from data_contracts.errors import RefusedError
from messaging import audit
from messaging.clock import pin_clock, read_clock
from messaging.settings import Settings
from messaging.store import Store

STEP = timedelta(hours=1)


def move_on(settings: Settings, store: Store, *, actor: str) -> datetime:
    """Move the clock of a demo on by an hour; give the new moment (naive UTC). Raises RefusedError where it is no demo."""
    clock = read_clock(settings.home)
    if clock.pinned_at is None:
        raise RefusedError("This company goes by the real time.", "Only a demo's clock can be moved.")
    later = clock.pinned_at + STEP
    with store.write() as connection:
        audit.record(connection, actor, "demo.clock", detail={"to": later.isoformat()}, at=later)
        pin_clock(settings.home, later)  # last: a refusal or a failure leaves the hour as it was
    return later
