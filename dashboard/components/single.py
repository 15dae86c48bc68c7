"""The single view of a customer: what is read for it, and its topics in tabs."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import session
from dashboard.components import deciding, frame, golden, person, picture, portrait, words
from dashboard.components.why import why
from dashboard.services import Services
from data_contracts.contracts import published_contract
from messaging.customers import CustomerCard, OpenConversation
from messaging.customers.narrowing import answer_seconds
from messaging.desk import masking
from messaging.desk.brief import brief
from messaging.desk.follow_ups import FollowUp, follow_ups_of
from messaging.desk.notes import Note, notes_of

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class View:
    """Everything that the page of one customer shows, but for the timeline, which reads itself again and again."""

    card: CustomerCard
    conversations: tuple[OpenConversation, ...]
    follow_ups: tuple[FollowUp, ...]
    notes: tuple[Note, ...]
    brief: tuple[str, ...]
    answers_after: dict[str, float]  # seconds by channel


def read(parts: Services, customer_id: str) -> View:
    """Read the view of a customer. Raises NotFoundError where nobody has, or ever had, that id."""
    sight = session.sight()
    card = masking.card(parts.customers.get(customer_id, limit=500), sight)
    ids = (card.customer_id, *card.aliases)
    found = parts.customers.open_conversations(card.customer_id)
    talks = tuple(masking.conversation(each, sight) for each in found)
    promised = tuple(masking.follow_up(each, sight) for each in follow_ups_of(parts.store, ids))
    notes = tuple(masking.note(each, sight) for each in notes_of(parts.store, ids))
    told = brief(
        card.facts,
        conversations=talks,
        orders=card.orders,
        shipments=card.shipments,
        follow_ups=promised,
        notes=notes,
        now=parts.clock.now(),
        zone=parts.settings.time_zone,
        money=partial(words.money, currency=parts.settings.currency),
    )
    return View(card, talks, promised, notes, told, answer_seconds(card.touches))


def topics(parts: Services, view: View) -> None:
    """Draw everything else by topic: the person, their orders, how to reach them, who they are."""
    who, orders, reach, identity = st.tabs(["About them", "Orders and parcels", "May we write?", "Known by"])
    with who:
        _about(parts, view)
    with orders:
        _orders(parts, view.card)
    with reach, st.container(border=True):
        frame.section("May we write, and where?")
        person.reach(view.card, view.answers_after)
    with identity:
        _identity(parts, view.card)


def _about(parts: Services, view: View) -> None:
    facts, zone, currency = view.card.facts, parts.settings.time_zone, parts.settings.currency
    blocks: list[tuple[str, Callable[[], None]]] = [
        ("What they are worth", lambda: portrait.worth(facts, currency)),
        ("Service", lambda: portrait.service(facts, zone)),
        ("How they feel", lambda: portrait.feelings(facts)),
        ("How they answer", lambda: portrait.habits(facts)),
    ]
    for title, draw in blocks:
        with st.container(border=True):
            frame.section(title)
            draw()
    portrait.everything(facts, published_contract("customer_360"), currency, zone)


def _orders(parts: Services, card: CustomerCard) -> None:
    zone = parts.settings.time_zone
    if card.shipments:
        with st.container(border=True):
            frame.section("Parcels")
            person.parcels(card.shipments, zone)
    with st.container(border=True):
        frame.section("Orders")
        person.orders(card.orders, zone)
        if not card.orders:
            st.html('<div class="r-muted">No order yet.</div>')


def _identity(parts: Services, card: CustomerCard) -> None:
    zone = parts.settings.time_zone
    with st.container(border=True):
        frame.section("Known by")
        person.identifiers(card)
        sight = session.sight()
        known = [masking.golden(each, sight) for each in parts.customers.golden(card.customer_id)]
        golden.origins(known, zone)
    with st.container(border=True):
        frame.section("Why is this one person?")
        if not (sight.contacts and session.may("identity.look")):
            what = (
                "What ties their records together names addresses and numbers, which your role does not see."
            )
            st.html(f'<div class="r-muted">{what}</div>')
            return
        answer = parts.customers.why(card.customer_id)
        picture.picture(answer.steps)
        why(answer, zone)
        deciding.deciding(parts, card)
