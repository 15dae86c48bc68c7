"""What was decided about everybody a campaign matched, and how its messages fare: sums that close."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import streamlit as st

from dashboard import palette
from dashboard.components import words
from dashboard.components.tiles import Row, Tile, rows, tiles
from dashboard.components.words import safe
from messaging.planner import AudienceRow, ReasonCount, RunReport

STEPS = ("planned", "approved", "running", "done")
STATE_WORDS = {
    "planned": "Waits for approval",
    "approved": "Approved, not launched",
    "running": "Going out now",
    "paused": "Paused",
    "stopped": "Stopped",
    "done": "Done",
}
STATE_TONES = {"running": "good", "done": "good", "paused": "warn", "stopped": "bad"}
REASONS = {
    "no_address": "No address",
    "invalid_address": "Address cannot exist",
    "suppressed": "Address is blocked",
    "opted_out": "Opted out",
    "no_consent": "Never said yes",
    "consent_expired": "Their yes ran out",
    "open_complaint": "Has an open complaint",
    "whatsapp_window": "Needs a WhatsApp template",
    "contract_red": "Data failed its checks",
    "frequency_cap": "Heard enough from us",
    "state_limit": "Legal limit reached",
    "daily_budget": "Day's budget is promised",
    "scheduled": "Goes at their own hour",
    "campaign_pace": "Waits for its turn",
    "unknown_time_zone": "Time zone unknown",
    "quiet_hours": "It is night there",
    "already_written": "Had this campaign lately",
    "already_held_out": "Held out lately, and counted there",
    "duplicate_address": "Shares an address",
    "no_coupon": "No coupon left",
    "missing_value": "Text would have a gap",
}
MESSAGES = {  # in the order of a message's life: its name, and its colour
    "planned": ("Planned", "#858e9c"),
    "waiting": ("Waiting", "#a58a2b"),
    "sent": ("Sent", "#3b6fb6"),
    "delivered": ("Delivered", palette.GOOD),
    "unknown": ("Unconfirmed", "#8d6bb0"),
    "skipped": ("Skipped", "#c9792b"),
    "failed": ("Failed", palette.BAD),
    "cancelled": ("Called back", "#5b6675"),
}


def steps(state: str) -> None:
    """Show where a run stands between plan and done."""
    now = {"paused": "running", "stopped": "running"}.get(state, state)
    reached = STEPS.index(now) if now in STEPS else 0
    pieces = []
    for index, step in enumerate(STEPS):
        mark = "r-done" if index < reached or state == "done" else "r-now" if index == reached else ""
        pieces.append(f'<span class="{mark}">{index + 1}. {step.capitalize()}</span>')
    told = f"<span>· {safe(STATE_WORDS.get(state, state))}</span>" if state in {"paused", "stopped"} else ""
    st.html(f'<div class="r-steps">{"<span>→</span>".join(pieces)}{told}</div>')


def reasons(items: Sequence[ReasonCount]) -> None:
    """List why people were left out, or messages did not get through, in sentences."""
    rows([Row(reason_name(each), each.sentence, words.number(each.people)) for each in items])


def channel_words(channel: str) -> str:
    """Give a channel of a campaign's order as part of a sentence."""
    return "the channel they prefer" if channel == "preferred" else words.channel_name(channel)


def reason_name(each: ReasonCount) -> str:
    """Give a reason's short name."""
    return REASONS.get(each.reason, words.title(each.reason))


def figures(report: RunReport, now: datetime) -> None:
    """Show a run's figures side by side; `now` is naive UTC."""
    delivered = report.messages.get("delivered", 0)
    planned = f"planned {words.ago(report.planned_at, now)} by {report.planned_by}"
    approved = f"approved by {report.approved_by}" if report.approved_by else "not approved yet"
    tiles(
        [
            Tile("Matched", words.number(report.matched), planned),
            Tile("Get the message", words.number(report.to_send), approved),
            Tile("Delivered", words.number(delivered), f"{words.share(delivered, report.to_send)} of those"),
            Tile("Answered", words.number(report.replies), f"{words.number(report.stops)} asked us to stop"),
            Tile("Text segments", words.number(report.segments), "what the provider bills"),
        ],
        dense=True,
    )


def progress(report: RunReport) -> None:
    """Show how many messages are in each state, as one bar and its legend."""
    pieces, legend = [], []
    for state, (name, colour) in MESSAGES.items():
        number = report.messages.get(state, 0)
        if number:
            width = 100 * number / max(report.to_send, 1)
            pieces.append(f'<i style="width:{width:.2f}%;background:{colour}"></i>')
            dot = f'<span class="r-dot" style="background:{colour}"></span>'
            legend.append(f'<span class="r-key">{dot}{name} <b>{words.number(number)}</b></span>')
    told = ", ".join(f"{words.number(number)} {state}" for state, number in report.messages.items() if number)
    st.html(
        f'<div class="r-stack" role="img" aria-label="{safe(told)}">{"".join(pieces)}</div>'
        f'<div class="r-legend r-num">{"".join(legend)}</div>'
    )


def people(members: Sequence[AudienceRow], names: Mapping[str, str]) -> None:
    """List people with what was decided about each; a name leads to the person's card."""
    drawn = []
    for each in members:
        link = f'<a class="r-who" href="customers?customer={quote(each.customer_id)}" target="_self">'
        name = f"{link}{safe(names[each.customer_id])}</a>"
        state = safe(words.title(each.message_state)) if each.message_state else ""
        if each.message_id:
            state += (
                f' <a class="r-who" href="campaigns?why={quote(each.message_id)}" target="_self">Why?</a>'
            )
        detail = f'<div class="r-muted r-small">{safe(each.detail)}</div>'
        drawn.append(
            f'<div class="r-row" role="listitem"><div class="r-grow">{name}{detail}</div>'
            f'<div class="r-end r-small">{state}</div></div>'
        )
    st.html(f'<div class="r-rows" role="list">{"".join(drawn)}</div>')
