"""Our answers to STOP and HELP: once, so that a machine that answers them does not write with us for ever."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from messaging import consent
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent
from messaging.inbox import Company, Inbound, InboundReceipt, lift, receive
from messaging.store import Store
from messaging.store.ids import new_id

PHONE, COMPANY = "+447700900123", "+15005550006"
NOON = datetime.fromisoformat("2026-10-30T12:00")
Hear = Callable[..., InboundReceipt]


@pytest.fixture
def hear(store: Store, addresses: Addresses) -> Hear:
    """Receive a message by WhatsApp, where we answer ourselves."""

    def listen(
        body: str, owners: Sequence[str] = ("cus_1",), at: datetime = NOON, **fields: str
    ) -> InboundReceipt:
        inbound = Inbound("twilio", new_id("evt"), "whatsapp", PHONE, COMPANY, body, {}, proven_by="twilio")
        company = Company("Harbour", "+44 20")
        return receive(store, addresses, replace(inbound, **fields), Clock(at), lambda _: owners, company)

    return listen


def answered(receipts: Sequence[InboundReceipt]) -> list[bool]:
    return [each.answer is not None for each in receipts]


@pytest.mark.parametrize(
    "words", [("STOP",), ("please stop texting me",), ("STOP", "leave me alone", "unsubscribe")]
)
def test_a_stop_is_answered_once_however_often_and_long_it_is_said(hear: Hear, words: Sequence[str]) -> None:
    said = [hear(words[day % len(words)], at=NOON + timedelta(days=day)) for day in range(6)]
    assert answered(said) == [True] + [False] * 5


def test_after_an_opt_in_a_stop_is_answered_once_again_also_within_one_moment(
    hear: Hear, store: Store
) -> None:
    with store.write() as connection:
        event = ConsentEvent(
            channel="whatsapp", purpose="marketing", action="grant", legal_basis="consent", occurred_at=NOON,
            source="form", actor="customer", method="form", customer_id="cus_1",
        )  # fmt: skip
        consent.record(connection, event, NOON)
    said = [hear(word) for word in ("STOP", "STOP", "START", "STOP", "STOP", "START", "STOP", "STOP")]
    assert answered(said) == [True, False, False, True, False, False, True, False]


def test_a_stop_that_was_found_to_be_none_does_not_keep_the_next_from_being_answered(
    hear: Hear, store: Store
) -> None:
    receipt = hear("please stop texting me")
    with store.write() as connection:
        lift(connection, receipt.review_id or "", "ann", NOON + timedelta(hours=1))
    said = [hear("STOP", at=NOON + timedelta(hours=2)), hear("STOP", at=NOON + timedelta(hours=3))]
    assert answered(said) == [True, False]


def test_each_address_and_channel_has_its_own_answer(hear: Hear) -> None:
    hear("STOP")
    said = [hear("STOP", from_address="+447911123456"), hear("STOP", channel="chat"), hear("STOP", owners=[])]
    assert answered(said) == [True, True, False]


def test_a_help_is_answered_once_in_five_minutes(hear: Hear) -> None:
    said = [hear("HELP", at=NOON + timedelta(minutes=minutes)) for minutes in (0, 1, 4, 5, 6, 9, 10)]
    assert answered(said) == [True, False, False, True, False, False, True]


def test_a_help_keeps_no_stop_from_being_answered(hear: Hear) -> None:
    assert answered([hear("HELP"), hear("STOP"), hear("HELP")]) == [True, True, False]


@pytest.mark.parametrize("word", ["STOP", "HELP", "please stop texting me"])
def test_of_many_at_once_one_is_answered(hear: Hear, word: str) -> None:
    with ThreadPoolExecutor(8) as hands:
        said = list(hands.map(hear, [word] * 16))
    assert sum(answered(said)) == 1
