"""The segment that a session works on: one text, which the form and the YAML both edit, and what was read of its file."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import streamlit as st

from dashboard.session import actor
from data_contracts.errors import NotFoundError, RapportError, UsageError
from messaging.campaigns import save_segment
from messaging.desk.writing import Desk
from messaging.segments import Comparison, Joined, Segment
from messaging.segments.forms import Form, form_of, rule_of
from messaging.segments.writing import comment_of, write_segment
from messaging.template_versions import text_hash

KEY, OPEN = (
    "segment_draft",
    "segment_open",
)  # a session keeps the drafts of several segments, one of them open
HELD = "segments_held"  # the key under which a session keeps the names of all segments that it had drafts of
TOLD = "segment_told"
LONGEST_NAME = 60
BEGINNING = Joined("all", (Comparison("order_count", ">=", (1,)),))  # of a new segment, to change from there


@dataclass(frozen=True)
class Draft:
    """A segment's text as it is being edited; `read` is what stood in its file, None where there was none."""

    name: str
    text: str
    read: str | None

    @property
    def is_saved(self) -> bool:
        """Say whether nothing was changed."""
        return self.text == self.read


def opened(desk: Desk, name: str) -> Draft:
    """Give the session's draft of a segment; what nobody has changed here is read again. Raises NotFoundError."""
    st.session_state[OPEN] = name
    held = current()
    if held is not None and not held.is_saved:
        return held
    text = desk.library.segment_text(name)
    return _hold(Draft(name, text, text))


def current() -> Draft | None:
    """Give the draft of the segment that is open."""
    held = st.session_state.get(f"{KEY}_{st.session_state.get(OPEN)}")
    return held if isinstance(held, Draft) else None


def unsaved() -> dict[str, Draft]:
    """Give the drafts that this session changed and did not save, by the segment's name."""
    held = [each for key, each in st.session_state.items() if str(key).startswith(f"{KEY}_")]
    drafts = [each for each in held if isinstance(each, Draft) and not each.is_saved]
    return {each.name: each for each in sorted(drafts, key=lambda each: each.name)}


def held_names() -> set[str]:
    """Name the segments that this session has or had a draft of."""
    return set(st.session_state.get(HELD, ()))


def take_back(drafts: Mapping[str, Draft]) -> None:
    """Go on with drafts that were not saved, as `unsaved` gave them."""
    for each in drafts.values():
        _hold(each)


def begin(desk: Desk, title: str) -> str:
    """Begin a new segment under a title, and give its name. Raises UsageError where there is one."""
    name = name_of(title)
    if not name:
        raise UsageError("A segment needs a title with letters or digits.", "Type what its people are.")
    if name in desk.library.names("segments"):
        raise UsageError(f"There is a segment {name!r} already.", "Open that one, or take another title.")
    _hold(Draft(name, write_segment(Segment(name, title.strip(), "", BEGINNING)), None))
    return name


def name_of(title: str) -> str:
    """Make the name of a file out of a title; one that has no Latin letters is named by a hash of it."""
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST_NAME].strip("_")
    return name or (f"segment_{text_hash(title)[:8]}" if re.search(r"\w", title) else "")


def read(desk: Desk, draft: Draft) -> Segment:
    """Read what a draft says. Raises SegmentError with the line of what is wrong."""
    return desk.library.segment(draft.name, draft.text)


def edit_text(text: str) -> None:
    """Take the draft's text from the YAML."""
    if held := current():
        _hold(replace(held, text=text.replace("\r\n", "\n")))


def edit_form(desk: Desk, work: Callable[[Form], Form]) -> None:
    """Change the draft's rules by the form, and write its text anew."""
    edit_segment(desk, lambda segment: replace(segment, rule=rule_of(work(form_of(segment.rule)))))


def edit_segment(desk: Desk, work: Callable[[Segment], Segment]) -> None:
    """Change what the draft says; a comment at the file's beginning stays."""
    if held := current():
        try:
            segment = work(read(desk, held))
        except RapportError as error:  # a list or a segment that it names is gone meanwhile
            st.session_state[TOLD] = error
            return
        _hold(replace(held, text=write_segment(segment, comment_of(held.text))))


def save(desk: Desk) -> None:
    """Write the draft to its file, and remember what to tell."""
    held = current()
    if held is None:
        return
    before = None if held.read is None else text_hash(held.read)
    try:
        save_segment(
            desk.library, desk.store, held.name, held.text, read=before, actor=actor(), now=desk.clock.now()
        )
    except RapportError as error:
        st.session_state[TOLD] = error
        return
    text = desk.library.segment_text(held.name)
    _hold(replace(held, text=text, read=text))
    st.session_state[TOLD] = (
        "Saved. Campaigns use it from their next plan on; what was approved runs as it was."
    )


def drop(desk: Desk) -> None:
    """Forget what was changed here, and read the file again, where there is one."""
    name = st.session_state[OPEN]
    st.session_state.pop(f"{KEY}_{name}", None)
    try:
        opened(desk, name)
    except NotFoundError:
        st.query_params.pop("segment", None)
        return
    st.session_state[TOLD] = "This is what stands in the file now."


def _hold(draft: Draft) -> Draft:
    st.session_state.setdefault(HELD, set()).add(draft.name)
    st.session_state[f"{KEY}_{draft.name}"] = draft
    return draft
