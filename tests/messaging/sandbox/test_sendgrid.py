"""The SendGrid look-alike: what it takes and refuses, the events it tells, and their signature."""

import base64
import json
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from fastapi import FastAPI, Request, Response

from messaging.sandbox.server import RunningSandbox

MAIL: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ada@example.com"}], "custom_args": {"message_id": "msg_1"}}],
    "from": {"email": "hello@shop.example.com", "name": "Harbour & Pine"},
    "subject": "Für Sie",
    "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
    "categories": ["marketing"],
    "headers": {"List-Unsubscribe": "<http://127.0.0.1/u/1>"},
}
AUTH = {"Authorization": "Bearer SG.any"}


@pytest.fixture
def raw(listening: Any, box: RunningSandbox) -> list[tuple[bytes, dict[str, str]]]:
    """Listen to webhooks as bytes; give what comes."""
    stage, base_url = listening
    heard: list[tuple[bytes, dict[str, str]]] = []
    stage.app = FastAPI()

    @stage.app.post("/{path:path}")
    async def take(request: Request, path: str) -> Response:
        heard.append((await request.body(), dict(request.headers)))
        return Response(status_code=204)

    for name in ("sendgrid_events_url", "sendgrid_inbound_url"):
        object.__setattr__(box.sandbox.settings, name, f"{base_url}/{name}")
    return heard


@pytest.fixture
def post(http: httpx.Client) -> Callable[..., httpx.Response]:
    def send(**changes: Any) -> httpx.Response:
        return http.post("/v3/mail/send", json=MAIL | changes, headers=AUTH)

    return send


def _events(raw: list[tuple[bytes, dict[str, str]]]) -> list[dict[str, Any]]:
    return [event for body, _ in raw for event in json.loads(body)]


def test_a_mail_lies_in_its_mailbox_and_its_events_are_told(
    post: Any, box: RunningSandbox, raw: list[tuple[bytes, dict[str, str]]]
) -> None:
    answer = post()
    assert (answer.status_code, answer.content) == (202, b"")
    assert box.settle(5)
    (mail,) = box.sandbox.mailbox.newest_first()
    parsed = mail.parse()
    assert isinstance(parsed, EmailMessage)
    assert (parsed["To"], parsed["Subject"]) == ("ada@example.com", "Für Sie")
    assert parsed["List-Unsubscribe"] == "<http://127.0.0.1/u/1>"
    assert parsed.get_body(("html",)).get_content().strip() == "<p>Hello</p>"  # type: ignore[union-attr]
    told = _events(raw)
    assert [one["event"] for one in told] == ["processed", "delivered"]
    for one in told:
        assert (one["email"], one["message_id"], one["category"]) == (
            "ada@example.com",
            "msg_1",
            ["marketing"],
        )
        assert one["sg_message_id"].startswith(answer.headers["X-Message-Id"] + ".")
    assert len({one["sg_event_id"] for one in told}) == 2


