"""Who waits, since when and for how long: a company of hand-written conversations."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from .talks import landed

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"
HOUR = 3600


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    company = found_company("service")
    company.land(landed())
    company.build(AS_OF, own_domains=["shop.example"], mass_text_people=3)
    return company


def talks(company: "Company", address: str) -> list[dict[str, Any]]:
    return company.rows(
        "SELECT * FROM marts.conversations JOIN marts.customer_identifiers USING (customer_id)"
        " WHERE value = ? ORDER BY started_at",
        address,
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}")


def some(row: dict[str, Any], **expected: Any) -> None:
    assert {name: row[name] for name in expected} == expected


def test_who_moves_from_sms_to_email_has_one_conversation_and_waits_through_it(company: "Company") -> None:
    (talk,) = talks(company, "mover@example.com")
    some(
        talk,
        conversation_id="conv:twilio:message/1",
        started_at=at("10-12 10:00"),
        last_at=at("10-12 16:30"),
        channels="email, sms",
        first_channel="sms",
        last_channel="email",
        channel_switches=1,
        inbound_count=3,  # the keyword is none
        outbound_count=2,  # the automatic reply and the answer
        first_response_seconds=6 * HOUR,
        longest_wait_seconds=6 * HOUR,
        waiting_since=None,
        waiting_seconds=None,
        is_open=False,
        is_begun_by_them=True,
        is_repeat_contact=False,
        resolved_at=at("10-12 16:00"),
        resolution_seconds=6 * HOUR,
        agents="hello@shop.example",
    )


def test_neither_a_bot_nor_a_note_among_colleagues_is_an_answer(company: "Company") -> None:
    (talk,) = talks(company, "chatter@example.com")
    some(talk, first_response_seconds=1800, outbound_count=2, agents="Mia", topic="late_parcel")
    # the chat is resolved: what was said last waits for nobody
    some(talk, is_open=False, waiting_since=None, longest_wait_seconds=1800, resolution_seconds=1800)


def test_whom_nobody_answered_waits_until_as_of(company: "Company") -> None:
    (talk,) = talks(company, "waiter@example.com")
    some(talk, is_open=True, waiting_since=at("10-28 12:00"), first_response_seconds=None, resolved_at=None)
    some(talk, waiting_seconds=48 * HOUR, longest_wait_seconds=48 * HOUR)


def test_an_answer_in_one_mail_thread_does_not_answer_another(company: "Company") -> None:
    (talk,) = talks(company, "two@example.com")
    some(talk, first_response_seconds=6 * HOUR, longest_wait_seconds=6 * HOUR, is_open=False)


def test_a_missed_call_waits_for_the_call_back_and_a_taken_one_for_the_queue(company: "Company") -> None:
    missed, taken = talks(company, "+447700900102")
    some(missed, first_response_seconds=1200, inbound_count=1, outbound_count=1, channels="voice")
    some(taken, first_response_seconds=45, agents="Ben", is_repeat_contact=True)


def test_an_answer_after_weeks_still_belongs_to_the_question(company: "Company") -> None:
    (talk,) = talks(company, "late@example.com")
    some(talk, first_response_seconds=19 * 24 * HOUR, resolution_seconds=19 * 24 * HOUR)


def test_a_ticket_without_its_messages_tells_when_it_was_answered_and_solved(company: "Company") -> None:
    solved, open_ = talks(company, "ticket@example.com")
    some(solved, ticket_id="7", first_response_seconds=HOUR, resolved_at=at("10-03 08:00"), is_open=False)
    some(solved, resolution_seconds=62 * 24 * HOUR, is_complaint=True, agents="Zoe", channels="email, form")
    some(
        open_, ticket_id="8", is_open=True, waiting_since=at("10-29 08:00"), is_complaint=True, order_id="#9"
    )


def test_a_keyword_alone_is_no_conversation(company: "Company") -> None:
    assert talks(company, "+447700900103") == []


def test_a_notification_to_many_answers_nobody(company: "Company") -> None:
    (talk,) = talks(company, "+447700900104")
    some(talk, first_response_seconds=8 * HOUR, outbound_count=1)
    assert talks(company, "+447700900105") == []


def test_who_answers_a_campaign_begins_a_conversation_that_counts_once(company: "Company") -> None:
    (talk,) = talks(company, "+447700900107")
    some(talk, inbound_count=1, outbound_count=1, first_response_seconds=1800)
    roles = company.rows("SELECT role, count(*) AS n FROM marts.messages GROUP BY role ORDER BY role")
    assert {row["role"]: row["n"] for row in roles}["campaign"] == 4


def test_every_message_in_a_conversation_is_a_touch_of_that_person(company: "Company") -> None:
    (found,) = company.rows(
        "SELECT count(*) AS n, count(touches.touch_id) AS known FROM marts.messages"
        " LEFT JOIN marts.customer_timeline AS touches USING (touch_id, customer_id)"
    )
    assert found["n"] == found["known"] > 30


def view(company: "Company", address: str) -> dict[str, Any]:
    (row,) = company.rows(
        "SELECT * FROM marts.customer_360 JOIN marts.customer_identifiers USING (customer_id) WHERE value = ?",
        address,
    )
    return row


def test_the_view_says_who_waits_and_how_service_was(company: "Company") -> None:
    some(view(company, "waiter@example.com"), open_conversation_count=1, waiting_since=at("10-28 12:00"))
    mover = view(company, "mover@example.com")
    some(mover, first_response_median_seconds=6 * HOUR, resolution_median_seconds=6 * HOUR)
    some(mover, open_conversation_count=0, channel_switch_count=1, repeat_contacts_7d=0)
    caller = view(company, "+447700900102")
    # 1200 and 45 seconds; half of the way between, towards zero
    some(caller, repeat_contacts_7d=1, first_response_median_seconds=622)
    ticket = view(company, "ticket@example.com")
    some(ticket, open_complaint_count=1, last_ticket_at=at("10-29 08:00"), waiting_since=at("10-29 08:00"))
    some(ticket, first_response_median_seconds=HOUR)  # of the ticket of 2 August: today and 89 days before


@pytest.mark.parametrize(
    ("address", "effort"),
    [
        ("mover@example.com", 2 + 2 + 1),  # two messages more, another channel, over four hours
        ("chatter@example.com", 1),  # one message more, answered in half an hour
        ("waiter@example.com", 2),  # over a day
        ("+447700900102", 3),  # had to call again
        ("late@example.com", 3),  # nineteen days
        ("ticket@example.com", 2),
        ("advocate@example.com", None),
    ],
)
def test_effort_is_that_of_the_worst_recent_conversation(
    company: "Company", address: str, effort: int | None
) -> None:
    some(view(company, address), effort_score=effort)


@pytest.mark.parametrize(
    ("address", "state", "csat", "nps", "stars"),
    [
        ("advocate@example.com", "advocate", None, 10, None),
        ("detractor@example.com", "detractor", None, 9, 2),
        ("recovered@example.com", "recovered", 1, None, None),
        ("content@example.com", "neutral", 1, None, None),
        ("mixed@example.com", "neutral", None, None, 5),
        ("torn@example.com", "detractor", None, 10, 1),  # of two words at one moment the worse
        ("odd@example.com", "unknown", None, None, None),  # twelve of ten says nothing
        ("ticket@example.com", "recovered", 1, None, None),
        ("waiter@example.com", "unknown", None, None, None),
    ],
)
def test_the_newest_word_says_how_content_somebody_is(
    company: "Company", address: str, state: str, csat: float | None, nps: int | None, stars: float | None
) -> None:
    row = view(company, address)
    some(row, satisfaction_state=state, last_csat=csat, last_nps=nps, last_review_rating=stars)


def test_a_review_is_a_buyers_where_our_own_orders_say_so(company: "Company") -> None:
    some(view(company, "detractor@example.com"), last_review_verified=True)
    some(view(company, "torn@example.com"), last_review_verified=False)
    some(view(company, "waiter@example.com"), last_review_verified=None)


def test_a_ticket_and_the_survey_about_it_count_once(company: "Company") -> None:
    about = company.rows(
        "SELECT ticket_id, score FROM marts.feedback WHERE kind = 'csat' AND source = 'zendesk'"
    )
    assert sorted((row["ticket_id"], row["score"]) for row in about) == [("7", 0), ("8", 1)]


def test_every_answer_is_a_touch(company: "Company") -> None:
    (found,) = company.rows(
        "SELECT count(*) AS n, count(touches.touch_id) AS known FROM marts.feedback"
        " LEFT JOIN marts.customer_timeline AS touches USING (touch_id, customer_id)"
    )
    assert found["n"] == found["known"] == 20


def test_each_touch_names_its_conversation_its_order_its_parcel_and_how_it_sounds(company: "Company") -> None:
    def touches(address: str) -> list[dict[str, Any]]:
        return company.rows(
            "SELECT * FROM marts.customer_timeline JOIN marts.customer_identifiers USING (customer_id)"
            " WHERE value = ? ORDER BY occurred_at",
            address,
        )

    mover = [row for row in touches("mover@example.com") if row["kind"] != "contact"]
    assert {row["conversation_id"] for row in mover} == {"conv:twilio:message/1"}  # the keyword's too
    (opened,) = [row for row in touches("ticket@example.com") if row["source_record_id"] == "ticket/2"]
    some(opened, order_id="#9", conversation_id="conv:zendesk:ticket/2")
    (bought,) = [row for row in touches("detractor@example.com") if row["kind"] == "order"]
    some(bought, order_id="#1", shipment_id=None, conversation_id=None)
    moods = [row["sentiment"] for row in touches("mood@example.com")]
    assert min(moods[:3]) > 0.5
    assert max(moods[3:]) < -0.5


def test_a_mood_falls_when_the_last_three_texts_sound_worse_than_the_three_before(company: "Company") -> None:
    row = view(company, "mood@example.com")
    some(row, sentiment_trend="falling")
    assert abs(row["sentiment_30d"]) < 0.3  # three of each
    some(view(company, "waiter@example.com"), sentiment_trend="unknown")


def test_a_week_in_which_fewer_are_answered_within_a_day_rings(company: "Company") -> None:
    weeks = company.rows(
        "SELECT * FROM marts.metric_first_response_weekly WHERE channel = 'whatsapp' ORDER BY week"
    )
    assert [row["is_alert"] for row in weeks] == [False] * 8 + [True]
    some(weeks[7], question_count=6, answered_count=6, in_time_rate=1, median_seconds=600)
    some(weeks[8], question_count=6, in_time_rate=2 / 6, alert_reason="fewer answered within a day")
    some(weeks[8], usual_in_time_rate=49 / 50, usual_median_seconds=600)


def test_a_day_with_more_bad_reviews_than_chance_brings_is_a_surge(company: "Company") -> None:
    days = company.rows(
        "SELECT * FROM marts.metric_complaint_surge_daily WHERE kind = 'bad_feedback' ORDER BY day LIMIT 2"
    )
    # one in the 28 days before would be 1/28 a day; there was none: the first is 48 days old
    assert [(row["count_of_day"], row["usual_count"], row["is_surge"]) for row in days] == [
        (1, None, False),
        (6, 0, True),
    ]


def test_what_was_asked_and_not_done_is_open_at_the_end_of_the_week(company: "Company") -> None:
    weeks = company.rows(
        "SELECT * FROM marts.metric_resolution_weekly WHERE channel = 'whatsapp' ORDER BY week DESC LIMIT 2"
    )
    # the last of them were asked on the 31st and the 1st of August and answered two days later, in the next week
    last, before = weeks
    some(last, opened_count=0, resolved_count=1, open_at_end_count=0, median_seconds=48 * HOUR + 600)
    some(before, opened_count=6, resolved_count=5, open_at_end_count=1)


def test_the_teams_work_and_the_channels_are_counted_by_week(company: "Company") -> None:
    (ben,) = company.rows(
        "SELECT * FROM marts.metric_agent_workload_weekly WHERE agent = 'Ben' AND week = DATE '2026-10-12'"
    )
    some(ben, answer_count=1, call_count=1, solved_count=0, people_count=1, median_wait_seconds=1200)
    (zoe,) = company.rows("SELECT * FROM marts.metric_agent_workload_weekly WHERE solved_count > 0")
    some(zoe, agent="Zoe", solved_count=1, answer_count=0)
    (voice,) = company.rows(
        "SELECT * FROM marts.metric_channel_weekly WHERE channel = 'voice' AND week = DATE '2026-10-12'"
    )
    some(voice, inbound_count=1, answer_count=1, people_count=1)
