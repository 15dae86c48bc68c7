"""What colleagues wrote and did not save: it outlives a link, a reload, a broken connection and the end of a sign-in.

Streamlit's session ends with each of these. Drafts are kept in this process's memory, by colleague, until it ends.
"""

from dataclasses import dataclass, field

import streamlit as st

from dashboard.components import campaign_editing, file_form, segment_draft, unsent
from dashboard.components.segment_draft import Draft

WHOSE = "drafts_of"  # the key under which a session keeps whose drafts it holds


@dataclass
class Kept:
    """The drafts of one colleague."""

    texts: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    campaigns: set[str] = field(default_factory=set)
    segments: dict[str, Draft] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)  # to and about customers


@st.cache_resource(show_spinner=False)
def _kept(user_id: str) -> Kept:  # noqa: ARG001 (the cache's key)
    return Kept()


def keep() -> None:
    """Keep what this session changed; each run begins with it, for clicks and keys have done their work by then.

    What this session saved, or took back, is kept no longer; what another tab of the same colleague holds, is.
    """
    if (whose := st.session_state.get(WHOSE)) is None:
        return
    kept, texts, segments = _kept(whose), file_form.unsaved(), segment_draft.unsaved()
    campaigns = set(campaign_editing.unsaved())
    for key in st.session_state.get(file_form.OPENED, ()):
        kept.texts.pop(key, None)
    kept.campaigns -= st.session_state.get(campaign_editing.EDITED, set())
    for name in segment_draft.held_names():
        kept.segments.pop(name, None)
    kept.texts |= texts
    kept.campaigns |= campaigns
    kept.segments |= segments
    words = kept.words | unsent.changed()
    kept.words = {key: text for key, text in words.items() if text}


def take_back(user_id: str) -> None:
    """Give a session that has just begun what its colleague had not saved."""
    if st.session_state.get(WHOSE) == user_id:
        return
    st.session_state[WHOSE] = user_id
    kept = _kept(user_id)
    file_form.take_back(kept.texts)
    campaign_editing.take_back(kept.campaigns)
    segment_draft.take_back(kept.segments)
    unsent.take_back(kept.words)
