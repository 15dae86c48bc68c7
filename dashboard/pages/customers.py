"""Find a customer, and see everything about them on one page."""

from collections.abc import Callable

import streamlit as st

from dashboard.components import frame, golden, person, portrait, words
from dashboard.components.timeline import timeline
from dashboard.components.why import why
from dashboard.services import Services, services
from data_contracts.contracts import published_contract
from messaging.customers import CustomerCard, CustomerHit

PURPOSE = "Find anybody in seconds, and answer without asking twice."
CERTAIN = 0.97  # an exact identifier; a name scores less


def main() -> None:
    """Draw the page: the search box, then the hits or one person's card."""
    parts = services()
    frame.heading("Customers", PURPOSE, parts)
    asked = st.text_input(
        "Find a customer",
        placeholder="Name, e-mail, phone, order number or customer number",
        key="search",
        on_change=_forget_choice,
    )
    chosen = st.query_params.get("customer")
    hits = parts.customers.find(asked) if asked and not chosen else []
    if len(hits) == 1 and hits[0].score >= CERTAIN:
        chosen = hits[0].customer_id
    if chosen:
        _card(parts, chosen)
    elif asked:
        _hits(hits, asked)
    else:
        parts.customers.release()  # says what to do when there is none
        advice = "Type a name, an e-mail address, a phone number in any writing, an order or customer number."
        frame.empty("Whom are you looking for?", advice)


def _forget_choice() -> None:
    st.query_params.pop("customer", None)


def _choose(customer_id: str) -> None:
    st.query_params["customer"] = customer_id


def _hits(hits: list[CustomerHit], asked: str) -> None:
    if not hits:
        advice = "Try the surname alone, the last digits of the number, or another address."
        frame.empty(f"Nobody found for “{asked}”", advice)
        return
    frame.section(words.count(len(hits), "person", "people") + " found")
    for hit in hits:
        label = person.hit_label(hit)
        st.button(label, key=hit.customer_id, on_click=_choose, args=(hit.customer_id,), width="stretch")


def _card(parts: Services, customer_id: str) -> None:
    card = parts.customers.get(customer_id)
    zone = parts.settings.time_zone
    theirs = card.facts["time_zone"] or zone
    now = f"{words.local(parts.clock.now(), theirs):%H:%M} there now"
    with st.container(border=True):
        person.header(card, now)
        portrait.next_step(card.facts)
        person.value(card, parts.settings.currency)
    left, right = st.columns([5, 7], gap="medium")
    with left:
        _about(parts, card, zone)
    with right, st.container(border=True):
        frame.section("Timeline", "Everything that passed between us, newest first.")
        entries = parts.customers.timeline(card.customer_id)
        timeline(entries, currency=parts.settings.currency, zone=zone)


def _about(parts: Services, card: CustomerCard, zone: str) -> None:
    with st.container(border=True):
        frame.section("May we write, and where?")
        person.reach(card)
    for title, draw in _blocks(parts, card, zone):
        with st.container(border=True):
            frame.section(title)
            draw()
    if card.shipments:
        with st.container(border=True):
            frame.section("Parcels")
            person.parcels(card.shipments, zone)
    with st.container(border=True):
        frame.section("Orders")
        person.orders(card.orders, zone)
        if not card.orders:
            st.html('<div class="r-muted">No order yet.</div>')
    with st.container(border=True):
        frame.section("Known by")
        person.identifiers(card)
        golden.origins(parts.customers.golden(card.customer_id), zone)
    with st.container(border=True):
        frame.section("Why is this one person?")
        why(parts.customers.why(card.customer_id), zone)
    portrait.everything(card.facts, published_contract("customer_360"), parts.settings.currency, zone)


def _blocks(parts: Services, card: CustomerCard, zone: str) -> list[tuple[str, Callable[[], None]]]:
    """Name the blocks that one glance should take in, in the order in which an agent asks for them."""
    facts = card.facts
    return [
        ("Service", lambda: portrait.service(facts, zone)),
        ("How they feel", lambda: portrait.feelings(facts)),
        ("What they are worth", lambda: portrait.worth(facts, parts.settings.currency)),
        ("How they answer", lambda: portrait.habits(facts)),
    ]


with frame.explained():
    main()
