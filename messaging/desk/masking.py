"""One customer as somebody may see them: names, addresses and words are masked before a page gets them, not on it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from data_contracts.contracts import published_contract
from data_contracts.model import Contract
from messaging.access import HIDDEN, Sight
from messaging.customers import (
    CustomerCard,
    CustomerFacts,
    CustomerHit,
    GoldenValue,
    OpenConversation,
    TimelineEntry,
)
from messaging.desk.follow_ups import FollowUp
from messaging.desk.notes import Note
from messaging.desk.today import Today
from messaging.planner import ShownMessage, Why
from messaging.planner.evidence import Fact

NAMES = frozenset({"given_name", "family_name", "display_name"})
SPEAKS_FOR_ITSELF = frozenset({"order", "refund", "shipment"})  # kinds of entries whose title no person wrote
PLAIN = frozenset({"country", "language", "time_zone"})  # details that single nobody out


def card(seen: CustomerCard, sight: Sight) -> CustomerCard:
    """Mask a card; what is sensitive is left out where it is not for them."""
    masked = facts(seen.facts, sight, published_contract("customer_360"), hidden=None)
    return replace(
        seen,
        facts=cast("CustomerFacts", masked),
        identifiers=tuple(
            replace(each, value=sight.identifier(each.identifier_type, each.value))
            for each in seen.identifiers
        ),
        touches=tuple(entry(each, sight) for each in seen.touches),
    )


def facts(
    row: Mapping[str, Any], sight: Sight, contract: Contract, *, hidden: str | None = HIDDEN
) -> dict[str, Any]:
    """Mask columns of customer_360: names, addresses and numbers, and `hidden` in place of what is sensitive."""
    masks = {"email": sight.email, "phone": sight.phone} | dict.fromkeys(NAMES, sight.name)
    sensitive = {each.name for each in contract.columns if each.classification == "sensitive"}
    shown = dict(row)
    for name in masks.keys() & row.keys():
        shown[name] = None if row[name] is None else masks[name](str(row[name]))
    if not sight.contacts:
        shown |= {name: hidden for name in sensitive & row.keys() if row[name] is not None}
    return shown


def hit(seen: CustomerHit, sight: Sight) -> CustomerHit:
    """Mask an answer to a search."""
    return replace(
        seen,
        display_name=sight.name(seen.display_name),
        email=sight.email(seen.email),
        phone=sight.phone(seen.phone),
    )


def entry(seen: TimelineEntry, sight: Sight) -> TimelineEntry:
    """Mask what was written in an entry of a timeline, its title too: of a mail that is the subject."""
    if sight.wrote:
        return seen
    title = seen.title if seen.kind in SPEAKS_FOR_ITSELF else seen.kind.replace("_", " ").capitalize()
    return replace(seen, title=title, body=sight.text(seen.body))


def conversation(seen: OpenConversation, sight: Sight) -> OpenConversation:
    """Mask what they said last."""
    return replace(seen, words=sight.text(seen.words))


def note(seen: Note, sight: Sight) -> Note:
    """Mask what a colleague wrote: it names people."""
    return replace(seen, body=sight.text(seen.body) or "")


def follow_up(seen: FollowUp, sight: Sight) -> FollowUp:
    """Mask what was promised, and what came of it."""
    return replace(seen, promise=sight.text(seen.promise) or "", outcome=sight.text(seen.outcome))


def golden(seen: GoldenValue, sight: Sight) -> GoldenValue:
    """Mask a detail of somebody, and tell where it comes from all the same."""
    if seen.attribute in NAMES:
        return replace(seen, value=sight.name(seen.value) or "")
    if seen.attribute in {"email", "phone"}:
        return replace(seen, value=sight.identifier(seen.attribute, seen.value))
    return seen if sight.contacts or seen.attribute in PLAIN else replace(seen, value=HIDDEN)


def landed(contract: Contract, row: Mapping[str, Any], sight: Sight) -> dict[str, Any]:
    """Mask a row of a file before it lands: what its contract calls personal, and what it knows nothing of."""
    plain = {each.name for each in contract.columns if each.classification not in {"personal", "sensitive"}}
    shown = plain | PLAIN
    return {
        name: value if sight.contacts or name in shown or value in (None, "") else HIDDEN
        for name, value in row.items()
    }


def why(seen: Why, sight: Sight) -> Why:
    """Mask the person's values among the steps of why they got a message."""
    contract = published_contract("customer_360")
    columns = {each.title: each.name for each in contract.columns}

    def masked(fact: Fact) -> Fact:
        name = columns.get(fact.what)
        return fact if name is None else replace(fact, value=facts({name: fact.value}, sight, contract)[name])

    steps = [replace(step, facts=tuple(map(masked, step.facts))) for step in seen.steps]
    return replace(seen, steps=tuple(steps))


def message(seen: ShownMessage, sight: Sight) -> ShownMessage:
    """Mask to whom a message goes; whoever may not read what was written is not given any."""
    return replace(seen, display_name=sight.name(seen.display_name))


def today(seen: Today, sight: Sight) -> Today:
    """Mask who waits, and what was promised to whom."""
    return replace(
        seen,
        waiting=tuple(replace(each, name=sight.name(each.name)) for each in seen.waiting),
        follow_ups=tuple(follow_up(each, sight) for each in seen.follow_ups),
        names={customer_id: sight.name(name) for customer_id, name in seen.names.items()},
    )
