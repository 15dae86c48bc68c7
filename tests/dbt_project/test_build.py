"""A company of a few people, small enough to work out by hand what the view has to say."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from .few_people import ANN, ANNS, ANNS_ROW, LANDED, OWN, record

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"


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
    run = company.dbt("test", "--select", "test_type:unit").results  # the project's hook is one of them
    results = [result for result in run if result.node.resource_type == "unit_test"]
    assert len(results) >= 14
    assert {str(result.status) for result in results} == {"pass"}


@pytest.mark.slow
def test_a_company_without_any_record_builds(found_company: Callable[[str], "Company"]) -> None:
    company = found_company("nothing")
    company.land({})
    company.build(AS_OF)
    assert company.rows("SELECT count(*) AS n FROM marts.customer_360") == [{"n": 0}]


@pytest.fixture(scope="module")
def odd(found_company: Callable[[str], "Company"]) -> "Company":
    """Build a company of a till whose clock is ahead, a refund of nothing, and messages that two sources tell of."""
    company = found_company("odd")
    sale = {"source": "shop", "quantity": 1, "net_amount_minor": 100, "currency": "GBP"}
    said = {"message_id": "SM1", "channel": "sms", "phone": ANNS, "body": "Come back"}
    answer = {**said, "message_id": "SM2", "direction": "inbound", "body": "Gladly"}
    sent = {**said, "direction": "outbound"}
    campaign = {"campaign": "win_back", "customer_ref": None}
    company.land(
        {
            "purchases": [
                {**sale, "source_record_id": "line/1", "order_id": "1", "email": "ada@example.com"}
                | {"occurred_at": "2026-11-02", "line_kind": "sale"},
                {**sale, "source_record_id": "line/2", "order_id": "2", "email": "ben@example.com"}
                | {"occurred_at": "2026-10-01", "line_kind": "refund"},
            ],
            "sms_messages": [
                record("twilio", "message", 1, "2026-10-01", **sent, status="delivered"),
                record("twilio", "message", 2, "2026-10-02", **answer, status="received"),
            ],
            "outreach": [
                record("rapport", "outreach", 1, "2026-10-01", **sent, **campaign, arm="sent", state="delivered"),
                record("rapport", "outreach", 2, "2026-10-02", **answer, **campaign, arm="reply", state="received"),
            ],
        }
    )  # fmt: skip
    company.build(AS_OF)
    return company


def test_a_build_that_looks_back_or_a_till_whose_clock_is_ahead_counts_no_negative_days(
    odd: "Company",
) -> None:
    found = odd.rows(
        "SELECT email, days_since_last_order, lifecycle_stage FROM marts.customer_360"
        " WHERE email IS NOT NULL ORDER BY 1"
    )
    assert [tuple(row.values()) for row in found] == [
        ("ada@example.com", 0, "new"),
        ("ben@example.com", None, "prospect"),
    ]


def test_a_message_that_we_sent_and_the_provider_exports_too_is_one_touch(odd: "Company") -> None:
    (row,) = odd.rows(
        "SELECT inbound_message_count, outbound_message_count FROM marts.customer_360 WHERE email IS NULL"
    )
    assert tuple(row.values()) == (1, 1)
    touches = odd.rows(
        "SELECT kind, campaign FROM marts.customer_timeline WHERE channel = 'sms' ORDER BY occurred_at"
    )
    assert [tuple(touch.values()) for touch in touches] == [("outreach", "win_back")] * 2
