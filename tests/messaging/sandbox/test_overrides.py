"""How often a webhook is posted: by what stands behind `#` in its address, as Twilio reads it."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI, Response
from twilio.request_validator import RequestValidator

from messaging.sandbox.overrides import Overrides, overrides_of
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings
from messaging.senders.twilio_account import ASK_AGAIN

STATUSES = ["sending", "sent", "delivered"]


def test_a_callback_that_was_answered_503_once_arrives_the_second_time(
    send: Any, box: RunningSandbox, listener: Any, box_settings: SandboxSettings
) -> None:
    listener.heard.first = [503]
    send(status_callback=listener.status_url + ASK_AGAIN)
    assert box.settle(5)
    assert listener.heard.statuses == ["sending", *STATUSES]
    assert box.sandbox.exchange.webhook_answers == {"204": 3}
    first, again = (call["headers"] for call in listener.heard.calls[:2])
    assert first["i-twilio-idempotency-token"] == again["i-twilio-idempotency-token"]
    validator = RequestValidator(box_settings.auth_token)
    for call in listener.heard.calls:  # the fragment is neither requested nor signed
        assert "#" not in call["url"]
        assert validator.validate(call["url"], call["form"], call["headers"]["x-twilio-signature"])


@pytest.mark.parametrize(
    ("fragment", "answer", "posts"),
    [
        ("", 503, 1),
        ("#rc=5", 503, 1),  # by itself only where no connection came about
        ("#rc=5&rp=ct,rt", 503, 1),
        ("#rc=2&rp=5xx", 503, 3),
        ("#rc=2&rp=4xx,5xx", 404, 3),
        ("#rc=2&rp=5xx", 404, 1),
        ("#rc=0&rp=all", 503, 1),
        ("#rc=5&rp=all", 503, 6),
        ("#rc=5&rp=all", 204, 1),
    ],
)
def test_it_is_posted_as_often_as_its_address_asks_for(
    fragment: str, answer: int, posts: int, send: Any, box: RunningSandbox, listener: Any
) -> None:
    listener.heard.answer = answer
    send(status_callback=listener.status_url + fragment)
    assert box.settle(10)
    assert listener.heard.statuses == [status for status in STATUSES for _ in range(posts)]
    assert box.sandbox.exchange.webhook_answers == {str(answer): 3}


@pytest.fixture
def slow(listener: Any, listening: Any) -> list[str]:
    """Let the listener answer 503 after 0.4 seconds; give what came to it."""
    came: list[str] = []
    listening[0].app = FastAPI()

    @listening[0].app.post("/{path:path}")
    async def take_long(path: str) -> Response:
        came.append(path)
        await asyncio.sleep(0.4)
        return Response(status_code=503)

    return came


@pytest.mark.parametrize(("fragment", "posts"), [("#rt=100", 1), ("#rt=100&rp=rt", 2)])
def test_one_that_is_not_answered_in_time_is_posted_again_where_its_address_asks_for_it(
    fragment: str, posts: int, send: Any, box: RunningSandbox, listener: Any, slow: list[str]
) -> None:
    send(status_callback=listener.status_url + fragment)
    assert box.settle(10)
    assert len(slow) == 3 * posts
    assert box.sandbox.exchange.webhook_answers == {"broken": 3}


def test_all_tries_together_end_in_the_time_that_its_address_allows(
    send: Any, box: RunningSandbox, listener: Any, slow: list[str]
) -> None:
    send(status_callback=listener.status_url + "#rc=5&rp=all&tt=1000")
    assert box.settle(10)
    assert 3 < len(slow) <= 9  # three times 0.4 seconds are more than one


def test_an_address_is_read_as_twilio_reads_it() -> None:
    usual = Overrides(1, frozenset({"ct"}), 5.0, 15.0, 15.0)
    assert overrides_of("https://a.example/x?y=1") == usual
    asked = overrides_of("https://a.example/x#ct=200&rt=3000&tt=4000&rc=5&rp=4xx,5xx&e=dublin&sni=y")
    assert asked == Overrides(5, frozenset({"4xx", "5xx"}), 0.2, 3.0, 4.0)
    every = {"4xx", "5xx", "ct", "rt"}
    assert overrides_of("https://a.example/x#rp=all").policy == every
    for senseless in ("#rc=6", "#rc=-1", "#rc=²", "#tt=99999", "#ct=1", "#rp=never", "#rc", "#"):
        assert overrides_of("https://a.example/x" + senseless) == usual, senseless
