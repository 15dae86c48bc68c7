"""What the outbox relies on in every sender, held on the sandbox over the wire and on the fake in memory alike."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from messaging.outbox import PROVIDER_WORDS
from messaging.senders.base import Accepted, Rejected, Unknown

TWILIO = ("sms", "whatsapp", "voice", "chat")
FINDING = ("fake", *TWILIO)
HTTP = (*FINDING, "sendgrid")
EVERY = (*HTTP, "smtp")


def _since() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1)


@pytest.mark.parametrize("subject", EVERY, indirect=True)
def test_what_is_taken_has_an_id_of_its_own_and_a_status_that_we_know(subject: Any) -> None:
    outcomes = [subject.sender.send(subject.message()) for _ in range(3)]
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert len({one.sid for one in outcomes}) == 3
    assert {PROVIDER_WORDS[one.status] for one in outcomes} <= {"queued", "sent"}


@pytest.mark.parametrize("subject", EVERY, indirect=True)
def test_a_call_is_one_message_at_the_provider(subject: Any) -> None:
    message = subject.message()
    assert subject.taken(message) == 0
    subject.sender.send(message)
    assert subject.taken(message) == 1


@pytest.mark.parametrize("subject", HTTP, indirect=True)
def test_being_asked_to_slow_down_means_not_sent_and_later(subject: Any) -> None:
    message = subject.message()
    subject.befall("reject_429", message)
    outcome = subject.sender.send(message)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.attempts) == ("retry", 8)
    assert subject.taken(message) == 0
    assert isinstance(subject.sender.send(message), Accepted)


@pytest.mark.parametrize(
    ("kind", "taken"), [("error_500", 0), ("drop", 0), ("error_500_after", 1), ("drop_after", 1)]
)
@pytest.mark.parametrize("subject", HTTP, indirect=True)
def test_an_unclear_ending_is_unknown_whatever_the_provider_did_and_never_repeated(
    subject: Any, kind: str, taken: int
) -> None:
    message = subject.message()
    subject.befall(kind, message)
    assert isinstance(subject.sender.send(message), Unknown)
    assert subject.taken(message) == taken


@pytest.mark.parametrize(("kind", "found"), [("drop", 0), ("drop_after", 1)])
@pytest.mark.parametrize("subject", FINDING, indirect=True)
def test_the_providers_list_tells_what_an_unclear_ending_was(subject: Any, kind: str, found: int) -> None:
    message = subject.message()
    subject.befall(kind, message)
    subject.sender.send(message)
    records = subject.sender.find(message, _since())
    assert [(one.to, one.body) for one in records] == [(message.to, message.body)] * found
    assert all(PROVIDER_WORDS[one.status] in {"queued", "sent"} for one in records)


@pytest.mark.parametrize("subject", FINDING, indirect=True)
def test_what_went_to_others_or_before_is_not_found(subject: Any) -> None:
    message, other = subject.message(), subject.message()
    accepted = subject.sender.send(message)
    subject.sender.send(other)
    assert [one.sid for one in subject.sender.find(message, _since())] == [accepted.sid]
    assert list(subject.sender.find(message, _since() + timedelta(minutes=3))) == []


@pytest.mark.parametrize("subject", ["sendgrid", "smtp"], indirect=True)
def test_a_sender_without_a_list_says_so_and_finds_nothing(subject: Any) -> None:
    message = subject.message()
    subject.sender.send(message)
    assert subject.sender.can_find is False
    assert list(subject.sender.find(message, _since())) == []
