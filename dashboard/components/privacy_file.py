"""A person's file on one page: what we hold, on which basis we write, who looked; and what they tell us now."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.components import desk, frame, person, words
from dashboard.components.privacy_preferences import preferences
from dashboard.components.tiles import Row, rows
from dashboard.services import Services
from messaging.desk import masking
from messaging.desk.privacy import CHANNELS, Held, PersonFile, Purpose, open_file, take_no

NO = {
    "marketing": "They want no marketing",
    "profiling": "They object to profiling",
    "service": "They want no service messages",
}
METHODS = {
    "phone": "by phone",
    "email": "by e-mail",
    "letter": "by letter",
    "in_person": "in person",
    "chat": "in a chat",
}
STATES = {"grant": "green", "revoke": "red"}


def file_of(parts: Services, customer_id: str) -> None:
    """Draw the file of a person."""
    kept = st.session_state.get("privacy_file")
    if (
        not isinstance(kept, PersonFile)
        or kept.card.asked_id != customer_id
        or st.session_state.pop("privacy_anew", False)
    ):
        kept = open_file(parts.customers, parts.store, parts.clock, customer_id, actor=session.actor())
        st.session_state["privacy_file"] = kept
    card = masking.card(kept.card, session.sight())
    with st.container(border=True):
        person.header(card, "")
    left, right = st.columns(2, gap="medium")
    with left:
        with st.container(border=True):
            frame.section(
                "What we hold", "By table and source; the records stand in the customer's timeline."
            )
            rows([_held(each, parts.settings.time_zone) for each in kept.held])
        with st.container(border=True):
            frame.section("Known by")
            person.identifiers(card)
        with st.container(border=True):
            frame.section("Who looked, and who did what")
            zone = parts.settings.time_zone
            rows(
                [
                    Row(f"{each['actor']}: {each['action']}", "", words.clock(each["at"], zone))
                    for each in kept.looks
                ]
            )
    with right:
        with st.container(border=True):
            frame.section("May we write?")
            person.reach(card, {})
        with st.container(border=True):
            frame.section(
                "What they said, with the proof", "Every word counts from its moment; none is ever changed."
            )
            rows([_said(each, parts) for each in reversed(kept.consents)])
            if not kept.consents:
                st.html(
                    '<div class="r-muted r-small">Nothing yet: marketing does not go without a yes.</div>'
                )
        if session.may("consent.revoke"):
            _no(parts, card.customer_id)
    preferences(parts, card)


def _held(each: Held, zone: str) -> Row:
    span = f"{words.day(each.first_at, zone)} to {words.day(each.last_at, zone)}"
    note = f"from {words.title(each.source)}, {span}"
    return Row(words.table_name(each.name), note, words.count(each.records, "record"))


def _said(event: Mapping[str, Any], parts: Services) -> Row:
    word, basis = "No", ""
    if event["action"] == "grant":
        word, basis = "Yes", f" on the ground of {event['legal_basis']}"
    told = f"{word} to {event['purpose']} by {words.channel_name(event['channel'])}"
    note = f"{event['method']}, from {event['source']}{basis}. {event['wording'] or ''} Proof {event['event_id']}."
    state = STATES.get(event["action"], "amber")
    return Row(told, note, words.clock(event["occurred_at"], parts.settings.time_zone), state)


def _no(parts: Services, customer_id: str) -> None:
    with st.container(border=True):
        frame.section("They say no", "It counts at once, before the next message goes.")
        with st.form("privacy_no", border=False):
            st.selectbox("What do they say?", [*NO], format_func=NO.__getitem__, key="no_purpose")
            st.selectbox(
                "By which channel are they written to?",
                ["all", *CHANNELS],
                key="no_channel",
                format_func=_channel,
            )
            st.selectbox(
                "How did they tell us?", [*METHODS], format_func=METHODS.__getitem__, key="no_method"
            )
            st.text_input("Their words", key="no_wording", max_chars=500)
            st.form_submit_button("Record it", on_click=_record, args=(parts, customer_id))
        desk.told()


def _channel(name: str) -> str:
    return "Every channel" if name == "all" else words.channel_name(name)


def _record(parts: Services, customer_id: str) -> None:
    purpose: Purpose = st.session_state["no_purpose"]
    channel, method = st.session_state["no_channel"], METHODS[st.session_state["no_method"]]
    wording, actor = str(st.session_state["no_wording"]), session.actor()
    channels = CHANNELS if channel == "all" else (channel,)

    def work() -> None:
        for each in channels:
            said = {"channel": each, "method": method, "wording": wording, "actor": actor}
            take_no(parts.customers, parts.store, parts.clock, customer_id, purpose=purpose, **said)

    desk.act("Recorded. It counts from now on.", work, ["no_wording"])
    st.session_state["privacy_anew"] = True
