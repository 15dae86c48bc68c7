"""A message as its reader will see it: on a phone, or in a mail program."""

import streamlit as st

from dashboard.components import words
from dashboard.components.tiles import chip
from dashboard.components.words import safe
from messaging.planner import ShownMessage


def message(shown: ShownMessage, sender: str) -> None:
    """Show one rendered message; the text is escaped, for customers' words may stand in it."""
    body = shown.body.strip()
    drawn = _mail(shown.subject, body, sender) if shown.channel == "email" else _phone(body, sender)
    to = " · ".join([f"To {shown.display_name or 'somebody without a name'}", shown.language or "en"])
    notes = f"<span>{safe(to)}</span><span>{safe(_length(shown))}</span>"
    remarks = "".join(chip(remark, "warn") for remark in shown.remarks)
    marks = f'<div class="r-chips r-remarks">{remarks}</div>' if remarks else ""
    st.html(f'{drawn}<div class="r-caption">{notes}</div>{marks}')


def phone(body: str, sender: str) -> None:
    """Show a text as it stands on a phone."""
    st.html(_phone(body.strip(), sender))


def _phone(body: str, sender: str) -> str:
    top = f'<div class="r-from">{safe(sender)}</div>'
    return f'<div class="r-phone">{top}<div class="r-bubble">{safe(body)}</div></div>'


def _mail(subject: str | None, body: str, sender: str) -> str:
    head = f'<div class="r-strong">{safe(subject or "(no subject)")}</div>'
    top = f'<div class="r-mailhead">{head}<div class="r-muted">From {safe(sender)}</div></div>'
    return f'<div class="r-mail">{top}<div class="r-mailbody">{safe(body)}</div></div>'


def _length(shown: ShownMessage) -> str:
    if shown.channel == "email":
        return "E-mail"
    return f"{words.count(len(shown.body), 'character')}, {words.count(shown.segment_count or 1, 'segment')}"
