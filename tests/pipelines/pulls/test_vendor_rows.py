"""What a shipped pull brings is what the vendor's mappings read: a record in the API's own shape lands in its table."""

from typing import Any

import pytest

from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.landing.staging import open_stage

from .conftest import Answer, Asked, Vendor, pull
from .test_shipped import use

AT = 1793000000  # 2026-10-26
ORDER = {
    "id": 450789469,
    "name": "#1001",
    "order_number": 1001,
    "email": "ada@example.com",
    "created_at": "2026-10-26T09:00:00+00:00",
    "processed_at": "2026-10-26T09:00:00+00:00",
    "updated_at": "2026-10-26T10:00:00+00:00",
    "currency": "GBP",
    "financial_status": "paid",
    "total_price": "12.00",
    "customer": {"id": 207119551, "email": "ada@example.com", "first_name": "Ada", "last_name": "Quill"},
    "line_items": [
        {
            "id": 1,
            "product_id": 7,
            "variant_id": 8,
            "title": "Mug",
            "sku": "MUG",
            "quantity": 2,
            "price": "6.00",
            "total_discount": "0.00",
        }
    ],
    "fulfillments": [],
    "refunds": [],
}
CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 1200,
    "amount_refunded": 0,
    "created": AT,
    "currency": "gbp",
    "customer": "cus_1",
    "paid": True,
    "captured": True,
    "livemode": True,
    "status": "succeeded",
    "refunded": False,
    "billing_details": {"email": "ada@example.com", "name": "Ada Quill", "phone": None, "address": None},
    "description": "Mug",
    "invoice": None,
    "payment_intent": "pi_1",
    "metadata": {},
}
PROFILE = {
    "type": "profile",
    "id": "01GDDK",
    "attributes": {
        "email": "ada@example.com",
        "phone_number": "+447700900001",
        "external_id": None,
        "first_name": "Ada",
        "last_name": "Quill",
        "created": "2026-10-01T10:00:00+00:00",
        "updated": "2026-10-26T10:00:00+00:00",
        "location": {},
        "properties": {},
        "subscriptions": {
            "email": {
                "marketing": {
                    "can_receive_email_marketing": True,
                    "consent": "SUBSCRIBED",
                    "consent_timestamp": "2026-10-01T10:00:00+00:00",
                    "last_updated": "2026-10-01T10:00:00+00:00",
                    "method": "FORM",
                    "method_detail": "footer",
                    "suppression": [],
                    "list_suppressions": [],
                }
            }
        },
    },
    "relationships": {},
    "links": {"self": "https://a.klaviyo.com/api/profiles/01GDDK/"},
}
MEMBER = {
    "id": "62eeb292278cc15f5817cb78f7790b08",
    "email_address": "ada@example.com",
    "unique_email_id": "fab20fa03d",
    "status": "subscribed",
    "merge_fields": {"FNAME": "Ada", "LNAME": "Quill"},
    "timestamp_signup": "2026-10-01T10:00:00+00:00",
    "timestamp_opt": "2026-10-01T10:00:00+00:00",
    "last_changed": "2026-10-26T10:00:00+00:00",
    "list_id": "aud1",
}
USERS = [{"id": 7, "name": "Ada Quill", "email": "ada@example.com", "role": "end-user"}]
TICKET = {
    "id": 35436,
    "requester_id": 7,
    "assignee_id": 9,
    "group_id": 1,
    "status": "open",
    "subject": "Where is my parcel?",
    "raw_subject": "Where is my parcel?",
    "description": "It has not come.",
    "priority": "high",
    "type": "question",
    "tags": ["parcel"],
    "via": {"channel": "email"},
    "created_at": "2026-10-26T09:00:00Z",
    "updated_at": "2026-10-26T10:00:00Z",
    "due_at": None,
    "satisfaction_rating": {"score": "unoffered"},
}
COMMENT = {
    "id": 1274,
    "type": "Comment",
    "author_id": 7,
    "body": "It has not come.",
    "plain_body": "It has not come.",
    "public": True,
    "via": {"channel": "email"},
    "created_at": "2026-10-26T09:00:00Z",
}
CONVERSATION = {
    "type": "conversation",
    "id": "471",
    "created_at": AT,
    "updated_at": AT + 60,
    "state": "open",
    "title": None,
    "conversation_rating": None,
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "c7"}]},
    "source": {
        "type": "conversation",
        "id": "s1",
        "subject": "",
        "body": "Where is my parcel?",
        "author": {"type": "user", "id": "c7", "name": "Ada", "email": "ada@example.com"},
    },
    "conversation_parts": {
        "type": "conversation_part.list",
        "conversation_parts": [
            {
                "type": "conversation_part",
                "id": "p1",
                "part_type": "comment",
                "body": "On its way.",
                "created_at": AT + 60,
                "author": {"type": "admin", "id": "9", "name": "Ben"},
            }
        ],
        "total_count": 1,
    },
}
MESSAGE = {
    "id": 11,
    "content": "Where is my parcel?",
    "conversation_id": 5,
    "message_type": 0,
    "created_at": AT,
    "private": False,
    "sender": {"id": 7, "email": "ada@example.com", "phone_number": None, "type": "contact"},
}


def shopify(asked: Asked) -> Answer:
    kind = asked.path.removeprefix("/").removesuffix(".json")
    return Answer({kind: [ORDER] if kind == "orders" else []})


