"""What colleagues keep of one customer: notes, and what they promised to do until when."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.components import frame, unsent, words
from dashboard.components.tiles import Row, rows
from dashboard.components.words import safe
from dashboard.services import Services
from dashboard.session import actor, may
from data_contracts.errors import RapportError
from messaging.desk.follow_ups import FollowUp, Settled, promise, settle
from messaging.desk.notes import Note, remove_note, write_note

TOLD = "desk_told"  # the key under which a session keeps what the last action brought
ENDS_OF_DAY = (
    time(17, 0),
    time(23, 59, 59),
)  # a promise is due when work ends, or, where that has passed, the day
STATES = {"open": "amber", "overdue": "red", "kept": "green", "kept late": "amber", "dropped": ""}


def told(key: str = TOLD) -> None:
    """Say what the last action brought, once; a part of a page that is not always seen has a key of its own."""
    outcome = st.session_state.pop(key, None)
    if isinstance(outcome, RapportError):
        frame.trouble(outcome)
    elif outcome:
        st.html(f'<div class="r-note-box" role="status">{safe(outcome)}</div>')


def act(done: str, work: Callable[[], object], clear: Sequence[str] = (), key: str = TOLD) -> None:
    """Do something, remember what to tell, and empty the fields of these keys where it went well."""
    try:
        work()
    except RapportError as error:
        st.session_state[key] = error
        return
    st.session_state[key] = done
    for each in clear:
        st.session_state[each] = ""


def follow_ups(parts: Services, customer_id: str, known: Sequence[FollowUp]) -> None:
    """List what was promised and how it stands; take new promises, and settle open ones."""
    zone, now = parts.settings.time_zone, parts.clock.now()
    for each in known:
        _follow_up(parts, each, zone, now)
    if not known:
        st.html('<div class="r-muted r-small">Nothing was promised to them.</div>')
    if not may("follow_up.promise"):
        return
    key = f"promise_{customer_id}"
    with st.expander("Promise something", expanded=unsent.is_begun(key)):
        what = "What did you promise?"
        st.text_input(what, key=unsent.field(key), max_chars=500, placeholder="Call back about the lamp")
        today = words.local(now, zone).date()
        st.date_input("Until when?", key=f"{key}_day", value=today + timedelta(days=1), min_value=today)
        st.button("Keep it in mind", key=f"{key}_done", on_click=_promise, args=(parts, customer_id, key))


def notes(parts: Services, customer_id: str, known: Sequence[Note]) -> None:
    """List what colleagues wrote down, and take a new note."""
    removes = may("note.remove")
    for each in known:
        left, right = st.columns([5, 1], vertical_alignment="center")
        with left:
            when = words.clock(each.written_at, parts.settings.time_zone)
            rows([Row(each.body, f"{each.written_by}, {when}")])
        if removes:
            key = f"remove_{each.note_id}"
            right.button("Remove", key=key, type="tertiary", on_click=_remove, args=(parts, each.note_id))
    if not known:
        st.html('<div class="r-muted r-small">Nobody has noted anything yet.</div>')
    if not may("note.write"):
        return
    key = f"note_{customer_id}"
    with st.expander("Write a note", expanded=unsent.is_begun(key)):
        label, hint = "What should the next colleague know?", "Prefers to be called after six."
        st.text_area(label, key=unsent.field(key), max_chars=2000, height=90, placeholder=hint)
        st.button("Keep the note", key=f"{key}_done", on_click=_note, args=(parts, customer_id, key))


def _follow_up(parts: Services, each: FollowUp, zone: str, now: datetime) -> None:
    state = each.state(now)
    told = f"{each.made_by}, due {words.day(each.due_at, zone)}"
    if each.settled_at:
        told = f"{each.made_by}; {each.settled_as} by {each.settled_by}, {words.day(each.settled_at, zone)}"
    outcome = f": {each.outcome}" if each.outcome else ""
    rows([Row(each.promise, told + outcome, state.capitalize(), STATES[state])])
    if each.settled_at or not may("follow_up.kept"):
        return
    key = f"outcome_{each.follow_up_id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "What came of it?", key=unsent.field(key), max_chars=500, placeholder="Called, all is well"
        )
        for label, settled in (("Kept", "kept"), ("Not needed", "dropped")):
            st.button(
                label,
                key=f"{settled}_{each.follow_up_id}",
                on_click=_settle,
                args=(parts, each, settled, key),
            )


def _promise(parts: Services, customer_id: str, key: str) -> None:
    what, day = st.session_state[key], st.session_state[f"{key}_day"]
    due = due_at(day, parts.settings.time_zone, parts.clock.now())
    act(
        "Noted. It will stand on the first page the day before it is due.",
        lambda: promise(parts.store, parts.clock, customer_id, what, due, actor=actor()),
        [key],
    )


def _settle(parts: Services, each: FollowUp, settled_as: Settled, key: str) -> None:
    outcome = st.session_state.get(key) or ""
    act(
        f"“{each.promise}” is settled: {'kept' if settled_as == 'kept' else 'not needed any more'}.",
        lambda: settle(
            parts.store, parts.clock, each.follow_up_id, settled_as, outcome=outcome, actor=actor()
        ),
    )


def _note(parts: Services, customer_id: str, key: str) -> None:
    body = st.session_state[key]
    act(
        "The note is kept.",
        lambda: write_note(parts.store, parts.clock, customer_id, body, actor=actor()),
        [key],
    )


def _remove(parts: Services, note_id: str) -> None:
    act("The note is gone.", lambda: remove_note(parts.store, parts.clock, note_id, actor=actor()))


def due_at(day: date, zone: str, now: datetime) -> datetime:
    """Give the moment at which a promise for a day is due, as naive UTC: when work ends, or else when the day does."""
    ends = [
        datetime.combine(day, end, ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None) for end in ENDS_OF_DAY
    ]
    return ends[0] if ends[0] > now else ends[1]
