"""Reviews, forms, social messages and events: what people say and do where the company only listens."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
FIXTURES = Path(__file__).parent / "fixtures"


def test_a_review_knows_its_order_its_scale_and_its_answer(take: Take, landed: Landed) -> None:
    take("trustpilot", FIXTURES / "trustpilot" / "reviews.json")
    columns = "rating, rating_scale, order_id, email, given_name, is_verified, reply_text, replied_at"
    assert landed("reviews", columns) == [
        (2.0, 5, "#1001", "ann@example.com", "Ann", True, "We are sorry.", datetime(2024, 5, 24, 12))
    ]


def test_stars_in_words_are_numbers(take: Take, landed: Landed) -> None:
    take("google", FIXTURES / "google" / "reviews.json")
    assert landed("reviews", "rating, rating_scale, body, channel") == [(5.0, 5, "Lovely bench", "google")]


def test_the_scale_of_a_score_is_that_of_its_survey(take: Take, landed: Landed) -> None:
    take("delighted", FIXTURES / "delighted" / "responses.json")
    columns = (
        "kind, score, score_scale, answer, external_id, email, phone, family_name, order_id, occurred_at"
    )
    assert landed("survey_responses", columns) == [
        ("nps", 0.0, 10, "Three days late.", "96", "ann@example.com", None, "Lee", "#1001",
         datetime(2024, 5, 24, 10)),
        ("other", 5.0, 5, None, "97", "bo@example.com", "+442079460000", None, None,
         datetime(2024, 5, 24, 10, 1, 40)),
    ]  # fmt: skip


def test_a_forms_answers_are_kept_whole(take: Take, landed: Landed) -> None:
    take("typeform", FIXTURES / "typeform" / "responses.json")
    ((email, message, fields),) = landed("form_submissions", "email, message, fields")
    assert (email, message) == ("ann@example.com", "Do you ship to Iceland?")
    assert '"field": {"id": "q1"' in fields


def test_a_message_on_viber_is_timed_to_the_millisecond(take: Take, landed: Landed) -> None:
    take("viber", FIXTURES / "viber" / "webhook.json")
    assert landed("social_messages", "channel, external_id, given_name, body, occurred_at") == [
        ("viber", "v1==", "Ann", "Hello", datetime(2024, 5, 24, 10, 0, 0, 123000))
    ]


def test_an_echo_is_what_the_company_wrote_to_the_same_person(take: Take, landed: Landed) -> None:
    take("meta", FIXTURES / "meta" / "webhook.json")
    assert landed(
        "social_messages", "message_id, channel, kind, direction, external_id, conversation_id"
    ) == [
        ("m1", "instagram", "story_reply", "inbound", "u1", "u1"),
        ("m2", "instagram", "direct", "outbound", "u1", "u1"),
    ]


def test_calls_of_a_site_become_events_and_people(take: Take, landed: Landed) -> None:
    report = take("segment", FIXTURES / "segment" / "calls.jsonl")
    assert report.quarantined == 0
    assert landed("events", "event_id, name, external_id, device_id, value_minor, currency, order_id") == [
        ("s1", "order_completed", "42", "d1", 1990, "EUR", "#1001"),
        ("s2", "viewed_page", None, "d1", None, None, None),
    ]
    assert landed("contacts", "external_id, email, family_name, birth_date, city") == [
        ("42", "ann@example.com", "Lee", date(1990, 2, 28), "Leeds")
    ]
