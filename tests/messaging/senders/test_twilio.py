"""The Twilio sender over real HTTP: what it sends, and what it makes of every way in which a call can end."""

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data_contracts.errors import ServiceError
from messaging.senders import http
from messaging.senders.base import Accepted, OutboundMessage, Rejected, Unknown
from messaging.senders.codes import read_codes
from messaging.senders.twilio import TwilioSender
from messaging.senders.twilio_account import TwilioAccount
from messaging.senders.twilio_http import OwnHttpClient

MESSAGE = OutboundMessage("msg_1", "sms", "+442079460000", "Hello, Ada")
SID = "AC" + "1" * 32


@pytest.fixture
def sender(wire: Any) -> TwilioSender:
    return TwilioSender(TwilioAccount(SID, "token", wire.url, "https://hooks.example.com", "+15005550006"))


def _error(status: int, code: int | None) -> tuple[int, dict[str, Any]]:
    return status, {"status": status, "code": code, "message": "told in the provider's words"}


def test_a_message_is_one_post_with_our_id_in_the_callback(sender: TwilioSender, wire: Any) -> None:
    assert sender.send(MESSAGE) == Accepted("SM" + "1".zfill(32), "queued", 1)
    ((method, path, form, headers),) = wire.requests
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert form == {
        "To": "+442079460000",
        "From": "+15005550006",
        "Body": "Hello, Ada",
        "StatusCallback": "https://hooks.example.com/webhooks/twilio/status?message=msg_1#rc=5&rp=all",
    }
    assert headers["Authorization"].startswith("Basic ")


def test_a_messaging_service_stands_in_for_the_number(wire: Any) -> None:
    account = TwilioAccount(SID, "token", wire.url, "https://h.example.com", "+15005550006", "MG" + "2" * 32)
    TwilioSender(account).send(MESSAGE)
    form = wire.requests[0][2]
    assert form["MessagingServiceSid"] == "MG" + "2" * 32
    assert "From" not in form


def test_media_goes_along_and_an_empty_text_does_not(account: TwilioAccount, api: Any) -> None:
    urls = ("https://shop.example.com/a.jpg", "https://shop.example.com/b.jpg")
    TwilioSender(account).send(OutboundMessage("msg_1", "sms", "+442079460000", "", media_urls=urls))
    pairs = api.asked[0].pairs
    assert [value for name, value in pairs if name == "MediaUrl"] == list(urls)
    assert "Body" not in dict(pairs)


@pytest.mark.parametrize("address", ["02079460000", "+0442079460000", "ada@example.com", "+44 20", ""])
def test_what_is_no_number_is_refused_before_the_call(sender: TwilioSender, wire: Any, address: str) -> None:
    outcome = sender.send(OutboundMessage("msg_1", "sms", address, "Hello"))
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, wire.requests) == ("fix", [])


def test_when_live_each_of_the_providers_hosts_is_called_by_its_own_name() -> None:
    client = OwnHttpClient("https://api.twilio.com/")
    chat = "https://conversations.twilio.com/v1/Services"
    assert client._ours(chat) == chat
    assert OwnHttpClient("http://127.0.0.1:9/x")._ours(chat) == "http://127.0.0.1:9/x/v1/Services"


@pytest.mark.parametrize("code", sorted(set(read_codes()) - {20003, 20429}))
def test_every_listed_code_is_surely_not_sent_and_has_its_kind(
    sender: TwilioSender, wire: Any, code: int
) -> None:
    wire.faults = [_error(400, code)]
    rule = read_codes()[code]
    assert sender.send(MESSAGE) == Rejected(
        rule.kind, rule.told, code, 400, attempts=rule.attempts, opt_out=rule.opt_out, about=rule.about
    )


def test_only_a_stop_at_the_provider_is_an_opt_out() -> None:
    assert [code for code, rule in read_codes().items() if rule.opt_out] == [21610]


def test_a_code_that_nobody_listed_is_put_before_a_person(sender: TwilioSender, wire: Any) -> None:
    wire.faults = [_error(400, 29999)]
    outcome = sender.send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.code) == ("fix", 29999)


def test_too_many_requests_are_tried_again_when_the_provider_says(sender: TwilioSender, wire: Any) -> None:
    wire.faults = [(*_error(429, 20429), {"Retry-After": "7"}), (429, "<html>", {})]
    first, second = sender.send(MESSAGE), sender.send(MESSAGE)
    assert isinstance(first, Rejected)
    assert (first.kind, first.retry_after, first.attempts) == ("retry", 7.0, 8)
    assert isinstance(second, Rejected)
    assert (second.kind, second.code, second.retry_after) == ("retry", 20429, None)


