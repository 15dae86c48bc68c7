"""Shopify's files: pages and webhooks of the Admin API, exports of the admin, tables of a warehouse."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.intake import ingest
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
FIXTURES = Path(__file__).parent / "fixtures" / "shopify"
CUSTOMERS = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Address1,Default Address City,"
    "Default Address Country Code,Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing\n"
    "'7001,Jane,Doe,jane@example.com,yes,1 Test Lane,Leeds,GB,'LS1 1AA,,'+447700900001,no\n"
    "'7002,Joe,Bloggs,joe@example.com,no,,,,,,,no\n"
)
OLD_CUSTOMERS = (
    "First Name,Last Name,Email,Accepts Email Marketing,Company,Address1,Address2,City,Province,Province Code,Country,"
    "Country Code,Zip,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Tags,Note,Tax Exempt\n"
    "Jane,Doe,jane@example.com,yes,,1 Test Lane,,Leeds,,,United Kingdom,GB,'LS1 1AA,'+447700900001,no,9.00,1,,,no\n"
    "Till,Customer,,no,,,,,,,,,,'+447700900002,no,0.00,0,,,no\n"
)
NEW_PRODUCTS = (
    "Title,URL handle,Description,Vendor,Product category,Type,Status,SKU,Option1 value,Price\n"
    "Oak stool,oak-stool,,Harbour,Furniture,Stools,Active,STOOL-1,Oak,49.90\n"
    ",oak-stool,,,,,,STOOL-2,Ash,52.00\n"
)


def order(**more: object) -> dict[str, Any]:
    """Give the first order of the page, changed."""
    page = json.loads((FIXTURES / "orders.json").read_text())
    return {**page["orders"][0], **more}


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_a_page_of_orders_gives_lines_refunds_parcels_contacts_and_consents(take: Take) -> None:
    report = take("shopify", FIXTURES / "orders.json")
    assert (report.rows_in, report.accepted, report.quarantined) == (13, 13, 0)
    counts = {table: numbers["accepted"] for table, numbers in report.tables().items()}
    assert counts == {"consents": 2, "contacts": 1, "purchases": 9, "shipments": 1}


def test_a_line_adds_its_price_less_discounts_and_less_the_tax_that_is_in_it(
    take: Take, landed: Landed
) -> None:
    take("shopify", FIXTURES / "orders.json")
    sales = landed("purchases", "source_record_id, net_amount_minor, line_kind")
    assert [(record, amount) for record, amount, kind in sales if kind == "sale"] == [
        ("line/#1001/1", 8500),  # 2 x 50.00 less 10.00 and 5.00; the tax comes on top
        ("line/#1001/2", 2000),
        ("line/#1002/1", 3000),  # 36.00 with 6.00 tax in it
        ("line/#1003/1", 2000),
        ("line/#1004/1", 0),  # a gift card is no revenue before it is used; the test order 1005 is no order
    ]


def test_goods_come_back_on_the_day_of_their_refund_and_delivery_never_counted(
    take: Take, landed: Landed
) -> None:
    take("shopify", FIXTURES / "orders.json")
    rows = landed(
        "purchases", "source_record_id, line_kind, occurred_at, order_id, email, quantity, net_amount_minor"
    )
    assert [row for row in rows if row[1] in {"refund", "adjustment"}] == [
        (
            "line/adjustment/9012",
            "adjustment",
            datetime(2026, 9, 10, 11),
            "#1001",
            "jane@example.com",
            1,
            -350,
        ),
        ("line/refund/9011", "refund", datetime(2026, 9, 10, 11), "#1001", "jane@example.com", -1, -2000),
        ("line/refund/9031", "refund", datetime(2026, 9, 4, 7), "#1003", "joe@example.com", -1, -2000),
    ]


def test_a_cancelled_order_adds_up_to_nothing_whether_it_was_refunded_or_not(
    take: Take, landed: Landed
) -> None:
    take("shopify", FIXTURES / "orders.json")
    sums = landed("purchases", "order_id, net_amount_minor, line_kind")
    for number in ("#1002", "#1003"):
        assert sum(amount for order_id, amount, _ in sums if order_id == number) == 0
    assert [order_id for order_id, _, kind in sums if kind == "cancellation"] == ["#1002"]


def test_a_refund_alone_is_the_same_record_as_inside_its_order(tmp_path: Path, take: Take) -> None:
    take("shopify", FIXTURES / "orders.json")
    alone = take("shopify", write(tmp_path / "refund.json", {"refund": order()["refunds"][0]}))
    assert alone.tables()["purchases"]["changed"] == alone.accepted == 2


def test_a_refund_that_comes_twice_in_one_delivery_counts_once_and_keeps_its_customer(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    page = write(tmp_path / "page.json", {"orders": [order()], "refunds": order()["refunds"]})
    report = take("shopify", page)
    assert report.quarantined == 0
    refunds = landed("purchases", "source_record_id, email, net_amount_minor")
    assert refunds.count(("line/refund/9011", "jane@example.com", -2000)) == 1


def test_a_webhooks_body_is_read_as_a_page_is(tmp_path: Path, take: Take, landed: Landed) -> None:
    take("shopify", write(tmp_path / "order.json", order()))
    amounts = [amount for (amount,) in landed("purchases", "net_amount_minor")]
    assert (len(amounts), sum(amounts)) == (4, 8500 + 2000 - 2000 - 350)


def test_an_order_from_the_export_and_from_the_api_is_one_order(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    export = tmp_path / "orders_export.csv"
    export.write_text(
        "Name,Email,Financial Status,Currency,Created at,Billing Name,Billing Street,Billing City,Billing Zip,"
        "Billing Country,Billing Phone,Lineitem quantity,Lineitem name,Lineitem price,Lineitem discount\n"
        "#1001,jane@example.com,paid,GBP,2026-09-01 10:00:00 +0100,Jane Doe,1 Test Lane,Leeds,'LS1 1AA,GB,,"
        "2,Stool,50.00,0\n#1001,,,,,,,,,,,1,Lamp,20.00,0\n"
    )
    take("shopify", export)
    take("shopify", FIXTURES / "orders.json")
    lines = landed("purchases", "source_record_id, order_id")
    assert {record for record, number in lines if number == "#1001"} >= {"line/#1001/1", "line/#1001/2"}
    assert len({record for record, number in lines if number == "#1001"}) == 4


def test_customers_of_all_shapes_share_their_number(tmp_path: Path, take: Take, landed: Landed) -> None:
    export, table = tmp_path / "customers.csv", tmp_path / "customer.csv"
    export.write_text(CUSTOMERS)
    table.write_text(
        "id,first_name,last_name,email,default_address_id,tax_exempt,updated_at\n"
        "7001,Jane,Doe,jane@example.com,1,false,2026-10-01 08:00:00\n"
    )
    take("shopify", FIXTURES / "orders.json", export, table)
    assert set(landed("contacts", "source_record_id, external_id")) == {
        ("contact/7001", "7001"), ("contact/7002", "7002"),
    }  # fmt: skip
    assert ("7001",) in landed("purchases", "external_id")


def test_the_stock_export_of_customers_is_dated_by_its_arrival_and_proves_no_consent(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    export = tmp_path / "customers.csv"
    export.write_text(CUSTOMERS)
    report = take("shopify", export)
    assert report.tables() == {"contacts": report.numbers()}
    assert landed("contacts", "occurred_at = received_at") == [(True,), (True,)]
    export.write_text(CUSTOMERS.replace("Bloggs", "Blogs"))
    assert take("shopify", export).numbers() | {"rows_in": 2} == {
        "rows_in": 2, "accepted": 1, "quarantined": 0, "already_landed": 1, "changed": 1,
    }  # fmt: skip


def test_the_older_export_of_customers_has_no_numbers(tmp_path: Path, take: Take, landed: Landed) -> None:
    export = tmp_path / "customers.csv"
    export.write_text(OLD_CUSTOMERS)
    take("shopify", export)
    assert sorted(landed("contacts", "given_name, email, phone, external_id")) == [
        ("Jane", "jane@example.com", "+447700900001", None),
        ("Till", None, "+447700900002", None),
    ]


def test_consent_is_what_somebody_decided_on_a_day(tmp_path: Path, take: Take, landed: Landed) -> None:
    def customer(number: int, state: str, day: str | None) -> dict[str, Any]:
        consent = {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": day}
        return {
            **order()["customer"],
            "id": number,
            "email_marketing_consent": consent,
            "sms_marketing_consent": None,
        }

    day = "2026-02-03T08:00:00Z"
    states = ["subscribed", "unsubscribed", "redacted", "not_subscribed", "pending", "invalid"]
    people = [customer(number, state, day) for number, state in enumerate(states, start=1)]
    people += [customer(7, "subscribed", None), customer(8, "unsubscribed", None)]
    take("shopify", write(tmp_path / "customers.json", {"customers": people}))
    assert landed("consents", "external_id, action, occurred_at") == [
        ("1", "grant", datetime(2026, 2, 3, 8)),
        ("2", "revoke", datetime(2026, 2, 3, 8)),
        ("3", "revoke", datetime(2026, 2, 3, 8)),
        ("8", "revoke", datetime(2026, 10, 1, 8)),  # nobody can prove 7; 8 is honoured all the same
    ]


def test_old_versions_of_the_api_tell_consent_in_two_keys(tmp_path: Path, take: Take, landed: Landed) -> None:
    old = {
        "id": 1,
        "email": "jane@example.com",
        "accepts_marketing": True,
        "marketing_opt_in_level": "single_opt_in",
    }
    people = [
        {**old, "accepts_marketing_updated_at": "2020-01-02T03:04:05Z"},
        {**old, "id": 2, "accepts_marketing": False, "accepts_marketing_updated_at": "2020-01-02T03:04:05Z"},
        {**old, "id": 3, "accepts_marketing_updated_at": None},
    ]
    take("shopify", write(tmp_path / "customers.json", {"customers": people}))
    assert landed("consents", "external_id, action, method") == [
        ("1", "grant", "Shopify, single_opt_in"), ("2", "revoke", "Shopify, single_opt_in"),
    ]  # fmt: skip


def test_a_parcel_inside_an_order_knows_whose_it_is_and_when_it_was_promised(
    take: Take, landed: Landed
) -> None:
    take("shopify", FIXTURES / "orders.json")
    assert landed("shipments", "order_id, external_id, status, estimated_delivery_at, delivered_at") == [
        ("#1001", "7001", "delivered", datetime(2026, 9, 4, 17), datetime(2026, 9, 5, 10))
    ]


def test_a_cart_left_behind_is_an_event(tmp_path: Path, take: Take, landed: Landed) -> None:
    cart = {
        "token": "t1", "abandoned_checkout_url": "https://shop.example.com/t1", "created_at": "2026-09-01T10:00:00Z",
        "updated_at": "2026-09-01T10:05:00Z", "completed_at": None, "currency": "GBP", "total_price": "12.50",
        "email": "jane@example.com", "line_items": [{"title": "Stool"}],
    }  # fmt: skip
    take("shopify", write(tmp_path / "checkouts.json", {"checkouts": [cart]}))
    assert landed("events", "name, email, value_minor, occurred_at") == [
        ("checkout_abandoned", "jane@example.com", 1250, datetime(2026, 9, 1, 10, 5))
    ]


def test_the_newer_export_of_products_has_a_row_for_each_variant(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    export = tmp_path / "products.csv"
    export.write_text(NEW_PRODUCTS)
    take("shopify", export)
    assert landed("products", "product_id, name, category, price_minor") == [
        ("STOOL-1", "Oak stool", "Stools", 4990), ("STOOL-2", "Oak stool", "Stools", 5200),
    ]  # fmt: skip


def test_tables_of_a_warehouse_give_the_same_lines_as_the_api(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    folder = tmp_path / "warehouse"
    folder.mkdir()
    address = ["phone", "first_name", "last_name", "address_1", "city", "zip", "country_code"]
    columns = [f"{kind}_address_{part}" for kind in ("billing", "shipping") for part in address]
    (folder / "order.csv").write_text(
        f"id,name,email,currency,created_at,processed_at,test,taxes_included,customer_id,{','.join(columns)}\n"
        f"501001,#1001,jane@example.com,GBP,2026-09-01 09:00:00,,false,false,7001{',' * len(columns)}\n"
    )
    (folder / "order_line.csv").write_text(
        "id,order_id,index,name,title,product_id,sku,price,quantity,fulfillable_quantity,gift_card,total_discount\n"
        "11,501001,1,Stool,Stool,110,stool,50.00,2,0,false,0.00\n12,501001,2,Lamp,Lamp,120,lamp,20.00,1,0,false,0.00\n"
    )
    (folder / "discount_allocation.csv").write_text("order_line_id,index,amount\n11,0,10.00\n11,1,5.00\n")
    (folder / "tax_line.csv").write_text("order_line_id,index,price\n11,0,17.00\n")
    (folder / "refund.csv").write_text(
        "id,order_id,created_at,processed_at\n901,501001,2026-09-10 11:00:00,\n"
    )
    (folder / "order_line_refund.csv").write_text(
        "id,refund_id,order_line_id,restock_type,quantity,subtotal,total_tax\n9011,901,12,return,1,20.00,4.00\n"
    )
    report = take("shopify", folder)
    assert (report.accepted, report.unread) == (3, ())
    amounts = "source_record_id, external_id, occurred_at, net_amount_minor"
    warehouse = landed("purchases", amounts)
    assert warehouse == [
        ("line/#1001/1", "7001", datetime(2026, 9, 1, 9), 8500),
        ("line/#1001/2", "7001", datetime(2026, 9, 1, 9), 2000),
        ("line/refund/9011", "7001", datetime(2026, 9, 10, 11), -2000),
    ]
    take("shopify", FIXTURES / "orders.json")
    assert set(warehouse) <= set(landed("purchases", amounts))


def test_a_files_own_tables_may_be_chosen(settings: Any, clock: Any) -> None:
    report = ingest(settings, clock, "shopify", [FIXTURES / "orders.json"], tables=["consents"])
    assert list(report.tables()) == ["consents"]


@pytest.mark.real_data
def test_the_api_samples_of_shopifys_python_library(real_data: Path, take: Take, landed: Landed) -> None:
    report = take("shopify", real_data / "vendor_shapes" / "shopify_admin_api")
    assert (report.rows_in, report.accepted, report.quarantined) == (14, 14, 0)
    assert sorted(path.name for path in report.unread) == [
        "events.json",
        "transaction.json",
        "transactions.json",
    ]
    # three iPods at 199.00 in order.json, two of them given back in refund.json
    assert sum(amount for (amount,) in landed("purchases", "net_amount_minor")) == 59700 - 39800


@pytest.mark.real_data
def test_the_warehouse_tables_of_a_shop(real_data: Path, settings: Any, clock: Any, landed: Landed) -> None:
    folder = real_data / "vendor_shapes" / "fivetran_shopify"
    report = ingest(settings, clock, "shopify", [folder], complete=True)
    assert (report.rows_in, report.accepted, report.quarantined) == (27, 21, 6)
    # the refunds of the sample are of orders that are not in it
    assert report.reasons == {"currency_present": 6, "occurred_at_present": 6, "order_id_present": 5}
    # 4.40, 2.80 and 2 x 2.80: the third order's discount of 2.80 has no share on its line in the sample
    assert sum(amount for (amount,) in landed("purchases", "net_amount_minor")) == 440 + 280 + 560
