"""The whole way over real sockets: outbox, twilio client, sandbox, webhooks, store, and back."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from messaging import consent, outbox
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent
from messaging.dispatch import dispatch_once
from messaging.links import read_links
from messaging.sandbox import server as sandbox_server
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings
from messaging.senders.base import OutboundMessage, Rejected
from messaging.senders.build import build_senders
from messaging.settings import Settings, read_settings
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import consent_events, inbound_messages, messages
from messaging.webhooks import server as webhooks_server

PHONE = "+447911123456"
MAIL = "siobhan@example.com"


class Line:
    """A sandbox and a receiver that know each other, and settings to send by them."""

    def __init__(self, sandbox: RunningSandbox, settings: Settings) -> None:
        self.sandbox = sandbox
        self.settings = settings


@pytest.fixture
def line(settings: Settings, store: Store, clock: Clock) -> Iterator[Line]:
    with (
        webhooks_server.running(settings, store, clock, find_customers=lambda _: ["cus_household"]) as hooks,
        sandbox_server.running(
            settings=SandboxSettings(step_seconds=0.005, inbound_url=hooks.inbound_url), now=clock.now
        ) as sandbox,
    ):
        there = {"sandbox_url": sandbox.base_url, "smtp_url": sandbox.smtp_url}
        yield Line(sandbox, read_settings(home=settings.home, public_url=hooks.settings.public_url, **there))


@pytest.fixture
def dispatch(line: Line, store: Store, clock: Clock, addresses: Addresses) -> Any:
    """Queue one message and send what is due; give the message's id."""

    def send(channel: str = "sms", message_class: str = "transactional", customer_id: str = "cus_1") -> str:
        address = PHONE if channel == "sms" else MAIL
        planned = outbox.PlannedMessage(
            message_id=new_id("msg"),
            customer_id=customer_id,
            channel=channel,
            address=address,
            address_hash=addresses.hash(address),
            subject="We kept your favourites",
            body=f"Hello from {customer_id}",
            message_class=message_class,
            time_zone="Europe/London",
            country="GB",
        )
        with store.write() as connection:
            outbox.insert_planned(connection, [planned], clock.now(), queued=True)
        dispatch_once(store, build_senders(line.settings), clock)
        assert line.sandbox.settle(10)
        return planned.message_id

    return send


@pytest.fixture
def consented(store: Store, addresses: Addresses, clock: Clock) -> Any:
    def grant(customer_id: str, channel: str) -> None:
        event = ConsentEvent(
            channel=channel,
            purpose="marketing",
            action="grant",
            legal_basis="consent",
            occurred_at=clock.now(),
            source="test",
            actor="customer",
            method="form",
            customer_id=customer_id,
        )
        with store.write() as connection:
            consent.record(connection, event, clock.now())

    return grant


def row_of(store: Store, message_id: str) -> Any:
    with store.read() as connection:
        return connection.execute(select(messages).where(messages.c.message_id == message_id)).one()


def test_a_message_is_delivered_and_its_status_comes_back_signed(
    dispatch: Any, line: Line, store: Store
) -> None:
    row = row_of(store, dispatch())
    assert (row.state, row.provider_status, row.segment_count) == ("done", "delivered", 1)
    assert line.sandbox.sandbox.exchange.webhook_answers == {"204": 3}
    assert [one.body for one in line.sandbox.sandbox.exchange.thread(PHONE)] == ["Hello from cus_1"]


def test_a_stop_from_the_phone_ends_marketing_here_and_at_the_provider(
    dispatch: Any, consented: Any, line: Line, store: Store, addresses: Addresses
) -> None:
    for customer in ("cus_1", "cus_household"):
        consented(customer, "sms")
    first = dispatch(message_class="marketing")
    assert row_of(store, first).state == "done"

    page = f"{line.sandbox.base_url}/phones/{PHONE}"
    assert httpx.post(page, data={"body": "Stop"}).status_code == 303
    assert line.sandbox.settle(10)
    assert "You have successfully been unsubscribed" in httpx.get(page).text

    with store.read() as connection:
        heard = connection.execute(select(inbound_messages)).one()
        assert consent.suppressed(connection, [addresses.hash(PHONE)], "sms")
        for customer in ("cus_1", "cus_household"):
            state = consent.state(connection, [customer], None, "sms")
            assert state is not None
            assert not state.granted
    assert (heard.keyword, heard.customer_id, heard.reply_to_message_id) == ("stop", "cus_1", first)

    second = row_of(store, dispatch(message_class="marketing"))
    assert second.state == "skipped"
    sms = build_senders(line.settings)["sms"]
    outcome = sms.send(OutboundMessage(new_id("msg"), "sms", PHONE, "past our own gate"))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.opt_out) == (21610, True)
    assert (
        len([one for one in line.sandbox.sandbox.exchange.thread(PHONE) if one.direction == "outbound-api"])
        == 1
    )


def test_callbacks_that_come_twice_or_last_first_end_in_the_same_state(
    dispatch: Any, line: Line, store: Store
) -> None:
    for kind in ("double_callback", "reversed_callbacks"):
        httpx.post(f"{line.sandbox.base_url}/_sandbox/faults", json={"kind": kind})
        row = row_of(store, dispatch(customer_id=f"cus_{kind}"))
        assert (row.state, row.provider_status) == ("done", "delivered"), kind


def test_a_message_whose_answer_was_lost_is_settled_by_its_callback(
    dispatch: Any, line: Line, store: Store
) -> None:
    for kind in ("drop_after", "error_500_after"):
        httpx.post(f"{line.sandbox.base_url}/_sandbox/faults", json={"kind": kind})
        row = row_of(store, dispatch(customer_id=f"cus_{kind}"))
        assert (row.state, row.provider_status) == ("done", "delivered"), kind
    counted = httpx.get(f"{line.sandbox.base_url}/_sandbox/summary").json()
    assert (counted["accepted"], counted["distinct"], counted["duplicates"]) == (2, 2, [])


def test_the_unsubscribe_button_of_a_mailbox_ends_mail(
    dispatch: Any, consented: Any, line: Line, store: Store, addresses: Addresses
) -> None:
    consented("cus_1", "email")
    message_id = dispatch(channel="email", message_class="marketing")
    assert row_of(store, message_id).state in {"accepted", "done"}
    (mail,) = line.sandbox.sandbox.mailbox.newest_first()
    assert read_links(line.settings).unsubscribe(message_id) in str(mail.parse()["List-Unsubscribe"])
    answer = httpx.post(f"{line.sandbox.base_url}/mail/{mail.number}/unsubscribe", follow_redirects=True)
    assert "took the request" in answer.text
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(MAIL)], "email") == {
            addresses.hash(MAIL): "unsubscribe"
        }
        assert len(connection.execute(select(consent_events)).all()) == 2
    assert row_of(store, dispatch(channel="email", message_class="marketing")).state == "skipped"
