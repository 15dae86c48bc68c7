"""The timeline as HTML."""

from dataclasses import replace
from datetime import datetime

from dashboard.components.timeline import draw
from messaging.customers import TimelineEntry

ENTRY = TimelineEntry(
    occurred_at=datetime.fromisoformat("2026-07-01T12:00"),
    touch_id="t1",
    channel="sms",
    origin_table="sms_messages",
    direction="in",
    kind="sms",
    title="Wrote to us",
    body="Where is my parcel?",
    source="twilio",
    source_record_id="message/1",
)


def html(*entries: TimelineEntry) -> str:
    return draw(entries, "GBP", "Europe/London")


def test_an_entry_says_who_wrote_where_and_when_in_the_readers_zone() -> None:
    drawn = html(ENTRY)
    assert "Wednesday 1 July 2026" in drawn
    assert "13:00" in drawn
    assert "SMS from the customer" in drawn
    assert "r-icon-sms" in drawn


def test_hostile_words_are_shown_and_not_obeyed() -> None:
    drawn = html(
        replace(ENTRY, title="<script>x</script>", body="<img src=x onerror=y> ![a](https://b.example)")
    )
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "&lt;script&gt;" in drawn


def test_a_hostile_channel_or_kind_cannot_leave_its_attribute() -> None:
    drawn = html(replace(ENTRY, channel='"><b>', kind='"><i>', direction='"><u>'))
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert "<u>" not in drawn


def test_entries_of_one_day_share_its_heading() -> None:
    assert html(ENTRY, ENTRY).count("r-day") == 1


def test_what_happened_since_the_build_is_marked() -> None:
    assert "since the last build" in html(replace(ENTRY, is_fresh=True))


def test_an_amount_and_a_campaign_stand_beside_the_title() -> None:
    drawn = html(replace(ENTRY, amount_minor=1_250, campaign="win_back", state="held_out"))
    assert "£12.50" in drawn
    assert "Win back" in drawn
    assert "held out" in drawn


def test_a_campaigns_message_leads_to_why_it_went_for_those_who_may_ask() -> None:
    ours = replace(
        ENTRY, source="rapport", source_record_id="outreach/msg_1", campaign="win_back", direction="out"
    )
    link = 'href="campaigns?why=msg_1"'
    assert link in draw([ours], "GBP", "UTC", explains=True)
    assert link not in draw([ours], "GBP", "UTC")
    for other in (
        replace(ours, source="shopify"),
        replace(ours, campaign=None),
        replace(ours, source_record_id="outreach/reply/inb_1"),
    ):
        assert "why=" not in draw([other], "GBP", "UTC", explains=True)
