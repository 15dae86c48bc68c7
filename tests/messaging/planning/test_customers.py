from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, get_args, get_type_hints

import pytest
from sqlalchemy import insert

from data_contracts.contracts import published_contract
from data_contracts.errors import NotFoundError, ReleaseError
from messaging import consent
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent
from messaging.customers import CustomerFacts, Customers
from messaging.store import Store
from messaging.store.tables import (
    campaign_runs,
    contract_status,
    inbound_messages,
    messages,
)

NOON = datetime.fromisoformat("2026-10-30T12:00")
Publish = Callable[..., str]
MakePerson = Callable[..., dict[str, Any]]


def add_message(store: Store, clock: Clock, **values: Any) -> None:
    row = {
        "message_id": "msg_1",
        "step": 0,
        "channel": "sms",
        "address": "+442079460001",
        "address_hash": "h1",
        "message_class": "marketing",
        "purpose": "marketing",
        "campaign": "win_back",
        "body": "We miss you.",
        "state": "done",
        "provider_status": "delivered",
        "attempt_count": 1,
        "created_at": clock.now(),
        "accepted_at": clock.now(),
        "updated_at": clock.now(),
    }
    with store.write() as connection:
        connection.execute(insert(messages).values(row | values))


def add_inbound(store: Store, clock: Clock, **values: Any) -> None:
    row = {
        "inbound_id": "inb_1",
        "provider": "twilio",
        "provider_sid": "SM1",
        "channel": "sms",
        "from_address": "+442079460001",
        "to_address": "+15005550006",
        "address_hash": "h1",
        "body": "Where is my lamp?",
        "received_at": clock.now(),
        "payload": {},
    }
    with store.write() as connection:
        connection.execute(insert(inbound_messages).values(row | values))


def add_consent(store: Store, clock: Clock, **values: Any) -> str:
    facts = {
        "customer_id": None,
        "address_hash": None,
        "channel": "sms",
        "purpose": "marketing",
        "legal_basis": "consent",
        "action": "grant",
        "occurred_at": clock.now(),
        "source": "webform",
        "actor": "customer",
        "method": "web form",
    }
    with store.write() as connection:
        return consent.record(connection, ConsentEvent(**(facts | values)), clock.now())


def held(who: dict[str, Any], identifier_type: str, value: str) -> dict[str, Any]:
    return {"customer_id": who["customer_id"], "identifier_type": identifier_type, "value": value}


def test_without_a_release_the_mend_is_named(customers: Customers) -> None:
    with pytest.raises(ReleaseError, match="rapport build"):
        customers.find("anybody")


@pytest.mark.parametrize(
    ("query", "matched_by"),
    [
        ("cus_00000000000000000000000000000001", "customer_id"),
        ("cus_oldest", "earlier customer_id"),
        ("Ada1@Example.com", "email"),
        ("ada1+news@example.com", "email"),
        ("+442079460001", "phone"),
        ("020 7946 0001", "phone"),
        ("+44 (0)20 7946-0001", "phone"),
        ("0044 20 79460001", "phone"),
        ("14646", "external_id"),
        ("#1001", "order"),
        ("1001", "order"),
        ("Ada1 Lovelace1", "name"),
    ],
)
def test_a_customer_is_found_by_whatever_is_at_hand(
    customers: Customers, publish: Publish, make_person: MakePerson, query: str, matched_by: str
) -> None:
    one = make_person(1, given_name="Ada1", family_name="Lovelace1")
    other = make_person(2, given_name="Charles", family_name="Babbage")
    if query == "Ada1 Lovelace1":
        one |= {"given_name": "Ada", "family_name": "Lovelace", "display_name": "Ada Lovelace"}
        query = "ada lovelace"
    publish(
        customer_360=[one, other],
        customer_identifiers=[
            held(one, "email", "ada1@example.com"),
            held(one, "phone", "+442079460001"),
            held(one, "external_id", "online_retail:14646"),
            held(other, "phone", "+442079460002"),
        ],
        orders=[{"customer_id": one["customer_id"], "order_id": "#1001", "net_amount_minor": 1}],
        identity_alias=[
            {"old_customer_id": "cus_oldest", "customer_id": "cus_older"},
            {"old_customer_id": "cus_older", "customer_id": one["customer_id"]},
        ],
    )
    hits = customers.find(query)
    assert (hits[0].customer_id, hits[0].matched_by) == (one["customer_id"], matched_by)
    assert [hit.customer_id for hit in hits] == [one["customer_id"]]


