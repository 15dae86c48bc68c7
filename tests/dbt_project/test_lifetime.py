"""What buyers will be worth, from order lines to the view: one of them worked out by hand."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import beta

from pipelines.samples.buying import BuyingModel, draw_visits

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"
UNTIL = date(2026, 10, 30)
COLUMNS = (
    "probability_alive",
    "expected_orders_90d",
    "expected_orders_365d",
    "expected_order_minor",
    "value_90d_minor",
    "value_365d_minor",
    "next_order_expected_at",
)
Row = dict[str, Any]


def line(email: str, at: str, amount: int, **more: Any) -> Row:
    order = f"{email.partition('@')[0]}-{at}"
    said = {"line_kind": "sale", "currency": "GBP", **more}
    return {
        "source": "shop",
        "source_record_id": "/".join([order, str(amount), *said.values()]),
        "occurred_at": f"{at} 10:00:00",
        "order_id": order,
        "product_id": "mug",
        "quantity": 1,
        "net_amount_minor": amount,
        "unit_price_minor": abs(amount),
        "email": email,
        **said,
    }


def crowd() -> list[Row]:
    """Draw 260 customers, enough to learn from: about half come back."""
    rng = np.random.default_rng(6)
    visits = draw_visits(rng, np.full(260, 60.0), BuyingModel())
    days = {(int(buyer), int(7 * week)) for buyer, week in zip(visits.buyer, visits.week, strict=True)}
    since = UNTIL - timedelta(weeks=60)
    return [
        line(f"c{buyer}@x.example", f"{since + timedelta(days=day)}", 1500 + 37 * ((buyer * 7 + day) % 80))
        for buyer, day in sorted(days)
    ]


ADA, BEN, CAT, DEE, EVA = (f"{name}@y.example" for name in ("ada", "ben", "cat", "dee", "eva"))
KNOWN = [
    # Ada orders on three days: 210, 140 and 35 days ago; twice on the second, of which one order is in euros
    line(ADA, "2026-04-03", 4000),
    line(ADA, "2026-06-12", 5000),
    {**line(ADA, "2026-06-12", 700, currency="EUR"), "order_id": "ada-2"},
    line(ADA, "2026-09-25", 9000),
    line(ADA, "2026-09-25", -1000, line_kind="refund"),
    # an order that was taken back before it left is none
    line(ADA, "2026-10-20", 5000),
    line(ADA, "2026-10-20", -5000, line_kind="cancellation"),
    line(BEN, "2026-08-01", 3000),
    line(CAT, "2026-03-01", 900, currency="EUR"),
    line(CAT, "2026-05-01", 900, currency="EUR"),
    line(DEE, "2026-02-01", 3000),
    line(DEE, "2026-07-01", 2000),
    line(DEE, "2026-07-02", -6000, line_kind="refund"),
]
EVA_CALLED = {"source": "crm", "source_record_id": "1", "occurred_at": "2026-05-05", "email": EVA}


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    company = found_company("lifetime")
    company.land({"purchases": [*crowd(), *KNOWN], "contacts": [EVA_CALLED]})
    company.build(AS_OF)
    return company


def who(company: "Company", email: str) -> Row:
    (row,) = company.rows("SELECT * FROM marts.customer_360 WHERE email = ?", email)
    return row


def test_the_view_tells_what_a_buyer_is_worth_as_worked_out_by_hand(company: "Company") -> None:
    """Two repeated days in 25 of 30 weeks; three days with an order brought 40, 50 and 80 pounds."""
    (fit,) = company.rows("SELECT * FROM marts.model_fits WHERE model = 'lifetime_value'")
    learnt = json.loads(fit["parameters"])
    r, alpha, a, b = (learnt["timing"][name] for name in ("r", "alpha", "a", "b"))
    p, q, v = (learnt["worth"][name] for name in ("p", "q", "v"))
    alive = 1 / (1 + a / (b + 1) * ((alpha + 30) / (alpha + 25)) ** (r + 2))
    minor = p * (v + 17000) / (3 * p + q - 1)
    row = who(company, ADA)
    assert row["probability_alive"] == pytest.approx(alive)
    assert row["expected_order_minor"] == pytest.approx(minor, abs=0.5)
    for days in (90, 365):

        def orders(leave: float, days: int = days) -> float:
            silent = (1 + leave * days / 7 / (alpha + 30)) ** -(r + 2)
            return leave ** (a - 1) * (1 - leave) ** (b + 1) / beta(a, b + 2) * (1 - silent) / leave

        expected = alive * quad(orders, 0, 1, epsabs=0, limit=200)[0]
        assert row[f"expected_orders_{days}d"] == pytest.approx(expected, rel=1e-5)
        assert row[f"value_{days}d_minor"] == pytest.approx(expected * minor, abs=0.6)
    weeks = (alpha + 30) * ((alive / (alive - 0.5)) ** (1 / (r + 2)) - 1)
    assert row["next_order_expected_at"] == UNTIL + timedelta(days=int(np.ceil(7 * weeks)))
    assert row["value_note"] is None


def test_whoever_has_no_value_has_the_reason_in_its_place(company: "Company") -> None:
    ben, cat, dee, eva = (who(company, email) for email in (BEN, CAT, DEE, EVA))
    assert ben["probability_alive"] is None
    assert ben["value_90d_minor"] > 0
    assert "whether they are still with us shows once they have come back" in ben["value_note"]
    assert cat["value_note"].startswith("They never paid in the company's currency")
    assert dee["value_note"].startswith("They gave back as much as they bought")
    assert [eva[name] for name in COLUMNS] == [None] * len(COLUMNS)
    assert eva["value_note"] == "They have not ordered yet."
    for row in (cat, dee):
        assert row["value_365d_minor"] is None
        assert row["expected_orders_365d"] > 0


def test_every_column_is_there_for_somebody(company: "Company") -> None:
    for name in (*COLUMNS, "value_note"):
        (found,) = company.rows(f"SELECT count({name}) AS n FROM marts.customer_360")
        assert found["n"] > 0, name


def test_the_release_tells_from_whom_was_learnt(company: "Company") -> None:
    (fit,) = company.rows("SELECT * FROM marts.model_fits WHERE model = 'lifetime_value'")
    assert fit["state"] == "fitted"
    assert fit["observations"] == 260 + 4
    assert fit["fitted_at"] == datetime.fromisoformat(AS_OF)
    assert "Learnt from 264 customers" in fit["sentence"]
    assert json.loads(fit["fit"])["trial"]["days"] == 90
