"""The next channel: only where the first surely did not arrive, one at a time, each through the gate."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from messaging import consent, outbox
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent
from messaging.dispatch import dispatch_once
from messaging.senders.base import Rejected, Unknown
from messaging.store import Store
from messaging.store.tables import messages

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))
LATER = Clock(NOW.now() + timedelta(minutes=1))
GRANT: dict[str, Any] = {
    "purpose": "marketing", "legal_basis": "consent", "action": "grant", "occurred_at": NOW.now() - timedelta(days=30),
    "source": "test", "actor": "test", "method": "form",
}  # fmt: skip
LANDLINE = Rejected("stop", "The number is a landline.", code=21635, http_status=400)
STOP = Rejected("stop", "The customer told the provider STOP.", code=21610, http_status=400, opt_out=True)


@pytest.fixture
def put(store: Store, outbox_of: Any, addresses: Any) -> Any:
    """Queue an SMS of a run with an e-mail and a call behind it; give its id."""

    def planned(run_id: str, **values: Any) -> str:
        first = outbox_of._message(0, run_id, {"message_class": "transactional", **values})
        others = tuple(
            replace(
                first,
                message_id=f"{first.message_id}{place}",
                channel=channel,
                address=address,
                address_hash=addresses.hash(address),
                subject="Hello",
                body=f"By {channel}",
            )
            for place, (channel, address) in enumerate(
                [("email", "ann@example.com"), ("voice", "+442079460000")], 1
            )
        )
        with store.write() as connection:
            outbox.insert_planned(connection, [replace(first, alternatives=others)], NOW.now(), queued=True)
        return str(first.message_id)

    return planned


def _channels(store: Store) -> list[tuple[str, str]]:
    with store.read() as connection:
        rows = connection.execute(
            select(messages.c.channel, messages.c.state).order_by(messages.c.message_id)
        )
        return [(row[0], row[1]) for row in rows]


def test_an_address_that_is_refused_lets_the_next_channel_go_and_that_one_the_next(
    store: Store, outbox_of: Any, put: Any, provider: Any, mail: Any
) -> None:
    message_id = put(outbox_of.run())
    provider.answers = [LANDLINE]
    mail.answers = [Rejected("stop", "There is no such mailbox.", code=550)]
    senders = {"sms": provider, "email": mail, "voice": provider}
    dispatch_once(store, senders, NOW)
    assert _channels(store) == [("sms", "failed"), ("email", "failed"), ("voice", "accepted")]
    assert outbox_of.row(message_id).detail == "The number is a landline. The same goes by e-mail."
    assert [one.body for one in provider.accepted] == ["By voice"]
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM message_alternatives")).scalar() == 0
        assert connection.execute(text("SELECT state FROM campaign_runs")).scalar() == "done"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Unknown("No answer."), "unknown"),
        (Rejected("fix", "Too long.", code=21617, http_status=400), "failed"),
        (STOP, "failed"),
        (Rejected("retry", "Slow down.", code=20429, attempts=3), "queued"),
    ],
)
def test_nothing_else_that_happens_to_a_message_lets_the_next_channel_go(
    store: Store, outbox_of: Any, put: Any, provider: Any, mail: Any, answer: Any, state: str
) -> None:
    put(outbox_of.run())
    provider.answers = [answer]
    dispatch_once(store, {"sms": provider, "email": mail}, NOW)
    assert _channels(store) == [("sms", state)]
    assert mail.calls == 0


@pytest.mark.parametrize(
    ("status", "code", "falls"),
    [
        ("undelivered", 30005, True),
        ("failed", 30007, True),
        ("undelivered", 30008, False),
        ("undelivered", 99999, False),
        ("undelivered", None, False),
        ("delivered", None, False),
    ],
)
def test_what_was_taken_goes_by_the_next_channel_where_a_final_code_says_that_it_did_not_arrive(
    store: Store,
    outbox_of: Any,
    put: Any,
    provider: Any,
    mail: Any,
    status: str,
    code: int | None,
    *,
    falls: bool,
) -> None:
    message_id = put(outbox_of.run())
    dispatch_once(store, {"sms": provider, "email": mail}, NOW)
    said = outbox.StatusUpdate("twilio", outbox_of.row(message_id).provider_sid, status, message_id, code)
    for _ in range(3):
        with store.write() as connection:
            outbox.apply_status(connection, said, NOW.now())
    dispatch_once(store, {"sms": provider, "email": mail}, NOW)
    assert mail.calls == int(falls), "once, however often it is told"
    assert [channel for channel, _ in _channels(store)] == (["sms", "email"] if falls else ["sms"])


def test_the_next_channel_passes_the_gate_and_a_stopped_run_ends_it(
    store: Store, outbox_of: Any, put: Any, provider: Any, mail: Any
) -> None:
    put(outbox_of.run(), message_class="marketing")  # with a consent for SMS alone
    outbox_of.put(1, message_class="transactional")  # grants it
    provider.answers = [provider.accept, LANDLINE]  # the receipt goes first
    dispatch_once(store, {"sms": provider, "email": mail}, NOW)
    assert ("email", "skipped") in _channels(store)
    assert mail.calls == 0


def test_a_way_that_leads_to_an_address_that_has_the_message_is_not_gone(
    store: Store, outbox_of: Any, put: Any, provider: Any, mail: Any, addresses: Any
) -> None:
    run_id = outbox_of.run()
    put(run_id)
    household = {"channel": "email", "address": "ann@example.com", "subject": "Hello", "run_id": run_id}
    outbox_of.put(1, first=1, message_class="transactional", **household)
    provider.answers = [LANDLINE]
    dispatch_once(store, {"sms": provider, "email": mail}, NOW)
    assert mail.calls == 1


def _tell(store: Store, outbox_of: Any, message_id: str, code: int) -> None:
    """Let the provider tell that it could not deliver."""
    sid = outbox_of.row(message_id).provider_sid
    with store.write() as connection:
        outbox.apply_status(
            connection, outbox.StatusUpdate("twilio", sid, "undelivered", message_id, code), LATER.now()
        )


def _agreed(store: Store, *channels: str) -> None:
    with store.write() as connection:
        for channel in channels:
            event = ConsentEvent(customer_id="cus_0", channel=channel, **GRANT)
            consent.record(connection, event, NOW.now() - timedelta(days=30))


@pytest.mark.parametrize(
    "no",
    ["a STOP", "an unsubscription", "a withdrawal of the person by another channel", "a STOP that was none"],
)
def test_an_offer_has_no_other_way_once_they_said_no(
    store: Store, outbox_of: Any, put: Any, provider: Any, mail: Any, no: str
) -> None:
    """They answered STOP to the text, then the provider told that it had not arrived: the offer came by e-mail."""
    _agreed(store, "sms", "email")
    message_id = put(outbox_of.run(), message_class="marketing")
    dispatch_once(store, {"sms": provider, "email": mail}, NOW)
    said: dict[str, Any] = {"channel": "sms", "at": LATER.now(), "source": "t", "source_record_id": "r1"}
    where = outbox_of.row(message_id).address_hash
    with store.write() as connection:
        if no.startswith("a withdrawal"):
            event = {**GRANT, "action": "revoke", "occurred_at": LATER.now()}
            consent.record(
                connection, ConsentEvent(customer_id="cus_0", channel="voice", **event), LATER.now()
            )
        else:
            reason: Any = "stop" if "STOP" in no else "unsubscribe"
            consent.stop(connection, address_hash=where, customer_ids=["cus_0"], reason=reason, **said)
        if no.endswith("none"):
            void = ConsentEvent(channel="sms", **{**GRANT, "action": "void", "occurred_at": LATER.now()})
            consent.take_back(connection, "t", "r1", void)
    _tell(store, outbox_of, message_id, 30005)
    dispatch_once(store, {"sms": provider, "email": mail}, LATER)
    assert mail.calls == int(no.endswith("none"))


@pytest.mark.parametrize(("method", "goes"), [("keyword", False), ("link", True)])
def test_a_receipt_goes_another_way_after_an_unsubscription_but_not_after_a_stop(
    store: Store, outbox_of: Any, put: Any, provider: Any, mail: Any, method: str, *, goes: bool
) -> None:
    message_id = put(outbox_of.run())
    dispatch_once(store, {"sms": provider, "email": mail}, NOW)
    where = outbox_of.row(message_id).address_hash
    with store.write() as connection:
        consent.stop(
            connection, address_hash=where, channel="sms", at=LATER.now(), source="t", method=method,
            reason="stop" if method == "keyword" else "unsubscribe",
        )  # fmt: skip
    _tell(store, outbox_of, message_id, 30005)
    dispatch_once(store, {"sms": provider, "email": mail}, LATER)
    assert mail.calls == int(goes)