def stripe(asked: Asked) -> Answer:
    return Answer({"object": "list", "has_more": False, "data": [CHARGE] if asked.path == "/charges" else []})


def klaviyo(asked: Asked) -> Answer:
    if asked.path == "/profiles":
        return Answer({"data": [PROFILE], "links": {"next": None}})
    refers = {
        "metric": {"data": {"type": "metric", "id": "M"}},
        "profile": {"data": {"type": "profile", "id": "01GDDK"}},
    }
    attributes = {
        "datetime": "2026-10-26 10:00:00+00:00",
        "timestamp": AT,
        "event_properties": {},
        "uuid": "u1",
    }
    event = {"type": "event", "id": "e1", "attributes": attributes, "relationships": refers}
    metric = {"type": "metric", "id": "M", "attributes": {"name": "Viewed Product"}}
    return Answer({"data": [event], "included": [metric, PROFILE], "links": {"next": None}})


def mailchimp(_: Asked) -> Answer:
    return Answer({"members": [MEMBER], "total_items": 1})


def sendgrid(asked: Asked) -> Answer:
    first = int(asked.query.get("offset", 0)) == 0
    record: dict[str, Any] = {"created": AT, "email": "ada@example.com"}
    kind = asked.path.rpartition("/")[2]
    if asked.path == "/asm/suppressions":
        record = {"email": "ada@example.com", "group_id": 1, "group_name": "News", "created_at": AT}
    elif kind in {"bounces", "blocks"}:
        record |= {"reason": "550 nobody", "status": "5.1.1" if kind == "bounces" else "4.0.0"}
    elif kind == "invalid_emails":
        record |= {"reason": "Mail domain mentioned in email address is unknown"}
    elif kind == "spam_reports":
        record |= {"ip": "192.0.2.1"}
    return Answer([record] if first else [])


def zendesk(asked: Asked) -> Answer:
    if asked.path.endswith("/comments.json"):
        return Answer(
            {"comments": [COMMENT], "users": USERS, "links": {"next": None}, "meta": {"has_more": False}}
        )
    return Answer(
        {"tickets": [TICKET], "users": USERS, "groups": [], "after_cursor": "c", "end_of_stream": True}
    )


def intercom(asked: Asked) -> Answer:
    if asked.method == "POST":
        return Answer(
            {"type": "conversation.list", "conversations": [{"id": "471"}], "pages": {"type": "pages"}}
        )
    return Answer(CONVERSATION)


def chatwoot(asked: Asked) -> Answer:
    if asked.method == "POST":
        return Answer({"meta": {}, "payload": [{"id": 5}] if asked.query["page"] == "1" else []})
    return Answer({"meta": {}, "payload": [] if "before" in asked.query else [MESSAGE]})


VENDORS = [
    ("shopify", shopify, {"shop": "x"}, ["SHOPIFY_ACCESS_TOKEN"], {"purchases"}),
    ("stripe", stripe, {}, ["STRIPE_API_KEY"], {"purchases"}),
    ("klaviyo", klaviyo, {}, ["KLAVIYO_API_KEY"], {"contacts", "consents", "events"}),
    (
        "mailchimp",
        mailchimp,
        {"data_center": "us1", "list": "aud1"},
        ["MAILCHIMP_API_KEY"],
        {"contacts", "consents"},
    ),
    ("sendgrid", sendgrid, {}, ["SENDGRID_API_KEY"], {"email_events"}),
    (
        "zendesk",
        zendesk,
        {"subdomain": "x"},
        ["ZENDESK_EMAIL", "ZENDESK_API_TOKEN"],
        {"tickets", "chat_messages"},
    ),
    ("intercom", intercom, {}, ["INTERCOM_ACCESS_TOKEN"], {"chat_messages"}),
    (
        "chatwoot",
        chatwoot,
        {"address": "https://c.example.com", "account": "1"},
        ["CHATWOOT_API_TOKEN"],
        {"chat_messages"},
    ),
]


@pytest.mark.parametrize(
    ("name", "answer", "given", "secrets", "tables"), VENDORS, ids=[each[0] for each in VENDORS]
)
def test_what_comes_lands_whole(
    settings: Settings,
    vendor: Vendor,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    answer: Any,
    given: dict[str, str],
    secrets: list[str],
    tables: set[str],
) -> None:
    for secret in secrets:
        monkeypatch.setenv(secret, "key")
    vendor.answer = answer
    use(settings, vendor, name, given)
    report = pull(settings, name)
    assert [str(error) for error in report.errors] == []
    assert [each.reasons for stream in report.streams for each in stream.landed if each.quarantined] == []
    landed = {landing.table for landing in list_landings(settings) if landing.accepted}
    assert tables <= landed


def test_klaviyo_s_events_land_under_the_name_of_their_metric(
    settings: Settings, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLAVIYO_API_KEY", "key")
    vendor.answer = klaviyo
    use(settings, vendor, "klaviyo")
    pull(settings, "klaviyo")
    (landing,) = (each for each in list_landings(settings, "events"))
    with open_stage() as connection:
        query = "SELECT name, email FROM read_parquet(?)"
        assert connection.execute(query, [str(landing.path)]).fetchall() == [
            ("viewed_product", "ada@example.com")
        ]
