"""Find a customer, and see everything about them on one page."""

import streamlit as st

from dashboard import session
from dashboard.components import brief, desk, frame, person, portrait, single, unsent, words
from dashboard.components.conversations import open_conversations
from dashboard.components.timeline import timeline
from dashboard.components.writing import write_now
from dashboard.services import Services, services
from dashboard.session import actor
from messaging.customers import CustomerHit
from messaging.desk import masking
from messaging.desk.looking import look, searched

PURPOSE = "Find anybody in seconds, and answer without asking twice."
CERTAIN = 0.97  # an exact identifier; a name scores less
LIVE = "10s"  # how often the timeline looks for what is new
ENTRIES = 500  # of the timeline, the newest: what a card of the release holds


def main() -> None:
    """Draw the page: the search box, then the hits or one person's card."""
    session.require("customer.search")
    parts = services()
    frame.heading("Customers", PURPOSE, parts)
    asked = st.text_input(
        "Find a customer",
        placeholder="Name, e-mail, phone, order number or customer number; a slip does no harm",
        key="search",
        on_change=_forget_choice,
    )
    chosen = st.query_params.get("customer")
    sight = session.sight()
    hits = [masking.hit(each, sight) for each in parts.customers.find(asked)] if asked and not chosen else []
    if len(hits) == 1 and hits[0].score >= CERTAIN:
        chosen = hits[0].customer_id
    if chosen:
        _card(parts, chosen)
    elif asked:
        _hits(parts, hits, asked)
    else:
        parts.customers.release()  # says what to do when there is none
        advice = "Type a name, an e-mail address, a phone number in any writing, an order or customer number."
        frame.empty("Whom are you looking for?", advice)


def _forget_choice() -> None:
    st.query_params.pop("customer", None)


def _choose(customer_id: str) -> None:
    st.query_params["customer"] = customer_id


def _hits(parts: Services, hits: list[CustomerHit], asked: str) -> None:
    if not hits:
        advice = "Try the surname alone, the last digits of the number, or another address."
        frame.empty(f"Nobody found for “{asked}”", advice)
        return
    if _is_new("searched", asked):
        searched(parts.store, parts.clock, len(hits), actor=actor())
    frame.section(words.count(len(hits), "person", "people") + " found")
    for hit in hits:
        label = words.label(person.hit_label(hit))
        st.button(label, key=hit.customer_id, on_click=_choose, args=(hit.customer_id,), width="stretch")


def _is_new(key: str, value: str) -> bool:
    """Say whether this session sees something now that it did not see at its last run: a look is told once."""
    is_new = st.session_state.get(key) != value
    st.session_state[key] = value
    return is_new


def _card(parts: Services, customer_id: str) -> None:
    view = single.read(parts, customer_id)
    card = view.card
    if _is_new("looked", card.customer_id):
        look(parts.store, parts.clock, card.customer_id, actor=actor())
    theirs = card.facts["time_zone"] or parts.settings.time_zone
    now = f"{words.local(parts.clock.now(), theirs):%H:%M} there now"
    with st.container(border=True):
        person.header(card, now)
        portrait.next_step(card.facts)
        person.value(card, parts.settings.currency)
    desk.told()
    left, right = st.container(key="single").columns(2, gap="medium")
    with left:
        _now(parts, view)
    with right, st.container(border=True):
        frame.section(
            "Timeline", "Everything that passed between us, newest first; what is new appears by itself."
        )
        st.fragment(_timeline, run_every=LIVE)(parts, card.customer_id)


def _now(parts: Services, view: single.View) -> None:
    """Draw what an agent needs first, then everything else by topic."""
    with st.container(border=True):
        frame.section("In short", "What they told us already, so that nobody asks again.")
        brief.sentences(view.brief)
    if view.conversations:
        with st.container(border=True):
            frame.section("Open conversations")
            open_conversations(view.conversations, parts.clock.now())
    if session.may("customer.write"):
        customer_id = view.card.customer_id
        with st.expander("Write now", expanded=unsent.is_begun(f"write_{customer_id}_")):
            write_now(parts, customer_id, view.card.facts["preferred_channel"])
    with st.container(border=True):
        frame.section("Follow-ups")
        desk.follow_ups(parts, view.card.customer_id, view.follow_ups)
    with st.container(border=True):
        frame.section("Notes")
        desk.notes(parts, view.card.customer_id, view.notes)
    single.topics(parts, view)


def _timeline(parts: Services, customer_id: str) -> None:
    with frame.explained():
        sight = session.sight()
        found = parts.customers.timeline(customer_id, limit=ENTRIES)
        entries = [masking.entry(each, sight) for each in found]
        may_ask = session.may("message.look") and session.may("campaign.look")
        timeline(entries, currency=parts.settings.currency, zone=parts.settings.time_zone, explains=may_ask)


with frame.explained():
    main()
