"""Twilio, SendGrid, chats and the shop's files: vendors' shapes in, canonical rows out."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import BatchRefusedError, InputError
from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
MESSAGE = {
    "sid": "SM1", "direction": "inbound", "status": "received", "from": "+447700900001", "to": "+15005550006",
    "body": "Hi", "date_sent": "Fri, 24 May 2019 17:44:50 +0000", "date_created": "Fri, 24 May 2019 17:44:46 +0000",
    "num_media": "0", "num_segments": "1", "price": "-0.00750", "price_unit": "usd", "error_code": None,
}  # fmt: skip
EVENT = {"event": "open", "timestamp": 1461095246, "email": "a@example.com", "sg_event_id": "e1"}


def write(path: Path, document: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_twilios_pages_become_messages(tmp_path: Path, take: Take, landed: Landed) -> None:
    folder = tmp_path / "pages"
    write(
        folder / "0.json", {"messages": [MESSAGE, {**MESSAGE, "sid": "SM2", "num_media": "2", "price": None}]}
    )
    write(
        folder / "1.json",
        {"messages": [MESSAGE, {**MESSAGE, "sid": "SM3", "direction": "outbound-api", "status": "sent"}]},
    )
    report = take("twilio", folder)
    assert (report.rows_in, report.accepted, report.already_landed) == (
        4,
        3,
        1,
    )  # a page repeats what moved on
    assert landed("sms_messages", "source_record_id, channel, direction, phone, price_micros, currency") == [
        ("message/SM1", "sms", "inbound", "+447700900001", 7500, "USD"),
        ("message/SM2", "mms", "inbound", "+447700900001", None, "USD"),
        ("message/SM3", "sms", "outbound", "+15005550006", 7500, "USD"),
    ]
    assert landed("sms_messages", "occurred_at")[0][0] == datetime(2019, 5, 24, 17, 44, 50)


@pytest.mark.parametrize("prefix", ["whatsapp", "rcs"])
def test_the_channel_stands_in_front_of_the_number(
    tmp_path: Path, take: Take, landed: Landed, prefix: str
) -> None:
    take("twilio", write(tmp_path / "a.json", {**MESSAGE, "from": f"{prefix}:+447700900001"}))
    assert landed("sms_messages", "channel, phone, from_address") == [
        (prefix, "+447700900001", f"{prefix}:+447700900001")
    ]


def test_a_message_that_went_on_is_a_newer_version(tmp_path: Path, take: Take, landed: Landed) -> None:
    take("twilio", write(tmp_path / "a.json", {**MESSAGE, "status": "sent"}))
    assert take("twilio", write(tmp_path / "b.json", {**MESSAGE, "status": "delivered"})).changed == 1
    assert [status for (status,) in landed("sms_messages", "status")] == ["sent", "delivered"]


def test_an_empty_page_is_fine(tmp_path: Path, take: Take) -> None:
    assert take("twilio", write(tmp_path / "a.json", {"messages": []})).rows_in == 0


def test_sendgrids_posts_a_line_each_or_as_one_list(tmp_path: Path, take: Take, landed: Landed) -> None:
    click = {
        **EVENT,
        "sg_event_id": "e2",
        "event": "click",
        "url": "https://example.com",
        "category": ["sale"],
    }
    path = tmp_path / "events.json"
    path.write_text(json.dumps([EVENT, {**EVENT, "sg_event_id": None}]) + "\n" + json.dumps([click]) + "\n")
    report = take("sendgrid", path)
    assert (report.accepted, report.quarantined) == (2, 1)
    assert landed("email_events", "event, occurred_at, campaign, url") == [
        ("open", datetime(2016, 4, 19, 19, 47, 26), None, None),
        ("click", datetime(2016, 4, 19, 19, 47, 26), "sale", "https://example.com"),
    ]
    assert take("sendgrid", write(tmp_path / "again.json", [click, EVENT])).already_landed == 2


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"sg_message_id": "abc.filter01p1.1.0", "sg_machine_open": True}, ("abc", True)),
        ({"sg_message_id": "abc.filter01p1.1.0", "message_id": "msg_1"}, ("msg_1", None)),
    ],
)
def test_an_event_knows_its_mail_and_whether_a_machine_opened_it(
    tmp_path: Path, take: Take, landed: Landed, extra: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    take("sendgrid", write(tmp_path / "a.json", [{**EVENT, **extra}]))
    assert landed("email_events", "message_ref, is_machine") == [expected]


def test_a_chat_tools_conversations_become_messages_of_their_customer(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    conversation = {
        "id": 7, "topic": "late_parcel", "status": "closed", "order_id": "#1001",
        "customer": {"name": "Ann van Dyke", "email": "ann@example.com", "username": "annie"},
        "messages": [
            {"id": 1, "at": "2026-10-01T10:00:00Z", "from": "bot", "author": None, "text": "Hello"},
            {"id": 2, "at": "2026-10-01T10:01:00Z", "from": "visitor", "author": None, "text": "Where is it?"},
        ],
    }  # fmt: skip
    assert take("chat", write(tmp_path / "chats.json", [conversation])).accepted == 2
    columns = (
        "source_record_id, author_kind, given_name, family_name, handle, order_id, body, conversation_status"
    )
    person = ("Ann", "van Dyke", "annie", "#1001")
    assert landed("chat_messages", columns) == [
        ("message/7/1", "bot", *person, "Hello", "resolved"),
        ("message/7/2", "customer", *person, "Where is it?", "resolved"),
    ]


def test_talks_as_abcd_has_them_become_messages_too(tmp_path: Path, take: Take, landed: Landed) -> None:
    talk = {
        "convo_id": 3, "original": [["agent", "Hi!"], ["customer", "Hello."], ["action", "Pulled up."]],
        "scenario": {
            "personal": {"customer_name": "crystal minh", "email": "c@example.com", "username": "cm"},
            "order": {"order_id": "334", "purchase_date": "2019-11-06"}, "subflow": "return_size",
        },
    }  # fmt: skip
    assert take("chat", write(tmp_path / "chats.json", [talk])).accepted == 3
    assert landed("chat_messages", "source_record_id, author_kind, body, order_id") == [
        ("message/3/1", "agent", "Hi!", "334"),
        ("message/3/2", "customer", "Hello.", "334"),
        ("message/3/3", "system", "Pulled up.", "334"),
    ]


def test_a_shops_orders_become_lines_refunds_and_cancellations(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    header = (
        "Name,Email,Currency,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem discount,Lineitem sku,"
        "Billing Name,Billing Street,Billing City,Billing Zip,Billing Country,Billing Phone,Phone,Subtotal,"
        "Cancelled at,Refunded Amount"
    )
    address = "Ann Lee,1 High St,Leeds,'LS1 1AA,GB,'+441134960001"
    path = tmp_path / "orders.csv"
    path.write_text(
        f"{header}\n"
        f"#1,ann@example.com,GBP,2026-07-01 10:00:00 +0100,2,Oak bench,10.00,1.50,oak-bench,{address},,18.50,,0.00\n"
        f"#1,ann@example.com,,,1,Bell,3.00,0.00,bell,,,,,,,,,,\n"
        f"#2,bo@example.com,JPY,2026-07-02 10:00:00 +0100,1,Bell,300,0,bell,{address},,300,2026-07-03 10:00:00 +0100,300\n"
        f"#3,cy@example.com,GBP,2026-07-02 10:00:00 +0100,1,Bell,3.00,,bell,{address},'+447700900001,3.00,,1.00\n"
    )
    assert take("purchases", path, mapping="shopify_orders").accepted == 6
    columns = "source_record_id, occurred_at, line_kind, quantity, net_amount_minor, currency, phone"
    assert landed("purchases", columns) == [
        ("line/#1/1", datetime(2026, 7, 1, 9), "sale", 2, 1850, "GBP", "+441134960001"),
        ("line/#1/2", datetime(2026, 7, 1, 9), "sale", 1, 300, "GBP", "+441134960001"),
        ("line/#2/1", datetime(2026, 7, 2, 9), "sale", 1, 300, "JPY", "+441134960001"),
        ("line/#2/cancellation", datetime(2026, 7, 3, 9), "cancellation", -1, -300, "JPY", "+441134960001"),
        ("line/#3/1", datetime(2026, 7, 2, 9), "sale", 1, 300, "GBP", "+447700900001"),
        ("line/#3/refund", datetime(2026, 7, 2, 9), "refund", -1, -100, "GBP", "+447700900001"),
    ]
    assert landed("purchases", "given_name, family_name, postcode, source_record_id")[1][:3] == (
        "Ann",
        "Lee",
        "LS1 1AA",
    )


def test_a_shops_parcels_say_how_far_they_are(tmp_path: Path, take: Take, landed: Landed) -> None:
    parcel = {
        "id": 1, "order_id": 9, "order_name": "#1", "status": "success", "created_at": "2026-07-01T10:00:00+01:00",
        "tracking_company": "Royal Mail", "tracking_number": "RM1",
    }  # fmt: skip
    parcels = [
        {**parcel, "shipment_status": "delivered", "delivered_at": "2026-07-03T10:00:00+01:00"},
        {**parcel, "id": 2, "shipment_status": None, "destination": {"phone": "+447700900001"}},
        {**parcel, "id": 3, "shipment_status": "lost_in_space"},
        {**parcel, "id": 4, "delivered_at": "2026-06-01T10:00:00+01:00"},
    ]
    report = take(
        "shipments", write(tmp_path / "a.json", {"fulfillments": parcels}), mapping="shopify_fulfilments"
    )
    assert report.reasons == {"delivered_at_after_created": 1, "status_allowed": 1}
    assert landed("shipments", "status, phone") == [("delivered", None), ("in_transit", "+447700900001")]


def test_products_without_a_title_are_further_pictures(tmp_path: Path, take: Take, landed: Landed) -> None:
    path = tmp_path / "products.csv"
    path.write_text(
        "Handle,Title,Type,Product Category,Variant Price,Listed at (product.metafields.custom.listed_at)\n"
        "bell,Bell,Garden,,2.05,2025-04-28 01:00:00 +0100\nbell,,,,,\n"
    )
    assert take("products", path, mapping="shopify_products").rows_in == 1
    assert landed("products", "source_record_id, price_minor, currency, category") == [
        ("product/bell", 205, "GBP", "Garden")
    ]


@pytest.mark.parametrize("source", ["twilio", "sendgrid", "chat"])
@pytest.mark.parametrize("document", [{"a": 1}, [1, 2], "text", 7, None])
def test_json_of_another_kind_is_refused(tmp_path: Path, take: Take, source: str, document: object) -> None:
    with pytest.raises(InputError, match=r"has no shape of \w+ that we know.*Known are"):
        take(source, write(tmp_path / "a.json", document))


def test_a_page_whose_orders_have_a_renamed_key_is_refused_although_their_customers_are_known(
    tmp_path: Path, take: Take, settings: Settings
) -> None:
    consent = {"state": "subscribed", "consent_updated_at": "2026-01-01T00:00:00Z"}
    customer = {"id": 5, "email": "a@example.com", "email_marketing_consent": consent}
    order = {"line_items": [], "financial_state": "paid", "order_number": 1, "total_price": "1.00"}
    page = write(tmp_path / "page.json", {"orders": [{**order, "customer": customer}]})
    with pytest.raises(BatchRefusedError, match=r"no financial_status \(now financial_state\?\)"):
        take("shopify", page)
    assert list_landings(settings) == []
