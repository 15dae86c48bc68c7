"""What people write back: stored once, linked to whom and what it answers, and STOP obeyed for everybody."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from data_contracts.errors import ReleaseError
from messaging import consent
from messaging.addresses import Addresses, read_addresses
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent, verify_chain
from messaging.inbox import Inbound, InboundReceipt, keyword_of, receive
from messaging.inbox.keywords import read_keywords
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import consent_events, inbound_messages, messages, suppressions

PHONE = "+447700900123"
COMPANY = "+15005550006"
KEYWORDS = read_keywords().file.everywhere.meanings()
NOON = datetime.fromisoformat("2026-10-30T12:00")


@pytest.fixture
def addresses(settings: Settings, store: Store) -> Addresses:
    return read_addresses(settings, store)


@pytest.fixture
def hear(store: Store, addresses: Addresses, clock: Clock) -> Any:
    """Receive a text from the usual phone; `owners` is what the release knows of it."""

    def listen(body: str, owners: Sequence[str] = (), **fields: Any) -> InboundReceipt:
        inbound = Inbound(
            "twilio", new_id("evt"), "sms", PHONE, COMPANY, body, {"Body": body}, proven_by="twilio"
        )
        return receive(store, addresses, replace(inbound, **fields), clock, lambda _: owners)

    return listen


@pytest.fixture
def wrote_to(store: Store, addresses: Addresses) -> Any:
    """Put a message that we sent to the usual phone into the outbox."""

    def write(
        customer_id: str,
        minutes_ago: int = 10,
        state: str = "done",
        channel: str = "sms",
        address: str = PHONE,
    ) -> str:
        moment = NOON - timedelta(minutes=minutes_ago)
        row = {
            "message_id": new_id("msg"),
            "customer_id": customer_id,
            "channel": channel,
            "address": address,
            "address_hash": addresses.hash(address),
            "message_class": "marketing",
            "body": "Hello",
            "state": state,
            "created_at": moment,
            "calling_at": moment,
            "updated_at": moment,
        }
        with store.write() as connection:
            connection.execute(insert(messages).values(**row))
        return str(row["message_id"])

    return write


def rows(store: Store, table: Any) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(table)).all())


@pytest.mark.parametrize(
    "word",
    [
        *KEYWORDS,
        "stop",
        " Stop \n",
        "STOP.",
        '"stop!"',
        "\uff33\uff34\uff2f\uff30",
        "\u201cStop\u201d",
        "\u00ab stop \u00bb",
        "stop\u200b",
    ],
)
def test_a_message_that_is_one_keyword_is_that_keyword(word: str) -> None:
    assert keyword_of(word) == KEYWORDS.get(word, "stop")


@pytest.mark.parametrize(
    "words",
    [
        "please don't stop my order",
        "STOP PLEASE",
        "nonstop",
        "stop stop",
        "yes please",
        "YES!",
        "",
        "  ",
        "停止",
    ],
)
def test_other_words_are_no_keyword(words: str) -> None:
    assert keyword_of(words) is None


@given(
    first=st.sampled_from(sorted(KEYWORDS)), second=st.text(alphabet="abcdef ", min_size=1).filter(str.strip)
)
def test_a_keyword_among_other_words_is_none(first: str, second: str) -> None:
    assert keyword_of(f"{first} {second}") is None
    assert keyword_of(f"{second} {first}") is None


def test_a_message_is_stored_with_its_payload_and_linked_to_what_it_answers(
    hear: Any, wrote_to: Any, store: Store
) -> None:
    wrote_to("cus_old", minutes_ago=60)
    latest = wrote_to("cus_1")
    wrote_to("cus_planned", minutes_ago=1, state="queued")
    wrote_to("cus_mail", minutes_ago=1, channel="email")
    receipt = hear("Is it oak?", payload={"Body": "Is it oak?", "Extra": "kept"})
    assert (receipt.customer_id, receipt.reply_to_message_id) == ("cus_1", latest)
    assert (receipt.duplicate, receipt.keyword) == (False, None)
    (row,) = rows(store, inbound_messages)
    assert (row.inbound_id, row.customer_id, row.body) == (receipt.inbound_id, "cus_1", "Is it oak?")
    assert row.payload == {"Body": "Is it oak?", "Extra": "kept"}
    assert row.received_at == NOON
    assert rows(store, consent_events) == []


def test_somebody_we_never_wrote_to_is_found_in_the_release(hear: Any) -> None:
    assert hear("Hello", owners=["cus_7"]).customer_id == "cus_7"
    assert hear("Hello", owners=["cus_7", "cus_8"]).customer_id is None
    assert hear("Hello").customer_id is None


def test_the_same_message_again_changes_nothing(hear: Any, store: Store) -> None:
    first = hear("STOP", owners=["cus_1"], provider_sid="SM1")
    for _ in range(4):
        again = hear("STOP", owners=["cus_1"], provider_sid="SM1")
        assert again == replace(first, duplicate=True)
    assert len(rows(store, inbound_messages)) == 1
    assert len(rows(store, consent_events)) == 1


def test_stop_suppresses_the_address_and_revokes_for_everybody_behind_it(
    hear: Any, wrote_to: Any, store: Store, addresses: Addresses
) -> None:
    wrote_to("cus_1")
    wrote_to("cus_2", minutes_ago=99)
    assert hear("Stop", owners=["cus_1", "cus_3"]).keyword == "stop"
    (suppression,) = rows(store, suppressions)
    assert (suppression.address_hash, suppression.channel) == (addresses.hash(PHONE), "sms")
    assert (suppression.reason, suppression.lifted_at) == ("stop", None)
    events = rows(store, consent_events)
    assert {(event.customer_id, event.action, event.channel) for event in events} == {
        (customer, "revoke", "sms") for customer in ("cus_1", "cus_2", "cus_3")
    }
    with store.read() as connection:
        assert verify_chain(connection).broken_at is None


def test_stop_on_one_channel_leaves_the_others_alone(hear: Any, store: Store, addresses: Addresses) -> None:
    hear("STOP", owners=["cus_1"], channel="whatsapp")
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(PHONE)], "sms") == {}
        assert consent.suppressed(connection, [addresses.hash(PHONE)], "whatsapp")


def test_a_plea_not_to_stop_is_no_opt_out(hear: Any, store: Store) -> None:
    assert hear("please don't stop my order", owners=["cus_1"]).keyword is None
    assert rows(store, suppressions) == []
    assert rows(store, consent_events) == []


def test_what_the_provider_took_for_an_opt_out_is_one(hear: Any, store: Store) -> None:
    assert hear("ARRET", owners=["cus_1"], opt_out="stop").keyword == "stop"
    assert len(rows(store, suppressions)) == 1


def test_start_takes_a_stop_back_and_is_no_consent_by_itself(
    hear: Any, store: Store, addresses: Addresses
) -> None:
    hear("START", owners=["cus_1"])
    assert rows(store, consent_events) == []
    for agreed in (False, True):
        if agreed:
            with store.write() as connection:
                event = ConsentEvent(
                    channel="sms", purpose="marketing", action="grant", legal_basis="consent", occurred_at=NOON,
                    source="form", actor="customer", method="form", customer_id="cus_1",
                )  # fmt: skip
                consent.record(connection, event, NOON)
        hear("STOP", owners=["cus_1"])
        hear("start", owners=["cus_1"])
        with store.read() as connection:
            assert consent.suppressed(connection, [addresses.hash(PHONE)], "sms") == {}
            state = consent.state(connection, ["cus_1"], addresses.hash(PHONE), "sms")
        assert state is not None
        assert state.granted == agreed, "a consent comes back where one stood before the STOP"


def test_help_is_noted_and_changes_nothing(hear: Any, store: Store) -> None:
    assert hear("help").keyword == "help"
    assert rows(store, suppressions) == []


def test_a_number_is_the_same_however_it_is_written(hear: Any, wrote_to: Any) -> None:
    wrote_to("cus_1", address="+447911123456")
    assert hear("Hello", from_address=" +44 7911 123456").customer_id == "cus_1"


def test_a_sender_that_is_no_number_is_stored_all_the_same(hear: Any, store: Store) -> None:
    hear("Your code is 1234", from_address="BANK")
    assert [row.from_address for row in rows(store, inbound_messages)] == ["BANK"]


def test_a_stop_counts_also_while_there_is_no_release(
    store: Store, addresses: Addresses, clock: Clock
) -> None:
    def nothing(_: str) -> Sequence[str]:
        raise ReleaseError("Nothing has been published yet.")

    inbound = Inbound("twilio", "SM1", "sms", PHONE, COMPANY, "STOP", {})
    assert receive(store, addresses, inbound, clock, nothing).keyword == "stop"
    assert len(rows(store, suppressions)) == 1


def test_when_the_stop_cannot_be_written_the_message_is_not_acknowledged_either(
    hear: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(consent, "stop", fail)
    with pytest.raises(RuntimeError):
        hear("STOP")
    assert rows(store, inbound_messages) == []
