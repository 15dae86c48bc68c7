"""What people say to a service team, and how it went: Twilio, Zendesk, Intercom, Chatwoot and WhatsApp."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
FIXTURES = Path(__file__).parent / "fixtures"


def test_a_call_has_the_customer_on_one_side_whoever_called(take: Take, landed: Landed) -> None:
    report = take("twilio", FIXTURES / "twilio" / "calls.json")
    assert (report.accepted, report.reasons) == (3, {})
    columns = "call_id, direction, phone, status, duration_seconds, queue_seconds, price_micros, currency"
    assert landed("calls", columns) == [
        ("CA1", "inbound", "+447700900001", "completed", 200, 14, 8500, "USD"),
        ("CA2", "outbound", "+447700900002", "no_answer", 0, None, None, None),
        ("CA3", "inbound", None, "busy", 0, None, None, None),  # a desk's SIP address is no phone number
    ]
    assert landed("calls", "occurred_at, ended_at")[0] == (
        datetime(2024, 5, 24, 10),
        datetime(2024, 5, 24, 10, 3, 20),
    )


def test_whoever_writes_from_an_address_is_the_customer(take: Take, landed: Landed) -> None:
    take("twilio", FIXTURES / "twilio" / "conversation_messages.json")
    assert landed("chat_messages", "message_id, author_kind, phone, channel, author_name") == [
        ("IM1", "customer", "+447700900001", "whatsapp", None),
        ("IM2", "agent", None, "chat", "rosa"),
        ("IM3", "system", None, "chat", "system"),
    ]


def test_the_consoles_message_log_is_the_same_record_as_the_apis(take: Take, landed: Landed) -> None:
    assert take("twilio", FIXTURES / "twilio" / "message_log.csv").accepted == 2
    assert landed("sms_messages", "source_record_id, direction, phone, body, price_micros") == [
        ("message/SM1", "outbound", "+447700900001", "Hello, Ann", 40000),
        ("message/SM2", "inbound", "+447700900001", "STOP", 7500),
    ]


def test_one_page_of_tickets_gives_tickets_comments_and_people(take: Take, landed: Landed) -> None:
    report = take("zendesk", FIXTURES / "zendesk" / "tickets.json")
    assert {table: numbers["accepted"] for table, numbers in report.tables().items()} == {
        "chat_messages": 3,
        "contacts": 1,  # the team's own people are no customers
        "tickets": 2,
    }
    columns = (
        "ticket_id, status, priority, kind, external_id, email, tags, due_at, sla_breached, satisfaction"
    )
    assert landed("tickets", columns) == [
        ("7", "hold", "high", "problem", "501", "ann@example.com", '["late", "vip"]',
         datetime(2024, 5, 24, 14), True, "bad"),
        ("8", "closed", None, None, "502", None, "[]", None, None, None),
    ]  # fmt: skip
    assert landed("contacts", "external_id, given_name, family_name, language, time_zone") == [
        ("501", "Ann", "Lee", "en-GB", "Europe/London")
    ]


def test_an_internal_note_is_told_from_an_answer(take: Take, landed: Landed) -> None:
    take("zendesk", FIXTURES / "zendesk" / "tickets.json")
    columns = "message_id, conversation_id, author_kind, external_id, is_private, conversation_status"
    assert landed("chat_messages", columns) == [
        ("71", "7", "customer", "501", False, "pending"),
        ("72", "7", "agent", "501", True, "pending"),
        ("73", "7", "agent", "501", False, "pending"),
    ]


def test_a_rating_that_was_only_offered_is_no_answer(take: Take, landed: Landed) -> None:
    assert take("zendesk", FIXTURES / "zendesk" / "satisfaction.json").rows_in == 1
    assert landed("survey_responses", "kind, score, score_scale, answer, ticket_id") == [
        ("csat", 1.0, 1, "Fine now", "7")
    ]


def test_comments_that_a_pull_fetched_name_their_ticket(take: Take, landed: Landed) -> None:
    take("zendesk", FIXTURES / "zendesk" / "comments.json")
    assert landed("chat_messages", "conversation_id, author_kind, external_id") == [("8", "customer", "502")]


def test_the_csv_of_tickets_is_the_same_record_as_the_apis(take: Take, landed: Landed) -> None:
    take("zendesk", FIXTURES / "zendesk" / "tickets.csv")
    assert landed("tickets", "source_record_id, status, kind, channel, given_name, satisfaction") == [
        ("ticket/9", "hold", "problem", "web form", "Bo", "offered")
    ]


def test_tables_of_tickets_and_comments_are_joined(take: Take, landed: Landed) -> None:
    assert take("zendesk", FIXTURES / "zendesk" / "tables").accepted == 3
    assert landed("chat_messages", "message_id, author_kind, external_id, topic, is_private") == [
        ("71", "customer", "501", "Where is it?", False),
        ("72", "agent", "501", "Where is it?", True),
    ]


def test_an_intercom_conversation_gives_its_words_without_markup_and_its_rating(
    take: Take, landed: Landed
) -> None:
    report = take("intercom", FIXTURES / "intercom" / "conversation.json")
    assert (report.accepted, report.quarantined) == (5, 0)
    columns = "source_record_id, author_kind, body, is_private, external_id, conversation_status"
    assert landed("chat_messages", columns) == [
        ("message/40", "customer", "When does it arrive?", None, "6a", "pending"),
        ("message/503/1", "agent", "Tomorrow.", False, "6a", "pending"),
        ("message/503/2", "agent", "She is upset.", True, "6a", "pending"),
        ("message/503/3", "system", "assignment", False, "6a", "pending"),
    ]
    assert landed("survey_responses", "score, score_scale, answer") == [(4.0, 5, "Quick")]


def test_an_intercom_contact_who_unsubscribed_is_an_opt_out(take: Take, landed: Landed) -> None:
    take("intercom", FIXTURES / "intercom" / "contacts.json")
    assert landed("contacts", "external_id, phone, country") == [
        ("6a", "+447700900001", "GB"),
        ("6b", None, None),
    ]
    assert landed("consents", "external_id, email, channel, action, occurred_at") == [
        ("6a", "ann@example.com", "email", "revoke", datetime(2024, 5, 24, 11))
    ]


def test_an_intercom_ticket_says_whom_it_waits_for(take: Take, landed: Landed) -> None:
    take("intercom", FIXTURES / "intercom" / "tickets.json")
    assert landed("tickets", "ticket_id, status, subject, external_id") == [("38", "pending", "Refund", "6a")]


def test_chatwoots_notes_and_activities_are_told_from_what_was_said(take: Take, landed: Landed) -> None:
    take("chatwoot", FIXTURES / "chatwoot" / "conversations.json")
    columns = "message_id, author_kind, is_private, external_id, conversation_status, channel"
    assert landed("chat_messages", columns) == [
        ("1", "customer", False, "31", "resolved", "webwidget"),
        ("2", "agent", False, "31", "resolved", "webwidget"),
        ("3", "agent", True, "31", "resolved", "webwidget"),
        ("5", "system", False, "31", "resolved", "webwidget"),
    ]


@pytest.mark.parametrize(
    ("name", "table", "columns", "expected"),
    [
        ("webhook", "chat_messages", "message_id, external_id, occurred_at",
         ("6", "31", datetime(2024, 5, 24, 10, 5))),
        ("contacts", "contacts", "external_id, phone, city", ("31", "+447700900001", "Leeds")),
        ("ratings", "survey_responses", "score, score_scale, answer", (2.0, 5, "Slow")),
    ],
)  # fmt: skip
def test_chatwoots_other_shapes(
    take: Take, landed: Landed, name: str, table: str, columns: str, expected: tuple[Any, ...]
) -> None:
    assert take("chatwoot", FIXTURES / "chatwoot" / f"{name}.json").quarantined == 0
    assert landed(table, columns) == [expected]


def test_whatsapps_webhook_gives_messages_and_names(take: Take, landed: Landed) -> None:
    take("whatsapp", FIXTURES / "whatsapp" / "messages.json")
    assert landed("sms_messages", "channel, direction, phone, body, media_count") == [
        ("whatsapp", "inbound", "+447700900001", "Where is it?", 0),
        ("whatsapp", "inbound", "+447700900001", "The box", 1),
    ]
    assert landed("contacts", "phone, given_name") == [("+447700900001", "Ann")]


def test_a_later_state_of_a_message_is_a_newer_version_of_it(take: Take, landed: Landed) -> None:
    assert take("whatsapp", FIXTURES / "whatsapp" / "statuses.json").changed == 1
    assert landed("sms_messages", "source_record_id, status") == [
        ("message/wamid.3", "delivered"),
        ("message/wamid.3", "read"),
    ]


def test_stopping_marketing_in_whatsapp_itself_is_an_opt_out(take: Take, landed: Landed) -> None:
    take("whatsapp", FIXTURES / "whatsapp" / "preferences.json")
    assert landed("consents", "phone, channel, purpose, action") == [
        ("+447700900001", "whatsapp", "marketing", "revoke")
    ]
