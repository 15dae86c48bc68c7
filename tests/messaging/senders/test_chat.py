"""Chat: a message into a conversation, with our id in its attributes, by which it is found again."""

import json
from datetime import datetime
from typing import Any

import pytest

from messaging.senders.base import Accepted, OutboundMessage, Rejected
from messaging.senders.chat import ChatSender
from messaging.senders.twilio_account import TwilioAccount

SERVICE = "IS" + "2" * 32
CONVERSATION = "CH" + "3" * 32
MESSAGE = OutboundMessage("msg_1", "chat", CONVERSATION, "Shall we send another one?")


@pytest.fixture
def sender(account: TwilioAccount, api: Any) -> ChatSender:
    api.answer = (201, {"sid": "IM1"}, {})
    return ChatSender(account, SERVICE, "Harbour & Pine")


def test_a_message_goes_into_its_conversation_in_our_name(sender: ChatSender, api: Any) -> None:
    assert sender.send(MESSAGE) == Accepted("IM1", "sent")
    (asked,) = api.asked
    assert asked.path == f"/v1/Services/{SERVICE}/Conversations/{CONVERSATION}/Messages"
    assert asked.form == {
        "Author": "Harbour & Pine",
        "Body": "Shall we send another one?",
        "Attributes": '{"message_id": "msg_1"}',
    }


@pytest.mark.parametrize("address", ["+442079460000", "CH123", f"{CONVERSATION}/Messages", ""])
def test_what_is_no_conversation_is_refused_before_the_call(
    sender: ChatSender, api: Any, address: str
) -> None:
    outcome = sender.send(OutboundMessage("msg_1", "chat", address, "Hello"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "fix"
    assert api.asked == []


def test_only_what_carries_our_id_is_found_again(sender: ChatSender, api: Any) -> None:
    same = {"conversation_sid": CONVERSATION, "body": MESSAGE.body, "date_created": "2026-10-30T12:00:00Z"}
    listed = [
        same | {"sid": "IM3", "attributes": json.dumps({"message_id": "msg_2"})},
        same | {"sid": "IM2", "attributes": "{}"},
        same | {"sid": "IM1", "attributes": json.dumps({"message_id": "msg_1"})},
    ]
    api.answer = (200, {"messages": listed, "meta": {"key": "messages", "next_page_url": None}}, {})
    (found,) = sender.find(MESSAGE, datetime.fromisoformat("2026-10-30T11:59"))
    assert (found.sid, found.to, found.body) == ("IM1", CONVERSATION, MESSAGE.body)
