"""Our one answer to a STOP by mail or chat reaches who said it: once, within minutes, and nothing else does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from messaging import consent, outbox
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.inbox import Company, Inbound, hear, record
from messaging.outbox.queue import ANSWERED_WITHIN
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import messages
from messaging.webhooks.answering import queue_answer

MAIL, CHAT = "siobhan@example.com", "CH" + "0" * 32
WRITERS = {"email": MAIL, "chat": CHAT}


@pytest.fixture
def say(store: Store, addresses: Addresses) -> Any:
    """Let somebody write, and queue our answer as the receiver does."""

    def listen(body: str, channel: str, clock: Clock, proven_by: str | None = "dkim") -> str | None:
        said = new_id("evt"), channel, WRITERS[channel], "hello@harbour.example", body
        inbound = Inbound("test", *said, {}, proven_by=proven_by)
        heard = hear(addresses, inbound, clock, lambda _: ["cus_1"], Company("Harbour", "+44 20"))
        with store.write() as connection:
            return queue_answer(connection, heard, record(connection, heard), channel, "Re: Spring sale")

    return listen


@pytest.fixture
def go(store: Store, mail: Any, provider: Any) -> Any:
    def dispatch(clock: Clock) -> int:
        dispatch_once(store, {"email": mail, "chat": provider}, clock)
        return int(mail.calls + provider.calls)

    return dispatch


def _rows(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(messages).order_by(messages.c.message_id)))


@pytest.mark.parametrize("channel", list(WRITERS))
@pytest.mark.parametrize("words", ["STOP", "please stop sending me your newsletter"])
def test_a_stop_is_confirmed_once_by_the_channel_that_it_came_by(
    store: Store, say: Any, go: Any, clock: Clock, channel: str, words: str
) -> None:
    """Every such answer was held by the very STOP that it confirms."""
    assert say(words, channel, clock) is not None
    assert say(words, channel, clock) is None
    assert [go(clock), go(clock)] == [1, 1]
    (row,) = _rows(store)
    assert (row.channel, row.state) == (channel, "accepted")


def test_nothing_else_goes_after_a_stop(
    store: Store, say: Any, go: Any, clock: Clock, addresses: Addresses
) -> None:
    say("STOP", "email", clock)
    assert go(clock) == 1
    plain = outbox.PlannedMessage(
        "msg_1",
        "cus_2",
        "email",
        MAIL,
        addresses.hash(MAIL),
        "Hello",
        "conversational",
        "service",
        subject="Hello",
    )
    others = [
        plain,
        replace(plain, message_id="msg_2", customer_id="cus_3", message_class="transactional"),
        replace(plain, message_id="msg_3", customer_id="cus_4", message_class="marketing", purpose="marketing"),
        replace(plain, message_id="msg_4", customer_id="cus_5", message_class="transactional", purpose="stop_answer"),
        replace(plain, message_id="msg_5", customer_id="cus_6", message_class="marketing", purpose="stop_answer"),
    ]  # fmt: skip
    with store.write() as connection:
        outbox.insert_planned(connection, others, clock.now(), queued=True)
    for minutes in range(1, 9):  # two messages to one address never go at once
        assert go(Clock(clock.now() + timedelta(minutes=minutes))) == 1
    said = {row.message_id: (row.state, row.reason) for row in _rows(store) if len(row.message_id) < 6}
    assert said == {f"msg_{number}": ("skipped", "suppressed") for number in range(1, 6)}


@pytest.mark.parametrize("proven_by", ["dkim", None])
def test_an_answer_that_waited_too_long_is_held(
    store: Store, say: Any, go: Any, clock: Clock, proven_by: str | None
) -> None:
    say("STOP", "email", clock, proven_by)
    assert go(Clock(clock.now() + ANSWERED_WITHIN)) == 0
    (row,) = _rows(store)
    assert (row.state, row.reason) == ("skipped", "suppressed")
    assert "too late" in row.detail


def test_an_answer_to_a_stop_that_nothing_proves_goes_as_well(say: Any, go: Any, clock: Clock) -> None:
    say("STOP", "email", clock, None)
    assert go(clock) == 1


@pytest.mark.parametrize("reason", ["bounce", "complaint", "provider", "person"])
def test_an_answer_passes_no_harder_suppression(
    store: Store, say: Any, go: Any, clock: Clock, addresses: Addresses, reason: Any
) -> None:
    said = {"address_hash": addresses.hash(MAIL), "channel": "email", "at": clock.now(), "source": "test"}
    with store.write() as connection:
        consent.suppress(connection, reason=reason, **said)
    say("STOP", "email", clock)
    assert go(clock) == 0
