"""What to do next for a customer, worked out by hand: the first rule that holds decides, and its reason is filled in."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"


def record(source: str, kind: str, number: str, at: str, **more: Any) -> dict[str, Any]:
    """Make a record of any kind."""
    return {"source": source, "source_record_id": f"{kind}/{number}", "occurred_at": at, **more}


def bought(number: str, at: str, email: str) -> dict[str, Any]:
    """Make an order of one line."""
    return record(
        "shopify", "line", number, at, order_id=f"#{number}", line_kind="sale", email=email, quantity=1,
        unit_price_minor=1000, net_amount_minor=1000, currency="GBP",
    )  # fmt: skip


def parcel(number: str, promised: str, delivered: str | None, status: str) -> dict[str, Any]:
    """Make the parcel of an order."""
    return record(
        "shopify", "shipment", number, "2026-10-01", shipment_id=f"p{number}", order_id=f"#{number}", status=status,
        shipped_at="2026-10-01", estimated_delivery_at=promised, delivered_at=delivered,
    )  # fmt: skip


LANDED: dict[str, list[dict[str, Any]]] = {
    "purchases": [
        bought("1", "2026-10-01 10:00:00", "late@example.com"),
        bought("2", "2026-10-01 10:00:00", "came@example.com"),
        bought("3", "2026-10-01 10:00:00", "cross@example.com"),
        *(bought(f"4{month}", f"2026-0{month}-01 10:00:00", "monthly@example.com") for month in (7, 8, 9)),
        bought("5", "2026-02-01 10:00:00", "gone@example.com"),
        bought("6", "2026-03-01 10:00:00", "gone@example.com"),
        bought("7", "2026-10-01 10:00:00", "objects@example.com"),
        bought("9", "2026-10-01 10:00:00", "waits@example.com"),
        bought("8", "2026-01-10 10:00:00", "once@example.com"),
    ],
    "shipments": [
        parcel("1", "2026-10-20", None, "in_transit"),
        parcel("2", "2026-10-20", "2026-10-25 10:00:00", "delivered"),
        parcel("7", "2026-10-20", None, "in_transit"),
        parcel("9", "2026-10-29", None, "in_transit"),
    ],
    "reviews": [
        record("trustpilot", "review", "1", "2026-10-20", review_id="r1", rating=1, rating_scale=5, email="cross@example.com"),
    ],
    "consents": [
        record("shopify", "consent", "1", "2026-08-01", email="objects@example.com", channel="email", purpose="profiling", action="revoke", legal_basis="consent"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    built = found_company("actions")
    built.land(LANDED)
    built.build(AS_OF)
    return built


@pytest.mark.parametrize(
    ("email", "action", "reason"),
    [
        ("late", "apologise_late_parcel", "A parcel of theirs is late by 10 days and has not arrived."),
        ("waits", "apologise_late_parcel", "A parcel of theirs is late by 1 day and has not arrived."),
        ("came", "welcome", "Their first order was 29 days ago."),
        ("cross", "call_detractor", "The last thing they said of us was bad, and nothing better since."),
        ("monthly", "reorder_tip", "They usually order every 31 days; the last order was 59 days ago."),
        ("gone", "win_back", "They ordered 2 times, and have not for 243 days."),
        ("once", "nothing", "Nothing calls for us."),
        ("objects", None, None),
    ],
)
def test_the_first_rule_that_holds_decides_and_says_why(
    company: "Company", email: str, action: str | None, reason: str | None
) -> None:
    (row,) = company.rows(
        "SELECT next_best_action, next_best_action_reason FROM marts.customer_360 WHERE email = ?",
        f"{email}@example.com",
    )
    assert tuple(row.values()) == (action, reason)


def test_a_parcel_is_late_by_its_days_until_it_arrives(company: "Company") -> None:
    found = company.rows(
        "SELECT email, parcel_days_late FROM marts.customer_360 WHERE parcel_days_late IS NOT NULL ORDER BY email"
    )
    assert [tuple(row.values()) for row in found] == [
        ("late@example.com", 10),
        ("objects@example.com", 10),
        ("waits@example.com", 1),
    ]
