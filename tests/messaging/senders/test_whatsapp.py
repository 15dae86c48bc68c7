"""WhatsApp: a template at any time, free words only while the window is open, plain numbers outside of it."""

import json
from datetime import datetime
from typing import Any

import pytest

from messaging.senders.base import Accepted, OutboundMessage, Rejected
from messaging.senders.twilio_account import TwilioAccount
from messaging.senders.whatsapp import WhatsAppSender

TEMPLATE = "HX" + "a" * 32
ADA = "+447700900123"


@pytest.fixture
def sender(account: TwilioAccount, api: Any) -> WhatsAppSender:
    api.answer = (201, {"sid": "SM1", "status": "queued", "num_segments": "1"}, {})
    return WhatsAppSender(account)


def test_a_template_goes_with_its_variables_and_nothing_beside_it(sender: WhatsAppSender, api: Any) -> None:
    message = OutboundMessage(
        "msg_1", "whatsapp", ADA, "Hello Zoë", content_sid=TEMPLATE, content_variables={"1": "Zoë"}
    )
    assert sender.send(message) == Accepted("SM1", "queued", 1)
    form = api.asked[0].form
    assert json.loads(form.pop("ContentVariables")) == {"1": "Zoë"}
    assert form == {
        "To": f"whatsapp:{ADA}",
        "From": "whatsapp:+15005550006",
        "ContentSid": TEMPLATE,
        "StatusCallback": "https://hooks.example.com/webhooks/twilio/status?message=msg_1#rc=5&rp=all",
    }


def test_free_words_go_while_the_window_is_open(sender: WhatsAppSender, api: Any) -> None:
    sender.send(OutboundMessage("msg_1", "whatsapp", ADA, "On its way.", window_open=True))
    form = api.asked[0].form
    assert form["Body"] == "On its way."
    assert "ContentSid" not in form


def test_free_words_never_leave_us_once_the_window_is_shut(sender: WhatsAppSender, api: Any) -> None:
    outcome = sender.send(OutboundMessage("msg_1", "whatsapp", ADA, "On its way."))
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.code) == ("fix", 63016)
    assert api.asked == []


def test_pictures_go_as_one_field_each(sender: WhatsAppSender, api: Any) -> None:
    urls = ("https://shop.example.com/a.jpg", "https://shop.example.com/b.jpg")
    sender.send(OutboundMessage("msg_1", "whatsapp", ADA, "", media_urls=urls, window_open=True))
    pairs = api.asked[0].pairs
    assert [value for name, value in pairs if name == "MediaUrl"] == list(urls)
    assert "Body" not in dict(pairs)


def _listed(body: str) -> dict[str, Any]:
    item = {"sid": "SM1", "to": f"whatsapp:{ADA}", "body": body, "status": "sent", "error_code": None}
    created = {"date_created": "Fri, 30 Oct 2026 12:00:00 +0000"}
    return {"messages": [item | created], "page": 0, "page_size": 50, "next_page_uri": None}


def test_what_was_accepted_is_found_under_the_plain_number(sender: WhatsAppSender, api: Any) -> None:
    api.answer = (200, _listed("Hello"), {})
    message = OutboundMessage("msg_1", "whatsapp", ADA, "Hello")
    (found,) = sender.find(message, datetime.fromisoformat("2026-10-30T11:59"))
    assert (found.to, found.body) == (ADA, "Hello")
    assert api.asked[0].form["To"] == f"whatsapp:{ADA}"


def test_a_message_that_the_provider_wrote_out_is_listed_as_it_reads(
    sender: WhatsAppSender, api: Any
) -> None:
    api.answer = (200, _listed("Hello, as the provider wrote it out"), {})
    message = OutboundMessage("msg_1", "whatsapp", ADA, "Hello")
    (found,) = sender.find(message, datetime.fromisoformat("2026-10-30T11:59"))
    assert (found.sid, found.body) == ("SM1", "Hello, as the provider wrote it out")
    assert sender.find(message, datetime.fromisoformat("2026-10-30T12:01")) == []
