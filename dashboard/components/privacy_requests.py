"""What people ask us to do with their data: each with the days that are left, taken, extended and answered."""

from datetime import datetime, time
from functools import partial

import streamlit as st

from dashboard.components import desk, frame, words
from dashboard.components.tiles import Row, rows
from dashboard.services import Services
from dashboard.session import actor, may
from messaging.campaigns import instant
from messaging.desk.requests import (
    KINDS,
    WAYS,
    Closed,
    Request,
    close_request,
    extend_request,
    requests,
    saw,
    take_request,
)

NAMES = {
    "access": "What we hold of them (access)",
    "portability": "Their data, to take along (portability)",
    "rectification": "Something to be put right (rectification)",
    "erasure": "To be forgotten (erasure)",
    "restriction": "Their data to rest (restriction)",
    "objection": "That we stop using it (objection)",
}
HOW = {
    "access": "Their file is made under “A person's file”.",
    "portability": "Their file is made under “A person's file”.",
    "objection": "“They say no” in their file records it, and counts at once.",
    "erasure": "Erase by hand where their data comes from; sources are read again with each build.",
}
TONES = {
    "overdue": "red",
    "due soon": "amber",
    "open": "",
    "done": "green",
    "done late": "amber",
    "refused": "",
}
TOLD = "requests_told"  # of its own: the tab of a person's file would show it where nobody looks
SHOWN = 20  # of those that are closed, the newest


def asked_of_us(parts: Services) -> None:
    """List the requests, those that are due first, and take new ones."""
    desk.told(TOLD)
    if may("request.look"):
        found = requests(parts.store)
        seen = [each.request_id for each in found]
        if seen and st.session_state.get("requests_seen") != seen:  # once, and again when there are others
            saw(parts.store, parts.clock, len(seen), actor=actor())
            st.session_state["requests_seen"] = seen
        waiting = [each for each in found if each.closed_at is None]
        if not waiting:
            what = "What somebody asks is written down below, and answered within a month."
            frame.empty("Nobody waits for an answer", what)
        for each in waiting:
            _waiting(parts, each)
        if closed := [each for each in found if each.closed_at is not None][:SHOWN]:
            with st.container(border=True):
                frame.section("Answered")
                rows([_row(each, parts) for each in closed])
    if may("request.take"):
        _take(parts)


def _row(each: Request, parts: Services) -> Row:
    now, zone = parts.clock.now(), parts.settings.time_zone
    state = each.state(now)
    told = f"By {each.way}, {words.day(each.arrived_at, zone)}"
    if each.closed_at is not None:
        return Row(
            f"{each.who}: {NAMES[each.kind]}", f"{told}. {each.closed_by}: {each.answer}", state, TONES[state]
        )
    left = each.days_left(now)
    until = words.count(left, "day") + " left" if left >= 0 else words.count(-left, "day") + " late"
    longer = f" Extended: “{each.extended_why}”." if each.extended_why else ""
    note = f"{told}; to be answered by {words.day(each.due_at, zone)}.{longer} {HOW.get(each.kind, '')}"
    return Row(f"{each.who}: {NAMES[each.kind]}", note.strip(), until, TONES[state])


def _waiting(parts: Services, each: Request) -> None:
    key = f"request_{each.request_id}"
    with st.container(border=True):
        rows([_row(each, parts)])
        if not may("request.done"):
            return
        st.text_input("What they were told, or why not or later", key=key, max_chars=500)
        with st.container(horizontal=True):
            for closed_as, label in (("done", "It is done"), ("refused", "Refuse it")):
                st.button(label, key=f"{key}_{closed_as}", on_click=_close, args=(parts, each, closed_as))
            if each.extended_at is None and parts.clock.now() <= each.due_at:
                st.button("Two months more", key=f"{key}_more", on_click=_extend, args=(parts, each))


def _take(parts: Services) -> None:
    with st.expander("Write down what somebody asks"), st.form("request_new", border=False):
        st.selectbox("What do they ask for?", KINDS, format_func=NAMES.__getitem__, key="request_kind")
        st.text_input(
            "Who asks?", key="request_who", max_chars=500, placeholder="As they told us: name, address"
        )
        left, right = st.columns(2)
        left.selectbox("How did it reach us?", WAYS, format_func=str.capitalize, key="request_way")
        today = words.local(parts.clock.now(), parts.settings.time_zone).date()
        right.date_input("When?", value=today, max_value=today, key="request_day", format="YYYY-MM-DD")
        st.form_submit_button("Write it down", type="primary", on_click=_taken, args=(parts,))


def _taken(parts: Services) -> None:
    day, now, zone = st.session_state["request_day"], parts.clock.now(), parts.settings.time_zone
    arrived = min(instant(datetime.combine(day, time(12)), zone), now)
    work = partial(
        take_request,
        parts.store,
        parts.clock,
        st.session_state["request_kind"],
        str(st.session_state["request_who"]),
        way=st.session_state["request_way"],
        zone=zone,
        arrived_at=arrived,
        actor=actor(),
    )
    desk.act("Written down; its month runs.", work, ["request_who"], key=TOLD)


def _close(parts: Services, each: Request, closed_as: Closed) -> None:
    answer = str(st.session_state.get(f"request_{each.request_id}") or "")
    work = partial(close_request, parts.store, parts.clock, each.request_id, closed_as, answer, actor=actor())
    desk.act("It is answered.", work, key=TOLD)


def _extend(parts: Services, each: Request) -> None:
    reason = str(st.session_state.get(f"request_{each.request_id}") or "")
    zone = parts.settings.time_zone
    work = partial(
        extend_request, parts.store, parts.clock, each.request_id, reason, zone=zone, actor=actor()
    )
    desk.act("It has two months more; tell the person why.", work, key=TOLD)