def test_events_are_signed_over_the_timestamp_and_the_very_bytes(
    post: Any, http: httpx.Client, box: RunningSandbox, raw: list[tuple[bytes, dict[str, str]]]
) -> None:
    post()
    assert box.settle(5)
    shown = http.get("/v3/user/webhooks/event/settings/signed", headers=AUTH).json()["public_key"]
    key = load_der_public_key(base64.b64decode(shown))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    for body, headers in raw:
        signature = base64.b64decode(headers["x-twilio-email-event-webhook-signature"])
        timestamp = headers["x-twilio-email-event-webhook-timestamp"].encode()
        key.verify(signature, timestamp + body, ec.ECDSA(hashes.SHA256()))
        with pytest.raises(InvalidSignature):
            key.verify(signature, timestamp + body + b" ", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (["bounce"], ["processed", "bounce"]),
        (["dropped"], ["dropped"]),
        (["deferred"], ["processed", "deferred", "delivered"]),
        (["spam_report"], ["processed", "delivered", "spamreport"]),
        (["machine_open"], ["processed", "delivered", "open"]),
        (["double_callback"], ["processed", "processed", "delivered", "delivered"]),
        (["reversed_callbacks"], ["delivered", "processed"]),
        (["no_callback"], []),
    ],
)
def test_faults_decide_what_is_told(
    post: Any,
    fault: Any,
    box: RunningSandbox,
    raw: list[tuple[bytes, dict[str, str]]],
    kinds: list[str],
    told: list[str],
) -> None:
    for kind in kinds:
        fault(kind, to="ada@example.com")
    assert post().status_code == 202
    assert box.settle(5)
    assert [one["event"] for one in _events(raw)] == told
    assert len(box.sandbox.mailbox.newest_first()) == (0 if told[-1:] in (["bounce"], ["dropped"]) else 1)
    assert all(one["sg_machine_open"] for one in _events(raw) if one["event"] == "open")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "personalizations.0.to.0.email"),
        (
            {"personalizations": [{"to": [{"email": "a@x.com"}, {"email": "A@x.com"}]}]},
            "personalizations.0.to.1",
        ),
        (
            {"personalizations": [{"to": [{"email": "a@x.com"}], "custom_args": {"n": 7}}]},
            "personalizations.0.custom_args",
        ),
        ({"from": {"name": "nobody"}}, "from"),
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"content": MAIL["content"][::-1]}, "content"),
        ({"headers": {"Subject": "another"}}, "headers"),
        ({"headers": {"X-A": "b\r\nBcc: c@example.com"}}, "headers"),
        ({"categories": ["a", "a"]}, "categories"),
        ({"custom_args": {"n": "x" * 10_001}}, "custom_args"),
        ({"messages": []}, "messages"),
    ],
)
def test_what_sendgrid_refuses_is_refused_by_its_field(
    post: Any, box: RunningSandbox, changes: dict[str, Any], field: str
) -> None:
    answer = post(**changes)
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert box.sandbox.mailbox.newest_first() == []


def test_without_a_key_or_without_json_nothing_is_taken(http: httpx.Client) -> None:
    assert http.post("/v3/mail/send", json=MAIL).status_code == 401
    assert http.post("/v3/mail/send", content=b"{", headers=AUTH).status_code == 400
    assert http.post("/v3/mail/send", content=b"[]", headers=AUTH).status_code == 400


def test_what_a_reader_does_is_told(
    post: Any, http: httpx.Client, box: RunningSandbox, raw: list[tuple[bytes, dict[str, str]]]
) -> None:
    post()
    for form in ({"event": "open"}, {"event": "click", "url": "https://shop.example.com"}):
        http.post("/_sandbox/mails/1/events", json=form).raise_for_status()
    assert http.post("/_sandbox/mails/9/events", json={"event": "open"}).status_code == 404
    assert box.settle(5)
    by_name = {one["event"]: one for one in _events(raw)}
    assert by_name["open"]["sg_machine_open"] is False
    assert by_name["click"]["url"] == "https://shop.example.com"


def test_an_answer_comes_as_inbound_parse_sends_it(
    post: Any, http: httpx.Client, box: RunningSandbox, raw: list[tuple[bytes, dict[str, str]]]
) -> None:
    post()
    assert box.settle(5)
    raw.clear()
    http.post("/_sandbox/mails/1/answers", json={"text": "Danke! <b>Ada</b> 🌲"}).raise_for_status()
    assert box.settle(5)
    ((body, headers),) = raw
    boundary = headers["content-type"].partition("boundary=")[2].encode()
    parts = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        parts[head.partition(b'name="')[2].rstrip(b'"').decode()] = value[:-2].decode()
    assert (parts["from"], parts["to"], parts["text"]) == (
        "ada@example.com",
        "hello@shop.example.com",
        "Danke! <b>Ada</b> 🌲",
    )
    assert parts["subject"] == "Re: Für Sie"
    assert json.loads(parts["envelope"]) == {"to": ["hello@shop.example.com"], "from": "ada@example.com"}
    assert "In-Reply-To: <" in parts["headers"]
