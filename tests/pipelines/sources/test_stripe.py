"""Stripe's files: objects, pages and webhooks of its API, exports of its dashboard, tables of a warehouse."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.sources.intake import ingest
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
FIXTURES = Path(__file__).parent / "fixtures" / "stripe"
PAYMENTS = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Mode,Status,Description,Seller Message,"
    "Customer ID,Customer Email,PaymentIntent ID,Decline Reason\n"
    'ch_1,2026-09-01 10:00:00,"1,050.00",0.00,gbp,true,Live,Paid,Order 1,Payment complete.,cus_1,jane@example.com,pi_1,\n'
    "ch_2,2026-09-02 10:00,500,200,jpy,true,Live,Partial Refund,Order 2,Payment complete.,cus_1,jane@example.com,pi_2,\n"
    "ch_3,2026-09-03 10:00,9.00,0.00,gbp,false,Live,Failed,Order 3,The bank declined.,cus_1,jane@example.com,,do_not_honor\n"
    "ch_4,2026-09-04 10:00,9.00,0.00,gbp,true,Test,Paid,Order 4,Payment complete.,cus_1,jane@example.com,pi_4,\n"
)


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def charge(**more: object) -> dict[str, Any]:
    """Give the first charge of the page, changed."""
    return {**json.loads((FIXTURES / "charges.json").read_text())["data"][0], **more}


def test_charges_that_took_money_are_sales_in_the_currencys_own_minor_units(
    take: Take, landed: Landed
) -> None:
    take("stripe", FIXTURES / "charges.json")
    rows = landed("purchases", "source_record_id, line_kind, net_amount_minor, currency")
    assert [row for row in rows if row[1] == "sale"] == [
        ("line/ch_1", "sale", 5000, "GBP"),
        ("line/ch_2", "sale", 1200, "JPY"),  # no decimals
        ("line/ch_3", "sale", 12340, "KWD"),  # three
        ("line/ch_4", "sale", 1200, "ISK"),  # Stripe counts two, ISO 4217 none
        ("line/ch_5", "sale", 70000, "MGA"),  # Stripe counts none, ISO 4217 two
        ("line/ch_6", "sale", 4000, "GBP"),  # 40.00 of 90.00 were captured; ch_7 was only authorised
    ]


def test_a_refund_inside_its_charge_bears_its_own_day_and_the_charges_customer(
    take: Take, landed: Landed
) -> None:
    take("stripe", FIXTURES / "charges.json")
    columns = "source_record_id, order_id, occurred_at, external_id, email, net_amount_minor"
    assert [row for row in landed("purchases", columns) if row[0] == "line/re_1"] == [
        ("line/re_1", "pi_ch_1", datetime(2026, 9, 2, 10), "cus_1", "jane@example.com", -1500)
    ]


def test_a_refund_that_comes_inside_its_charge_and_alone_counts_once(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    page = write(tmp_path / "page.json", [charge(), charge()["refunds"]["data"][0]])
    report = take("stripe", page)
    assert report.tables()["purchases"] == {
        "rows_in": 3, "accepted": 2, "quarantined": 0, "already_landed": 1, "changed": 0,
    }  # fmt: skip
    assert landed("purchases", "external_id, net_amount_minor") == [("cus_1", 5000), ("cus_1", -1500)]


def test_a_refund_that_failed_later_takes_nothing_away(take: Take, landed: Landed) -> None:
    take("stripe", FIXTURES / "charges.json")
    take("stripe", FIXTURES / "events.json")
    amounts = [
        row for row in landed("purchases", "source_record_id, net_amount_minor") if row[0] == "line/re_1"
    ]
    assert amounts == [("line/re_1", -1500), ("line/re_1", 0)]  # the newer version counts


def test_a_declined_charge_is_an_event_with_its_reason(take: Take, landed: Landed) -> None:
    take("stripe", FIXTURES / "charges.json")
    failed = [
        row for row in landed("events", "name, email, value_minor, properties") if row[0] == "payment_failed"
    ]
    assert [row[:3] for row in failed] == [("payment_failed", "jane@example.com", 5000)]
    assert json.loads(failed[0][3]) == {
        "reason": "insufficient_funds", "code": "card_declined", "message": "Your card was declined.",
        "seller_message": "The bank declined it.",
    }  # fmt: skip


def test_each_state_of_an_invoice_is_an_event_on_its_day(take: Take, landed: Landed) -> None:
    take("stripe", FIXTURES / "events.json")
    invoices = [
        row for row in landed("events", "event_id, name, occurred_at") if row[1].startswith("invoice")
    ]
    assert invoices == [
        ("in_1", "invoice_paid", datetime(2026, 9, 2, 10)),
        ("in_2", "invoice_overdue", datetime(2026, 9, 11, 4, 13, 20)),
        ("in_3", "invoice_void", datetime(2026, 9, 2, 10, 1, 40)),
        ("in_4", "invoice_uncollectible", datetime(2026, 9, 2, 10, 3, 20)),
        ("in_5", "invoice_open", datetime(2026, 9, 1, 10, 1, 40)),
    ]  # a draft was asked of nobody


def test_disputes_checkouts_and_subscriptions_are_events(take: Take, landed: Landed) -> None:
    take("stripe", FIXTURES / "events.json")
    names = {(name, email) for name, email in landed("events", "name, email") if "invoice" not in name}
    assert names == {
        ("payment_disputed", None), ("payment_canceled", None), ("checkout_expired", "guest@example.com"),
        ("checkout_completed", "jane@example.com"), ("subscription_canceled", None), ("test.event", None),
    }  # fmt: skip


def test_a_ticked_box_at_the_checkout_is_a_consent(take: Take, landed: Landed) -> None:
    take("stripe", FIXTURES / "events.json")
    assert landed("consents", "external_id, channel, action, method") == [
        ("cus_1", "email", "grant", "Stripe Checkout")
    ]


def test_customers_come_alone_and_inside_what_was_expanded(take: Take, landed: Landed) -> None:
    take("stripe", FIXTURES)
    assert landed("contacts", "external_id, given_name, family_name, email, occurred_at") == [
        ("cus_1", "Jane", "Doe", "jane@example.com", datetime(2026, 9, 11, 4, 13, 20)),
        ("cus_6", "Ann", "Lee", "ann@example.com", datetime(2026, 8, 29, 10, 40)),
    ]


def test_test_mode_is_kept_as_events_that_name_nobody(take: Take, landed: Landed) -> None:
    take("stripe", FIXTURES)
    tests = [
        row for row in landed("events", "name, external_id, email, value_minor") if row[0].startswith("test.")
    ]
    assert tests == [("test.charge", None, None, None), *[("test.event", None, None, None)] * 2]
    assert all("re_9" not in record for (record,) in landed("purchases", "source_record_id"))
    assert all(email != "test@example.com" for (email,) in landed("contacts", "email"))


def test_objects_that_say_nothing_of_customers_are_left_unread(tmp_path: Path, take: Take) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    write(folder / "charges.json", {"object": "list", "data": [charge(refunds=None)]})
    payout = {
        "id": "po_1",
        "object": "payout",
        "amount": 5,
        "currency": "gbp",
        "created": 1788256800,
        "livemode": True,
    }
    write(folder / "payouts.json", {"object": "list", "data": [payout]})
    report = take("stripe", folder)
    assert (report.accepted, [path.name for path in report.unread]) == (1, ["payouts.json"])


def test_a_shop_that_counts_its_orders_elsewhere_takes_events_and_contacts_only(
    settings: Settings, clock: Clock
) -> None:
    report = ingest(settings, clock, "stripe", [FIXTURES], tables=["events", "contacts"])
    assert set(report.tables()) == {"events", "contacts"}


def test_the_dashboards_payments_have_decimal_amounts_and_one_sum_of_refunds(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    export = tmp_path / "unified_payments.csv"
    export.write_text(PAYMENTS)
    take("stripe", export)
    assert landed("purchases", "source_record_id, external_id, net_amount_minor, currency") == [
        ("line/ch_1", "cus_1", 105000, "GBP"),
        ("line/ch_2", "cus_1", 500, "JPY"),
        ("line/ch_2/refund", "cus_1", -200, "JPY"),
    ]
    assert landed("events", "source_record_id, name, value_minor") == [("event/ch_3", "payment_failed", 900)]


def test_the_dashboards_customers(tmp_path: Path, take: Take, landed: Landed) -> None:
    export = tmp_path / "customers.csv"
    export.write_text(
        "id,Description,Email,Name,Created (UTC),Delinquent,Card Address Country\n"
        "cus_1,,jane@example.com,Jane Mary Doe,2026-01-02 03:04,false,GB\n"
    )
    take("stripe", export)
    assert landed("contacts", "external_id, given_name, family_name, country") == [
        ("cus_1", "Jane", "Mary Doe", "GB")
    ]


def test_a_refund_in_a_warehouse_takes_its_customer_from_the_charge_beside_it(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    folder = tmp_path / "warehouse"
    folder.mkdir()
    address = (
        "shipping_address_line_1,shipping_address_city,shipping_address_postal_code,shipping_address_country"
    )
    (folder / "charge.csv").write_text(
        "id,amount,amount_refunded,captured,created,currency,customer_id,description,failure_code,failure_message,livemode,"
        "outcome_reason,outcome_seller_message,outcome_type,paid,payment_intent_id,receipt_email,status,shipping_phone,"
        f"{address}\nch_1,5000,1500,true,2026-09-01 10:00:00,gbp,cus_1,Order,,,true,,,authorized,true,pi_1,jane@example.com,"
        "succeeded,,,,,\n"
    )
    (folder / "refund.csv").write_text(
        "id,amount,charge_id,created,currency,description,failure_reason,reason,receipt_number,status\n"
        "re_1,1500,ch_1,2026-09-02 10:00:00,gbp,,,duplicate,,succeeded\n"
    )
    report = take("stripe", folder)
    assert report.unread == ()
    assert landed("purchases", "source_record_id, order_id, external_id, net_amount_minor") == [
        ("line/ch_1", "pi_1", "cus_1", 5000),
        ("line/re_1", "pi_1", "cus_1", -1500),
    ]


@pytest.mark.real_data
def test_the_samples_of_stripes_openapi_are_all_of_test_mode(
    real_data: Path, take: Take, landed: Landed
) -> None:
    report = take("stripe", real_data / "vendor_shapes" / "stripe_fixtures")
    assert (report.rows_in, report.accepted, report.quarantined) == (11, 11, 0)
    assert {name.split(".")[0] for (name,) in landed("events", "name")} == {"test"}
    # a refund does not say of which mode it is
    assert landed("purchases", "line_kind, net_amount_minor") == [("refund", -100)]


@pytest.mark.real_data
def test_the_warehouse_tables_of_an_account(
    real_data: Path, settings: Settings, clock: Clock, landed: Landed
) -> None:
    folder = real_data / "vendor_shapes" / "fivetran_stripe"
    report = ingest(settings, clock, "stripe", [folder], complete=True)
    assert (report.rows_in, report.accepted, report.quarantined, report.already_landed) == (47, 46, 0, 1)
    names = [name for (name,) in landed("events", "name")]
    assert {name: names.count(name) for name in names} == {
        "payment_failed": 16, "payment_disputed": 12, "invoice_paid": 1, "subscription_active": 2,
    }  # fmt: skip
    # 6,750.00 + 136.50 + 15,412.21 + 1,615.50
    assert sum(amount for (amount,) in landed("purchases", "net_amount_minor")) == -(
        675000 + 13650 + 1541221 + 161550
    )
    assert len(landed("contacts", "external_id")) == 11  # one of twelve was deleted
