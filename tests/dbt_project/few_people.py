"""What three people left in every source, and the row that follows for one of them, worked out by hand."""

from datetime import datetime
from typing import Any

import pytest

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
    "days_to_birthday": None,
    "parcel_days_late": None,
    "next_best_action": "answer_waiting",
    "next_best_action_reason": "They have waited for an answer since 2026-09-09.",
}