def test_wrong_credentials_are_named_and_are_about_us(sender: TwilioSender, wire: Any) -> None:
    wire.faults = [_error(401, 20003)]
    outcome = sender.send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.about, outcome.code) == ("fix", "us", 20003)
    assert "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN" in outcome.sentence


@pytest.mark.parametrize(
    "answer", [_error(500, 20500), _error(503, 20503), (502, "<html>bad gateway</html>")]
)
def test_a_fault_of_the_providers_own_is_unknown_and_not_repeated(
    sender: TwilioSender, wire: Any, answer: Any
) -> None:
    wire.faults = [answer]
    assert isinstance(sender.send(MESSAGE), Unknown)
    assert len(wire.requests) == 1


def test_an_error_in_the_newer_form_is_understood_too(sender: TwilioSender, wire: Any) -> None:
    problem = {"type": "about:blank", "title": "Opted out", "status": 400, "code": 21610, "detail": "x"}
    wire.faults = [(400, problem)]
    outcome = sender.send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.opt_out) == ("stop", True)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_a_connection_that_breaks_is_unknown_and_not_repeated(
    sender: TwilioSender, wire: Any, fault: str
) -> None:
    wire.faults = [fault]
    assert isinstance(sender.send(MESSAGE), Unknown)
    assert len(wire.requests) == 1


def test_an_answer_that_cannot_be_read_is_unknown(sender: TwilioSender, wire: Any) -> None:
    wire.faults = [(201, "not json"), (201, "[]"), (201, {"sid": None})]
    assert [type(sender.send(MESSAGE)) for _ in range(3)] == [Unknown] * 3


def test_a_redirect_is_not_followed(sender: TwilioSender, wire: Any) -> None:
    wire.faults = [(307, "", {"Location": f"{wire.url}/elsewhere"})]
    outcome = sender.send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "fix"
    assert len(wire.requests) == 1


def test_a_provider_that_is_slow_is_unknown(
    sender: TwilioSender, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    wire.latency = 0.6
    assert sender.send(MESSAGE) == Unknown("The provider did not answer in time.")


def test_a_provider_that_is_not_there_was_surely_not_reached() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        outcome = TwilioSender(TwilioAccount(SID, "token", url, "http://localhost", "+1")).send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.sentence) == ("retry", "The provider could not be reached.")


def test_a_name_that_does_not_resolve_was_surely_not_reached() -> None:
    account = TwilioAccount(SID, "token", "http://provider.invalid", "http://localhost", "+1")
    outcome = TwilioSender(account).send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "retry"


def test_calls_to_this_machine_pass_by_every_proxy(
    sender: TwilioSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert isinstance(sender.send(MESSAGE), Accepted)


def test_many_threads_share_a_sender(sender: TwilioSender, wire: Any) -> None:
    threads = [threading.Thread(target=sender.send, args=(MESSAGE,)) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one["sid"] for one in wire.accepted}) == 24


def test_what_was_accepted_is_found_again_by_its_number(sender: TwilioSender) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    sent = [sender.send(MESSAGE), sender.send(OutboundMessage("msg_2", "sms", "+442079460001", "Other"))]
    (found,) = sender.find(MESSAGE, now - timedelta(minutes=1))
    assert isinstance(sent[0], Accepted)
    assert (found.sid, found.to, found.body, found.status) == (
        sent[0].sid,
        "+442079460000",
        "Hello, Ada",
        "queued",
    )
    assert abs(found.created_at - now) < timedelta(seconds=5)
    assert sender.find(MESSAGE, now + timedelta(minutes=1)) == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda handler: handler.reply(500, "{}"),
        lambda handler: handler.reply(200, "null"),
        lambda handler: handler.reply(200, {"messages": None, "next_page_uri": None}),
    ],
)
def test_a_list_that_cannot_be_read_is_told(
    sender: TwilioSender, wire: Any, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Any], None]
) -> None:
    monkeypatch.setattr(wire.RequestHandlerClass, "do_GET", answer)
    with pytest.raises(ServiceError, match="list cannot be read"):
        sender.find(MESSAGE, datetime.now(UTC).replace(tzinfo=None))
