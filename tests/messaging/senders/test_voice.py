"""Calls: what is said is escaped, the callback names our message, and our own calls are found again."""

import xml.etree.ElementTree as ET
from datetime import datetime
from typing import Any

import pytest

from messaging.senders.base import Accepted, OutboundMessage, Rejected
from messaging.senders.twilio_account import TwilioAccount
from messaging.senders.voice import VoiceSender, say

ADA = "+442079460000"


@pytest.fixture
def sender(account: TwilioAccount, api: Any) -> VoiceSender:
    api.answer = (201, {"sid": "CA1", "status": "queued"}, {})
    return VoiceSender(account)


def _message(body: str = "Your order is ready.", **fields: Any) -> OutboundMessage:
    return OutboundMessage("msg_1", "voice", ADA, body, **fields)


def test_a_call_names_every_event_it_wants_and_our_message(sender: VoiceSender, api: Any) -> None:
    assert sender.send(_message()) == Accepted("CA1", "queued")
    (asked,) = api.asked
    assert asked.path.endswith("/Calls.json")
    assert [value for name, value in asked.pairs if name == "StatusCallbackEvent"] == [
        "initiated",
        "ringing",
        "answered",
        "completed",
    ]
    fields = {name: value for name, value in asked.pairs if name not in {"StatusCallbackEvent", "Twiml"}}
    assert fields == {
        "To": ADA,
        "From": "+15005550006",
        "Timeout": "30",
        "StatusCallback": "https://hooks.example.com/webhooks/twilio/status?message=msg_1#rc=5&rp=all",
        "StatusCallbackMethod": "POST",
    }


@pytest.mark.parametrize(
    "body", ["</Say><Dial>+15005550001</Dial>", "Marks & Spencer <3", "a\x00b\x1bc\ufffe"]
)
def test_what_is_said_never_becomes_a_command(body: str) -> None:
    response = ET.fromstring(say(_message(body, language="en-GB", voice="Polly.Amy")))  # noqa: S314 - our own
    (said,) = list(response)
    assert (said.tag, said.attrib) == ("Say", {"language": "en-GB", "voice": "Polly.Amy", "loop": "2"})
    assert len(said.text or "") == len(body)
    assert list(said) == []


def test_a_message_without_a_language_leaves_it_to_the_provider() -> None:
    assert ET.fromstring(say(_message()))[0].attrib == {"loop": "2"}  # noqa: S314 - our own


@pytest.mark.parametrize(("body", "told"), [(" ", "nothing to say"), ("word " * 900, "4000 are allowed")])
def test_what_cannot_be_said_is_refused_before_anybody_is_called(
    sender: VoiceSender, api: Any, body: str, told: str
) -> None:
    outcome = sender.send(_message(body))
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "fix"
    assert told in outcome.sentence
    assert api.asked == []


def test_our_own_calls_to_a_number_are_found_again(sender: VoiceSender, api: Any) -> None:
    item = {"sid": "CA1", "to": ADA, "status": "completed", "date_created": "Fri, 30 Oct 2026 12:00:00 +0000"}
    api.answer = (200, {"calls": [item], "page": 0, "page_size": 50, "next_page_uri": None}, {})
    (found,) = sender.find(_message(), datetime.fromisoformat("2026-10-30T11:59"))
    assert (found.sid, found.to, found.body, found.status) == (
        "CA1",
        ADA,
        "Your order is ready.",
        "completed",
    )
    assert {"To": ADA, "From": "+15005550006"}.items() <= api.asked[0].form.items()
