"""What Twilio could not deliver to us is fetched from its list: a STOP is heard although nobody was there."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from typer.testing import CliRunner

from data_contracts.errors import ServiceError
from messaging import consent, outbox
from messaging.addresses import Addresses
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.inbox import Inbound, list_reviews, receive
from messaging.sandbox import server as sandbox_server
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings
from messaging.senders.twilio_inbound import CameIn
from messaging.settings import SANDBOX_FROM, read_settings
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import inbound_messages
from messaging.store.tables_receiver import inbound_media, provider_lists
from messaging.webhooks.missed import MissedMessages
from messaging.webhooks.requests import read_listed

PHONE, OTHER = "+447911123456", "+447911123457"
NOON = datetime.fromisoformat("2026-10-30T12:00")
NOBODY_THERE = "http://127.0.0.1:9/webhooks/twilio/inbound"  # the discard port: nothing listens


class Hands:
    """The clock that the sandbox goes by, and what people do with their phones."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        """Tell the time."""
        return self.at


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def sandbox(hands: Hands) -> Iterator[RunningSandbox]:
    """Run a sandbox whose webhooks reach nobody."""
    settings = SandboxSettings(inbound_url=NOBODY_THERE, retry_pause=0.001, step_seconds=0.001)
    with sandbox_server.running(settings=settings, now=hands.now) as running:
        yield running


@pytest.fixture
def writes(sandbox: RunningSandbox, hands: Hands) -> Any:
    def write(body: str, phone: str = PHONE, minutes: float = 0, **fields: Any) -> str:
        hands.at = NOON + timedelta(minutes=minutes)
        return sandbox.sandbox.exchange.receive(phone, fields.pop("to", SANDBOX_FROM), body, **fields).sid

    return write


@pytest.fixture
def look(home: Any, store: Store, sandbox: RunningSandbox) -> Any:
    """Look for what was missed, so many minutes after noon; give how many were heard."""

    def run(minutes: float = 10, base_url: str = "", **more: str) -> int:
        settings = read_settings(home=home, sandbox_url=base_url or sandbox.base_url, **more)
        clock = Clock(NOON + timedelta(minutes=minutes))
        return MissedMessages(settings, store, clock, lambda _: ["cus_1"]).look()

    return run


def hear(store: Store, addresses: Addresses, body: str, sid: str, minutes: float) -> None:
    """Hear a message as the receiver does."""
    message = Inbound("twilio", sid, "sms", PHONE, SANDBOX_FROM, body, {}, proven_by="twilio")
    receive(store, addresses, message, Clock(NOON + timedelta(minutes=minutes)), lambda _: ["cus_1"])


def silent(store: Store, addresses: Addresses, phone: str = PHONE, channel: str = "sms") -> bool:
    with store.read() as connection:
        return bool(consent.suppressed(connection, [addresses.hash(phone)], channel))


def heard(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(inbound_messages).order_by(inbound_messages.c.provider_sid)))


def read_until(store: Store) -> Any:
    with store.read() as connection:
        return connection.execute(select(provider_lists.c.read_until)).scalar()


def test_a_stop_that_came_while_nobody_was_there_is_heard_once(
    writes: Any, look: Any, store: Store, addresses: Addresses
) -> None:
    sid = writes("STOP")
    assert not silent(store, addresses)
    assert look() == 1
    assert silent(store, addresses)
    with store.read() as connection:
        said = consent.state(connection, ["cus_1"], addresses.hash(PHONE), "sms")
    assert said is not None
    assert not said.granted
    (row,) = heard(store)
    assert (row.provider_sid, row.keyword, row.from_address) == (sid, "stop", PHONE)
    assert row.received_at == NOON + timedelta(minutes=10)
    assert row.payload["said_at"] == "2026-10-30T12:00:00"
    assert look(20) == 0
    assert len(heard(store)) == 1


def test_an_opt_out_in_own_words_lies_on_the_review_list_and_whatsapp_is_heard_as_well(
    writes: Any, look: Any, store: Store, addresses: Addresses
) -> None:
    writes("please take me off your list", OTHER)
    writes("STOP", f"whatsapp:{PHONE}", to=f"whatsapp:{SANDBOX_FROM}")
    assert look() == 2
    assert silent(store, addresses, OTHER)
    assert silent(store, addresses, PHONE, "whatsapp")
    assert not silent(store, addresses, PHONE, "sms")
    with store.read() as connection:
        assert [each.asks for each in list_reviews(connection)] == ["stop"]


def test_what_the_receiver_heard_is_not_heard_again(
    writes: Any, look: Any, store: Store, addresses: Addresses
) -> None:
    sid = writes("STOP")
    hear(store, addresses, "STOP", sid, 0.1)
    hear(store, addresses, "START", "SM" + "a" * 32, 1)
    assert look() == 0
    assert not silent(store, addresses)


def test_a_stop_that_its_writer_took_back_since_is_kept_and_changes_nothing(
    writes: Any, look: Any, store: Store, addresses: Addresses
) -> None:
    writes("STOP")
    hear(store, addresses, "START", "SM" + "a" * 32, 3)
    assert look() == 1
    assert not silent(store, addresses)
    assert len(heard(store)) == 2


def test_a_start_that_is_older_than_a_stop_is_kept_and_lifts_nothing(
    writes: Any, look: Any, store: Store, addresses: Addresses
) -> None:
    hear(store, addresses, "STOP", "SM" + "a" * 32, 0)
    writes("START", minutes=1)
    hear(store, addresses, "STOP", "SM" + "b" * 32, 2)
    assert look() == 1
    assert silent(store, addresses)


def test_a_stop_and_a_start_that_were_both_missed_count_in_their_order(
    writes: Any, look: Any, store: Store, addresses: Addresses
) -> None:
    writes("STOP")
    writes("START", minutes=1)
    writes("START", OTHER, minutes=2)
    writes("STOP", OTHER, minutes=3)
    assert look() == 4
    assert not silent(store, addresses)
    assert silent(store, addresses, OTHER)


def test_what_has_just_come_is_left_to_the_receiver_which_may_be_at_work_upon_it(
    writes: Any, look: Any, store: Store
) -> None:
    writes("STOP", minutes=5)
    assert look(5 + 10 / 60) == 0
    assert read_until(store) == NOON + timedelta(minutes=5, seconds=-20)
    assert look(6) == 1


def test_days_without_us_are_read_in_steps_and_a_list_that_breaks_off_is_taken_up_where_it_ended(
    writes: Any, look: Any, store: Store, addresses: Addresses
) -> None:
    assert look(0) == 0
    for day in range(3):
        for number in range(4):
            writes("hello", f"+4479111234{day}{number}", minutes=day * 1440 + 60 + number)
    assert look(3 * 1440) == 12
    assert read_until(store) == NOON + timedelta(days=3, seconds=-30)
    writes("STOP", minutes=4 * 1440)
    with pytest.raises(ServiceError, match="cannot be read"):
        look(5 * 1440, base_url="http://127.0.0.1:9")
    assert read_until(store) == NOON + timedelta(days=3, seconds=-30)
    assert look(9 * 1440) == 1
    assert silent(store, addresses)


def test_what_was_sent_is_no_message_to_us(sandbox: RunningSandbox, look: Any, store: Store) -> None:
    form = {"To": SANDBOX_FROM, "From": "+15005550010", "Body": "STOP"}
    account = sandbox.sandbox.settings
    made = httpx.post(
        f"{sandbox.base_url}/2010-04-01/Accounts/{account.account_sid}/Messages.json",
        data=form, auth=(account.account_sid, account.auth_token), trust_env=False,
    )  # fmt: skip
    assert made.status_code == 201
    assert sandbox.settle(10)
    assert look() == 0
    assert heard(store) == []


def test_the_numbers_of_a_messaging_service_are_asked_for(
    writes: Any, look: Any, store: Store, addresses: Addresses
) -> None:
    writes("STOP")
    service = {"twilio_messaging_service_sid": "MG" + "0" * 32, "twilio_from_number": "+15005550001"}
    assert look(**service) == 1
    assert silent(store, addresses)


def test_files_of_a_missed_message_are_noted_to_be_fetched(
    writes: Any, sandbox: RunningSandbox, look: Any, store: Store
) -> None:
    file = sandbox.sandbox.exchange.media.add("image/png", b"\x89PNG")
    writes("look at this", files=[file], base_url=sandbox.base_url)
    assert look() == 1
    with store.read() as connection:
        (row,) = connection.execute(select(inbound_media)).all()
    path = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages/{heard(store)[0].provider_sid}/Media/{file.sid}"
    assert (row.url, row.content_type, row.number) == (sandbox.base_url + path, "image/png", 0)


def test_half_a_character_of_their_json_is_nothing_that_a_database_trips_over() -> None:
    came = CameIn("SM1", PHONE, SANDBOX_FROM, "STOP \ud83d\x00", NOON, files=0)
    message = read_listed(came, NOON)
    assert message.body == "STOP ?\ufffd"
    assert message.payload["Body"] == message.body


def test_a_message_that_cannot_be_heard_keeps_no_later_one_from_being_heard(
    writes: Any, look: Any, store: Store, addresses: Addresses, sandbox: RunningSandbox, home: Any
) -> None:
    def owners(address: str) -> list[str]:
        if address == OTHER:
            raise ValueError(address)
        return ["cus_1"]

    writes("hello", OTHER)
    writes("STOP", minutes=3 * 1440)
    settings = read_settings(home=home, sandbox_url=sandbox.base_url)
    missed = MissedMessages(settings, store, Clock(NOON + timedelta(days=4)), owners)
    with capture_logs() as logs:
        assert missed.try_to_look() is None
    assert PHONE not in str(logs)
    assert OTHER not in str(logs)
    assert silent(store, addresses)
    assert read_until(store) < NOON
    assert look(4 * 1440) == 1


@pytest.mark.parametrize("command", ["dispatch --once --json", "reconcile --json"])
def test_before_anything_is_sent_or_settled_the_commands_hear_what_was_missed(
    command: str, writes: Any, sandbox: RunningSandbox, store: Store, addresses: Addresses, home: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    planned = outbox.PlannedMessage(
        message_id=new_id("msg"), customer_id="cus_1", channel="sms", address=PHONE,
        address_hash=addresses.hash(PHONE), subject=None, body="Your order is on its way",
        message_class="transactional", time_zone="Europe/London", country="GB",
    )  # fmt: skip
    with store.write() as connection:
        outbox.insert_planned(connection, [planned], NOON, queued=True)
    writes("STOP")
    pin_clock(home, NOON + timedelta(minutes=10))
    monkeypatch.setenv("RAPPORT_HOME", str(home))
    monkeypatch.setenv("RAPPORT_SANDBOX_URL", sandbox.base_url)
    with capture_logs():
        result = CliRunner().invoke(app, command.split(), catch_exceptions=False)
    report = json.loads(result.stdout)
    assert silent(store, addresses)
    if command.startswith("reconcile"):
        assert report["heard"] == 1
    else:
        assert (report["called"], report["skipped"]) == (0, {"suppressed": 1})


def test_without_twilio_nothing_is_asked(home: Any, store: Store) -> None:
    settings = read_settings(
        home=home, sending="live", public_url="https://hooks.example.com", mail_from="shop@example.com"
    )
    assert MissedMessages(settings, store, Clock(NOON), lambda _: []).look() == 0
    assert read_until(store) is None
