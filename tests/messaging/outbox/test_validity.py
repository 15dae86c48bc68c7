"""The night is kept at the provider as well: marketing goes along with how long it may wait there."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.senders.twilio import TwilioSender
from messaging.senders.twilio_account import TwilioAccount
from messaging.store import Store

EVENING = datetime.fromisoformat("2026-10-30T19:50")  # a Friday; London is on UTC


def _sender(wire: Any) -> dict[str, Any]:
    account = TwilioAccount("AC" + "1" * 32, "token", wire.url, "https://h.example.com", "+15005550006")
    return {"sms": TwilioSender(account)}


@pytest.mark.parametrize(("at", "seconds"), [("19:50", 585), ("12:00", 28_785), ("09:00", 36_000)])
def test_marketing_may_wait_at_the_provider_until_its_hours_end(
    store: Store, outbox_of: Any, wire: Any, at: str, seconds: int
) -> None:
    outbox_of.put()
    dispatch_once(store, _sender(wire), Clock(datetime.fromisoformat(f"2026-10-30T{at}")))
    ((_, _, form, _),) = wire.requests
    assert int(form["ValidityPeriod"]) == seconds


def test_in_the_last_minute_no_marketing_is_handed_over(store: Store, outbox_of: Any, wire: Any) -> None:
    (message_id,) = outbox_of.put()
    dispatch_once(store, _sender(wire), Clock(EVENING + timedelta(minutes=9, seconds=30)))
    row = outbox_of.row(message_id)
    assert (row.state, row.reason) == ("queued", "quiet_hours")
    assert row.send_after > EVENING + timedelta(hours=10)
    assert wire.requests == []


def test_the_first_zone_whose_hours_end_counts(store: Store, outbox_of: Any, wire: Any) -> None:
    outbox_of.put(time_zone="Europe/Berlin")  # an hour ahead of the number's own
    dispatch_once(store, _sender(wire), Clock(datetime.fromisoformat("2026-10-30T18:00")))
    ((_, _, form, _),) = wire.requests
    assert int(form["ValidityPeriod"]) == 3_585


def test_a_receipt_waits_for_as_long_as_it_has_to(store: Store, outbox_of: Any, wire: Any) -> None:
    outbox_of.put(message_class="transactional", purpose="service")
    dispatch_once(store, _sender(wire), Clock(EVENING + timedelta(hours=4)))
    ((_, _, form, _),) = wire.requests
    assert "ValidityPeriod" not in form
