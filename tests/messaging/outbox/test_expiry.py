"""Marketing has an end: what waited too long is skipped with a sentence, whatever it waited for."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")


@pytest.mark.parametrize(
    ("content", "of_a_run", "days", "goes"),
    [
        ({}, True, 6, True),
        ({}, True, 7, False),
        ({}, False, 7, False),
        ({"expires_after_days": 30}, True, 29, True),
        ({"expires_after_days": 30}, True, 30, False),
        ({"expires_after_days": 1}, True, 1, False),
    ],
)
def test_marketing_goes_no_later_than_its_campaign_allows(
    store: Store,
    outbox_of: Any,
    provider: Any,
    content: dict[str, int],
    *,
    of_a_run: bool,
    days: int,
    goes: bool,
) -> None:
    """A run that was paused, or that waited for a contract or a budget, went out months later as it was."""
    (message_id,) = outbox_of.put(run_id=outbox_of.run(content=content) if of_a_run else None)
    dispatch_once(store, {"sms": provider}, Clock(NOON + timedelta(days=days)))
    assert provider.calls == int(goes)
    row = outbox_of.row(message_id)
    assert (row.state, row.reason) == (("accepted", None) if goes else ("skipped", "expired"))
    assert goes or "too old to go" in row.detail


def test_a_receipt_does_not_grow_old(store: Store, outbox_of: Any, provider: Any) -> None:
    outbox_of.put(message_class="transactional", purpose="service")
    dispatch_once(store, {"sms": provider}, Clock(NOON + timedelta(days=60)))
    assert provider.calls == 1
