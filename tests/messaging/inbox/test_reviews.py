"""The review list: an opt-out in people's own words is obeyed at once, and lifting it takes back just that."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data_contracts.errors import NotFoundError, RefusedError
from messaging import consent
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent, verify_chain
from messaging.consent_imports import tell_owners
from messaging.inbox import Company, Inbound, InboundReceipt, confirm, lift, list_reviews, receive
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import suppressions

PHONE, COMPANY = "+447700900123", "+15005550006"
NOON = datetime.fromisoformat("2026-10-30T12:00")
LATER = NOON + timedelta(hours=1)
GRANTED = ConsentEvent(
    channel="sms", purpose="marketing", action="grant", legal_basis="consent", occurred_at=NOON - timedelta(days=9),
    source="form", actor="customer", method="form", customer_id="cus_1",
)  # fmt: skip
WORDS = "please stop texting me"
Hear = Callable[..., InboundReceipt]


@pytest.fixture
def hear(store: Store, addresses: Addresses) -> Hear:
    """Receive a text from the usual phone at noon; `owners` is what the release knows of it."""

    def listen(
        body: str, owners: Sequence[str] = ("cus_1",), at: datetime = NOON, **fields: Any
    ) -> InboundReceipt:
        inbound = Inbound(
            "twilio", new_id("evt"), "sms", PHONE, COMPANY, body, {"Body": body}, proven_by="twilio"
        )
        return receive(
            store,
            addresses,
            replace(inbound, **fields),
            Clock(at),
            lambda _: owners,
            Company("Harbour", "+44 20"),
        )

    return listen


@pytest.fixture
def may(store: Store, addresses: Addresses) -> Callable[..., bool]:
    """Say whether somebody is granted on a channel and the phone is not suppressed there."""

    def ask(customer_id: str = "cus_1", channel: str = "sms") -> bool:
        address = addresses.hash(PHONE)
        with store.read() as connection:
            said = consent.state(connection, [customer_id], address, channel)
            return bool(said and said.granted) and not consent.suppressed(connection, [address], channel)

    return ask


def say(store: Store, *events: ConsentEvent, at: datetime = NOON - timedelta(days=9)) -> None:
    with store.write() as connection:
        for event in events:
            consent.record(connection, event, at)


def lifted(store: Store, review_id: str | None) -> Any:
    with store.write() as connection:
        return lift(connection, review_id or "", "ann", LATER)


def test_an_opt_out_in_words_counts_at_once_and_waits_for_review(hear: Hear, store: Store, may: Any) -> None:
    say(store, GRANTED)
    receipt = hear(WORDS)
    assert receipt.keyword is None
    assert not may()
    with store.read() as connection:
        (review,) = list_reviews(connection)
    assert (review.review_id, review.state, review.scope, review.body) == (
        receipt.review_id,
        "waiting",
        "channel",
        WORDS,
    )
    assert review.words == "stop texting"


def test_what_only_sounds_like_one_changes_nothing_and_is_on_no_list(
    hear: Hear, store: Store, may: Any
) -> None:
    say(store, GRANTED)
    assert hear("please don't stop my order").review_id is None
    assert may()
    with store.read() as connection:
        assert list_reviews(connection, None) == []


def test_the_same_message_again_is_one_review_and_has_no_second_answer(hear: Hear, store: Store) -> None:
    first = hear(WORDS, provider_sid="SM1")
    assert first.answer is not None
    assert hear(WORDS, provider_sid="SM1").answer is None
    with store.read() as connection:
        assert len(list_reviews(connection)) == 1


def test_lifting_gives_back_what_stood_before_and_makes_no_consent_of_nothing(
    hear: Hear, store: Store, may: Any, addresses: Addresses
) -> None:
    say(store, GRANTED)
    receipt = hear(WORDS, owners=["cus_1", "cus_2"])
    review = lifted(store, receipt.review_id)
    assert (review.state, review.decided_by, review.still_silent) == ("lifted", "ann", ())
    assert may("cus_1")
    with store.read() as connection:
        assert consent.state(connection, ["cus_2"], None, "sms") is None
        assert consent.state(connection, [], addresses.hash(PHONE), "sms") is None
        assert verify_chain(connection).broken_at is None
        assert list_reviews(connection) == []


def test_a_stop_that_came_since_stays_when_the_words_are_lifted(hear: Hear, store: Store, may: Any) -> None:
    say(store, GRANTED)
    receipt = hear(WORDS)
    hear("STOP", at=NOON + timedelta(minutes=5))
    assert lifted(store, receipt.review_id).still_silent == ("sms",)
    assert not may()


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "both", ["please stop texting me", "I withdraw my consent to marketing on all channels"]
)
def test_two_messages_of_one_customer_that_were_none_leave_nothing_behind_in_either_order(
    hear: Hear, store: Store, may: Any, first: int, both: str
) -> None:
    """Each lift took the other's withdrawal for somebody's own, and the address stayed blocked for good."""
    say(store, GRANTED)
    receipts = [hear(both), hear(both, at=NOON + timedelta(minutes=5))]
    if first:
        receipts.reverse()
    assert lifted(store, receipts[0].review_id).still_silent[0] == "sms"
    assert not may()
    assert lifted(store, receipts[1].review_id).still_silent == ()
    assert may()


def test_of_two_messages_that_were_none_the_stop_between_them_stays(
    hear: Hear, store: Store, may: Any
) -> None:
    say(store, GRANTED)
    receipts = [hear(WORDS), hear(WORDS, at=NOON + timedelta(minutes=9))]
    hear("STOP", at=NOON + timedelta(minutes=5))
    for receipt in receipts:
        assert lifted(store, receipt.review_id).still_silent == ("sms",)
    assert not may()


def test_two_messages_that_were_none_leave_an_unsubscribed_address_unsubscribed(
    hear: Hear, store: Store, addresses: Addresses
) -> None:
    with store.write() as connection:
        consent.stop(
            connection, address_hash=addresses.hash(PHONE), channel="sms", at=NOON - timedelta(days=1),
            source="rapport", reason="unsubscribe", method="link",
        )  # fmt: skip
    receipts = [hear(WORDS), hear(WORDS, at=NOON + timedelta(minutes=5))]
    for receipt in receipts:
        lifted(store, receipt.review_id)
    with store.read() as connection:
        assert list(connection.execute(select(suppressions.c.reason, suppressions.c.lifted_at))) == [
            ("unsubscribe", None)
        ]


def test_an_address_that_was_unsubscribed_before_is_so_again(
    hear: Hear, store: Store, addresses: Addresses
) -> None:
    with store.write() as connection:
        consent.stop(
            connection, address_hash=addresses.hash(PHONE), channel="sms", at=NOON - timedelta(days=1),
            source="rapport", reason="unsubscribe", method="link",
        )  # fmt: skip
    receipt = hear(WORDS)
    lifted(store, receipt.review_id)
    with store.read() as connection:
        assert list(connection.execute(select(suppressions.c.reason, suppressions.c.lifted_at))) == [
            ("unsubscribe", None)
        ]


def test_owners_who_become_known_later_are_not_told_of_what_was_lifted(
    hear: Hear, store: Store, addresses: Addresses
) -> None:
    receipt = hear(WORDS, owners=[])
    held = [("cus_9", "phone", PHONE)]
    lifted(store, receipt.review_id)
    assert tell_owners(store, addresses, held, LATER) == 0
    again = hear(WORDS, owners=[], at=LATER)
    assert again.review_id is not None
    assert tell_owners(store, addresses, held, LATER) == 1
    lifted(store, again.review_id)
    with store.read() as connection:
        assert consent.state(connection, ["cus_9"], addresses.hash(PHONE), "sms") is None


def test_words_that_mean_every_channel_silence_the_phone_on_each_and_the_person_by_mail_too(
    hear: Hear, store: Store, may: Any
) -> None:
    say(store, *(replace(GRANTED, channel=each) for each in ("email", "sms", "whatsapp")))
    receipt = hear("I withdraw my consent to marketing on all channels")
    assert not any(may(channel=each) for each in ("email", "sms", "whatsapp"))
    lifted(store, receipt.review_id)
    assert all(may(channel=each) for each in ("email", "sms", "whatsapp"))


def test_words_about_one_channel_leave_the_others_alone(hear: Hear, store: Store, may: Any) -> None:
    say(store, *(replace(GRANTED, channel=each) for each in ("email", "sms")))
    hear("no more texts, e-mail is fine")
    assert not may(channel="sms")
    assert may(channel="email")


def test_a_confirmed_one_can_be_lifted_no_more_nor_a_lifted_one_confirmed(hear: Hear, store: Store) -> None:
    first, second = hear(WORDS), hear(WORDS)
    with store.write() as connection:
        assert confirm(connection, first.review_id or "", "ann", LATER).state == "confirmed"
        assert confirm(connection, first.review_id or "", "bob", LATER).decided_by == "ann"
    with pytest.raises(RefusedError, match="confirmed by ann"):
        lifted(store, first.review_id)
    lifted(store, second.review_id)
    assert lifted(store, second.review_id).state == "lifted"
    with pytest.raises(RefusedError, match="lifted by ann"), store.write() as connection:
        confirm(connection, second.review_id or "", "ann", LATER)
    with pytest.raises(NotFoundError):
        lifted(store, "rev_0")


@pytest.mark.parametrize(
    ("body", "fields", "answered"),
    [
        ("STOP", {}, False),  # Twilio's own word on SMS
        ("ARRET", {"opt_out": "stop"}, False),  # it says that it acted
        ("ARRET", {"from_address": "+14165550123"}, True),
        ("STOP", {"channel": "whatsapp"}, True),
        ("please stop texting me", {}, True),
        ("HELP", {}, False),
        ("HELP", {"channel": "whatsapp"}, True),
        ("START", {"channel": "whatsapp"}, False),
        ("Is it oak?", {}, False),
    ],
)
def test_we_answer_once_where_the_provider_does_not(
    hear: Hear,
    body: str,
    fields: dict[str, Any],
    answered: bool,  # noqa: FBT001 - of a parametrised test
) -> None:
    assert (hear(body, **fields).answer is not None) == answered


def test_a_yes_that_nobody_asked_for_takes_no_stop_back_whatever_the_provider_does(
    hear: Hear, store: Store, may: Any
) -> None:
    say(store, GRANTED)
    hear("STOP")
    assert hear("YES", opt_out="start", at=LATER).keyword is None
    assert not may()
    assert hear("START", at=LATER).keyword == "start"
    assert may()


@pytest.mark.parametrize("wider", ["", " on any channel"])
def test_an_opt_out_in_doubt_that_is_confirmed_counts_from_then_on_for_the_person_too(
    wider: str, hear: Hear, store: Store, addresses: Addresses
) -> None:
    mail = {"channel": "email", "from_address": "ada@example.com", "provider": "sendgrid"}
    with store.write() as connection:
        for channel in ("email", "sms"):
            consent.record(connection, replace(GRANTED, channel=channel), NOON - timedelta(days=9))
    doubted = hear("please stop emailing me" + wider, proven_by=None, **mail)
    hear("START", at=LATER, proven_by="dkim", **mail)
    with store.read() as connection:
        assert consent.state(connection, ["cus_1"], None, "email").granted  # type: ignore[union-attr]
    with store.write() as connection:
        confirm(connection, doubted.review_id or "", "anna", LATER + timedelta(hours=1))
    with store.read() as connection:
        elsewhere = addresses.hash("ada@work.example")
        assert not consent.state(connection, ["cus_1"], elsewhere, "email").granted  # type: ignore[union-attr]
        assert verify_chain(connection).broken_at is None
