"""A month of campaigns: what went, what was missed, and what is due."""

import calendar as months
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.components import frame, words
from dashboard.components.campaign_list import link
from dashboard.components.words import safe
from dashboard.services import Services
from messaging.planner import Appointment, calendar

TONES = {"launched": "good", "listens": "brand", "missed": "bad", "refused": "bad", "due": "brand"}
SAID = {
    "launched": "launched",
    "listens": "began to listen",
    "missed": "was missed",
    "refused": "was refused",
    "due": "is due",
    "not approved": "is not approved yet",
}
MOST = 4  # entries of a day
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def month(parts: Services) -> None:
    """Draw a month, with the way to the one before and after it."""
    zone = ZoneInfo(parts.settings.time_zone)
    today = parts.clock.now().replace(tzinfo=UTC).astimezone(zone).date()
    offset = st.session_state.setdefault("calendar_month", 0)
    first = _first(today, offset)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Earlier", key="month_before", on_click=_turn, args=(-1,))
        st.html(f'<b class="r-month">{first:%B %Y}</b>', width="content")
        st.button("Later", key="month_after", on_click=_turn, args=(1,))
    last = _first(today, offset + 1)
    entries = calendar(parts.planner, _utc(first, zone), _utc(last, zone))
    st.html(draw(first, entries, today, parts.settings.time_zone))
    if not entries:
        what = "Nothing went this month, and nothing is due."
        frame.empty(what, "A campaign with a `schedule:` goes by itself once somebody approved that.")


def draw(first: date, entries: Sequence[Appointment], today: date, zone: str) -> str:
    """Give a month as HTML; its days are those of the reader's zone."""
    by_day: dict[date, list[Appointment]] = defaultdict(list)
    for each in entries:
        by_day[words.local(each.at, zone).date()].append(each)
    heads = "".join(f'<div class="r-weekday" role="columnheader">{day[:3]}</div>' for day in DAYS)
    weeks = months.Calendar().monthdatescalendar(first.year, first.month)
    drawn = "".join(
        f'<div class="r-week" role="row">{"".join(_day(day, first, by_day[day], today, zone) for day in week)}</div>'
        for week in weeks
    )
    return (
        f'<div class="r-calendar" role="table" aria-label="{first:%B %Y}">'
        f'<div class="r-week" role="row">{heads}</div>{drawn}</div>'
    )


def _day(day: date, first: date, entries: Sequence[Appointment], today: date, zone: str) -> str:
    if day.month != first.month:
        return '<div class="r-date r-other" role="cell"></div>'
    shown = "".join(_entry(each, zone) for each in entries[:MOST])
    more = f'<div class="r-muted">and {len(entries) - MOST} more</div>' if len(entries) > MOST else ""
    mark = " r-today" if day == today else ""
    return f'<div class="r-date{mark}" role="cell"><span class="r-num">{day.day}</span>{shown}{more}</div>'


def _entry(each: Appointment, zone: str) -> str:
    hour = f"{words.local(each.at, zone):%H:%M}"
    told = f"{words.title(each.campaign)} {SAID[each.what]} at {hour}"
    told += f". {each.told}" if each.told and each.what in {"missed", "refused", "due"} else ""
    tone = TONES.get(each.what, "warn")
    run = {"run": each.run_id} if each.run_id else {}
    name = link(each.campaign, words.title(each.campaign), **run)
    return f'<div class="r-appointment r-{tone}" title="{safe(told)}"><span class="r-num">{hour}</span> {name}</div>'


def _turn(by: int) -> None:
    st.session_state["calendar_month"] += by


def _first(today: date, offset: int) -> date:
    number = today.year * 12 + today.month - 1 + offset
    return date(number // 12, number % 12 + 1, 1)


def _utc(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC).replace(tzinfo=None)
