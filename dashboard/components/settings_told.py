"""What the last action on the page of settings brought: a sentence, or something that is shown this once."""

from collections.abc import Callable

import streamlit as st

from dashboard.components import frame
from dashboard.components.words import safe
from data_contracts.errors import RapportError

TOLD, ONCE = "settings_told", "settings_once"


def do(work: Callable[[], str | None]) -> None:
    """Do what a button is for, and keep what it says, or why it was refused."""
    try:
        st.session_state[TOLD] = work()
    except RapportError as error:
        st.session_state[TOLD] = error


def once(secret: str) -> None:
    """Keep something for the next drawing of the page alone."""
    st.session_state[ONCE] = secret


def told() -> None:
    """Say it."""
    outcome, secret = st.session_state.pop(TOLD, None), st.session_state.pop(ONCE, None)
    if isinstance(outcome, RapportError):
        frame.trouble(outcome)
    elif outcome:
        st.html(f'<div class="r-note-box" role="status">{safe(outcome)}</div>')
    if secret:
        st.code(secret, language=None, wrap_lines=True)


def from_where(origin: str) -> str:
    """Say in words where a setting was read."""
    words = {
        "default": "not set: this is the default",
        "environment": "the environment of the process",
        ".env": ".env where it was started",
        "settings.env": "settings.env in RAPPORT_HOME",
    }
    return words.get(origin, f"a file that {origin} names")
