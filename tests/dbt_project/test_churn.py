"""Who is about to leave and why, worked out by hand; and that nothing is concluded of who objected to profiling."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data_contracts.contracts import published_contract
from messaging.objections import STANDS, concluded

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"
PROJECT = Path(__file__).parents[2] / "dbt_project"

# Columns that conclude something of a person. effort_score tells what we put them through, not who they are.
SCORES = re.compile(
    r"^(rfm_.*|vip_.*|churn_.*|value_.*|probability_.*|expected_.*|next_order_.*|next_best_.*|suggested_.*|.*_(score|tier|risk))$"
)
NOT_OF_THEM = {"effort_score", "value_note"}


def record(source: str, kind: str, number: str, at: str, **more: Any) -> dict[str, Any]:
    """Make a record of any kind."""
    return {"source": source, "source_record_id": f"{kind}/{number}", "occurred_at": at, **more}


def bought(number: str, at: str, email: str, product: str = "mug") -> dict[str, Any]:
    """Make an order of one line."""
    amounts = {"quantity": 1, "unit_price_minor": 1000, "net_amount_minor": 1000, "currency": "GBP"}
    return record(
        "shopify",
        "line",
        number,
        at,
        order_id=f"#{number}",
        line_kind="sale",
        email=email,
        product_id=product,
        **amounts,
    )


# Twelve people like Olga and Carl, so that there are buyers enough for fifths and tiers.
CROWD = [
    bought(
        f"{person}{turn}", f"2026-0{1 + (person + turn) % 9}-05 10:00:00", f"p{person}@example.com", product
    )
    for person in range(12)
    for turn, product in enumerate(("mug", "bowl"), start=100)
]
LANDED: dict[str, list[dict[str, Any]]] = {
    "purchases": [
        bought("1", "2026-06-01 10:00:00", "ann@example.com"),
        bought("2", "2026-07-01 10:00:00", "ann@example.com"),
        bought("3", "2026-10-25 10:00:00", "bea@example.com"),
        bought("4", "2026-06-01 10:00:00", "olga@example.com"),
        bought("5", "2026-07-01 10:00:00", "olga@example.com"),
        *CROWD,
    ],
    "contacts": [
        record("shopify", "contact", "1", "2026-06-01", external_id="1", email="nora@example.com"),
    ],
    "shipments": [
        record(
            "shopify", "shipment", "1", "2026-07-02", shipment_id="p1", order_id="#2", status="delivered",
            shipped_at="2026-07-02", estimated_delivery_at="2026-07-05", delivered_at="2026-07-09 15:00:00",
        ),
    ],
    "reviews": [
        record("trustpilot", "review", "1", "2026-10-20 10:00:00", review_id="r1", rating=1, rating_scale=5, email="ann@example.com", body="The mug broke, this is awful and I am very disappointed"),
        record("trustpilot", "review", "2", "2026-10-20 10:00:00", review_id="r2", rating=1, rating_scale=5, email="olga@example.com", body="The mug broke, this is awful and I am very disappointed"),
    ],
    "consents": [
        record("shopify", "consent", "1", "2026-08-01", email="olga@example.com", channel="email", purpose="profiling", action="revoke", legal_basis="consent"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    built = found_company("churn")
    built.land(LANDED)
    built.build(AS_OF, scored_buyers=10)
    return built


def who(company: "Company", email: str) -> dict[str, Any]:
    (row,) = company.rows("SELECT * FROM marts.customer_360 WHERE email = ?", email)
    return row


def test_the_risk_is_told_with_its_reasons_in_words(company: "Company") -> None:
    """Ann: 30 days between two orders and a common 90 make 60 usual; 121 days of silence are twice that.

    .15 + .40 for these, .10 for the late parcel, .05 for the review; nothing she said before lets her mood fall.
    """
    ann = who(company, "ann@example.com")
    assert round(ann["churn_risk"], 2) == 0.70
    assert (ann["churn_level"], ann["churn_method"]) == ("high", "rules")
    assert ann["churn_reasons"] == "No order for 121 days; 1 late parcel in half a year"
    assert ann["score_note"] == "Fixed rules judge their risk, for history is shorter than twice 180 days."


def test_who_has_just_ordered_gives_no_reason_to_worry(company: "Company") -> None:
    bea = who(company, "bea@example.com")
    assert (bea["churn_level"], bea["churn_reasons"]) == ("low", None)


def test_who_never_ordered_cannot_leave(company: "Company") -> None:
    nora = who(company, "nora@example.com")
    assert (nora["churn_risk"], nora["score_note"]) == (None, "They have not ordered yet.")


def scores() -> list[str]:
    return [
        column.name
        for column in published_contract("customer_360").columns
        if SCORES.match(column.name) and column.name not in NOT_OF_THEM
    ]


def test_of_who_objected_to_profiling_nothing_is_concluded_and_a_column_says_why(company: "Company") -> None:
    olga, ann = who(company, "olga@example.com"), who(company, "ann@example.com")
    assert {name: olga[name] for name in scores() if olga[name] is not None} == {}
    assert (olga["profiling_objected"], ann["profiling_objected"]) == (True, False)
    assert {name: olga[name] for name in concluded()} == {name: STANDS.get(name) for name in concluded()}
    assert olga["order_count"] == ann["order_count"] == 2  # what they did is no conclusion


def test_what_the_model_withholds_the_contract_marks_so_that_an_objection_of_today_withholds_it_too() -> None:
    model = (PROJECT / "models" / "marts" / "customers" / "customer_360.sql").read_text(encoding="utf-8")
    names = set(re.findall(r"unless_objected\([^\n]* as (\w+),?\n", model))
    assert len(names) > 20
    assert names <= set(concluded())


def test_of_who_objected_neither_a_trait_nor_the_mood_of_a_touch_is_told(company: "Company") -> None:
    olga, ann = who(company, "olga@example.com"), who(company, "ann@example.com")
    assert (olga["largest_order_minor"], ann["largest_order_minor"]) == (None, 1000)
    said = company.rows(
        "SELECT email, sentiment FROM marts.customer_timeline JOIN marts.customer_360 USING (customer_id)"
        " WHERE kind = 'review' ORDER BY email"
    )
    assert [(row["email"], row["sentiment"] is None) for row in said] == [
        ("ann@example.com", False),
        ("olga@example.com", True),
    ]


def test_the_others_have_scores_that_an_objection_would_take(company: "Company") -> None:
    assert {"rfm_score", "rfm_segment", "vip_tier", "churn_risk", "churn_level", "churn_reasons"} <= set(
        scores()
    )
    ann = who(company, "ann@example.com")
    assert ann["churn_risk"] is not None
    assert ann["rfm_score"] is not None
    assert ann["vip_tier"] is not None
