"""The parts of a customer's card: who, how to reach them, whether we may, what they bought."""

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.components import portrait, words
from dashboard.components.tiles import Row, Tile, chip, rows, tiles
from dashboard.components.words import safe
from messaging.customers import (
    ChannelConsent,
    CustomerCard,
    CustomerFacts,
    CustomerHit,
    Identifier,
    Order,
    Shipment,
)

STAGE_TONES = {"active": "good", "new": "good", "lapsing": "warn", "lapsed": "warn"}
CONSENT_STATES = {"granted": "green", "revoked": "red", "none": "amber"}
MAY_WE = {"granted": "yes, we may", "revoked": "no, not for marketing", "none": "not for marketing"}
PARCELS = {"created": "being packed", "in_transit": "under way", "delivered": "delivered", "failed": "failed"}
KINDS = {"email": "E-mail", "phone": "Phone", "external_id": "Customer number", "device_id": "Device"}
MOST = 6  # orders shown at first


def header(card: CustomerCard, now_local: str) -> None:
    """Show who it is: name, stage, where and when they live."""
    facts = card.facts
    name = facts["display_name"] or "Name unknown"
    where = " · ".join(filter(None, [facts["country"], facts["language"], facts["time_zone"]]))
    small = "".join(f"<span>{safe(text)}</span>" for text in (where, now_local, card.customer_id))
    stage = chip(words.stage_name(facts["lifecycle_stage"]), STAGE_TONES.get(facts["lifecycle_stage"], ""))
    st.html(
        f'<div class="r-person"><div class="r-avatar" aria-hidden="true">{safe(_initials(name))}</div><div>'
        f'<div class="r-name" role="heading" aria-level="2">{safe(name)}</div>'
        f'<div class="r-chips r-muted r-small">{stage}{portrait.labels(facts)}{small}</div></div></div>'
    )


def value(card: CustomerCard, currency: str) -> None:
    """Show what the customer bought, and what is open."""
    facts = card.facts
    late = facts["late_shipment_count"]
    open_parcels = words.number(facts["open_shipment_count"])
    tiles(
        [
            Tile("Net revenue", words.money(facts["net_revenue_minor"], currency), _refunds(facts, currency)),
            Tile("Orders", words.number(facts["order_count"]), _average(facts, currency)),
            Tile("Last order", _since(facts), facts["favourite_category"] or ""),
            Tile(
                "Parcels under way",
                open_parcels,
                f"{words.number(late)} late so far" if late else "none ever late",
            ),
            Tile("Open conversations", words.number(facts["open_conversation_count"]), _wrote(facts)),
        ],
        dense=True,
    )


def reach(card: CustomerCard, answers_after: Mapping[str, float]) -> None:
    """Show each channel: the address, whether we may, and the proof; then what they prefer and how fast they answer."""
    addresses = {"email": card.facts["email"], "sms": card.facts["phone"]}
    rows([_consent(each, addresses.get(each.channel)) for each in card.consents])
    preferred = card.facts["preferred_channel"]
    if preferred:
        reason = card.facts["preferred_channel_reason"] or ""
        st.html(
            f'<div class="r-chips r-small">{chip(f"Prefers {words.channel_name(preferred)}", "brand")}'
            f'<span class="r-muted">{safe(words.dated(reason))}</span></div>'
        )
    if answers_after:
        st.html(f'<div class="r-muted r-small">{safe(answering(answers_after))}</div>')


def answering(answers_after: Mapping[str, float]) -> str:
    """Say how fast somebody answers by each channel, the fastest first: Answers by SMS in 6 minutes, by E-mail in 2 days."""
    fastest = sorted(answers_after.items(), key=lambda pair: (pair[1], pair[0]))
    told = [f"by {words.channel_name(channel)} in {words.duration(seconds)}" for channel, seconds in fastest]
    return f"Usually answers {', '.join(told)}."


def orders(items: Sequence[Order], zone: str) -> None:
    """List orders, the newest first."""
    rows([_order(each, zone) for each in items[:MOST]])
    if len(items) > MOST:
        with st.expander(f"{words.count(len(items) - MOST, 'earlier order')}"):
            rows([_order(each, zone) for each in items[MOST:]])


def parcels(items: Sequence[Shipment], zone: str) -> None:
    """List the parcels that matter now (under way, failed, or late when they came), or say that all is well."""
    now = [each for each in items if each.status != "delivered"]
    late = [each for each in items if each.status == "delivered" and (each.days_late or 0) > 0]
    rows([_parcel(each, zone) for each in (now + late)[:MOST]])
    if not now and not late:
        number = len(items)
        st.html(f'<div class="r-muted">{number} delivered, {"all" if number > 1 else "and"} in time.</div>')


def identifiers(card: CustomerCard) -> None:
    """List what this person is known by."""
    rows([_identifier(each) for each in card.identifiers])


def hit_label(hit: CustomerHit) -> str:
    """Give one search answer as the words of a button."""
    known = " · ".join(
        filter(None, [hit.email, hit.phone, hit.country, words.stage_name(hit.lifecycle_stage)])
    )
    return f"{hit.display_name or 'Name unknown'}  ·  {known}"


def _consent(consent: ChannelConsent, address: str | None) -> Row:
    name = f"{words.channel_name(consent.channel)}: {address or 'no address'}"
    state = CONSENT_STATES.get(consent.state, "amber")
    return Row(name, consent.sentence, MAY_WE.get(consent.state, consent.state), state)


def _order(order: Order, zone: str) -> Row:
    note = f"{words.day(order.ordered_at, zone)}, {words.count(order.line_count, 'line')}"
    if order.refund_minor:
        note += f", {words.money(order.refund_minor, order.currency)} refunded"
    return Row(order.order_id, note, words.money(order.net_amount_minor, order.currency))


def _parcel(parcel: Shipment, zone: str) -> Row:
    days = parcel.days_late or 0
    late = f", {words.count(days, 'day')} late" if days > 0 else ""
    note = f"{parcel.carrier or 'Carrier unknown'}, expected {words.day(parcel.estimated_delivery_at, zone)}"
    state = "red" if parcel.status == "failed" else "amber" if days > 0 else "green"
    return Row(f"Order {parcel.order_id}", note, f"{PARCELS.get(parcel.status, parcel.status)}{late}", state)


def _identifier(held: Identifier) -> Row:
    kind = KINDS.get(held.identifier_type, words.title(held.identifier_type))
    return Row(held.value, kind, f"in {words.count(held.source_count, 'source')}")


def _initials(name: str) -> str:
    letters = [part[0] for part in name.split() if part[0].isalpha()]
    return "".join(letters[:1] + letters[1:][-1:]).upper() or "?"


def _refunds(facts: CustomerFacts, currency: str) -> str:
    refunds = facts["refund_minor"]
    return f"after {words.money(refunds, currency)} refunds" if refunds else "no refunds"


def _average(facts: CustomerFacts, currency: str) -> str:
    average = facts["average_order_minor"]
    return f"{words.money(average, currency)} on average" if average else ""


def _since(facts: CustomerFacts) -> str:
    days = facts["days_since_last_order"]
    return "never" if days is None else words.count(days, "day") + " ago"


def _wrote(facts: CustomerFacts) -> str:
    return f"{words.count(facts['inbound_message_count'], 'message')} from them"
