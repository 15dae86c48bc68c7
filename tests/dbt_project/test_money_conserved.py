"""What people decide about people moves money from one to another, and neither makes nor loses any."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from messaging.identity_decisions import Decision
from pipelines.identity.people import IdentityOrder

if TYPE_CHECKING:
    from conftest import Company

pytestmark = pytest.mark.slow

AS_OF = "2026-10-30 12:00:00"
ANN, BEA = "ann@x.example", "bea@x.example"


def line(number: int, order: str, email: str | None, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "source": "shop",
        "source_record_id": f"line/{number}",
        "occurred_at": f"2026-01-{number:02d} 10:00:00",
        "order_id": order,
        "line_kind": "sale" if amount > 0 else "refund",
        "quantity": 1,
        "net_amount_minor": amount,
        "currency": "GBP",
        "email": email,
        **more,
    }


LINES = [
    line(1, "a", ANN, 1000),
    line(2, "a", ANN, 250),
    line(3, "a", None, -250),
    line(4, "b", ANN, 700, currency="EUR"),
    line(5, "c", BEA, 300),
    line(6, "d", BEA, 900),
    line(7, "e", None, 55),  # a guest
]
TOTALS = {"GBP": 1000 + 300 + 900 + 55, "EUR": 700}


def decision(kind: str, record: int, other: int, day: int) -> Decision:
    return Decision(
        decision_id=f"dec_{day}", kind=kind, author="eve", reason="seen", decided_at=datetime(2026, 4, day),
        source="shop", source_record_id=f"line/{record}", other_source="shop", other_record_id=f"line/{other}",
    )  # type: ignore[arg-type]  # fmt: skip


def rebuild(company: "Company", *said: Decision) -> None:
    """Build as people decided; the build's own tests compare lines, orders, values and the view."""
    company.build(AS_OF, IdentityOrder(decisions=said))


def values(company: "Company") -> list[tuple[str, int, int]]:
    """Give what each person is worth in each currency: currency, orders, amount."""
    found = company.rows(
        "SELECT currency, order_count, net_amount_minor FROM marts.customer_value ORDER BY ALL"
    )
    return [tuple(row.values()) for row in found]  # type: ignore[misc]


def totals(company: "Company") -> dict[str, int]:
    """Sum what people are worth and what belongs to nobody."""
    summed: Counter[str] = Counter()
    for query in (
        "SELECT currency, net_amount_minor FROM marts.customer_value",
        "SELECT currency, net_amount_minor FROM marts.orders WHERE customer_id IS NULL",
    ):
        for row in company.rows(query):
            summed[row["currency"]] += row["net_amount_minor"]
    return dict(summed)


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    company = found_company("money")
    company.land({"purchases": LINES})
    return company


def test_a_merge_and_a_split_move_money_and_orders_and_lose_none(company: "Company") -> None:
    rebuild(company)
    apart = [("EUR", 1, 700), ("GBP", 1, 1000), ("GBP", 2, 1200)]
    assert values(company) == apart
    assert totals(company) == TOTALS

    merge = decision("merge", 1, 5, day=1)
    rebuild(company, merge)
    assert values(company) == [("EUR", 1, 700), ("GBP", 3, 2200)]
    assert totals(company) == TOTALS

    rebuild(company, merge, decision("split", 1, 5, day=2))
    assert values(company) == apart
    assert totals(company) == TOTALS


def test_an_order_of_which_one_line_is_somebody_elses_is_one_of_each_and_nobody_pays_for_another(
    company: "Company",
) -> None:
    rebuild(company, decision("split", 2, 1, day=3))
    orders = company.rows("SELECT order_id FROM marts.orders ORDER BY ALL")
    assert [row["order_id"] for row in orders] == ["a", "a", "b", "c", "d", "e"]
    assert totals(company) == TOTALS
    assert sum(count for _, count, _ in values(company)) == 5
    own = "SELECT customer_id, sum(net_amount_minor) AS minor FROM marts.{} WHERE customer_id IS NOT NULL AND currency = 'GBP' GROUP BY ALL HAVING sum(net_amount_minor) > 0 ORDER BY ALL"
    assert company.rows(own.format("orders")) == company.rows(own.format("order_lines"))
