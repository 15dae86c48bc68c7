"""Who is signed in, at the foot of the sidebar: their roles, the way out, and in a demo the hands of its clock."""

import streamlit as st

from dashboard import session
from dashboard.components import frame, words
from dashboard.components.words import safe
from dashboard.services import Services, services
from data_contracts.errors import RapportError
from messaging.access import ROLES, Person
from messaging.desk.demo import move_on

FAILED = "clock_failed"


def show(colleague: Person) -> None:
    """Say who this is, and offer to leave."""
    parts = services()
    with st.sidebar:
        if parts.clock.pinned_at is not None:
            _clock(parts)
        roles = ", ".join(role for role in ROLES if role in colleague.roles)
        st.html(f'<div class="r-account"><b>{safe(colleague.name)}</b><span>{safe(roles)}</span></div>')
        st.button("Sign out", key="sign_out", on_click=session.sign_out)


def _clock(parts: Services) -> None:
    moment = words.clock(parts.clock.now(), parts.settings.time_zone)
    st.html(f'<div class="r-account"><b>Demo clock</b><span>{safe(moment)}</span></div>')
    st.button("One hour later", key="one_hour_later", on_click=_later, args=(parts,))
    if (error := st.session_state.pop(FAILED, None)) is not None:
        frame.trouble(error)


def _later(parts: Services) -> None:
    try:
        move_on(parts.settings, parts.store, actor=session.actor())
    except RapportError as error:
        st.session_state[FAILED] = error
