"""WooCommerce's REST API: orders, refunds, customers."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
FIXTURES = Path(__file__).parent / "fixtures" / "woocommerce"


def test_a_line_adds_what_it_cost_after_discounts_and_without_tax(take: Take, landed: Landed) -> None:
    take("woocommerce", FIXTURES / "orders.json")
    rows = landed(
        "purchases", "source_record_id, occurred_at, external_id, product_id, quantity, net_amount_minor"
    )
    assert rows[:2] == [
        ("line/1/11", datetime(2026, 9, 1, 10), "5", "stool", 2, 9000),
        ("line/1/12", datetime(2026, 9, 1, 10), "5", "4", 1, 2050),
    ]
    assert not [record for record, *_ in rows if record.startswith("line/3/")]  # never paid


def test_a_guest_has_no_number_and_a_cancelled_order_adds_up_to_nothing(take: Take, landed: Landed) -> None:
    take("woocommerce", FIXTURES / "orders.json")
    rows = [
        row
        for row in landed("purchases", "order_id, external_id, line_kind, net_amount_minor")
        if row[0] == "2"
    ]
    assert {external_id for _, external_id, _, _ in rows} == {None}
    assert sum(amount for *_, amount in rows) == 0


def test_a_refund_is_worth_its_goods_or_its_sum_and_knows_its_order_by_its_link(
    take: Take, landed: Landed
) -> None:
    take("woocommerce", FIXTURES / "refunds.json")
    assert landed("purchases", "source_record_id, order_id, line_kind, net_amount_minor") == [
        ("line/refund/91", "1", "refund", -9000),
        ("line/refund/92", "1", "refund", -500),
    ]


def test_a_customer_is_a_contact(take: Take, landed: Landed) -> None:
    take("woocommerce", FIXTURES / "customers.json")
    assert landed("contacts", "external_id, email, phone, handle, country") == [
        ("5", "max@example.com", "+15005550006", "max.m", "DE")
    ]


@pytest.mark.real_data
def test_the_examples_of_its_documentation(real_data: Path, take: Take, landed: Landed) -> None:
    report = take("woocommerce", real_data / "vendor_shapes" / "woocommerce_rest")
    assert (report.rows_in, report.accepted, report.quarantined, report.already_landed) == (33, 14, 0, 19)
    lines = landed("purchases", "line_kind, net_amount_minor")
    assert sum(amount for kind, amount in lines if kind == "sale") == 600 + 1200 + 900 + 2000 + 1200 + 2000
    assert sum(amount for kind, amount in lines if kind == "refund") == -(900 + 1000)
