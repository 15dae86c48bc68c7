"""GET /Messages.json: filters, order and pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from twilio.rest import Client

from messaging.sandbox.listing import list_page
from messaging.sandbox.messages import Message
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings

PHONE = "+447700900123"
OTHER = "+447700900124"
SENDER = "+15005550006"
ACCOUNT = "AC" + "0" * 32
LONG = "Fri, 30 Oct 2026 00:00:00 -0000"


def message(number: int, *, sent_at: datetime | None = None, to: str = PHONE) -> Message:
    created = datetime(2026, 10, 30, 12)
    return Message(
        sequence=number,
        sid=f"SM{number:032x}",
        direction="outbound-api",
        sender=SENDER,
        recipient=to,
        body="x",
        status="sent" if sent_at else "queued",
        created_at=created,
        updated_at=created,
        sent_at=sent_at,
    )


def sids(page: dict[str, Any]) -> list[str]:
    return [one["sid"] for one in page["messages"]]


def test_the_client_lists_by_recipient_and_sender_newest_first(send: Any, twilio: Client) -> None:
    first, second = send("one"), send("two")
    send("three", to=OTHER)
    assert [one.sid for one in twilio.messages.list(to=PHONE)] == [second.sid, first.sid]
    assert [one.body for one in twilio.messages.list(to=OTHER)] == ["three"]
    assert len(twilio.messages.list(from_=SENDER)) == 3
    assert twilio.messages.list(to=PHONE, from_="+15005550010") == []


def test_the_client_walks_through_every_page_once(send: Any, twilio: Client) -> None:
    sent = [send(f"number {number}").sid for number in range(7)]
    assert [one.sid for one in twilio.messages.list(page_size=3)] == sent[::-1]
    assert [one.sid for one in twilio.messages.stream(limit=4, page_size=2)] == sent[:2:-1]


def test_a_message_that_comes_in_between_two_pages_shifts_nothing() -> None:
    before = [message(number) for number in (4, 3, 2, 1)]
    first = list_page(before, {"PageSize": "2"}, ACCOUNT)
    following = dict(httpx.URL(first["next_page_uri"]).params)
    second = list_page([message(5), *before], following, ACCOUNT)
    assert sids(first) + sids(second) == [one.sid for one in before]
    assert second["next_page_uri"] is None


def test_a_page_has_twilios_frame() -> None:
    page = list_page([message(2), message(1)], {"To": PHONE, "PageSize": "1"}, ACCOUNT)
    frame = "end first_page_uri messages next_page_uri page page_size previous_page_uri start uri"
    assert set(page) == set(frame.split())
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?To=%2B447700900123&PageSize=1&Page="
    assert page["uri"] == page["first_page_uri"] == f"{path}0"
    assert page["next_page_uri"] == f"{path}1&PageToken=PASM{2:032x}"
    assert (page["start"], page["end"], page["page"], page["page_size"]) == (0, 0, 0, 1)


def test_a_filter_on_the_date_sent_leaves_out_what_was_not_sent_yet() -> None:
    moment = datetime(2026, 10, 30, 12, 30)
    messages = [message(3), message(2, sent_at=moment), message(1, sent_at=moment - timedelta(days=2))]
    assert sids(list_page(messages, {"DateSent>": "2026-10-30"}, ACCOUNT)) == [messages[1].sid]
    assert sids(list_page(messages, {"DateSent<": "2026-10-29"}, ACCOUNT)) == [messages[2].sid]
    assert sids(list_page(messages, {"DateSent": "2026-10-30"}, ACCOUNT)) == [messages[1].sid]
    assert sids(list_page(messages, {"DateSent>": "2026-10-30T12:30:00Z"}, ACCOUNT)) == [messages[1].sid]
    assert sids(list_page(messages, {"DateSent>": "2026-10-30T12:31:00Z"}, ACCOUNT)) == []
    assert sids(list_page(messages, {"DateSent>": LONG}, ACCOUNT)) == [messages[1].sid]
    assert len(sids(list_page(messages, {"DateSent>": "rubbish"}, ACCOUNT))) == 2


def test_the_client_filters_by_date(send: Any, twilio: Client, box: RunningSandbox) -> None:
    send()
    assert box.settle(5)
    yesterday, tomorrow = datetime(2026, 10, 29, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC)
    assert len(twilio.messages.list(date_sent_after=yesterday)) == 1
    assert len(twilio.messages.list(date_sent_before=yesterday)) == 0
    assert len(twilio.messages.list(date_sent_after=tomorrow)) == 0


def test_a_page_size_is_kept_within_bounds(box_settings: SandboxSettings) -> None:
    messages = [message(number) for number in range(3)]
    for asked, given in (("0", 1), ("-5", 50), ("rubbish", 50), ("5000", 1000)):
        assert list_page(messages, {"PageSize": asked}, box_settings.account_sid)["page_size"] == given


def test_the_client_lists_no_calls_for_nobody_calls_here(twilio: Client) -> None:
    assert twilio.calls.list() == []
