"""`rapport consent`: what somebody allowed, with the proof, and what they tell us now."""

from typing import Annotated, Literal

import typer

from data_contracts.errors import UsageError
from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, say

consents = typer.Typer(no_args_is_help=True, help="What customers allowed us, and when.")
Who = Annotated[str, typer.Argument(help="An e-mail, telephone, order, customer or external id.")]
Channel = Annotated[str, typer.Option(help="email or sms.")]
Purpose = Annotated[str, typer.Option(help="marketing, service or profiling.")]
Method = Annotated[str, typer.Option(help="How they told us: phone, letter, in person, …")]
Wording = Annotated[str | None, typer.Option(help="What they were asked, or what they said.")]
CHANNELS = ("email", "sms")
PURPOSES = ("marketing", "service", "profiling")


@consents.command("show")
def show(who: Who, *, actor: Actor, as_json: AsJson = False) -> None:
    """Show what a customer allowed us on each channel, and every event behind it."""
    from dataclasses import asdict

    from messaging import consent
    from messaging.cli.cards import print_consents
    from messaging.cli.opening import looked, opened_customer

    settings = read_settings()
    with opened_customer(settings, who) as (customers, store, card):
        looked(settings, store, actor, "consent.look", card.customer_id)
        hashes = sorted(customers.address_hashes(card.facts).values())
        with store.read() as connection:
            known = customers.known_as(card.customer_id, connection)
            events = consent.show(connection, known, hashes)
    document = {
        "customer_id": card.customer_id,
        "consents": [asdict(each) for each in card.consents],
        "events": events,
    }
    emit(document, as_json=as_json, human=lambda: print_consents(card, events))


@consents.command("grant")
def grant(  # noqa: PLR0913 - the facts of a consent
    who: Who,
    *,
    channel: Channel,
    purpose: Purpose = "marketing",
    method: Method,
    wording: Wording = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Record that a customer allows us to write."""
    _record(who, "grant", channel, purpose, method, wording, actor, as_json=as_json)


@consents.command("revoke")
def revoke(  # noqa: PLR0913 - the facts of a consent
    who: Who,
    *,
    channel: Channel,
    purpose: Purpose = "marketing",
    method: Method,
    wording: Wording = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Record that a customer takes their permission back."""
    _record(who, "revoke", channel, purpose, method, wording, actor, as_json=as_json)


def _record(  # noqa: PLR0913, PLR0917 - the facts of a consent
    who: str,
    action: Literal["grant", "revoke"],
    channel: str,
    purpose: str,
    method: str,
    wording: str | None,
    actor: str,
    *,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from rich.markup import escape

    from messaging import consent
    from messaging.cli.opening import opened_customer
    from messaging.clock import read_clock
    from messaging.consent_chain import ConsentEvent

    _require(channel, CHANNELS, "--channel")
    _require(purpose, PURPOSES, "--purpose")
    settings = read_settings()
    now = read_clock(settings.home).now()
    with opened_customer(settings, who) as (customers, store, card):
        event = ConsentEvent(
            channel=channel,
            purpose=purpose,
            action=action,
            legal_basis="consent",
            occurred_at=now,
            source="rapport",
            actor=actor,
            method=method,
            customer_id=card.customer_id,
            address_hash=customers.address_hashes(card.facts).get(channel),
            wording=wording,
        )
        with store.write() as connection:
            event_id = consent.record(connection, event, now)
        after = next(each for each in customers.get(card.customer_id).consents if each.channel == channel)
    document = {"customer_id": card.customer_id, "event_id": event_id, "now": asdict(after)}
    emit(document, as_json=as_json, human=lambda: say(f"Recorded. {escape(after.sentence)}"))


def _require(value: str, legal: tuple[str, ...], option: str) -> None:
    if value not in legal:
        raise UsageError(f"{option} is {value!r}.", f"It is one of {', '.join(legal)}.")
