"""Misfortunes on demand: what the client sees, and what was accepted all the same."""

import time
from typing import Any

import httpx
import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from messaging.sandbox.server import RunningSandbox

PHONE = "+447700900123"


def summary(http: httpx.Client) -> dict[str, Any]:
    document: dict[str, Any] = http.get("/_sandbox/summary").json()
    return document


@pytest.mark.parametrize(("kind", "answer"), [("reject_429", (429, 20429)), ("error_500", (500, 20500))])
def test_a_refusal_beforehand_accepts_nothing_and_falls_only_as_often_as_asked(
    kind: str, answer: tuple[int, int], send: Any, fault: Any, http: httpx.Client
) -> None:
    fault(kind, count=2)
    for _ in range(2):
        with pytest.raises(TwilioRestException) as refused:
            send()
        assert (refused.value.status, refused.value.code) == answer
    assert summary(http)["accepted"] == 0
    assert send().status == "queued"


def test_an_error_afterwards_hides_that_the_message_was_accepted(
    send: Any, fault: Any, http: httpx.Client, box: RunningSandbox
) -> None:
    fault("error_500_after")
    with pytest.raises(TwilioRestException) as refused:
        send()
    assert refused.value.status == 500
    assert box.settle(5)
    assert summary(http)["by_status"] == {"delivered": 1}


@pytest.mark.parametrize(("kind", "accepted"), [("drop", 0), ("drop_after", 1)])
def test_a_broken_connection_leaves_the_caller_without_a_word(
    kind: str, accepted: int, send: Any, fault: Any, http: httpx.Client
) -> None:
    fault(kind)
    with pytest.raises(requests.exceptions.ConnectionError):
        send()
    assert summary(http)["accepted"] == accepted
    assert send("next").status == "queued"


def test_a_late_answer_comes_after_the_message_was_accepted(send: Any, fault: Any, twilio: Client) -> None:
    fault("delay", seconds=3)
    twilio.http_client.timeout = 0.3
    started = time.monotonic()
    with pytest.raises(requests.exceptions.Timeout):
        send()
    assert time.monotonic() - started < 2
    twilio.http_client.timeout = 10
    assert len(twilio.messages.list(to=PHONE)) == 1


def test_a_fault_can_be_meant_for_one_number(send: Any, fault: Any) -> None:
    fault("reject_429", to="+447700900999")
    assert send().status == "queued"
    with pytest.raises(TwilioRestException):
        send(to="+447700900999")


def test_faults_are_shown_and_can_be_cleared(fault: Any, http: httpx.Client, send: Any) -> None:
    fault("reject_429", count=3)
    assert [(one["kind"], one["count"]) for one in http.get("/_sandbox/faults").json()] == [("reject_429", 3)]
    assert http.delete("/_sandbox/faults").status_code == 204
    assert send().status == "queued"


def test_an_unknown_fault_is_refused(http: httpx.Client) -> None:
    assert http.post("/_sandbox/faults", json={"kind": "earthquake"}).status_code == 422


def test_the_summary_tells_a_message_sent_twice_from_two_messages(
    send: Any, http: httpx.Client, listener: Any
) -> None:
    send("Hello", status_callback=f"{listener.base_url}/?message=msg_1")
    send("Hello", status_callback=f"{listener.base_url}/?message=msg_2")
    assert (summary(http)["accepted"], summary(http)["distinct"]) == (2, 2)
    twice = send("Hello", status_callback=f"{listener.base_url}/?message=msg_2")
    counted = summary(http)
    assert (counted["accepted"], counted["distinct"]) == (3, 2)
    assert [one["count"] for one in counted["duplicates"]] == [2]
    assert twice.sid in counted["duplicates"][0]["sids"]
    send("Bye")
    send("Bye")
    assert summary(http)["distinct"] == 3


def test_settling_waits_for_the_last_callback(send: Any, http: httpx.Client, listener: Any) -> None:
    send(status_callback=listener.status_url)
    assert http.get("/_sandbox/settle", params={"seconds": 5}).json() == {"settled": True}
    assert len(listener.heard.calls) == 3
    assert summary(http)["pending"] == 0
    assert summary(http)["webhook_answers"] == {"204": 3}
