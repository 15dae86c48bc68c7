"""Chats: the company writes by the API, the customer answers, and the company is told."""

from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.signing import signature

SERVICE = "IS" + "0" * 32


@pytest.fixture
def chat(twilio: Client) -> Any:
    service = twilio.conversations.v1.services(SERVICE)
    return service.conversations(service.conversations.create(friendly_name="Ada").sid)


def test_what_the_company_writes_is_kept_and_listed(chat: Any, twilio: Client) -> None:
    for number in range(3):
        made = chat.messages.create(author="Shop", body=f"Hello {number}", attributes='{"message_id": "m"}')
        assert (made.sid[:2], made.index, made.author) == ("IM", number, "Shop")
    listed = list(chat.messages.stream(order="desc", page_size=2))
    assert [one.body for one in listed] == ["Hello 2", "Hello 1", "Hello 0"]
    assert listed[0].attributes == '{"message_id": "m"}'


@pytest.mark.parametrize(
    "fields", [{"body": ""}, {"body": "x" * 1601}, {"body": "x", "attributes": "no json"}]
)
def test_what_twilio_refuses_is_refused(chat: Any, fields: dict[str, str]) -> None:
    with pytest.raises(TwilioRestException) as told:
        chat.messages.create(**fields)
    assert told.value.code == 20001


def test_a_conversation_that_is_not_there_is_not_found(twilio: Client) -> None:
    absent = twilio.conversations.v1.services(SERVICE).conversations("CH" + "0" * 32)
    with pytest.raises(TwilioRestException) as told:
        absent.messages.create(body="Hello")
    assert told.value.status == 404


def test_what_the_customer_writes_reaches_the_webhook_signed(
    chat: Any, http: httpx.Client, box: RunningSandbox, listener: Any
) -> None:
    object.__setattr__(box.sandbox.settings, "conversations_url", f"{listener.base_url}/chat")
    sid = chat.fetch().sid
    form = {"author": "ada", "body": "<b>Where is it?</b>"}
    http.post(f"/_sandbox/conversations/{sid}/messages", json=form).raise_for_status()
    assert box.settle(5)
    (told,) = listener.heard.calls
    assert told["form"]["EventType"] == "onMessageAdded"
    assert (told["form"]["ConversationSid"], told["form"]["Body"]) == (sid, "<b>Where is it?</b>")
    token = box.sandbox.settings.auth_token
    assert told["headers"]["x-twilio-signature"] == signature(token, told["url"], told["form"])


def test_the_last_messages_are_kept_and_older_ones_forgotten(box: RunningSandbox) -> None:
    conversations = box.sandbox.conversations
    sid, kept = conversations.open("Ada").sid, box.sandbox.settings.conversation_messages_kept
    for number in range(kept + 3):
        conversations.write(sid, {"Body": str(number)})
    bodies = [message.body for message in conversations.messages(sid)]
    assert (len(bodies), bodies[0], bodies[-1]) == (kept, "3", str(kept + 2))
