"""Keys of programs that post events to us: made, shown this once, and revoked."""

import streamlit as st

from dashboard.components import frame, words
from dashboard.components.settings_told import do, once, told
from dashboard.components.tiles import Row, rows
from dashboard.services import Services
from dashboard.session import actor, may
from messaging import api_keys


def keys(parts: Services) -> None:
    """List the keys, and make or end one."""
    frame.section("Keys", "For programs that post events to /events, such as your shop (docs/receiver.md).")
    told()
    with parts.store.read() as connection:
        found = api_keys.list_keys(connection)
    zone = parts.settings.time_zone
    if not found:
        frame.empty("There is no key yet", "An engineer makes one for each program that posts events.")
    for key in found:
        made = f"made by {key.created_by}, {words.clock(key.created_at, zone)}"
        ended = (
            f"; revoked by {key.revoked_by}, {words.clock(key.revoked_at, zone)}" if key.revoked_at else ""
        )
        left, right = st.columns([5, 2], vertical_alignment="center")
        with left:
            rows([Row(key.name, f"{key.key_id} · {made}{ended}", state="" if key.revoked_at else "green")])
        if key.revoked_at is None and may("keys.revoke"):
            with right.popover("Revoke", key=f"set_end_{key.key_id}", width="stretch"):
                st.text("What is sent with this key is refused from then on. It cannot be taken back.")
                st.button(
                    "Revoke it now",
                    key=f"set_revoke_{key.key_id}",
                    on_click=_revoke,
                    args=(parts, key.key_id),
                )
    if may("keys.create"):
        with st.form("set_key", border=False):
            st.text_input("What is the key for?", key="set_key_name", placeholder="web-shop", max_chars=80)
            st.form_submit_button("Make a key", type="primary", on_click=_create, args=(parts,))


def _create(parts: Services) -> None:
    def work() -> str:
        with parts.store.write() as connection:
            _, secret = api_keys.create(
                connection, st.session_state["set_key_name"], actor(), parts.clock.now()
            )
        once(secret)
        return "This is the key. Keep it now: it is not shown again."

    do(work)


def _revoke(parts: Services, key_id: str) -> None:
    def work() -> str:
        with parts.store.write() as connection:
            api_keys.revoke(connection, key_id, actor(), parts.clock.now())
        return "The key is revoked."

    do(work)
