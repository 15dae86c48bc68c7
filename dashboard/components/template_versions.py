"""The versions of a template: what changed since each, and the way back."""

from functools import partial

import streamlit as st

from dashboard import session
from dashboard.components import desk, frame, words
from dashboard.components.tiles import Row, rows
from dashboard.components.words import safe
from dashboard.services import Services
from data_contracts.errors import RapportError
from messaging.template_versions import text_hash
from messaging.templates.editing import current_texts, diff, history, roll_back

TONES = {"+": "r-added", "-": "r-removed"}


def versions(parts: Services, name: str) -> None:
    """List the versions of a template, the newest first; show what became of one, and take it back."""
    planner = parts.planner
    found = history(parts.store, planner.library, name, session.actor(), parts.clock.now())
    stands = {text_hash(text) for text in current_texts(planner.library, name).values()}
    zone = parts.settings.time_zone
    rows(
        [
            Row(
                each.file.removeprefix("templates/"),
                f"{each.hash[:12]}, since {words.clock(each.first_at, zone)}, by {each.first_by}",
                "stands now" if each.hash in stands else "",
                "green" if each.hash in stands else "",
            )
            for each in found
        ]
    )
    past = [each for each in found if each.hash not in stands]
    if not past:
        frame.empty("One version so far", "Each text that was planned or saved is kept here.")
        return
    labels = words.apart(
        {
            each.hash: f"{each.file.removeprefix('templates/')} · {words.clock(each.first_at, zone)}"
            for each in past
        }
    )
    chosen = st.selectbox(
        "What changed since", [*labels], format_func=labels.__getitem__, key=f"version_{past[0].hash}"
    )
    st.html(drawn(diff(parts.store, planner.library, name, chosen)))
    if session.may("template.rollback"):
        sure = st.checkbox("Yes, write this version back into its file", key=f"sure_{chosen}")
        st.button(
            "Take it back to this version", disabled=not sure, on_click=_back, args=(parts, name, chosen)
        )
    desk.told()


def drawn(changes: str) -> str:
    """Give a unified diff as HTML, what came green and what went red; nothing in it is alive."""
    lines = "".join(
        f'<div class="{"" if line[:3] in {"+++", "---"} else TONES.get(line[:1], "")}">{safe(line) or "&nbsp;"}</div>'
        for line in changes.splitlines()
    )
    return f'<div class="r-diff">{lines or "Nothing changed."}</div>'


def _back(parts: Services, name: str, version: str) -> None:
    library, now = parts.planner.library, parts.clock.now()
    work = partial(roll_back, parts.store, library, name, version, session.actor(), now)
    desk.act("It is what it was. Plan its campaigns again.", work)
    if isinstance(st.session_state.get(desk.TOLD), RapportError):
        return  # what was being written stays
    for channel, texts in library.template_texts(name).items():
        for language in texts:
            st.session_state.pop(f"draft_{channel}_{name}_{language}", None)  # its editor reads the file anew
