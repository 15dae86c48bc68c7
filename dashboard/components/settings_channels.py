"""The channels: by whom each goes, from which sender, and whether its provider lets us in."""

import streamlit as st

from dashboard.components import frame, words
from dashboard.components.settings_told import do, told
from dashboard.components.tiles import TONES, chip
from dashboard.components.words import safe
from dashboard.services import Services
from dashboard.session import actor, may
from messaging.desk.settings import connection_tested
from messaging.senders.trying import Standing, Tried, standing
from messaging.settings import CHANNELS

TRIED = "settings_tried"
WORDS = {"green": "It answers", "amber": "Look at it", "red": "Mend it"}


def channels(parts: Services) -> None:
    """List the channels; a test asks the provider whether it lets us in, and sends nothing."""
    frame.section(
        "Channels", "Changed in settings.env or the environment (docs/settings.md), then start again."
    )
    told()
    for each in CHANNELS:
        with st.container(key=f"set_channel_{each}"):
            left, right = st.columns([5, 2], vertical_alignment="center")
            left.html(_line(standing(parts.settings, each), st.session_state.get(f"{TRIED}_{each}")))
            if may("channel.test"):
                right.button(
                    "Test it",
                    key=f"set_test_{each}",
                    on_click=_test,
                    args=(parts, each),
                    width="stretch",
                )
    if not may("channel.test"):
        st.html('<div class="r-muted r-small">Engineers can test whether a channel answers.</div>')
    if parts.settings.sending == "sandbox":
        url = safe(parts.settings.sandbox_url)
        st.html(
            '<div class="r-note-box">Messages go to the sandbox on this machine. '
            f'<a class="r-who" href="{url}" target="_blank" rel="noopener noreferrer">'
            "Open its phones and mailboxes</a></div>"
        )


def _line(now: Standing, tried: Tried | None) -> str:
    state = chip("Set up", "good") if now.is_set_up else chip("Not set up", "warn")
    result = chip(WORDS[tried.state], TONES[tried.state]) if tried else ""
    about = " · ".join(
        each
        for each in (
            now.provider,
            now.sender and f"{'service' if now.channel == 'chat' else 'from'} {now.sender}",
        )
        if each
    )
    if now.missing:
        about = f"{now.provider} · still needs {', '.join(now.missing)}"
    lines = f'<div class="r-muted r-small">{safe(about)}</div>'
    if tried:
        lines += f'<div class="r-small">{safe(f"{tried.seen} {tried.mend}".strip())}</div>'
    name = safe(words.channel_name(now.channel))
    return f'<div class="r-chips"><span class="r-strong">{name}</span>{state}{result}</div>{lines}'


def _test(parts: Services, channel: str) -> None:
    def work() -> None:
        with st.spinner("Asking the provider ..."):
            tried = connection_tested(parts.settings, parts.store, parts.clock, channel, actor=actor())
        st.session_state[f"{TRIED}_{channel}"] = tried

    do(work)