def test_names_are_found_with_slips_turned_round_and_without_accents(
    customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    publish(
        customer_360=[
            make_person(1, given_name="Zoë", family_name="Großmann"),
            make_person(2, given_name="Siobhán", family_name="O'Brien"),
            make_person(3, given_name="Anna", family_name="Karlsson"),
        ]
    )
    assert customers.find("zoe grosmann")[0].display_name == "Zoë Großmann"
    assert customers.find("o'brien siobhan")[0].display_name == "Siobhán O'Brien"
    assert customers.find("Karlson")[0].display_name == "Anna Karlsson"
    assert customers.find("qqqq") == []


HOSTILE = ["", "   ", "'; DROP TABLE customer_360; --", "%", "$text", "\x00", "a" * 5000]


@pytest.mark.parametrize("query", HOSTILE)
def test_a_hostile_search_is_only_a_search(
    customers: Customers, publish: Publish, make_person: MakePerson, query: str
) -> None:
    publish(customer_360=[make_person(1)])
    assert customers.find(query) == []


def test_a_card_follows_a_merged_id_to_the_person_of_today(
    customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    one = make_person(1)
    publish(
        customer_360=[one], identity_alias=[{"old_customer_id": "cus_old", "customer_id": one["customer_id"]}]
    )
    card = customers.get("cus_old")
    assert (card.customer_id, card.asked_id, card.aliases) == (one["customer_id"], "cus_old", ("cus_old",))
    assert card.facts["net_revenue_minor"] == 12_300


def test_an_unknown_id_is_told_in_one_sentence(customers: Customers, publish: Publish) -> None:
    publish()
    with pytest.raises(NotFoundError, match="cus_nobody"):
        customers.get("cus_nobody")


def test_what_happened_a_second_ago_lies_over_the_release(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    one = make_person(1)
    publish(customer_360=[one])
    add_message(store, clock, customer_id=one["customer_id"])
    add_inbound(store, clock, customer_id=one["customer_id"], received_at=clock.now() + timedelta(minutes=1))
    card = customers.get(one["customer_id"])
    assert [(touch.kind, touch.state, touch.is_fresh) for touch in card.touches] == [
        ("sms", "received", True),
        ("outreach", "delivered", True),
    ]
    assert card.facts["last_outreach_campaign"] == "win_back"
    assert card.facts["last_inbound_channel"] == "sms"
    assert card.facts["inbound_message_count"] == 2


def test_a_touch_that_both_sides_know_appears_once_and_is_not_counted_twice(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    one = make_person(1)
    landed = {
        "customer_id": one["customer_id"],
        "occurred_at": clock.now(),
        "touch_id": "t1",
        "kind": "outreach",
        "direction": "out",
        "source": "rapport",
        "source_record_id": "message/msg_1",
        "state": "sent",
    }
    publish(customer_360=[one], customer_timeline=[landed])
    add_message(store, clock, customer_id=one["customer_id"])
    card = customers.get(one["customer_id"])
    assert [(touch.state, touch.is_fresh) for touch in card.touches] == [("delivered", False)]
    assert card.facts["outbound_message_count"] == 1


def test_an_imported_no_that_was_told_of_its_owner_stands_once_and_is_not_new(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    who = {"customer_id": make_person(1)["customer_id"]}
    record = {"source": "shop", "source_record_id": "consent/5"}
    landed = {
        **who,
        **record,
        "occurred_at": clock.now(),
        "touch_id": "t1",
        "kind": "consent",
        "direction": "none",
    }
    publish(customer_360=[make_person(1)], customer_timeline=[landed])
    told = {"source": "shop", "source_record_id": f"consent/5#{who['customer_id']}", "action": "revoke"}
    add_consent(store, clock, **who, **told)
    (touch,) = customers.timeline(who["customer_id"])
    assert (touch.title, touch.is_fresh) == ("Marketing consent withdrawn", False)
    assert (touch.source, touch.source_record_id) == ("shop", "consent/5")


def test_a_message_stored_under_an_earlier_id_is_on_the_card(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    one = make_person(1)
    publish(
        customer_360=[one], identity_alias=[{"old_customer_id": "cus_old", "customer_id": one["customer_id"]}]
    )
    add_message(store, clock, customer_id="cus_old")
    assert len(customers.timeline(one["customer_id"])) == 1


def test_a_planned_message_is_no_touch(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    one = make_person(1)
    publish(customer_360=[one])
    add_message(store, clock, customer_id=one["customer_id"], state="queued", provider_status=None)
    assert customers.timeline(one["customer_id"]) == []


def test_consent_is_told_with_its_proof(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    one = make_person(1, sms_consent="none", sms_reachable=False)
    publish(customer_360=[one])
    event_id = add_consent(store, clock, customer_id=one["customer_id"])
    email, sms = customers.get(one["customer_id"]).consents
    assert (email.channel, email.state) == ("email", "none")
    assert (sms.channel, sms.state, sms.event_id) == ("sms", "granted", event_id)
    assert "30 October 2026" in sms.sentence
    assert "web form" in sms.sentence


def test_a_withdrawal_beats_a_later_grant_under_another_id(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    one = make_person(1)
    publish(
        customer_360=[one], identity_alias=[{"old_customer_id": "cus_old", "customer_id": one["customer_id"]}]
    )
    add_consent(store, clock, customer_id="cus_old", action="revoke")
    add_consent(
        store,
        clock,
        customer_id=one["customer_id"],
        occurred_at=clock.now() + timedelta(hours=1),
    )
    card = customers.get(one["customer_id"])
    assert {each.channel: each.state for each in card.consents}["sms"] == "revoked"
    assert card.facts["sms_reachable"] is False


def test_a_blocked_address_silences_whoever_owns_it(
    customers: Customers, publish: Publish, store: Store, addresses: Addresses, make_person: MakePerson
) -> None:
    one = make_person(1)
    publish(customer_360=[one])
    hashed = addresses.hash(one["phone"])
    with store.write() as connection:
        consent.stop(connection, address_hash=hashed, channel="sms", at=NOON, source="twilio")
    card = customers.get(one["customer_id"])
    assert next(each for each in card.consents if each.channel == "sms").suppressed
    assert card.facts["sms_reachable"] is False


def test_who_withdraws_on_whatsapp_is_reached_still_where_another_channel_is_left(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    only = make_person(1, email=None, sms_reachable=False, whatsapp_reachable=True)
    both = make_person(2, sms_reachable=False, whatsapp_reachable=True)
    publish(customer_360=[only, both])
    assert customers.overview().reachable == {"any": 2, "email": 1, "sms": 0, "whatsapp": 2}
    for each in (only, both):
        add_consent(store, clock, customer_id=each["customer_id"], channel="whatsapp", action="revoke")
    assert customers.overview().reachable == {"any": 1, "email": 1, "sms": 0, "whatsapp": 0}


def test_the_overview_counts_reach_revenue_health_and_outcome(
    customers: Customers, publish: Publish, store: Store, clock: Clock, make_person: MakePerson
) -> None:
    people = [make_person(number) for number in range(4)]
    people[3] |= {"phone": None, "sms_reachable": False}
    wrote = clock.now() - timedelta(days=40)
    outreach = [
        {
            "customer_id": each["customer_id"],
            "occurred_at": wrote,
            "touch_id": f"t{number}",
            "channel": "sms",
            "kind": "outreach",
            "direction": "none" if number == 2 else "out",
            "source": "earlier_tool",
            "source_record_id": f"message/{number}",
            "campaign": "spring",
            "state": "held_out" if number == 2 else "delivered",
        }
        for number, each in enumerate(people[:3])
    ]
    publish(
        customer_360=people,
        customer_timeline=outreach,
        orders=[
            {
                "customer_id": people[0]["customer_id"],
                "order_id": "1",
                "ordered_at": wrote + timedelta(days=3),
                "net_amount_minor": 500,
            },
            {"customer_id": None, "order_id": "2", "ordered_at": wrote, "net_amount_minor": 250},
        ],
        contract_results=[{"table_name": "purchases", "state": "amber", "rule": "price", "failed": 2}],
    )
    with store.write() as connection:
        connection.execute(
            insert(contract_status).values(
                table_name="contacts", state="red", checked_at=clock.now(), rows_checked=5, rows_quarantined=3
            )
        )
        connection.execute(
            insert(campaign_runs).values(
                run_id="run_1",
                campaign="win_back",
                content_hash="x",
                content={},
                release_version="1",
                state="running",
                planned_at=clock.now(),
                planned_by="eva",
            )
        )
    add_consent(store, clock, customer_id=people[1]["customer_id"], action="revoke")
    add_message(store, clock, customer_id=people[0]["customer_id"], run_id="run_1")
    seen = customers.overview()
    assert seen.people == 4
    assert seen.reachable == {"any": 4, "email": 4, "sms": 2, "whatsapp": 0}
    assert seen.reach_lost_since == 1
    assert [(row.net_revenue_minor, row.order_count) for row in seen.revenue] == [(750, 2)]
    assert seen.guest_orders == 1
    states = {each.table_name: each.state for each in seen.contracts}
    assert states == {"purchases": "amber", "contacts": "red"}
    assert [(run.campaign, run.by_state) for run in seen.running] == [("win_back", {"done": 1})]
    figures = {each.campaign: each for each in seen.campaigns}
    assert (figures["spring"].sent, figures["spring"].held_out) == (2, 1)
    assert (figures["spring"].bought_sent, figures["spring"].bought_held_out) == (1, 0)
    assert (figures["win_back"].sent, figures["win_back"].delivered) == (1, 1)
    assert sum(week.touches for week in seen.touches) == 3


def test_the_facts_that_our_code_names_are_columns_of_the_contract_with_their_types() -> None:
    python = {
        "VARCHAR": str,
        "BIGINT": int,
        "INTEGER": int,
        "DOUBLE": float,
        "BOOLEAN": bool,
        "TIMESTAMP": datetime,
    }
    promised = {column.name: column for column in published_contract("customer_360").columns}
    for name, kind in get_type_hints(CustomerFacts).items():
        assert python[promised[name].type] in {kind, *get_args(kind)}, name
