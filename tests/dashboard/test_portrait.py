"""What the card says beyond the basics, from the facts of one customer."""

from datetime import date, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components import portrait, words
from data_contracts.contracts import published_contract

KNOWN: dict[str, Any] = {
    "next_best_action": "apologise_late_parcel",
    "next_best_action_reason": "Order #1001 is 3 days late.",
    "value_365d_minor": 12_300,
    "value_90d_minor": 4_000,
    "probability_alive": 0.734,
    "next_order_expected_at": date(2026, 12, 4),
    "rfm_score": "543",
    "churn_level": "high",
    "churn_risk": 0.61,
    "churn_method": "rules",
    "churn_reasons": "A parcel is late.",
    "suggested_product": "Oak lamp",
    "suggested_product_reason": "Bought with what they have.",
    "usual_gap_days": 41.6,
    "waiting_since": datetime(2026, 10, 29, 9, 30),
    "open_complaint_count": 1,
    "repeat_contacts_7d": 2,
    "first_response_median_seconds": 5400.0,
    "sentiment_trend": "falling",
    "sentiment_30d": -0.4,
    "last_nps": 3,
    "last_review_rating": 4.5,
    "last_review_verified": True,
    "emails_sent_90d": 7,
    "opens_90d": 3,
    "clicks_90d": 1,
    "machine_opens_90d": 4,
    "scanner_clicks_90d": 1,
    "usual_hour": 9,
}


def _draw(name: str, facts: dict[str, object]) -> None:
    from dashboard.components import portrait
    from data_contracts.contracts import published_contract

    if name == "worth":
        portrait.worth(facts, "GBP")
    elif name == "everything":
        portrait.everything(facts, published_contract("customer_360"), "GBP", "Europe/London")
    elif name == "service":
        portrait.service(facts, "Europe/London")
    else:
        getattr(portrait, name)(facts)


def shown(name: str, facts: dict[str, Any]) -> str:
    test = AppTest.from_function(_draw, kwargs={"name": name, "facts": facts}, default_timeout=60).run()
    assert not test.exception
    return " ".join(str(element.proto.body) for element in test.get("html"))


def test_the_next_step_stands_with_its_reason() -> None:
    text = shown("next_step", KNOWN)
    assert "Next: Apologise late parcel" in text
    assert "Order #1001 is 3 days late." in text


@pytest.mark.parametrize("action", [None, "nothing"])
def test_where_nothing_is_to_be_done_nothing_is_shown(action: str | None) -> None:
    assert shown("next_step", {"next_best_action": action}) == ""


def test_worth_is_told_in_money_and_in_words() -> None:
    text = shown("worth", KNOWN)
    for said in ("£123.00", "£40.00 in 90 days", "73 %", "5 4 3", "May not order again", "61 %", "by rules"):
        assert said in text
    assert "next order by 4 Dec 2026" in text
    assert "Suggest Oak lamp" in text
    assert "42 days" in text


def test_what_cannot_be_told_says_why_and_shows_no_figure() -> None:
    note = "They objected to profiling, so nothing is concluded."
    text = shown("worth", {"score_note": note, "value_365d_minor": None})
    assert note in text
    assert "£" not in text
    assert "%" not in text


def test_who_waits_and_since_when_is_told_in_the_companys_zone() -> None:
    text = shown("service", KNOWN)
    assert "Waits for an answer" in text
    assert "Thu 29 Oct 2026, 09:30" in text
    assert "1 open complaint" in text
    assert "1 hour" in text
    assert "Nobody waits for anything." in shown("service", {})


def test_feelings_are_what_they_said() -> None:
    text = shown("feelings", KNOWN)
    for said in ("Their tone is falling", "unhappy", "4.5", "verified buyer"):
        assert said in text
    assert "not told us yet" in shown("feelings", {})


def test_machines_are_told_apart_from_the_person() -> None:
    text = shown("habits", KNOWN)
    assert "3 opened, 1 clicked, 0 answered; machines opened or clicked 5 more" in text
    assert "09:00" in text


def test_everything_that_is_known_is_listed_with_its_title_and_nothing_that_is_not() -> None:
    facts = {"given_name": "Ada", "net_revenue_minor": 1250, "family_name": None}
    text = shown("everything", facts | {"next_order_expected_at": date(2026, 12, 4), "email_reachable": True})
    titles = {column.name: column.title for column in published_contract("customer_360").columns}
    assert titles["given_name"] in text
    assert "£12.50" in text
    assert "4 Dec 2026" in text
    assert words.safe(titles["family_name"]) not in text


def test_what_customers_wrote_is_escaped() -> None:
    assert "<script>" not in shown(
        "next_step", KNOWN | {"next_best_action_reason": "<script>alert(1)</script>"}
    )
    assert "<script>" not in portrait.labels({"rfm_segment": "<script>"})
