"""A company of a few people, small enough to work out by hand what the view has to say."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"
OWN = "shop.example"


def line(record: str, order: str, amount: int, at: str, kind: str = "sale", **more: Any) -> dict[str, Any]:
    """Make an order line of one piece."""
    return {
        "source": "shopify",
        "source_record_id": f"line/{record}",
        "occurred_at": at,
        "order_id": order,
        "line_kind": kind,
        "quantity": 1,
        "unit_price_minor": amount,
        "net_amount_minor": amount,
        "currency": "GBP",
        **more,
    }


def record(source: str, kind: str, number: int, at: str, **more: Any) -> dict[str, Any]:
    """Make a record of any other kind."""
    return {"source": source, "source_record_id": f"{kind}/{number}", "occurred_at": at, **more}


MARKETING = {"purpose": "marketing", "legal_basis": "consent"}
OPEN = {"conversation_status": "open"}
ANNS = "+447700900001"
BEA = "+447700900002"
ANN = "annlee+shop@gmail.example.com"
LANDED: dict[str, list[dict[str, Any]]] = {
    "contacts": [
        record(
            "shopify",
            "contact",
            1,
            "2026-01-01 08:00:00",
            external_id="71",
            email="Ann.Lee@gmail.example.com",
            phone="07700 900001",
            given_name="Ann",
            family_name="Lee",
            country="United Kingdom",
            language="en-GB",
        ),
    ],
    "purchases": [
        line("1", "#1", 1000, "2026-09-01 10:00:00", email=ANN, product_id="mug", given_name="A"),
        line("2", "#1", 500, "2026-09-01 10:00:00", email=ANN, product_id="bowl"),
        line("3", "#1", -400, "2026-09-10 10:00:00", "refund"),
        line("4", "#2", 9999, "2026-10-20 10:00:00", email=ANN, product_id="bowl", currency="USD"),
        line("5", "#3", 2500, "2026-02-01 10:00:00", email="carl@example.com", country="US"),
        line("6", "#4", 700, "2026-10-01 10:00:00", product_id="mug"),
        line("7", "#5", 800, "2026-10-02 10:00:00", email="noreply@example.com"),
    ],
    "products": [
        record("shopify", "product", 1, "2026-01-01", product_id="mug", name="Mug", category="Kitchen"),
        record("shopify", "product", 2, "2026-01-01", product_id="bowl", name="Bowl", category="Table"),
    ],
    "shipments": [
        record(
            "shopify",
            "shipment",
            1,
            "2026-09-02",
            shipment_id="p1",
            order_id="#1",
            status="delivered",
            carrier="Northline",
            shipped_at="2026-09-02",
            estimated_delivery_at="2026-09-05",
            delivered_at="2026-09-08 15:00:00",
        ),
        record(
            "shopify",
            "shipment",
            2,
            "2026-10-21",
            shipment_id="p2",
            order_id="#2",
            status="in_transit",
            shipped_at="2026-10-21",
            estimated_delivery_at="2026-11-02",
        ),
    ],
    "email_messages": [
        record("mail", "message", n, at, message_id=f"m{n}", direction=way, email=address, subject="Late")
        for n, at, way, address in [
            (1, "2026-09-09 00:00:00", "inbound", ANN),
            (2, "2026-09-09 01:00:00", "outbound", f"hello@{OWN}"),
        ]
    ],
    "email_events": [
        record("sendgrid", "event", 1, "2026-09-20", event_id="e1", event="bounce", email="carl@example.com"),
    ],
    "sms_messages": [
        record("twilio", "message", n, at, message_id=f"SM{n}", channel="sms", **facts)
        for n, at, facts in [
            (1, "2026-10-11 09:00:00", {"direction": "inbound", "phone": ANNS, "status": "received"}),
            (2, "2026-10-12 09:00:00", {"direction": "inbound", "phone": ANNS, "status": "received"}),
            (3, "2026-10-01 09:00:00", {"direction": "outbound", "phone": BEA, "status": "delivered"}),
        ]
    ],
    "chat_messages": [
        record("chat", "message", n, at, conversation_id="c1", message_id=str(n), **OPEN, **facts)
        for n, at, facts in [
            (1, "2026-10-29 10:00:00", {"author_kind": "customer", "email": "ann.lee@gmail.example.com"}),
            (2, "2026-10-29 10:05:00", {"author_kind": "agent"}),
        ]
    ],
    "consents": [
        record("shopify", "consent", n, at, channel=channel, action=action, **MARKETING, **who)
        for n, at, channel, action, who in [
            (1, "2026-01-01", "email", "grant", {"email": "ann.lee@gmail.example.com"}),
            (2, "2026-01-02", "sms", "grant", {"phone": "07700 900001"}),
            (3, "2026-03-01", "email", "grant", {"email": "carl@example.com"}),
            (4, "2026-04-01", "email", "revoke", {"email": "carl@example.com"}),
        ]
    ],
    "outreach": [
        record(
            "earlier", "outreach", 1, "2026-10-10", campaign="autumn", email="ann.lee@gmail.example.com",
            channel="email", direction="outbound", arm="sent", state="delivered",
        ),
        record(
            "earlier", "outreach", 2, "2026-05-01", campaign="spring", email="ann.lee@gmail.example.com",
            channel="email", direction="outbound", arm="sent", state="delivered",
        ),
        record(
            "earlier", "outreach", 3, "2026-10-10", campaign="autumn", email="carl@example.com",
            channel="email", direction="outbound", arm="holdout", state="held_out",
        ),
    ],
}  # fmt: skip

ANNS_ROW = {
    "given_name": "Ann",
    "family_name": "Lee",
    "display_name": "Ann Lee",
    "email": "ann.lee@gmail.example.com",
    "phone": "+447700900001",
    "country": "GB",
    "language": "en-GB",
    "time_zone": "Europe/London",
    "time_zone_source": "country",
    "first_seen_at": datetime.fromisoformat("2026-01-01T00:00"),
    "last_seen_at": datetime.fromisoformat("2026-10-29T10:05"),
    # contact, 4 lines, 2 parcels, mail, 2 SMS, 2 chat messages, 2 consents, 2 campaign messages
    "record_count": 16,
    "source_count": 5,
    "sources": "chat, earlier, mail, shopify, twilio",
    "conflict_count": 1,  # the shop's order calls her A
    "identity_confidence": "certain",
    "email_consent": "granted",
    "sms_consent": "granted",
    "whatsapp_consent": "none",
    "voice_consent": "none",
    "email_reachable": True,
    # her number is one of those that are kept for films: the gate writes to none of them
    "sms_reachable": False,
    "whatsapp_reachable": False,
    "email_validity": "confirmed",
    "phone_validity": "unverified",
    # a campaign's mail arrived in October; her last SMS is from the 12th
    "email_last_success_at": datetime.fromisoformat("2026-10-10T00:00"),
    "sms_last_success_at": datetime.fromisoformat("2026-10-12T09:00"),
    "whatsapp_last_success_at": None,
    "email_bounced_at": None,
    "contactability": 100,
    # two SMS on the last two days of writing weigh more than one e-mail a month before
    "preferred_channel": "sms",
    "preferred_channel_reason": "Answered or wrote to us by SMS on 2 days, last on 2026-10-12.",
    "preferred_channel_source": "inferred",
    # an e-mail at midnight UTC, two SMS at nine: all are at summer time
    "usual_hour": 10,
    "engagement_level": "high",
    "emails_sent_90d": 1,
    "opens_90d": 0,
    "clicks_90d": 0,
    "replies_90d": 1,
    "sms_sent_90d": 0,
    "sms_replies_90d": 2,
    "machine_opens_90d": 0,
    "scanner_clicks_90d": 0,
    "last_open_at": None,
    "last_click_at": None,
    "first_order_at": datetime.fromisoformat("2026-09-01T10:00"),
    "last_order_at": datetime.fromisoformat("2026-10-20T10:00"),
    "days_since_last_order": 10,
    "order_count": 2,
    "net_revenue_minor": 1100,
    "refund_minor": 400,
    "average_order_minor": 1100,
    "favourite_category": "Table",
    "refund_count": 1,
    "return_rate": 400 / 1500,
    "product_count": 2,
    "categories": "Table, Kitchen",
    "usual_gap_days": None,  # two order days have one gap
    # three buyers are too few to compare, and no two bought the same two things
    "suggested_product": None,
    "suggested_product_reason": None,
    "rfm_recency": None,
    "rfm_frequency": None,
    "rfm_monetary": None,
    "rfm_score": None,
    "rfm_segment": None,
    "vip_tier": None,
    "score_freshness": "stale",  # orders came on the 1st, 2nd and 20th, and for ten days none
    "churn_risk": pytest.approx(0.35),  # .15, .10 for the late parcel, .10 for letters that nobody answered
    "churn_level": "low",
    "churn_method": "rules",
    "churn_reasons": "1 late parcel in half a year; Waited over a day for 2 answers in half a year",
    "profiling_objected": False,
    "score_note": "Fixed rules judge their risk, for history is shorter than twice 180 days.",
    "open_shipment_count": 1,
    "late_shipment_count": 1,
    "inbound_message_count": 4,
    "outbound_message_count": 3,
    "last_inbound_at": datetime.fromisoformat("2026-10-29T10:00"),
    "last_inbound_channel": "chat",
    "open_conversation_count": 2,  # the chat, and the mail of September: what went to hello@ reached nobody
    "waiting_since": datetime.fromisoformat("2026-09-09T00:00"),
    "open_complaint_count": 0,
    # the mail has no answer; the SMS waited from the 11th to the chat of the 29th, 10:05
    "first_response_median_seconds": 18 * 86_400 + 3_900,
    "resolution_median_seconds": None,
    "repeat_contacts_7d": 0,
    "channel_switch_count": 1,  # from SMS to the chat
    "effort_score": 7,  # two messages more, another channel, more than three days
    "last_ticket_at": None,
    "sentiment_30d": None,
    "sentiment_trend": "unknown",
    "satisfaction_state": "unknown",
    "last_feedback_at": None,
    "last_csat": None,
    "last_nps": None,
    "last_review_rating": None,
    "last_review_verified": None,
    "last_outreach_at": datetime.fromisoformat("2026-10-10T00:00"),
    "last_outreach_campaign": "autumn",
    "last_outreach_state": "delivered",
    "outreach_90d_count": 1,
    "lifecycle_stage": "active",
    "probability_alive": None,
    "expected_orders_90d": None,
    "expected_orders_365d": None,
    "expected_order_minor": None,
    "value_90d_minor": None,
    "value_365d_minor": None,
    "next_order_expected_at": None,
    "value_note": "No lifetime value: it takes 100 customers who ordered on a second day to tell how customers come back,"
    " and there are 1.",
    "largest_order_minor": 1500,
    "parcel_days_late": None,
    "next_best_action": "answer_waiting",
    "next_best_action_reason": "They have waited for an answer since 2026-09-09.",
}


@pytest.fixture(scope="session")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    company = found_company("company")
    company.land(LANDED)
    company.build(AS_OF, own_domains=[OWN])
    return company


def who(company: "Company", email: str) -> dict[str, Any]:
    (row,) = company.rows("SELECT * FROM marts.customer_360 WHERE email = ?", email)
    return row


def test_a_person_of_many_sources_is_one_row_with_the_figures_worked_out_by_hand(company: "Company") -> None:
    row = who(company, "ann.lee@gmail.example.com")
    assert row.pop("customer_id").startswith("cus_")
    assert row == ANNS_ROW


def test_who_bought_once_long_ago_and_bounced_is_lapsed_and_out_of_reach(company: "Company") -> None:
    row = who(company, "carl@example.com")
    expected = {
        "display_name": "carl@example.com",
        "country": "US",
        "time_zone": None,
        "email_consent": "revoked",
        "email_reachable": False,
        "sms_reachable": False,
        "order_count": 1,
        "net_revenue_minor": 2500,
        "days_since_last_order": 271,
        "lifecycle_stage": "lapsed",
        "last_outreach_campaign": None,
        "outreach_90d_count": 0,
        "preferred_channel": None,
    }
    assert {name: row[name] for name in expected} == expected


def test_nobody_has_a_tier_where_there_are_none(company: "Company") -> None:
    """Two buyers and one who never ordered: too few to compare, so that `none` would be a tier made up."""
    tiers = company.rows("SELECT order_count > 0 AS bought, vip_tier FROM marts.customer_360 ORDER BY 1")
    assert [tuple(row.values()) for row in tiers] == [(False, None), (True, None), (True, None)]


def test_there_are_three_people_and_nobody_of_placeholders_or_the_company_itself(company: "Company") -> None:
    names = company.rows("SELECT display_name FROM marts.customer_360 ORDER BY 1")
    assert [row["display_name"] for row in names] == ["+447700900002", "Ann Lee", "carl@example.com"]


def test_guests_orders_count_in_the_totals_and_belong_to_nobody(company: "Company") -> None:
    guests = company.rows(
        "SELECT order_id, net_amount_minor FROM marts.orders WHERE customer_id IS NULL ORDER BY 1"
    )
    assert guests == [
        {"order_id": "#4", "net_amount_minor": 700},
        {"order_id": "#5", "net_amount_minor": 800},
    ]
    (lines,) = company.rows("SELECT sum(net_amount_minor) AS total, count(*) AS n FROM marts.order_lines")
    assert lines == {"total": 15099, "n": 7}


def test_a_refund_without_an_address_belongs_to_the_buyer_of_its_order(company: "Company") -> None:
    (line_,) = company.rows("SELECT customer_id FROM marts.order_lines WHERE source_record_id = 'line/3'")
    assert line_["customer_id"] == who(company, "ann.lee@gmail.example.com")["customer_id"]


def test_the_timeline_tells_both_sides_in_order(company: "Company") -> None:
    customer_id = who(company, "ann.lee@gmail.example.com")["customer_id"]
    touches = company.rows(
        "SELECT kind, direction, title FROM marts.customer_timeline"
        " WHERE customer_id = ? AND occurred_at BETWEEN '2026-09-01' AND '2026-10-12' ORDER BY occurred_at",
        customer_id,
    )
    assert [(row["kind"], row["direction"], row["title"]) for row in touches] == [
        ("order", "in", "Order #1, 2 lines"),
        ("shipment", "out", "Parcel by Northline for order #1 on its way"),
        ("shipment", "out", "Parcel by Northline for order #1 delivered, 3 days late"),
        ("email", "in", "Late"),
        ("refund", "none", "Refund on order #1"),
        ("outreach", "out", "Campaign autumn"),
        ("sms", "in", "SMS from them"),
    ]


def test_both_spellings_of_an_address_are_kept_and_one_is_the_best(company: "Company") -> None:
    customer_id = who(company, "ann.lee@gmail.example.com")["customer_id"]
    found = company.rows(
        "SELECT value, is_best FROM marts.customer_identifiers"
        " WHERE customer_id = ? AND identifier_type = 'email' ORDER BY value",
        customer_id,
    )
    assert found == [
        {"value": "ann.lee@gmail.example.com", "is_best": True},
        {"value": ANN, "is_best": False},
    ]


def test_a_revocation_reaches_the_store_with_its_address(company: "Company") -> None:
    (row,) = company.rows(
        "SELECT address, channel, action FROM marts.consent_imports WHERE action = 'revoke'"
    )
    assert row == {"address": "carl@example.com", "channel": "email", "action": "revoke"}


@pytest.mark.slow
def test_a_later_day_changes_only_what_depends_on_the_day_and_no_id(company: "Company") -> None:
    dated = {"days_since_last_order", "late_shipment_count", "outreach_90d_count", "lifecycle_stage"}
    dated |= {"first_response_median_seconds", "channel_switch_count", "effort_score"}
    dated |= {"engagement_level", "emails_sent_90d", "replies_90d", "sms_sent_90d", "sms_replies_90d"}
    dated |= {"churn_risk", "churn_level", "churn_method", "churn_reasons", "score_note"}
    dated |= {"open_shipment_count", "parcel_days_late", "next_best_action", "next_best_action_reason"}
    before = company.rows("SELECT * FROM marts.customer_360 ORDER BY customer_id")
    company.build("2027-03-01 12:00:00", own_domains=[OWN])
    after = company.rows("SELECT * FROM marts.customer_360 ORDER BY customer_id")
    company.build(AS_OF, own_domains=[OWN])
    assert company.rows("SELECT * FROM marts.customer_360 ORDER BY customer_id") == before
    changed = {name for old, new in zip(before, after, strict=True) for name in old if old[name] != new[name]}
    assert changed <= dated
    assert {"days_since_last_order", "lifecycle_stage"} <= changed


@pytest.mark.slow
def test_the_rules_beside_the_models_hold(company: "Company") -> None:
    results = company.dbt("test", "--select", "test_type:unit").results
    assert len(results) >= 14
    assert {str(result.status) for result in results} == {"pass"}


@pytest.mark.slow
def test_a_company_without_any_record_builds(found_company: Callable[[str], "Company"]) -> None:
    company = found_company("nothing")
    company.land({})
    company.build(AS_OF)
    assert company.rows("SELECT count(*) AS n FROM marts.customer_360") == [{"n": 0}]


def test_a_build_that_looks_back_or_a_till_whose_clock_is_ahead_counts_no_negative_days(
    found_company: Callable[[str], "Company"],
) -> None:
    company = found_company("ahead")
    line = {
        "source": "shop",
        "line_kind": "sale",
        "quantity": 1,
        "net_amount_minor": 100,
        "currency": "GBP",
    }
    company.land(
        {
            "purchases": [
                {**line, "source_record_id": "line/1", "order_id": "1", "email": "ada@example.com"}
                | {"occurred_at": "2026-11-02"},
                {**line, "source_record_id": "line/2", "order_id": "2", "email": "ben@example.com"}
                | {"occurred_at": "2026-10-01", "line_kind": "refund"},
            ]
        }
    )
    company.build("2026-10-30 12:00:00")
    found = company.rows(
        "SELECT email, days_since_last_order, lifecycle_stage FROM marts.customer_360 ORDER BY 1"
    )
    assert [tuple(row.values()) for row in found] == [
        ("ada@example.com", 0, "new"),
        ("ben@example.com", None, "prospect"),
    ]


def test_a_message_that_we_sent_and_the_provider_exports_too_is_one_touch(
    found_company: Callable[[str], "Company"],
) -> None:
    company = found_company("twice")
    said = {"message_id": "SM1", "channel": "sms", "phone": ANNS, "body": "Come back"}
    answer = {**said, "message_id": "SM2", "direction": "inbound", "body": "Gladly"}
    sent = {**said, "direction": "outbound"}
    campaign = {"campaign": "win_back", "customer_ref": None}
    company.land(
        {
            "sms_messages": [
                record("twilio", "message", 1, "2026-10-01", **sent, status="delivered"),
                record("twilio", "message", 2, "2026-10-02", **answer, status="received"),
            ],
            "outreach": [
                record(
                    "rapport", "outreach", 1, "2026-10-01", **sent, **campaign, arm="sent", state="delivered"
                ),
                record(
                    "rapport",
                    "outreach",
                    2,
                    "2026-10-02",
                    **answer,
                    **campaign,
                    arm="reply",
                    state="received",
                ),
            ],
        }
    )
    company.build(AS_OF)
    (row,) = company.rows("SELECT inbound_message_count, outbound_message_count FROM marts.customer_360")
    assert tuple(row.values()) == (1, 1)
    touches = company.rows("SELECT kind, campaign FROM marts.customer_timeline ORDER BY occurred_at")
    assert [tuple(touch.values()) for touch in touches] == [("outreach", "win_back")] * 2
