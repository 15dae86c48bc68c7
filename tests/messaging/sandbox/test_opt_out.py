"""STOP, START and HELP, as Twilio handles them before anybody else does."""

from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from messaging.sandbox import keywords
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings

PHONE = "+447700900123"
SENDER = "+15005550006"


def write(http: httpx.Client, body: str, to: str = SENDER) -> None:
    http.post(f"/_sandbox/phones/{PHONE}/messages", json={"body": body, "to": to}).raise_for_status()


def last(box: RunningSandbox) -> tuple[str, str]:
    message = box.sandbox.exchange.thread(PHONE)[-1]
    return message.direction, message.body


@pytest.mark.parametrize("word", [*sorted(keywords.STOP), " stop ", "Stop"])
def test_a_stop_word_blocks_further_messages_from_that_number(
    word: str, send: Any, http: httpx.Client, box: RunningSandbox
) -> None:
    send()
    write(http, word)
    assert last(box) == ("outbound-reply", keywords.STOP_REPLY)
    with pytest.raises(TwilioRestException) as refused:
        send()
    assert (refused.value.status, refused.value.code) == (400, 21610)
    assert send(from_="+15005550010").status == "queued"


@pytest.mark.parametrize("words", ["STOP PLEASE", "please don't stop my order", "stopp", ""])
def test_only_a_single_word_blocks(words: str, send: Any, http: httpx.Client) -> None:
    write(http, words)
    assert send().status == "queued"


def test_stop_blocks_the_messaging_service_that_sends_from_this_number(send: Any, http: httpx.Client) -> None:
    write(http, "STOP")
    with pytest.raises(TwilioRestException) as refused:
        send(from_=None, messaging_service_sid="MG" + "b" * 32)
    assert refused.value.code == 21610


def test_start_lets_messages_through_again(send: Any, http: httpx.Client, box: RunningSandbox) -> None:
    write(http, "STOP")
    write(http, "start")
    assert last(box) == ("outbound-reply", keywords.START_REPLY)
    assert send().status == "queued"


def test_nobody_is_told_twice_that_they_stopped_or_started(http: httpx.Client, box: RunningSandbox) -> None:
    write(http, "YES")
    write(http, "STOP")
    write(http, "STOP")
    replies = [one.body for one in box.sandbox.exchange.thread(PHONE) if one.direction == "outbound-reply"]
    assert replies == [keywords.STOP_REPLY]


def test_help_is_answered(http: httpx.Client, box: RunningSandbox) -> None:
    write(http, "help")
    assert last(box) == ("outbound-reply", keywords.HELP_REPLY)


def test_what_a_person_writes_reaches_the_webhook_signed_also_when_it_is_stop(
    http: httpx.Client, box: RunningSandbox, listener: Any, box_settings: SandboxSettings
) -> None:
    for body in ("Is it made of oak? 🌲", "STOP", "unstop", "INFO"):
        write(http, body)
    assert box.settle(5)
    forms = [call["form"] for call in listener.heard.calls]
    assert [form.get("OptOutType") for form in forms] == [None, "STOP", "START", "HELP"]
    assert forms[0]["Body"] == "Is it made of oak? 🌲"
    assert (forms[0]["From"], forms[0]["To"], forms[0]["NumMedia"]) == (PHONE, SENDER, "0")
    assert len({form["MessageSid"] for form in forms}) == 4
    validator = RequestValidator(box_settings.auth_token)
    for call in listener.heard.calls:
        assert validator.validate(call["url"], call["form"], call["headers"]["x-twilio-signature"])


def test_a_webhook_that_is_down_does_not_undo_a_stop(
    box_settings: SandboxSettings, send: Any, http: httpx.Client, listener: Any, box: RunningSandbox
) -> None:
    listener.heard.answer = 503
    write(http, "STOP")
    assert box.settle(5)
    with pytest.raises(TwilioRestException):
        send()
