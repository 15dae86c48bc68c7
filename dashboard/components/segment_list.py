"""All segments with their size and last change, and the lists that were uploaded."""

from dataclasses import replace
from datetime import datetime

import streamlit as st

from dashboard.components import frame, words
from dashboard.components.segment_draft import TOLD, begin, unsaved
from dashboard.components.words import safe
from dashboard.services import Services
from dashboard.session import actor, may
from data_contracts.errors import RapportError
from messaging.desk.segments import (
    Listing,
    count_behind,
    listed,
    remove_list,
    upload_list,
    uploaded_lists,
)
from messaging.desk.writing import Desk
from messaging.segments.sizes import Size

WIDTHS = (6.2, 2, 2.2)
LONGEST_WORDS, MOST_LINES = 170, 8
BEGUN, UNCOUNTABLE = "segments_counting", "segments_uncountable"
PAUSE, PATIENCE = "1s", 0.3  # how often sizes are counted behind the page, and for how many seconds at least


def told() -> None:
    """Say what the last action brought, once."""
    outcome = st.session_state.pop(TOLD, None)
    if isinstance(outcome, RapportError):
        frame.trouble(outcome)
    elif outcome:
        st.html(f'<div class="r-note-box" role="status">{safe(outcome)}</div>')


def segments(parts: Services, desk: Desk) -> None:
    """List every segment; its title opens it."""
    with st.container(border=True):
        left, right = st.columns([5, 2], vertical_alignment="center")
        with left:
            frame.section("All segments", "Sizes are those of the newest data in which each was counted.")
        if may("segment.save"):
            with right.popover("New segment", width="stretch"), st.form("seg_new", border=False):
                st.text_input(
                    "What are its people?",
                    key="seg_new_title",
                    max_chars=60,
                    placeholder="Bought lamps twice",
                )
                st.form_submit_button("Begin", type="primary", on_click=_begin, args=(desk,))
        if drafts := unsaved():
            with st.container(horizontal=True):
                for name in drafts:
                    st.button(
                        f"Go on with {words.label(name)}",
                        key=f"go_on_with_{name}",
                        on_click=_open,
                        args=(name,),
                    )
        release = desk.customers.release().version
        found = _with_troubles(_listed(desk, release), release)
        if not found:
            frame.empty("No segment yet", "Press “New segment”, and say who is in it.")
        with st.container(key="segment_list"):
            for each in found:
                _row(parts, each)
        behind = [each for each in found if not each.trouble and not _is_of(each.size, release)]
        if behind:
            st.session_state[BEGUN] = False
            st.fragment(_count, run_every=PAUSE)(desk, release, behind)


def _count(desk: Desk, release: str, behind: list[Listing]) -> None:
    """Count what nobody has counted since the newest release, once the page stands: nobody waits for it."""
    if not st.session_state.get(BEGUN):
        st.session_state[BEGUN] = True
        word = "size is" if len(behind) == 1 else "sizes are"
        st.html(f'<div class="r-muted r-small" role="status">{len(behind)} {word} being counted ...</div>')
        return
    done = count_behind(desk, [each.name for each in behind], PATIENCE)
    st.session_state[UNCOUNTABLE] |= {as_it_is(each, release): done.get(each.name) for each in behind}
    _listed.clear()
    st.rerun()


def _with_troubles(found: list[Listing], release: str) -> list[Listing]:
    troubles = st.session_state.setdefault(UNCOUNTABLE, {})
    return [replace(each, trouble=each.trouble or troubles.get(as_it_is(each, release))) for each in found]


def as_it_is(each: Listing, release: str) -> tuple[str, str, str]:
    """Name a segment with what it says and the data it was counted in: one that is mended is counted anew."""
    return (release, each.name, each.words)


def _is_of(size: Size | None, release: str) -> bool:
    return size is not None and size.release_version == release


@st.cache_data(ttl=10, max_entries=4, show_spinner="Reading the segments ...")
def _listed(_desk: Desk, release: str) -> list[Listing]:  # noqa: ARG001 (the release is the cache's key)
    return listed(_desk)


