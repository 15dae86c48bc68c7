"""One timeline of everything that passed between us and a customer, in readable entries."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from itertools import groupby
from urllib.parse import quote
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.components import words
from dashboard.components.style import ICON_PATHS
from dashboard.components.tiles import chip
from dashboard.components.words import safe
from messaging.customers import TimelineEntry
from messaging.customers.narrowing import narrowed

ICONS = {"email_event": "event"}
TONES = {
    "delivered": "good",
    "read": "good",
    "granted": "good",
    "grant": "good",
    "failed": "bad",
    "undelivered": "bad",
    "bounce": "bad",
    "revoke": "bad",
    "late": "warn",
    "held_out": "warn",
    "skipped": "warn",
}
STATES = {"held_out": "held out", "grant": "given", "revoke": "withdrawn", "in_transit": "under way"}
WAYS = {"in": "from the customer", "out": "from us"}
UNSAID = frozenset(
    {"received", "paid", "placed", "none", "open", "click"}
)  # states that the title has told already
REPORTS = frozenset({"processed", "delivered", "deferred"})
FIRST = 25  # entries shown at first


def timeline(entries: Sequence[TimelineEntry], *, currency: str, zone: str, explains: bool = False) -> None:
    """Show the entries, newest first, with filters by channel, by words and as of a day.

    With `explains` a campaign's message leads to why it went.
    """
    channels = sorted({each.channel or "other" for each in entries}, key=words.channel_name)
    left, right = st.columns([5, 3])
    asked = left.text_input("Search in it", key="timeline_words", placeholder="Any word that was said")
    day = right.date_input("As of", value=None, key="timeline_day", format="YYYY-MM-DD")
    chosen = st.pills(
        "Show only",
        channels,
        selection_mode="multi",
        format_func=lambda channel: words.label(words.channel_name(channel)),
        key="timeline_channels",
    )
    kept = narrowed(entries, channels=chosen or (), words=asked, until=_end_of(day, zone))
    with st.container(horizontal=True):
        if any(map(_is_report, kept)) and not st.toggle("Delivery reports too", key="timeline_reports"):
            kept = [each for each in kept if not _is_report(each)]
        everything = len(kept) <= FIRST or st.toggle(f"All {words.number(len(kept))} entries")
    if not kept:
        st.html('<div class="r-muted">Nothing of that kind. Take a filter away to see more.</div>')
    st.html(draw(kept if everything else kept[:FIRST], currency, zone, explains=explains))


def _end_of(day: object, zone: str) -> datetime | None:
    """Give the last moment of a day by the reader's clock, as naive UTC."""
    if not isinstance(day, date):
        return None
    ends = datetime.combine(day, time.max, ZoneInfo(zone))
    return ends.astimezone(UTC).replace(tzinfo=None)


def draw(entries: Iterable[TimelineEntry], currency: str, zone: str, *, explains: bool = False) -> str:
    """Give the entries as HTML, grouped by day; whatever a customer wrote is escaped."""
    days = groupby(entries, key=lambda each: words.local(each.occurred_at, zone).date())
    parts = []
    for day, of_the_day in days:
        entries_html = "".join(_entry(each, currency, zone, explains=explains) for each in of_the_day)
        parts.append(f'<div class="r-day">{day:%A %-d %B %Y}</div>{entries_html}')
    return f'<div class="r-timeline" role="list">{"".join(parts)}</div>'


def _is_report(entry: TimelineEntry) -> bool:
    """Say whether an entry is what machines told one another, and not something that a person did."""
    return entry.kind == "email_event" and entry.state in REPORTS


def _entry(entry: TimelineEntry, currency: str, zone: str, *, explains: bool) -> str:
    way = WAYS.get(entry.direction, "") if entry.channel in words.SPOKEN else ""
    what = safe(f"{words.channel_name(entry.channel)} {way}".strip())
    said = entry.body.strip() if entry.body else ""
    body = f'<div class="r-body">{safe(said)}</div>' if said else ""
    marks = _marks(entry, currency) + (_why(entry.message_id) if explains and entry.message_id else "")
    head = f'<div class="r-head"><span class="r-title">{safe(entry.title)}</span>{marks}</div>'
    badge = (
        f'<div class="r-badge r-icon-{words.css_name(_icon(entry))}" role="img" aria-label="{what}"></div>'
    )
    classes = f"r-touch r-{words.css_name(entry.direction)} r-ch-{words.css_name(entry.channel)}"
    return (
        f'<div class="{classes}" role="listitem">{badge}'
        f'<div>{head}<div class="r-muted r-small">{what}</div>{body}</div>'
        f'<div class="r-when">{_time(entry.occurred_at, zone)}</div></div>'
    )


def _icon(entry: TimelineEntry) -> str:
    if entry.kind == "sms" and entry.channel in ICON_PATHS:
        return entry.channel
    return ICONS.get(entry.kind, entry.kind)


def _marks(entry: TimelineEntry, currency: str) -> str:
    marks = []
    if entry.amount_minor is not None:
        marks.append(f'<span class="r-num r-strong">{safe(words.money(entry.amount_minor, currency))}</span>')
    if entry.state and entry.state not in UNSAID:
        word = STATES.get(entry.state, entry.state.replace("_", " "))
        marks.append(chip(word, TONES.get(entry.state, "")))
    if entry.campaign and words.title(entry.campaign) != entry.title:
        marks.append(chip(words.title(entry.campaign), "brand"))
    if entry.is_fresh:
        marks.append(chip("since the last build", "warn"))
    return "".join(marks)


def _why(message_id: str) -> str:
    return f'<a class="r-who r-small" href="campaigns?why={quote(message_id)}" target="_self">Why?</a>'


def _time(moment: datetime, zone: str) -> str:
    return f"{words.local(moment, zone):%H:%M}"
