"""Chats and calls: what customers say is stored once, HELP is answered by the outbox, and calls end as they ended."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from messaging import consent
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.store import Store
from messaging.store.tables import inbound_messages, messages
from messaging.store.tables_receiver import raw_requests
from messaging.webhooks import twilio
from messaging.webhooks.raw import KEPT, forget_old

CHATS = "/webhooks/twilio/conversations"
NOON = datetime.fromisoformat("2026-10-30T12:00")
CHAT = "CH" + "0" * 32


def said(body: str, sid: str = "IM1", **fields: str) -> dict[str, str]:
    base = {
        "EventType": "onMessageAdded",
        "ConversationSid": CHAT,
        "MessageSid": sid,
        "Author": "ada@example.com",
    }
    return {**base, "Body": body, "Source": "SDK", **fields}


def test_what_a_customer_says_in_a_chat_is_stored_once_under_its_conversation(
    post: Any, store: Store, owners: list[str]
) -> None:
    owners.append("cus_7")
    for _ in range(5):
        assert post.signed(CHATS, said("Where is my chair?")).status_code == 204
    with store.read() as connection:
        row = connection.execute(select(inbound_messages)).one()
    assert (row.channel, row.from_address, row.body, row.customer_id) == (
        "chat",
        CHAT,
        "Where is my chair?",
        "cus_7",
    )
    assert row.payload["Author"] == "ada@example.com"


def test_a_stop_in_a_chat_counts_for_the_conversation_and_help_is_answered_once(
    post: Any, store: Store, addresses: Addresses
) -> None:
    for _ in range(3):
        assert post.signed(CHATS, said("please stop sending me offers", sid="IM2")).status_code == 204
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(CHAT)], "chat")
        answer = connection.execute(select(messages)).one()
    assert (answer.channel, answer.address, answer.state) == ("chat", CHAT, "queued")
    assert (answer.message_class, answer.customer_id[:4]) == ("conversational", "inb_")
    assert "no more marketing" in answer.body


@pytest.mark.parametrize("fields", [{"Source": "API"}, {"EventType": "onConversationAdded"}])
def test_what_we_say_ourselves_and_other_events_are_no_messages(
    fields: dict[str, str], post: Any, kept: Any
) -> None:
    assert post.signed(CHATS, said("Hello") | fields).status_code == 204
    assert kept() == (0, 0)


@pytest.mark.parametrize(
    ("word", "state", "status"),
    [
        ("completed", "done", "delivered"),
        ("busy", "failed", "undelivered"),
        ("no-answer", "failed", "undelivered"),
    ],
)
def test_a_call_ends_as_twilio_says(
    word: str, state: str, status: str, post: Any, sent: Any, message_row: Any
) -> None:
    message_id = sent(channel="voice", provider_sid="CA1")
    for each in ("initiated", "ringing", "in-progress", word, "ringing"):
        form = {"CallSid": "CA1", "CallStatus": each, "To": "+447700900123", "From": "+15005550006"}
        assert post.signed(f"/webhooks/twilio/status?message={message_id}", form).status_code == 204
    assert (message_row(message_id).state, message_row(message_id).provider_status) == (state, status)


def test_what_we_cannot_work_upon_is_kept_byte_for_byte_and_acknowledged(
    post: Any, inbound_form: Any, store: Store, monkeypatch: pytest.MonkeyPatch, kept: Any
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(twilio.inbox, "record", broken)
        assert post.signed("/webhooks/twilio/inbound", inbound_form("Hello?")).status_code == 200
    with store.read() as connection:
        row = connection.execute(select(raw_requests)).one()
    assert (row.intake, row.failure) == ("twilio/inbound", "ZeroDivisionError")
    assert b"Body=Hello%3F" in row.body
    assert kept() == (0, 0)


def test_requests_are_kept_for_thirty_days(post: Any, inbound_form: Any, store: Store) -> None:
    post.signed("/webhooks/twilio/inbound", inbound_form("Hello?"))
    assert forget_old(store, Clock(NOON + KEPT)) == 0
    assert forget_old(store, Clock(NOON + KEPT + timedelta(seconds=1))) == 1
