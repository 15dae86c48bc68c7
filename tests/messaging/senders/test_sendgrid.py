"""SendGrid: what a mail carries and what it never does, and what is made of each answer."""

import socket
from dataclasses import replace
from html import escape
from typing import Any

import pytest

from messaging.links import Links, read_links
from messaging.senders.base import Accepted, OutboundMessage, Rejected, Unknown
from messaging.senders.codes import SENDGRID_CODES_FILE, read_codes
from messaging.senders.sendgrid import SendGridAccount, SendGridSender
from messaging.settings import Settings
from messaging.store.ids import new_id

MESSAGE = OutboundMessage(
    new_id("msg"), "email", "ada@example.com", "Hello Ada", "Für Sie", "<p>Hello <b>Ada</b></p>"
)


@pytest.fixture
def links(settings: Settings) -> Links:
    return read_links(settings)


def _sender(url: str, links: Links) -> SendGridSender:
    return SendGridSender(SendGridAccount("SG.key", url, "hello@shop.example.com", "Harbour & Pine"), links)


@pytest.fixture
def sender(api: Any, links: Links) -> SendGridSender:
    api.answer = (202, "", {"X-Message-Id": "14c5d75ce93"})
    return _sender(api.url, links)


def test_a_mail_is_one_request_with_our_id_and_one_click_to_leave(
    sender: SendGridSender, api: Any, links: Links
) -> None:
    assert sender.send(MESSAGE) == Accepted("14c5d75ce93")
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", "/v3/mail/send")
    assert asked.headers["Authorization"] == "Bearer SG.key"
    assert asked.document == {
        "personalizations": [
            {"to": [{"email": "ada@example.com"}], "custom_args": {"message_id": MESSAGE.message_id}}
        ],
        "from": {"email": "hello@shop.example.com", "name": "Harbour & Pine"},
        "subject": "Für Sie",
        "content": [
            {"type": "text/plain", "value": "Hello Ada"},
            {"type": "text/html", "value": "<p>Hello <b>Ada</b></p>"},
        ],
        "categories": ["marketing"],
        "tracking_settings": {"subscription_tracking": {"enable": False}},
        "headers": {
            "List-Unsubscribe": f"<{links.unsubscribe(MESSAGE.message_id)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }


def test_sendgrid_notes_no_clicks_where_the_links_lead_by_us_already(
    sender: SendGridSender, links: Links
) -> None:
    link = links.click(MESSAGE.message_id, "https://a.example/")
    told = sender.compose(replace(MESSAGE, html=f'<a href="{escape(link)}">x</a>'))["tracking_settings"]
    assert told["click_tracking"] == {"enable": False, "enable_text": False}


def test_a_receipt_offers_nothing_to_leave(sender: SendGridSender) -> None:
    receipt = OutboundMessage("msg_2", "email", "ada@example.com", "Paid.", "Receipt", None, "transactional")
    mail = sender.compose(receipt)
    assert "headers" not in mail
    assert [part["type"] for part in mail["content"]] == ["text/plain"]


@pytest.mark.parametrize(
    ("to", "subject"),
    [("a@example.com, b@example.com", "x"), ("ada@example.com", " "), ("ada@example.com", "a\r\nBcc: b@x")],
)
def test_what_is_no_mail_to_one_person_never_leaves_us(
    sender: SendGridSender, api: Any, to: str, subject: str
) -> None:
    outcome = sender.send(OutboundMessage("msg_1", "email", to, "Hello", subject))
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "fix"
    assert api.asked == []


def _errors(*fields: str) -> dict[str, Any]:
    return {"errors": [{"message": "told in the provider's words", "field": field} for field in fields]}


@pytest.mark.parametrize("status", sorted(set(read_codes(SENDGRID_CODES_FILE)) - {1400}))
def test_every_listed_answer_is_surely_not_sent_and_has_its_kind(
    sender: SendGridSender, api: Any, status: int
) -> None:
    api.answer = (status, _errors("subject"), {})
    rule = read_codes(SENDGRID_CODES_FILE)[status]
    assert sender.send(MESSAGE) == Rejected(
        rule.kind, rule.told, status, status, attempts=rule.attempts, about=rule.about
    )


def test_only_an_error_about_the_recipient_alone_says_anything_of_the_person(
    sender: SendGridSender, api: Any
) -> None:
    recipient = "personalizations.0.to.0.email"
    kinds = []
    documents: list[Any] = [_errors(recipient), _errors(recipient, "from.email"), _errors(), "no json", []]
    for document in documents:
        api.answer = (400, document, {})
        outcome = sender.send(MESSAGE)
        assert isinstance(outcome, Rejected)
        kinds.append(outcome.kind)
    assert kinds == ["stop", "fix", "fix", "fix", "fix"]


def test_too_many_requests_are_tried_again_when_the_provider_says(sender: SendGridSender, api: Any) -> None:
    api.answer = (429, _errors("x"), {"Retry-After": "9"})
    outcome = sender.send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.retry_after, outcome.attempts) == ("retry", 9.0, 8)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 204])
def test_an_answer_that_says_neither_is_unknown_and_not_repeated(
    sender: SendGridSender, api: Any, status: int
) -> None:
    api.answer = (status, "", {})
    assert isinstance(sender.send(MESSAGE), Unknown)
    assert len(api.asked) == 1


def test_an_acceptance_without_an_id_is_unknown(sender: SendGridSender, api: Any) -> None:
    api.answer = (202, "", {})
    assert isinstance(sender.send(MESSAGE), Unknown)


def test_a_redirect_is_not_followed(sender: SendGridSender, api: Any) -> None:
    api.answer = (307, "", {"Location": f"{api.url}/elsewhere"})
    outcome = sender.send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert len(api.asked) == 1


def test_a_provider_that_is_not_there_was_surely_not_reached(links: Links) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = _sender(f"http://127.0.0.1:{taken.getsockname()[1]}", links).send(MESSAGE)
    assert outcome == Rejected("retry", "The provider could not be reached.", about="network")
