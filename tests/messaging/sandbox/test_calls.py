"""Calls: they ring and are answered or not, their TwiML is read, and each asked-for step is called back."""

from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.twiml import PARSE_FAILURE, SCHEMA_WARNING, read_twiml

PHONE = "+447700900123"
SENDER = "+15005550006"
HELLO = '<Response><Say language="en-GB" loop="2">Your order is ready &amp; waiting.</Say></Response>'
ALL = ["initiated", "ringing", "answered", "completed"]


@pytest.fixture
def call(twilio: Client) -> Any:
    def create(**fields: Any) -> Any:
        return twilio.calls.create(**({"to": PHONE, "from_": SENDER, "twiml": HELLO} | fields))

    return create


def _told(listener: Any) -> list[str]:
    return [one["form"]["CallStatus"] for one in listener.heard.calls]


def test_a_call_is_answered_and_every_step_is_told(call: Any, box: RunningSandbox, listener: Any) -> None:
    made = call(status_callback=listener.status_url, status_callback_event=ALL)
    assert (made.status, made.sid[:2]) == ("queued", "CA")
    assert box.settle(5)
    assert _told(listener) == ["initiated", "ringing", "in-progress", "completed"]
    last = listener.heard.calls[-1]["form"]
    assert (last["CallSid"], last["To"], last["SequenceNumber"]) == (made.sid, PHONE, "3")
    assert int(last["CallDuration"]) > 0
    (heard,) = box.sandbox.switchboard.of(PHONE)[0].script.heard
    assert (heard.words, heard.language, heard.loop) == ("Your order is ready & waiting.", "en-GB", 2)


def test_without_a_wish_only_the_end_is_told(call: Any, box: RunningSandbox, listener: Any) -> None:
    call(status_callback=listener.status_url)
    assert box.settle(5)
    assert _told(listener) == ["completed"]


@pytest.mark.parametrize(("habit", "told"), [("busy", "busy"), ("no-answer", "no-answer")])
def test_the_owner_of_a_phone_may_not_answer(
    call: Any, http: httpx.Client, box: RunningSandbox, listener: Any, habit: str, told: str
) -> None:
    http.post(f"/_sandbox/phones/{PHONE}/habit/{habit}").raise_for_status()
    made = call(status_callback=listener.status_url, status_callback_event=ALL)
    assert box.settle(5)
    assert _told(listener) == ["initiated", "ringing", told]
    assert box.sandbox.switchboard.get(made.sid).duration == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "told"), [("busy", "busy"), ("no_answer", "no-answer"), ("failed", "failed")]
)
def test_a_fault_decides_how_one_call_ends(
    call: Any, fault: Any, box: RunningSandbox, twilio: Client, kind: str, told: str
) -> None:
    fault(kind)
    first, second = call(), call()
    assert box.settle(5)
    assert twilio.calls(first.sid).fetch().status == told
    assert twilio.calls(second.sid).fetch().status == "completed"


def test_callbacks_may_come_twice_and_in_the_wrong_order(
    call: Any, fault: Any, box: RunningSandbox, listener: Any
) -> None:
    fault("double_callback")
    call(status_callback=listener.status_url)
    fault("reversed_callbacks")
    assert box.settle(5)
    assert _told(listener) == ["completed", "completed"]
    listener.heard.calls.clear()
    call(status_callback=listener.status_url, status_callback_event=ALL)
    assert box.settle(5)
    assert _told(listener) == ["completed", "in-progress", "ringing", "initiated"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "+15005550001"}, 21211),
        ({"to": "02079460000"}, 21211),
        ({"from_": "+15005550001"}, 21212),
        ({"twiml": ""}, 21205),
        ({"twiml": "x" * 4001}, 20001),
        ({"status_callback": "http://stranger.example.com/"}, 21609),
    ],
)
def test_what_twilio_refuses_is_refused(call: Any, fields: dict[str, str], code: int) -> None:
    with pytest.raises(TwilioRestException) as told:
        call(**fields)
    assert told.value.code == code


def test_calls_are_listed_newest_first_by_whom_they_went_to(call: Any, twilio: Client) -> None:
    sids = [call().sid for _ in range(3)]
    call(to="+447700900124")
    assert [one.sid for one in twilio.calls.stream(to=PHONE, page_size=2)] == sids[::-1]


def test_the_last_calls_are_kept_and_older_ones_forgotten(call: Any, box: RunningSandbox) -> None:
    object.__setattr__(box.sandbox.settings, "calls_kept", 2)
    sids = [call().sid for _ in range(4)]
    assert box.settle(5)
    assert [one.sid for one in box.sandbox.switchboard.newest_first()] == sids[:1:-1]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("hello", PARSE_FAILURE),
        ("<Say>hello</Say>", PARSE_FAILURE),
        ("<Response><Say>a</Response>", PARSE_FAILURE),
        ('<!DOCTYPE r [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>', PARSE_FAILURE),
        ("<Response><Shout>a</Shout></Response>", SCHEMA_WARNING),
        ('<Response><Say volume="9">a</Say></Response>', SCHEMA_WARNING),
        ('<Response><Say loop="²">a</Say></Response>', SCHEMA_WARNING),
        ("<Response><Say>a</Say><Hangup/><Shout/></Response>", None),
    ],
)
def test_twiml_is_read_as_strictly_as_it_is_meant(text: str, error: int | None) -> None:
    assert read_twiml(text).error == error
