"""Sets of customers by rule: all of them, and one with its two editors and whom it holds."""

from dataclasses import replace

import streamlit as st

from dashboard.components import frame, segment_draft, segment_form, segment_list, segment_people
from dashboard.components.segment_draft import Draft
from dashboard.components.tiles import chip
from dashboard.components.words import safe
from dashboard.services import Services, desk_of, services
from dashboard.session import may, require, sight
from data_contracts.errors import RapportError
from messaging.desk.segments import require_seen, used_by
from messaging.desk.writing import Desk
from messaging.segments import Segment

PURPOSE = "Say who is meant, see at once how many they are and who, and keep it for campaigns."


def main() -> None:
    """Draw the page: all segments, or the one that is open."""
    parts = services()
    frame.heading("Segments", PURPOSE, parts)
    require("segment.look")
    parts.customers.release()  # says what to do when there is none
    desk = replace(desk_of(parts), library=parts.planner.library)  # a planner fills a library that is empty
    if name := st.query_params.get("segment"):
        st.button("← All segments", type="tertiary", on_click=_close)
        _one(parts, desk, name)
        return
    segment_list.told()
    segment_list.segments(parts, desk)
    segment_list.uploads(parts, desk)


def _close() -> None:
    st.query_params.pop("segment", None)


def _one(parts: Services, desk: Desk, name: str) -> None:
    draft = segment_draft.opened(desk, name)
    segment: Segment | None = None
    trouble: RapportError | None = None
    try:
        found = segment_draft.read(desk, draft)
        if not draft.is_saved and not may("segment.save"):
            require_seen(desk, found, sight())
        segment = found
    except RapportError as error:
        trouble = error
    _head(desk, draft, segment)
    segment_list.told()
    if segment is not None:
        with (
            frame.explained(),
            st.container(border=True),
        ):  # a rule that takes too long can still be mended below
            segment_people.figures(desk, segment, draft)
    segment_form.editors(desk, draft, segment, trouble, parts.customers.release().as_of)
    if segment is not None:
        _people(parts, desk, segment, draft)


def _head(desk: Desk, draft: Draft, segment: Segment | None) -> None:
    """Draw the title, what stands on the segment, and the buttons for the draft."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    title = segment.title if segment else draft.name
    state = (
        chip("Saved", "good")
        if draft.is_saved
        else chip("New" if draft.read is None else "Changed, not saved", "warn")
    )
    used = used_by(desk, draft.name)
    users = f'<div class="r-muted r-small">Used by {safe(", ".join(used))}</div>' if used else ""
    left.html(f'<div class="r-chips"><span class="r-segment">{safe(title)}</span>{state}</div>{users}')
    with right.container(horizontal=True, horizontal_alignment="right"):
        if not may("segment.save"):
            st.html(
                '<div class="r-muted r-small">You can try conditions here; saving them is for marketers.</div>'
            )
        if not draft.is_saved:
            st.button("Undo my changes", on_click=segment_draft.drop, args=(desk,))
            if may("segment.save"):
                st.button(
                    "Save",
                    type="primary",
                    on_click=segment_draft.save,
                    args=(desk,),
                    disabled=segment is None,
                )


def _people(parts: Services, desk: Desk, segment: Segment, draft: Draft) -> None:
    with st.container(border=True), frame.explained():
        segment_people.preview(parts, desk, segment, draft)
    left, right = st.container(key="segment_more").columns(2, gap="medium")
    with left, st.container(border=True), frame.explained():
        segment_people.movement(parts, desk, segment, draft)
    with right, st.container(border=True), frame.explained():
        segment_people.overlap(desk, segment)
    if may("segment.export"):
        with right, st.container(border=True), frame.explained():
            segment_people.export(desk, draft)


with frame.explained():
    main()
