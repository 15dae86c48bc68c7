"""How a message moves, and what is called back, to whom, in which order, with which signature."""

from typing import Any

import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings

SERVICE = "MG" + "a" * 32
FIELDS = {"MessageSid", "SmsSid", "MessageStatus", "SmsStatus", "To", "From", "AccountSid", "ApiVersion"}


def test_every_status_but_the_first_is_called_back_in_order(
    send: Any, box: RunningSandbox, listener: Any
) -> None:
    message = send(status_callback=listener.status_url)
    assert box.settle(5)
    assert listener.heard.statuses == ["sending", "sent", "delivered"]
    for call in listener.heard.calls:
        assert set(call["form"]) >= FIELDS
        assert call["form"]["MessageSid"] == call["form"]["SmsSid"] == message.sid
        assert call["url"].endswith("/status?message=msg_1")
    assert listener.heard.calls[-1]["form"]["RawDlrDoneDate"] == "2610301200"


def test_through_a_messaging_service_queued_is_called_back_too(
    send: Any, box: RunningSandbox, listener: Any
) -> None:
    send(from_=None, messaging_service_sid=SERVICE, status_callback=listener.status_url)
    assert box.settle(5)
    assert listener.heard.statuses == ["queued", "sending", "sent", "delivered"]
    assert {call["form"]["MessagingServiceSid"] for call in listener.heard.calls} == {SERVICE}
    assert listener.heard.calls[0]["form"]["From"] == "+15005550006"


def test_each_callback_is_signed_as_twilios_own_validator_wants_it(
    send: Any, box: RunningSandbox, listener: Any, box_settings: SandboxSettings
) -> None:
    send("Grüße 🌲 & more", status_callback=f"{listener.base_url}/a%20b?message=msg_1&x=%C3%A9&blank=")
    assert box.settle(5)
    validator = RequestValidator(box_settings.auth_token)
    assert len(listener.heard.calls) == 3
    for call in listener.heard.calls:
        assert validator.validate(call["url"], call["form"], call["headers"]["x-twilio-signature"])
        assert not validator.validate(call["url"] + "x", call["form"], call["headers"]["x-twilio-signature"])
        assert len(call["headers"]["i-twilio-idempotency-token"]) == 32


def test_no_callback_without_an_address(send: Any, box: RunningSandbox, listener: Any) -> None:
    send()
    assert box.settle(5)
    assert listener.heard.calls == []


def test_a_callback_fault_keeps_repeats_or_turns_the_callbacks(
    send: Any, box: RunningSandbox, listener: Any, fault: Any
) -> None:
    expected = {
        "no_callback": [],
        "double_callback": ["sending", "sending", "sent", "sent", "delivered", "delivered"],
        "reversed_callbacks": ["delivered", "sent", "sending"],
    }
    for kind, statuses in expected.items():
        listener.heard.calls.clear()
        fault(kind)
        send(status_callback=listener.status_url)
        assert box.settle(5)
        assert listener.heard.statuses == statuses, kind


@pytest.mark.parametrize(
    ("kind", "code", "statuses"),
    [
        ("undelivered", 30003, ["sending", "sent", "undelivered"]),
        ("failed", 30007, ["sending", "failed"]),
    ],
)
def test_a_message_that_does_not_arrive_says_why(
    kind: str,
    code: int,
    statuses: list[str],
    send: Any,
    box: RunningSandbox,
    listener: Any,
    fault: Any,
    twilio: Client,
) -> None:
    fault(kind, code=code)
    sid = send(status_callback=listener.status_url).sid
    assert box.settle(5)
    assert listener.heard.statuses == statuses
    assert listener.heard.calls[-1]["form"]["ErrorCode"] == str(code)
    assert twilio.messages(sid).fetch().error_code == code


def test_a_webhook_that_answers_with_an_error_is_not_called_again(
    send: Any, box: RunningSandbox, listener: Any
) -> None:
    listener.heard.answer = 500
    send(status_callback=listener.status_url)
    assert box.settle(5)
    assert len(listener.heard.calls) == 3
    assert box.sandbox.exchange.webhook_answers == {"500": 3}


def test_a_webhook_that_cannot_be_reached_does_not_hold_the_message_up(
    send: Any, box: RunningSandbox, twilio: Client
) -> None:
    sid = send(status_callback="http://127.0.0.1:9/status").sid
    assert box.settle(10)
    assert box.sandbox.exchange.webhook_answers == {"unreachable": 3}
    assert twilio.messages(sid).fetch().status == "delivered"
