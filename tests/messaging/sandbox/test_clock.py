"""Time that passes at once: WhatsApp's window shuts, and what was scheduled goes."""

import time
from datetime import timedelta
from typing import Any

import httpx
from twilio.rest import Client

from messaging.sandbox.server import RunningSandbox

ADA = "whatsapp:+447700900123"
SHOP = "whatsapp:+15005550006"
DAY = 86_400


def _forward(http: httpx.Client, seconds: float) -> None:
    http.post("/_sandbox/clock", json={"forward_seconds": seconds}).raise_for_status()


def test_the_window_shuts_a_day_after_the_persons_own_words(
    twilio: Client, http: httpx.Client, box: RunningSandbox
) -> None:
    http.post(f"/_sandbox/phones/{ADA}/messages", json={"body": "Hello", "to": SHOP}).raise_for_status()
    ends = []
    for seconds in (DAY - 60, 120):
        _forward(http, seconds)
        made = twilio.messages.create(to=ADA, from_=SHOP, body="Hello to you")
        assert box.settle(5)
        ends.append(twilio.messages(made.sid).fetch().status)
    assert ends == ["delivered", "failed"]


def test_what_was_scheduled_goes_when_its_time_has_come(
    twilio: Client, http: httpx.Client, box: RunningSandbox, now: Any
) -> None:
    made = twilio.messages.create(
        to="+447700900123",
        messaging_service_sid="MG" + "a" * 32,
        body="Later",
        schedule_type="fixed",
        send_at=now() + timedelta(hours=2),
    )
    _forward(http, 3600)
    assert twilio.messages(made.sid).fetch().status == "scheduled"
    _forward(http, 3600)
    patience = time.monotonic() + 10
    while twilio.messages(made.sid).fetch().status == "scheduled" and time.monotonic() < patience:
        time.sleep(0.01)
    assert box.settle(5)
    assert twilio.messages(made.sid).fetch().status == "delivered"


def test_time_never_goes_back(http: httpx.Client) -> None:
    assert http.post("/_sandbox/clock", json={"forward_seconds": -1}).status_code == 422