def _row(parts: Services, each: Listing) -> None:
    what, people, change = st.columns(WIDTHS, vertical_alignment="center", gap="small")
    with what:
        st.button(
            words.label(each.title),
            key=f"open_{each.name}",
            type="tertiary",
            on_click=_open,
            args=(each.name,),
        )
        if each.trouble:
            st.html(f'<div class="r-under r-small r-wrong">{safe(each.trouble)}</div>')
        else:
            st.html(f'<div class="r-under r-small r-muted">{safe(shortened(each.words))}</div>')
    if each.size is not None:
        number = words.count(each.size.matched, "person", "people")
        told_of = f"{words.share(each.size.matched, each.size.people)} of all"
        people.html(f'<div class="r-size"><b class="r-num">{number}</b><span>{told_of}</span></div>')
    else:
        people.html('<div class="r-size"><span>Not counted yet</span></div>')
    when = words.day(each.changed_at, parts.settings.time_zone)
    change.html(f'<div class="r-size"><span>Changed {when}</span><span>{safe(each.changed_by)}</span></div>')


def shortened(text: str) -> str:
    """Give a rule in words, cut at a word where it is long."""
    text = text[:1].upper() + text[1:]
    return text if len(text) <= LONGEST_WORDS else f"{text[:LONGEST_WORDS].rsplit(' ', 1)[0]} …"


def _open(name: str) -> None:
    st.query_params["segment"] = name


def _begin(desk: Desk) -> None:
    try:
        _open(begin(desk, st.session_state["seg_new_title"]))
    except RapportError as error:
        st.session_state[TOLD] = error


def uploads(parts: Services, desk: Desk) -> None:
    """List what was uploaded; take another list, and remove one."""
    with st.container(border=True):
        frame.section(
            "Uploaded lists",
            "People from elsewhere, such as a trade fair; a condition of a segment can name a list.",
        )
        known = uploaded_lists(desk)
        for each in known:
            what, people, change = st.columns(WIDTHS, vertical_alignment="center", gap="small")
            what.html(f'<div class="r-strong">{safe(each.name)}</div>')
            people.html(
                f'<div class="r-size"><b class="r-num">{words.count(each.matched, "person", "people")}</b>'
                f"<span>of {words.count(each.rows, 'row')}</span></div>"
            )
            with change:
                _uploaded(parts, desk, each.name, each.uploaded_at, each.uploaded_by)
        if not known:
            st.html('<div class="r-muted r-small">No list was uploaded yet.</div>')
        if may("list.upload"):
            _upload(desk)


def _uploaded(parts: Services, desk: Desk, name: str, at: datetime, by: str) -> None:
    when = words.day(at, parts.settings.time_zone)
    st.html(f'<div class="r-size"><span>Uploaded {when}</span><span>{safe(by)}</span></div>')
    if may("list.remove"):
        with st.popover("Remove", type="tertiary"):
            st.html('<div class="r-small">Segments that name it can no longer be counted.</div>')
            st.button(
                f"Remove {words.label(name)}", key=f"remove_{name}", on_click=_remove, args=(desk, name)
            )


def _upload(desk: Desk) -> None:
    with st.expander("Upload a list"), st.form("seg_upload", border=False):
        st.file_uploader("A CSV with a column customer_id, email or phone", type="csv", key="seg_file")
        left, right = st.columns(2)
        left.text_input("Name of the list", key="seg_list", max_chars=60, placeholder="trade_fair")
        advice = "Where numbers without a country code are"
        right.text_input(advice, key="seg_country", max_chars=2, placeholder="GB")
        st.form_submit_button("Upload", on_click=_take, args=(desk,))


def _take(desk: Desk) -> None:
    file, country = st.session_state["seg_file"], st.session_state["seg_country"].strip().upper() or None
    if file is None:
        st.session_state[TOLD] = "Choose a file first."
        return
    take(desk, st.session_state["seg_list"].strip(), file.getvalue(), file.name, country)


def take(desk: Desk, name: str, raw: bytes, file: str, country: str | None) -> None:
    """Upload a list, and remember what to tell."""
    try:
        done = upload_list(desk, name, raw, file, country, actor=actor())
    except RapportError as error:
        st.session_state[TOLD] = error
        return
    st.session_state.pop(UNCOUNTABLE, None)  # a segment may have waited for this list
    people, rows = words.count(done.matched, "person is", "people are"), words.count(done.rows, "row")
    sentence = f"{people} on the list {name}, of {rows}."
    if lines := done.unknown_lines:
        more = ", …" if len(lines) > MOST_LINES else ""
        sentence += f" These lines name nobody whom we know: {', '.join(map(str, lines[:MOST_LINES]))}{more}."
    st.session_state[TOLD] = sentence


def _remove(desk: Desk, name: str) -> None:
    try:
        remove_list(desk, name, actor=actor())
    except RapportError as error:
        st.session_state[TOLD] = error
        return
    st.session_state[TOLD] = f"The list {name} is gone."
