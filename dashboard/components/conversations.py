"""Open conversations first: who waits, since when, about what, and what they said last."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from dashboard.components import words
from dashboard.components.tiles import chip
from dashboard.components.words import safe
from messaging.customers import OpenConversation
from messaging.desk.brief import waited

SHOWN = 400  # letters of what they said last; the timeline has all


def open_conversations(conversations: Sequence[OpenConversation], now: datetime) -> None:
    """Show each with its state; nothing where there is none."""
    st.html("".join(_card(each, now) for each in conversations))


def _card(each: OpenConversation, now: datetime) -> str:
    chips = [_state(each, now)]
    if each.is_complaint:
        chips.append(chip("Complaint", "bad"))
    if each.order_id:
        chips.append(chip(f"Order {each.order_id}"))
    if each.ticket_id:
        chips.append(chip(f"Ticket {each.ticket_id}"))
    title = words.title(each.topic) if each.topic else "No topic yet"
    said = (each.words or "").strip()
    body = f'<div class="r-said">{safe(said[:SHOWN])}{"…" if len(said) > SHOWN else ""}</div>' if said else ""
    told = f"{words.count(each.inbound_count, 'message')} from them, {each.outbound_count} from us"
    channel = words.channel_name(each.channel)
    return (
        f'<div class="r-talk r-ch-{words.css_name(each.channel)}"><div class="r-chips"><b>{safe(title)}</b>'
        f'<span class="r-muted r-small">{safe(channel)} · {safe(told)}</span></div>'
        f'<div class="r-chips">{"".join(chips)}</div>{body}</div>'
    )


def _state(each: OpenConversation, now: datetime) -> str:
    if each.answered_at:
        return chip(f"Answered {words.ago(each.answered_at, now)}", "good")
    if each.waiting_since:
        return chip(f"Waits for {waited(each.waiting_since, now)}", "bad" if each.is_complaint else "warn")
    return chip("Our answer is out")
