"""Every request that we make to Twilio is valid by Twilio's own description: paths, names, forms, no empty values."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from messaging.sandbox.content import Content
from messaging.senders.base import Accepted, OutboundMessage
from messaging.senders.twilio import TwilioSender
from messaging.senders.twilio_account import TwilioAccount

_TABLE = yaml.safe_load(Path(__file__).with_name("twilio_parameters.yaml").read_text())
AGO = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)


@dataclass(frozen=True)
class Resource:
    """One method of one resource, as Twilio describes it."""

    request: re.Pattern[str]
    parameters: dict[str, str | None]
    required: frozenset[str]
    repeated: frozenset[str]


RESOURCES = [
    Resource(
        re.compile(one["request"].replace(".json", r"\.json")),
        one["parameters"],
        frozenset(one.get("required", ())),
        frozenset(one.get("repeated", ())),
    )
    for one in _TABLE["resources"]
]


def faults_of(request: Any) -> list[str]:
    """Say what is wrong with a request; nothing where Twilio's description allows it."""
    asked = f"{request.method} {request.path}"
    found = [one for one in RESOURCES if one.request.fullmatch(asked)]
    if not found:
        return [f"{asked}: no such resource"]
    (resource,) = found
    count = Counter(name for name, _ in request.pairs)
    wrong = [f"{name} is missing" for name in resource.required - set(count)]
    wrong += [
        f"{name} comes {n} times" for name, n in count.items() if n > 1 and name not in resource.repeated
    ]
    for name, value in request.pairs:
        if name not in resource.parameters:
            wrong.append(f"{name} is not documented")
        elif not value:
            wrong.append(f"{name} is empty")
        elif (form := resource.parameters[name]) and not re.fullmatch(
            _TABLE["forms"][form], value, re.ASCII | re.DOTALL
        ):
            wrong.append(f"{name} is no {form}: {value!r}")
    if request.method == "POST" and request.content_type != "application/x-www-form-urlencoded":
        wrong.append(f"its body is {request.content_type}")
    return wrong + ([] if request.authorization.startswith("Basic ") else ["it has no credentials"])


@pytest.fixture
def asked(sandboxed: Any) -> list[Any]:
    """Give the requests of this test, as they come."""
    requests: list[Any] = sandboxed.recorder.requests
    requests.clear()
    return requests


@pytest.mark.parametrize("subject", ["sms", "whatsapp", "voice", "chat"], indirect=True)
def test_sending_and_looking_for_what_was_sent_is_valid(subject: Any, asked: list[Any]) -> None:
    message = subject.message(body="Grüße & <b>Ü</b> 🌲 100% +1\nsecond line")
    assert isinstance(subject.sender.send(message), Accepted)
    subject.sender.find(message, AGO)
    assert {request.method for request in asked} == {"POST", "GET"}
    assert [fault for request in asked for fault in faults_of(request)] == []


@pytest.mark.parametrize("subject", ["sms", "whatsapp"], indirect=True)
@pytest.mark.parametrize("body", ["", "Look"])
def test_media_with_and_without_words_is_valid(subject: Any, asked: list[Any], body: str) -> None:
    urls = ("https://shop.example.com/a.jpg", "https://shop.example.com/b.jpg?x=1&y=2")
    assert isinstance(subject.sender.send(subject.message(body=body, media_urls=urls)), Accepted)
    assert [faults_of(request) for request in asked] == [[]]


@pytest.mark.parametrize("subject", ["whatsapp"], indirect=True)
@pytest.mark.parametrize("variables", [{}, {"1": "Zoë"}])
def test_a_template_is_valid_and_has_no_words_beside_it(
    subject: Any, sandboxed: Any, asked: list[Any], variables: dict[str, str]
) -> None:
    document = {"language": "en", "types": {"twilio/text": {"body": "Hello {{1}}"}}}
    content = sandboxed.sandbox.exchange.contents.add(document)
    assert isinstance(content, Content)
    message = subject.message(content_sid=content.sid, content_variables=variables, window_open=False)
    assert isinstance(subject.sender.send(message), Accepted)
    assert [faults_of(request) for request in asked] == [[]]
    assert not {"Body", "MediaUrl"} & {name for name, _ in asked[0].pairs}


def test_a_messaging_service_is_valid(sandboxed: Any, asked: list[Any]) -> None:
    settings = sandboxed.sandbox.settings
    account = TwilioAccount(
        settings.account_sid,
        settings.auth_token,
        sandboxed.base_url,
        "http://127.0.0.1:9",
        "",
        "MG" + "a" * 32,
    )
    outcome = TwilioSender(account).send(OutboundMessage("msg_1", "sms", "+447700900001", "Hello"))
    assert isinstance(outcome, Accepted)
    assert [faults_of(request) for request in asked] == [[]]


@pytest.mark.parametrize("subject", ["voice"], indirect=True)
@pytest.mark.parametrize("fields", [{}, {"language": None}, {"voice": "Polly.Amy"}])
def test_a_call_in_any_voice_is_valid(subject: Any, asked: list[Any], fields: dict[str, Any]) -> None:
    assert isinstance(subject.sender.send(subject.message(**fields)), Accepted)
    assert [faults_of(request) for request in asked] == [[]]


@pytest.mark.parametrize("subject", ["sms"], indirect=True)
def test_a_request_that_breaks_the_description_is_found_out(subject: Any, asked: list[Any]) -> None:
    subject.sender.send(subject.message())
    (good,) = asked
    pairs = [pair for pair in good.pairs if pair[0] != "To"]
    broken = [
        replace(good, path=good.path.removesuffix(".json")),
        replace(good, method="PUT"),
        replace(good, pairs=pairs),
        replace(good, pairs=[*pairs, ("To", "02079460000")]),
        replace(good, pairs=[*good.pairs, ("Body", "again")]),
        replace(good, pairs=[*good.pairs, ("Colour", "red")]),
        replace(good, pairs=[*good.pairs, ("SendAt", "")]),
        replace(good, content_type="application/json"),
        replace(good, authorization=""),
    ]
    assert [len(faults_of(request)) for request in broken] == [1] * len(broken)
