"""Who opened, clicked and answered, told apart from machines; and the channel and hour that follow, worked out by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"
Row = dict[str, Any]


def record(name: str, number: str, at: str, **more: Any) -> Row:
    return {"source": "s", "source_record_id": f"{name}/{number}", "occurred_at": at, **more}


def event(number: str, at: str, what: str, email: str, mail: str, **more: Any) -> Row:
    return record("event", number, at, event_id=number, event=what, email=email, message_ref=mail, **more)


def letter(number: str, at: str, email: str, direction: str = "inbound", **more: Any) -> Row:
    said = {"message_id": f"letter-{number}", "kind": "letter", "direction": direction}
    return record("message", f"mail{number}", at, email=email, **said, **more)


def text(number: str, at: str, phone: str, direction: str, **more: Any) -> Row:
    said = {"message_id": f"SM{number}", "channel": "sms", "direction": direction, "status": "delivered"}
    return record("message", f"SM{number}", at, phone=phone, **{**said, **more})


def call(number: str, at: str, phone: str, direction: str, status: str, seconds: int) -> Row:
    facts = {"direction": direction, "status": status, "duration_seconds": seconds}
    return record("call", number, at, call_id=number, phone=phone, **facts)


MIA, OTTO, SIL, ZED = "mia@example.com", "otto@example.com", "sil@example.com", "zed@example.com"
CAL, CALS = "cal@example.com", "+447700900011"
TEX, TEXS = "tex@example.com", "+447700900012"
LANDED: dict[str, list[Row]] = {
    "contacts": [
        record("contact", "1", "2026-01-01", email=MIA, time_zone="Europe/Berlin"),
        record("contact", "2", "2026-01-01", email=ZED, time_zone="Mars/Base"),
        record("contact", "3", "2026-01-01", email=CAL, phone=CALS),
        record("contact", "4", "2026-01-01", email=TEX, phone=TEXS, country="DE"),
    ],
    "email_events": [
        # a mail that a program opened after 3 seconds, and Mia in the evening: she followed two links
        event("1", "2026-10-01 09:00:00", "delivered", MIA, "m1"),
        event("2", "2026-10-01 09:00:03", "open", MIA, "m1"),
        event("3", "2026-10-01 17:10:00", "open", MIA, "m1"),
        event("4", "2026-10-01 17:12:00", "click", MIA, "m1", url="https://shop.example/a"),
        event("5", "2026-10-01 17:12:40", "click", MIA, "m1", url="https://shop.example/b"),
        # a mail that a gateway scanned and a proxy opened
        event("6", "2026-10-08 09:00:00", "delivered", MIA, "m2"),
        event("7", "2026-10-08 09:20:00", "click", MIA, "m2", url="https://shop.example/a"),
        event("8", "2026-10-08 09:20:00", "click", MIA, "m2", url="https://shop.example/b"),
        event("9", "2026-10-08 09:20:01", "click", MIA, "m2", url="https://shop.example/c"),
        event("10", "2026-10-08 11:00:00", "open", MIA, "m2", is_machine=True),
        # before the 90 days
        event("20", "2026-07-01 09:00:00", "delivered", OTTO, "m3"),
        event("21", "2026-07-01 10:00:00", "open", OTTO, "m3"),
        # nothing but mail, and one opened by a program alone
        event("30", "2026-10-02 09:00:00", "delivered", SIL, "m4"),
        event("31", "2026-10-02 09:30:00", "open", SIL, "m4", is_machine=True),
        *[event(f"4{n}", f"2026-10-0{n} 09:00:00", "delivered", CAL, f"c{n}") for n in range(1, 7)],
        event("47", "2026-10-03 09:30:00", "click", CAL, "c3", url="https://shop.example/a"),
    ],
    "email_messages": [
        letter("1", "2026-10-09 15:30:00", MIA),
        letter("2", "2026-10-09 16:00:00", MIA, "outbound"),
        *[letter(f"z{n}", f"2026-10-0{n} 08:00:00", ZED) for n in (1, 2, 3)],
        *[letter(f"t{n}", f"2026-10-{n} 08:00:00", TEX) for n in range(11, 16)],
    ],
    "calls": [
        call("1", "2026-10-04 10:00:00", CALS, "inbound", "no_answer", 0),
        call("2", "2026-10-04 10:05:00", CALS, "inbound", "completed", 60),
        call("3", "2026-10-05 10:05:00", CALS, "outbound", "completed", 30),
        call("4", "2026-10-06 10:05:00", CALS, "outbound", "no_answer", 0),
    ],
    "sms_messages": [
        text("1", "2026-10-20 21:00:00", TEXS, "inbound", body="Stop"),
        text("2", "2026-10-20 21:10:00", TEXS, "outbound"),
        text("3", "2026-10-20 23:15:00", TEXS, "inbound", body="Is it here?"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    company = found_company("engagement")
    company.land(LANDED)
    company.build(AS_OF)
    return company


def who(company: "Company", email: str) -> Row:
    (row,) = company.rows("SELECT * FROM marts.customer_360 WHERE email = ?", email)
    return row


def told(company: "Company", email: str, names: str) -> tuple[Any, ...]:
    row = who(company, email)
    return tuple(row[name] for name in names.split())


def test_a_mail_counts_as_opened_by_whom_it_was_opened(company: "Company") -> None:
    counted = "emails_sent_90d opens_90d clicks_90d machine_opens_90d scanner_clicks_90d replies_90d"
    assert told(company, MIA, counted) == (3, 1, 1, 2, 1, 1)
    assert told(company, MIA, "last_open_at last_click_at engagement_level") == (
        datetime.fromisoformat("2026-10-01T17:10"),
        datetime.fromisoformat("2026-10-01T17:12:40"),
        "high",
    )


def test_engagement_speaks_of_ninety_days_and_of_people(company: "Company") -> None:
    names = "engagement_level emails_sent_90d opens_90d machine_opens_90d last_open_at"
    assert told(company, OTTO, names) == ("unknown", 0, 0, 0, datetime.fromisoformat("2026-07-01T10:00"))
    assert told(company, SIL, names) == ("none", 1, 0, 1, None)


def test_the_usual_hour_is_by_the_persons_own_clock_and_needs_three_signs(company: "Company") -> None:
    # 17:10, 17:12, 17:12 and 15:30 UTC are 19 and 17 o'clock in Berlin's summer
    assert told(company, MIA, "usual_hour") == (19,)
    assert told(company, OTTO, "usual_hour") == (None,)


def test_a_time_zone_that_does_not_exist_gives_no_hour_and_stops_no_build(company: "Company") -> None:
    assert told(company, ZED, "usual_hour replies_90d") == (None, 3)


def test_who_calls_prefers_the_phone_to_mail_that_is_hardly_answered(company: "Company") -> None:
    # newest day 6 October; by phone 2 of 3 days (the calls of the 4th are one), by mail 1 of 6
    assert told(company, CAL, "preferred_channel preferred_channel_source preferred_channel_reason") == (
        "voice",
        "inferred",
        "Called us or took our calls on 2 days (we tried on 2), last on 2026-10-05.",
    )


def test_letters_on_five_days_outweigh_one_text_and_a_keyword_is_none(company: "Company") -> None:
    # 5 days of letters: about 4.7 / (4.7 + 2); one day of texts: 1 / (1 + 2)
    names = "preferred_channel preferred_channel_reason sms_replies_90d sms_sent_90d"
    assert told(company, TEX, names) == (
        "email",
        "Answered or wrote to us by e-mail on 5 days, last on 2026-10-15.",
        1,
        1,
    )
    # letters at ten o'clock, the text after one at night
    assert told(company, TEX, "usual_hour") == (10,)


def test_every_open_and_click_is_classified_and_none_is_dropped(company: "Company") -> None:
    found = company.rows(
        "SELECT machine_sign, count(*) AS n FROM intermediate.int_engagement__email_events GROUP BY 1 ORDER BY 1"
    )
    assert {row["machine_sign"]: row["n"] for row in found} == {
        None: 5,
        "at_delivery": 1,
        "many_links": 3,
        "reported": 2,
    }
