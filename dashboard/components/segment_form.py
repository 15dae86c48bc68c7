"""The two editors of a segment side by side: conditions in a form, and the YAML of the same text."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import streamlit as st

from dashboard.components import frame
from dashboard.components.segment_draft import Draft, edit_form, edit_segment, edit_text
from dashboard.components.segment_lines import Offered, line
from data_contracts.errors import LibraryError, NotFoundError, RapportError
from messaging.desk.segments import uploaded_lists
from messaging.desk.writing import Desk
from messaging.segments import Segment, named_in
from messaging.segments.forms import Group, Line, added, first_line, form_of, grouped, joined_by, subjects

WORDS = {"all": "All of these hold", "any": "Any of these holds"}
FIRST = "column:order_count"  # what a new condition is about, to change from there
LINE_HEIGHT, LEAST, WRAPPED_AT = 20, 14, 46


def editors(
    desk: Desk, draft: Draft, segment: Segment | None, trouble: RapportError | None, as_of: datetime
) -> None:
    """Draw the form and the YAML; while the YAML cannot be read the form waits."""
    left, right = st.container(key="segment_editors").columns([8, 5], gap="medium")
    with left, st.container(border=True):
        frame.section("Who is in it", "Each change counts at once. Saving is up to you.")
        if segment is None:
            frame.empty(
                "The form waits for the YAML", "Mend what is told beside it, and the conditions are back."
            )
        else:
            _about(desk, segment)
            _conditions(_offered(desk, segment, as_of), segment)
    with right, st.container(border=True):
        frame.section("The same as YAML", "What the form cannot show can be written here (docs/segments.md).")
        if trouble is not None:
            frame.trouble(trouble)
        _yaml(draft)


def _offered(desk: Desk, segment: Segment, as_of: datetime) -> Offered:
    others: dict[str, Segment] = {}
    for name in desk.library.names("segments"):
        try:
            other = desk.library.segment(name)
        except (LibraryError, NotFoundError):
            continue  # its own page says what is wrong with it
        if segment.name not in {name, *named_in(other.rule)}:  # none may stand on itself
            others[name] = other
    lists = [each.name for each in uploaded_lists(desk)]
    return Offered(desk, subjects(desk.library.contract, lists, others), others, as_of)


def _about(desk: Desk, segment: Segment) -> None:
    """Draw the title and the description."""
    for field, label, longest in (("title", "Title", 100), ("description", "What for", 500)):
        key = f"seg_{field}"
        st.session_state[key] = getattr(segment, field)

        def put(field: str = field, key: str = key) -> None:
            value = " ".join(st.session_state[key].split())
            known: dict[str, Any] = {field: value}
            if value or field == "description":
                edit_segment(desk, lambda each: replace(each, **known))

        if field == "title":
            st.text_input(label, key=key, max_chars=longest, on_change=put)
        else:
            st.text_area(label, key=key, max_chars=longest, height=96, on_change=put)


def _conditions(offered: Offered, segment: Segment) -> None:
    form = form_of(segment.rule)
    with st.container(key="segment_lines"):
        _join(offered, form.word, None)
        for number, item in enumerate(form.items):
            if isinstance(item, Line):
                line(offered, (number,), item, alone=len(form.items) == 1)
            else:
                _group(offered, number, item, alone=len(form.items) == 1)
        new = first_line(FIRST, offered.desk.library.contract, offered.others, offered.as_of)
        with st.container(horizontal=True):
            add, group = partial(added, line=new), partial(grouped, line=new)
            st.button("Add a condition", key="seg_add", on_click=edit_form, args=(offered.desk, add))
            st.button("Add a group", key="seg_group", on_click=edit_form, args=(offered.desk, group))


def _group(offered: Offered, number: int, group: Group, *, alone: bool) -> None:
    with st.container(border=True):
        _join(offered, group.word, number)
        for inner, each in enumerate(group.lines):
            line(offered, (number, inner), each, alone=alone and len(group.lines) == 1)
        new = first_line(FIRST, offered.desk.library.contract, offered.others, offered.as_of)
        add = partial(added, line=new, group=number)
        st.button(
            "Add to this group",
            key=f"seg_add_{number}",
            type="tertiary",
            on_click=edit_form,
            args=(offered.desk, add),
        )


def _join(offered: Offered, word: str, group: int | None) -> None:
    """Draw by which word conditions are joined."""
    key = f"seg_join_{'' if group is None else group}"
    st.session_state[key] = word

    def put() -> None:
        chosen = st.session_state[key]
        if chosen:  # a press on what is chosen already takes it back
            edit_form(offered.desk, lambda form: joined_by(form, chosen, group))

    st.segmented_control(
        "Joined by",
        [*WORDS],
        key=key,
        format_func=WORDS.__getitem__,
        label_visibility="collapsed",
        on_change=put,
    )


def _yaml(draft: Draft) -> None:
    key = "seg_yaml"
    st.session_state[key] = draft.text
    lines = sum(1 + len(each) // WRAPPED_AT for each in draft.text.splitlines())
    height = LINE_HEIGHT * max(LEAST, lines + 2)
    st.text_area(
        "YAML",
        key=key,
        height=height,
        label_visibility="collapsed",
        on_change=lambda: edit_text(st.session_state[key]),
    )
