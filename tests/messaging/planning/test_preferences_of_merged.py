"""The preference page of somebody who has had several ids: it shows and changes what the gate goes by."""

import re
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from messaging import audit, consent
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent
from messaging.customers import Customers
from messaging.facts import Candidate, gather
from messaging.links import read_links
from messaging.objections import has_objected
from messaging.policy import Allowed, Blocked, decide
from messaging.quiet_hours import read_quiet_rules
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import messages
from messaging.webhooks.preference_preview import language_for, languages, preview_preferences
from messaging.webhooks.server import running

NOON = datetime.fromisoformat("2026-10-30T12:00")
ANNA, OTHER = "cus_00000000000000000000000000000001", "cus_00000000000000000000000000000002"
MAIL, PHONE = "anna@example.com", "+442079460001"


@pytest.fixture
def page(
    settings: Settings, store: Store, clock: Clock, addresses: Addresses, publish: Any, make_person: Any
) -> Any:
    """Open the page of a mail to Anna, whose record of another id became hers in the newest release."""
    identifiers = [("email", MAIL), ("phone", PHONE.removeprefix("+"))]
    publish(
        customer_360=[make_person(1)],
        identity_alias=[{"old_customer_id": OTHER, "customer_id": ANNA}],
        customer_identifiers=[
            {"customer_id": ANNA, "identifier_type": kind, "value": value} for kind, value in identifiers
        ],
    )
    row = {
        "message_id": new_id("msg"), "customer_id": ANNA, "channel": "email", "address": MAIL,
        "address_hash": addresses.hash(MAIL), "message_class": "marketing", "body": "Hello", "state": "accepted",
        "provider": "smtp", "attempt_count": 1, "created_at": NOON, "calling_at": NOON, "updated_at": NOON,
    }  # fmt: skip
    with store.write() as connection:
        connection.execute(insert(messages).values(**row))
    link = read_links(settings).preferences(str(row["message_id"])).removeprefix(settings.public_url)
    with running(settings, store, clock) as receiver, httpx.Client(base_url=receiver.base_url) as client:

        def ask(*ticked: str) -> str:
            answer = client.post(link, data=dict.fromkeys(ticked, "on")) if ticked else client.get(link)
            assert answer.status_code == 200
            return answer.text

        yield ask


@pytest.fixture
def gate(store: Store, addresses: Addresses, customers: Customers) -> Any:
    def ask(channel: str, address: str) -> Any:
        with store.read() as connection:
            one = Candidate(
                key="1",
                person=customers.known_as(ANNA, connection),
                channel=channel,
                address=address,
                address_hash=addresses.hash(address),
                time_zone="Europe/London",
                country="GB",
            )
            return decide(gather(connection, [one], NOON)["1"], read_quiet_rules())

    return ask


def said(action: str, channel: str, purpose: str = "marketing", **whom: Any) -> ConsentEvent:
    return ConsentEvent(
        channel=channel, purpose=purpose, action=action, legal_basis="consent", occurred_at=NOON, source="form",
        actor="customer", method="form", **whom,
    )  # fmt: skip


def record(store: Store, *events: ConsentEvent) -> None:
    with store.write() as connection:
        for event in events:
            consent.record(connection, event, NOON)


def test_what_was_withdrawn_under_an_earlier_id_is_shown_and_a_tick_takes_it_back(
    page: Any, gate: Any, store: Store
) -> None:
    record(
        store, said("grant", "email", customer_id=ANNA), said("revoke", "email", customer_id=OTHER),
        said("revoke", "sms", customer_id=OTHER),
    )  # fmt: skip
    assert isinstance(gate("email", MAIL), Blocked)
    assert "checked" not in page()
    assert page("marketing.email", "marketing.sms").count("checked") == 2
    assert isinstance(gate("email", MAIL), Allowed)
    assert isinstance(gate("sms", PHONE), Allowed)


def test_a_number_that_the_release_alone_knows_and_that_agreed_by_itself_is_shown(
    page: Any, gate: Any, store: Store, addresses: Addresses
) -> None:
    record(store, said("grant", "sms", address_hash=addresses.hash(PHONE)))
    assert 'name="marketing.sms" value="on" checked' in page()
    page("marketing.email")
    assert isinstance(gate("sms", PHONE), Blocked)


def test_an_objection_of_an_earlier_id_is_shown_and_can_be_taken_back(
    page: Any, store: Store, customers: Customers
) -> None:
    record(store, said("revoke", "sms", "profiling", customer_id=OTHER))
    assert 'name="profiling" value="on" checked' in page()
    page("marketing.email")
    with store.read() as connection:
        assert not has_objected(connection, customers.known_as(ANNA, connection))


def test_a_colleague_sees_the_page_as_its_customer_does_with_nothing_in_it_that_leads_anywhere(
    page: Any, settings: Settings, store: Store, clock: Clock, customers: Customers
) -> None:
    record(
        store, said("grant", "email", customer_id=ANNA), said("revoke", "sms", customer_id=OTHER),
        said("revoke", "sms", "profiling", customer_id=OTHER),
    )  # fmt: skip

    def preview(lang: str, actor: str | None = None) -> str:
        return preview_preferences(settings, customers, store, clock, ANNA, lang=lang, actor=actor)

    for lang in languages():
        shown = preview(lang)
        assert f'<html lang="{lang}">' in shown
        assert re.findall(r'name="(\S+)" value="on" checked', shown) == ["marketing.email", "profiling"]
        assert not re.search(r"<(script|form) |<[^>]* (href|action|on\w+|src)=", shown)
    alive = re.sub(r' (hreflang|href|method|action)="[^"]*"', "", page())
    assert preview("en", "mia") == alive.replace("<body>", "<body inert>")
    with store.read() as connection:
        (look,) = audit.newest(connection, 5, action="consent.look")
    assert (look["actor"], look["subject"], look["detail"]) == ("mia", ANNA, {"part": "preferences"})


def test_the_page_opens_in_the_language_that_is_nearest_to_the_customers() -> None:
    wanted = ("de-AT", "FR", "es_MX", "pt-BR", "", None)
    assert [language_for(each) for each in wanted] == ["de", "fr", "es", "en", "en", "en"]
