"""A message as its reader will see it: on a phone, or in a mail program."""

import streamlit as st

from dashboard.components import words
from dashboard.components.words import safe


def message(channel: str, subject: str | None, body: str, sender: str, caption: str = "") -> None:
    """Show one rendered message; the text is escaped, for customers' words may stand in it."""
    drawn = _mail(subject, body, sender) if channel == "email" else _phone(body, sender)
    notes = f"<span>{safe(caption)}</span><span>{safe(_length(channel, body))}</span>"
    st.html(f'{drawn}<div class="r-caption">{notes}</div>')


def _phone(body: str, sender: str) -> str:
    top = f'<div class="r-from">{safe(sender)}</div>'
    return f'<div class="r-phone">{top}<div class="r-bubble">{safe(body)}</div></div>'


def _mail(subject: str | None, body: str, sender: str) -> str:
    head = f'<div class="r-strong">{safe(subject or "(no subject)")}</div>'
    head += f'<div class="r-muted">From {safe(sender)}</div>'
    return f'<div class="r-mail"><div class="r-mailhead">{head}</div><div class="r-mailbody">{safe(body)}</div></div>'


def _length(channel: str, body: str) -> str:
    return "" if channel == "email" else words.count(len(body), "character")
