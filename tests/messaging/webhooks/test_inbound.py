"""Incoming messages: signed, stored once, answered with empty TwiML, and STOP obeyed before the answer."""

from typing import Any

from sqlalchemy import select

from messaging import consent
from messaging.addresses import Addresses
from messaging.store import Store
from messaging.store.tables import inbound_messages

INBOUND = "/webhooks/twilio/inbound"
PHONE = "+447700900123"


def test_a_message_is_stored_and_answered_with_empty_twiml(
    post: Any, inbound_form: Any, store: Store, owners: list[str]
) -> None:
    owners.append("cus_5")
    answer = post.signed(INBOUND, inbound_form("Is it oak? 🌲 <b>"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.text.endswith("<Response/>")
    with store.read() as connection:
        row = connection.execute(select(inbound_messages)).one()
    assert (row.body, row.from_address, row.channel, row.customer_id) == (
        "Is it oak? 🌲 <b>",
        PHONE,
        "sms",
        "cus_5",
    )
    assert row.payload == inbound_form("Is it oak? 🌲 <b>")


def test_the_same_message_five_times_is_one_row(post: Any, inbound_form: Any, kept: Any) -> None:
    for _ in range(5):
        assert post.signed(INBOUND, inbound_form("STOP")).status_code == 200
    assert kept() == (0, 1)


def test_a_stop_is_in_force_when_the_answer_comes(
    post: Any, inbound_form: Any, store: Store, addresses: Addresses, sent: Any
) -> None:
    sent("cus_1")
    assert post.signed(INBOUND, inbound_form("stop")).status_code == 200
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(PHONE)], "sms")
        state = consent.state(connection, ["cus_1"], None, "sms")
    assert state is not None
    assert not state.granted


def test_what_twilio_took_for_an_opt_out_counts(
    post: Any, inbound_form: Any, store: Store, addresses: Addresses
) -> None:
    post.signed(INBOUND, inbound_form("ARRET", OptOutType="STOP"))
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(PHONE)], "sms")


def test_a_stop_by_rcs_is_of_the_number(
    post: Any, inbound_form: Any, store: Store, addresses: Addresses
) -> None:
    form = inbound_form("STOP", From=f"rcs:{PHONE}", To="rcs:harbour_agent")
    assert post.signed(INBOUND, form).status_code == 200
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(PHONE)], "sms")


def test_a_message_without_words_and_one_by_whatsapp_are_taken(
    post: Any, inbound_form: Any, store: Store
) -> None:
    media = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x"}
    assert post.signed(INBOUND, inbound_form("", **media)).status_code == 200
    whatsapp = {"From": f"whatsapp:{PHONE}", "To": "whatsapp:+15005550006"}
    assert post.signed(INBOUND, inbound_form("Hi", sid="SM10", **whatsapp)).status_code == 200
    with store.read() as connection:
        rows = connection.execute(select(inbound_messages).order_by(inbound_messages.c.provider_sid)).all()
    assert [(row.channel, row.from_address) for row in rows] == [("whatsapp", PHONE), ("sms", PHONE)]
