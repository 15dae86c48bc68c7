"""Double opt-in behind a signed link or a YES: pending is no consent, looking changes nothing, one answer is enough."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data_contracts.errors import RefusedError
from messaging import consent, double_opt_in
from messaging.addresses import Addresses
from messaging.consent_chain import hash_of, verify_chain
from messaging.double_opt_in import Asked, Question
from messaging.links import read_links
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import consent_events, messages
from messaging.store.tables_consent import consent_requests

PHONE = "+447700900123"
NOON = datetime.fromisoformat("2026-10-30T12:00")
WORDING = "May we text you our offers, twice a month?"
Ask = Callable[..., Asked]


@pytest.fixture
def ask(store: Store, settings: Settings, addresses: Addresses) -> Ask:
    """Ask somebody by SMS whether they agree."""

    def put(address: str = PHONE, at: datetime = NOON, channel: str = "sms", **fields: Any) -> Asked:
        question = Question(
            customer_id="cus_1", channel=channel, address=address, address_hash=addresses.hash(address),
            wording=WORDING, source="web form", actor="ann", **fields,
        )  # fmt: skip
        with store.write() as connection:
            return double_opt_in.ask(connection, question, read_links(settings), "Harbour & Pine", at)

    return put


@pytest.fixture
def granted(store: Store, addresses: Addresses) -> Callable[[], bool]:
    def look() -> bool:
        with store.read() as connection:
            said = consent.state(connection, ["cus_1"], addresses.hash(PHONE), "sms")
        return said is not None and said.granted

    return look


def link(settings: Settings, asked: Asked) -> str:
    return read_links(settings).confirm(asked.request_id).removeprefix(settings.public_url)


def test_the_question_goes_once_and_is_no_marketing(ask: Ask, store: Store, settings: Settings) -> None:
    first, second = ask(), ask(at=NOON + timedelta(days=1))
    assert (first.is_new, second.is_new) == (True, False)
    assert second.request_id == first.request_id
    with store.read() as connection:
        row = connection.execute(select(messages)).one()
    assert (row.message_class, row.state, row.address) == ("transactional", "queued", PHONE)
    assert WORDING in row.body
    assert read_links(settings).confirm(first.request_id) in row.body


def test_pending_is_no_consent(ask: Ask, granted: Any) -> None:
    ask()
    assert not granted()


def test_looking_at_the_page_changes_nothing_and_the_button_grants(
    ask: Ask, granted: Any, post: Any, settings: Settings, store: Store
) -> None:
    asked = ask()
    page = post.client.get(link(settings, asked))
    assert page.status_code == 200
    assert WORDING in page.text
    assert not granted()
    assert "Thank you" in post.raw(link(settings, asked), "").text
    assert granted()
    with store.read() as connection:
        (event,) = connection.execute(select(consent_events)).all()
        assert verify_chain(connection).broken_at is None
    assert (event.wording, event.wording_hash, event.method) == (
        WORDING,
        hash_of(WORDING),
        "double opt-in, link",
    )
    assert event.evidence == {"request_id": asked.request_id, "message_id": asked.message_id}


def test_a_second_answer_is_the_first_ones(
    ask: Ask, post: Any, inbound_form: Any, settings: Settings, store: Store
) -> None:
    asked = ask()
    for _ in range(3):
        assert post.raw(link(settings, asked), "").status_code == 200
    post.signed("/webhooks/twilio/inbound", inbound_form("YES"))
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(consent_events)).scalar() == 1


def left(store: Store, message_id: str, at: datetime = NOON) -> None:
    """Say that a message was called, and taken by the provider."""
    with store.write() as connection:
        this = update(messages).where(messages.c.message_id == message_id)
        connection.execute(this.values(state="accepted", calling_at=at))


def test_a_yes_to_the_message_grants_and_a_yes_to_nothing_or_to_anything_else_does_not(
    ask: Ask, granted: Any, post: Any, inbound_form: Any, store: Store, sent: Any, addresses: Addresses
) -> None:
    post.signed("/webhooks/twilio/inbound", inbound_form("YES"))
    assert not granted()
    asked = ask()
    post.signed("/webhooks/twilio/inbound", inbound_form("Yes!", sid="SM" + "1" * 32))
    assert not granted(), "the question has not left us yet"
    left(store, asked.message_id)
    later = sent("cus_1", address_hash=addresses.hash(PHONE))  # shall we deliver on Tuesday instead?
    left(store, later, NOON + timedelta(hours=1))
    post.signed("/webhooks/twilio/inbound", inbound_form("Yes!", sid="SM" + "2" * 32))
    assert not granted(), "it answers what we asked since"
    left(store, asked.message_id, NOON + timedelta(hours=2))
    post.signed("/webhooks/twilio/inbound", inbound_form("Yes!", sid="SM" + "3" * 32))
    assert granted()


def test_a_no_in_their_own_words_is_an_opt_out_and_no_later_yes_revives_the_question(
    ask: Ask, granted: Any, post: Any, inbound_form: Any, store: Store, addresses: Addresses
) -> None:
    ask()
    post.signed("/webhooks/twilio/inbound", inbound_form("STOP"))
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(PHONE)], "sms")
    with pytest.raises(RefusedError, match="blocked on sms"):
        ask(at=NOON + timedelta(days=30))


def test_an_answer_that_comes_too_late_is_none(
    ask: Ask, granted: Any, post: Any, settings: Settings, store: Store
) -> None:
    asked = ask(at=NOON - double_opt_in.WAITS)  # the receiver's clock stands at noon
    assert post.client.get(link(settings, asked)).status_code == 410
    assert post.raw(link(settings, asked), "").status_code == 410
    assert not granted()
    assert ask().is_new, "once it ran out, they may be asked again"


@pytest.mark.parametrize("change", ["req_0", "x", "swap"])
def test_a_link_that_is_none_of_ours_grants_nothing(
    ask: Ask, granted: Any, post: Any, settings: Settings, change: str
) -> None:
    token = link(settings, ask()).removeprefix("/c/")
    request_id, _, signed = token.partition(".")
    forged = {"req_0": f"req_0.{signed}", "x": f"{request_id}.{'0' * 32}", "swap": f"{signed}.{request_id}"}[
        change
    ]
    assert post.raw(f"/c/{forged}", "").status_code == 404
    assert not granted()


def test_a_link_to_unsubscribe_is_none_to_agree(post: Any, settings: Settings, ask: Ask) -> None:
    asked = ask()
    links = read_links(settings)
    assert links.message_id(links.confirm(asked.request_id).rsplit("/", 1)[1]) is None
    assert links.request_id(links.unsubscribe(asked.message_id).rsplit("/", 1)[1]) is None


def test_the_answer_takes_an_unsubscribing_back(
    ask: Ask, granted: Any, post: Any, settings: Settings, store: Store, addresses: Addresses
) -> None:
    with store.write() as connection:
        consent.stop(
            connection, address_hash=addresses.hash(PHONE), channel="sms", at=NOON - timedelta(days=3), source="rapport",
            reason="unsubscribe", method="link", customer_ids=["cus_1"],
        )  # fmt: skip
    post.raw(link(settings, ask()), "")
    assert granted()
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(PHONE)], "sms") == {}


def test_the_mail_that_asks_is_in_their_language_and_says_until_when(ask: Ask, store: Store) -> None:
    ask("ada@example.com", channel="email", locale="de-AT")
    with store.read() as connection:
        row = connection.execute(select(messages)).one()
        until = connection.execute(select(consent_requests.c.expires_at)).scalar()
    assert row.subject == "Harbour & Pine: bitte bestätigen Sie"
    assert f"{until:%Y-%m-%d}" in row.body
    assert "Antworten Sie" not in row.body


def test_an_answer_of_ours_is_xml_whatever_the_company_is_called(post: Any, inbound_form: Any) -> None:
    form = inbound_form("please stop texting me")
    told = post.signed("/webhooks/twilio/inbound", form).text
    assert "<Response><Message>" in told
    assert "no more marketing" in told
