"""What a sender gets of a stored message: all that goes along, and whether WhatsApp's window is open."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import inbound_messages

NOON = datetime.fromisoformat("2026-10-30T12:00")
SERVICE = {"message_class": "transactional", "purpose": "service"}


def _wrote(store: Store, outbox_of: Any, address: str, channel: str, hours: float) -> None:
    with store.write() as connection:
        connection.execute(
            insert(inbound_messages).values(
                inbound_id=new_id("inb"),
                provider="twilio",
                provider_sid=new_id("SM"),
                channel=channel,
                from_address=address,
                to_address="+15005550006",
                address_hash=outbox_of.addresses.hash(address),
                body="Hello",
                received_at=NOON - timedelta(hours=hours),
                payload={},
            )
        )


def _sent(store: Store, provider: Any, channel: str) -> Any:
    dispatch_once(store, {channel: provider}, Clock(NOON))
    (message,) = provider.accepted
    return message


def test_what_was_planned_along_with_the_words_reaches_the_sender(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    parts = {
        "media_urls": ["https://shop.example.com/a.jpg"],
        "content_sid": "HX" + "a" * 32,
        "content_variables": {"1": "Zoë"},
        "language": "en-GB",
        "voice": "Polly.Amy",
    }
    outbox_of.put(channel="whatsapp", parts=parts, **SERVICE)
    message = _sent(store, provider, "whatsapp")
    assert message.media_urls == ("https://shop.example.com/a.jpg",)
    assert (message.content_sid, message.content_variables) == ("HX" + "a" * 32, {"1": "Zoë"})
    assert (message.language, message.voice) == ("en-GB", "Polly.Amy")


def test_a_message_without_anything_along_has_nothing(store: Store, outbox_of: Any, provider: Any) -> None:
    outbox_of.put()
    message = _sent(store, provider, "sms")
    assert (message.media_urls, message.content_sid, message.content_variables) == ((), None, {})
    assert message.window_open is False


@pytest.mark.parametrize(
    ("channel", "hours", "is_open"),
    [("whatsapp", 0.1, True), ("whatsapp", 23.9, True), ("whatsapp", 23.95, False), ("sms", 0.1, False)],
)
def test_the_window_is_open_for_a_day_after_the_persons_own_words_on_whatsapp(
    store: Store, outbox_of: Any, provider: Any, channel: str, hours: float, *, is_open: bool
) -> None:
    address = "+447700900123"
    _wrote(store, outbox_of, address, channel, hours)
    outbox_of.put(channel="whatsapp", address=address, **SERVICE)
    report = dispatch_once(store, {"whatsapp": provider}, Clock(NOON))
    assert [message.window_open for message in provider.accepted] == ([True] if is_open else [])
    assert report.skipped == ({} if is_open else {"whatsapp_window": 1})


def test_somebody_elses_words_open_no_window(store: Store, outbox_of: Any, provider: Any) -> None:
    _wrote(store, outbox_of, "+447700900199", "whatsapp", 1)
    outbox_of.put(channel="whatsapp", address="+447700900123", **SERVICE)
    assert dispatch_once(store, {"whatsapp": provider}, Clock(NOON)).skipped == {"whatsapp_window": 1}
