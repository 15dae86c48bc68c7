"""A file of consents: tried first, with each refused row and its reason, then recorded whole."""

from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import session
from dashboard.components import desk, frame, words
from dashboard.components.tiles import Row, Tile, rows, tiles
from dashboard.services import Services
from data_contracts.errors import RapportError
from messaging.consent_files import Fault
from messaging.desk.consent_import import LONGEST_SOURCE, Tried, take_over, try_file
from messaging.exports import csv_text

TRIED = "import_tried"  # (which file and source, what trying it brought: a Tried, or why it is no file of consents)
TOLD = "import_told"  # what the last recording brought
TURN = "import_turn"  # how many files were recorded in this session
SHOWN = 12  # refused rows; the rest stands in the list to download
LARGEST = 30  # megabytes, which are half a million rows: they are held in memory
MANY = 10_000  # rows that take long enough to say so
COLUMNS = (
    ("customer_id, address", "Whom it concerns: one of them or both. A number needs its country code."),
    ("channel", "email, sms, whatsapp, voice or chat."),
    ("action, occurred_at", "grant or revoke; the moment, such as 2026-03-01 or 2026-03-01T09:30:00+01:00."),
    ("purpose, legal_basis", "May be left out: marketing, and consent."),
    ("method, wording, locale", "May be left out: how they said it, to which words, in which language."),
    ("evidence, expires_at", "May be left out: where the proof lies, and until when it holds."),
    ("record_id", "May be left out: the other system's name of the record."),
)


def importing(parts: Services) -> None:
    """Take a file, say what it would do, and record it when told to."""
    desk.told(TOLD)
    with st.container(key="pair_import"):
        left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        frame.section("Consents from a file", "Nothing is recorded before you have seen what it would do.")
        source = st.text_input(
            "Where do they come from?",
            key="import_source",
            max_chars=LONGEST_SOURCE,
            placeholder="A fair, a drawer of paper, another system",
        )
        turn = st.session_state.get(TURN, 0)
        given = st.file_uploader(
            "A CSV in UTF-8", type="csv", key=f"import_file_{turn}", max_upload_size=LARGEST
        )
    with right, st.container(border=True):
        if given is None:
            st.session_state.pop(TRIED, None)
            frame.section(
                "What a file holds", "A header with these names, and a row for each yes and each no."
            )
            rows([Row(name, note) for name, note in COLUMNS])
        elif not source.strip():
            frame.empty(
                "Where does this file come from?", "The proof of each consent names it; say it first."
            )
        else:
            frame.section("What it would do", "By what is known now.")
            _shown(parts, given, source)


def _shown(parts: Services, given: Any, source: str) -> None:
    mark = (given.file_id, source)
    if st.session_state.get(TRIED, (None,))[0] != mark:
        with st.spinner("Trying each row; nothing is recorded yet ..."):
            st.session_state[TRIED] = (mark, _tried(parts, given, source))
    tried = st.session_state[TRIED][1]
    if isinstance(tried, RapportError):
        frame.trouble(tried)
        return
    counts, no = tried.counts, len(tried.consents) - tried.yes
    tiles(
        [
            Tile(
                "Good rows",
                words.number(len(tried.consents)),
                f"{words.number(tried.yes)} yes, {words.number(no)} no",
            ),
            Tile("Refused rows", words.number(len(tried.faults)), f"of {words.number(tried.rows)}"),
            Tile("Would change", words.number(counts.recorded), "words that are new"),
            Tile("Known already", words.number(counts.already), "said before"),
        ],
        dense=True,
    )
    if tried.faults:
        _refused(tried.faults)
    elif not counts.recorded:
        frame.empty(
            "Nothing to record", "All that it says is known already." if tried.rows else "It has no row."
        )
    elif st.button(f"Record {words.count(counts.recorded, 'consent')}", type="primary", key="import_record"):
        _record(parts, tried, given)


def _tried(parts: Services, given: Any, source: str) -> Tried | RapportError:
    """Try a file; what is wrong with it as a whole is kept, so that it is not read again."""
    file = {"content": given.getvalue(), "name": "The file"}  # names of files tell of people, too
    try:
        return try_file(parts.settings, parts.customers, parts.store, parts.clock, **file, source=source)
    except RapportError as error:
        return error


def _refused(faults: tuple[Fault, ...]) -> None:
    frame.section(
        f"{words.count(len(faults), 'row')} to mend",
        "A file is taken whole or not at all: mend these and drop it again.",
    )
    rows([Row(each.sentence, "", f"line {words.number(each.line)}", "red") for each in faults[:SHOWN]])
    if len(faults) > SHOWN:
        st.html(f'<div class="r-muted r-small">and {words.number(len(faults) - SHOWN)} more</div>')
    told = csv_text(("line", "why"), [(each.line, each.sentence) for each in faults])
    st.download_button("Download them all", told, "refused.csv", "text/csv", key="import_refused")


def _record(parts: Services, tried: Tried, given: Any) -> None:
    """Record all of it: whoever leaves the page meanwhile interrupts nothing, for nothing is drawn until it is done."""
    patience = " This may take a minute, and goes on if you leave the page." if tried.rows > MANY else ""
    st.session_state.pop(TRIED)  # whatever comes in between, the file is tried again then
    with st.spinner(f"Recording {words.count(tried.counts.recorded, 'consent')} ...{patience}"):
        try:
            counts = take_over(parts.settings, parts.store, parts.clock, tried, actor=session.actor())
            _throw_away(given)
            told = f"Recorded: {words.count(counts.recorded, 'consent')}. They count from now on."
            st.session_state[TOLD] = told
            st.session_state["privacy_anew"] = True  # the file of whoever is open is read again
        except RapportError as error:
            st.session_state[TOLD] = error
    st.rerun()


def _throw_away(given: Any) -> None:
    """Forget a file: it holds people's data, and Streamlit would keep it for the session."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, given.file_id)
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1  # an empty place for the next one
