"""`rapport consent`: what somebody allowed, with the proof, and what they tell us now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from data_contracts.errors import UsageError
from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, say

DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
consents = typer.Typer(no_args_is_help=True, help="What customers allowed us, and when.")
Who = Annotated[str, typer.Argument(help="An e-mail, telephone, order, customer or external id.")]
Channel = Annotated[str, typer.Option(help="email, sms, whatsapp, voice or chat.")]
Purpose = Annotated[str, typer.Option(help="marketing, service or profiling.")]
Method = Annotated[str, typer.Option(help="How they told us: phone, letter, in person, …")]
Wording = Annotated[str | None, typer.Option(help="What they were asked, or what they said.")]
Basis = Annotated[str, typer.Option(help="consent, soft_opt_in, legitimate_interest or contract.")]
Expires = Annotated[
    datetime | None, typer.Option(help="When it runs out, in UTC; from then on it is none.", formats=DATES)
]
Locale = Annotated[str | None, typer.Option(help="The language they were asked in, such as de-AT.")]
Evidence = Annotated[str | None, typer.Option(help="Where the proof lies: a recording, a form, a letter.")]
CHANNELS = ("email", "sms", "whatsapp", "voice", "chat")
PURPOSES = ("marketing", "service", "profiling")
BASES = ("consent", "soft_opt_in", "legitimate_interest", "contract")


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
    basis: Basis = "consent",
    wording: Wording = None,
    expires: Expires = None,
    locale: Locale = None,
    evidence: Evidence = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Record that a customer allows us to write, on which ground and until when."""
    said = {"legal_basis": basis, "wording": wording, "expires_at": expires, "locale": locale}
    _record(who, "grant", channel, purpose, method, actor, said | _proof(evidence), as_json=as_json)


@consents.command("revoke")
def revoke(  # noqa: PLR0913 - the facts of a consent
    who: Who,
    *,
    channel: Channel,
    purpose: Purpose = "marketing",
    method: Method,
    wording: Wording = None,
    locale: Locale = None,
    evidence: Evidence = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Record that a customer takes their permission back, or objects to profiling."""
    said = {"legal_basis": "consent", "wording": wording, "locale": locale} | _proof(evidence)
    _record(who, "revoke", channel, purpose, method, actor, said, as_json=as_json)


def _proof(evidence: str | None) -> dict[str, Any]:
    return {"evidence": {"note": evidence} if evidence else None}


def _record(  # noqa: PLR0913, PLR0917 - the facts of a consent
    who: str,
    action: Literal["grant", "revoke"],
    channel: str,
    purpose: str,
    method: str,
    actor: str,
    said: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from rich.markup import escape

    from messaging import consent
    from messaging.cli.opening import opened_customer
    from messaging.clock import read_clock
    from messaging.consent_chain import ConsentEvent
    from messaging.customers.consents import on_channel

    require(channel, CHANNELS, "--channel")
    require(purpose, PURPOSES, "--purpose")
    require(said["legal_basis"], BASES, "--basis")
    settings = read_settings()
    now = read_clock(settings.home).now()
    _refuse_over(said.get("expires_at"), now)
    with opened_customer(settings, who) as (customers, store, card):
        address_hash = address_hash_on(channel, customers.address_hashes(card.facts))
        event = ConsentEvent(
            channel=channel,
            purpose=purpose,
            action=action,
            occurred_at=now,
            source="rapport",
            actor=actor,
            method=method,
            customer_id=card.customer_id,
            address_hash=address_hash,
            **said,
        )
        with store.write() as connection:
            event_id = consent.record(connection, event, now)
        with store.read() as connection:
            known = customers.known_as(card.customer_id, connection)
            after = on_channel(connection, channel, known, address_hash, now)
    document = {
        "customer_id": card.customer_id,
        "event_id": event_id,
        "now": asdict(after),
    }
    told = f" {after.sentence}" if purpose == "marketing" else ""
    emit(document, as_json=as_json, human=lambda: say(f"Recorded.{escape(told)}"))


def _refuse_over(expires: datetime | None, now: datetime) -> None:
    """Refuse a grant that is over before it begins. Raises UsageError."""
    if expires is not None and expires <= now:
        raise UsageError(
            f"--expires is {expires:%Y-%m-%d %H:%M}, which has passed.",
            "Give a moment that lies ahead, or leave it out.",
        )


def address_hash_on(channel: str, hashes: Mapping[str, str]) -> str | None:
    """Give the hash of the address that a channel uses: whatever is no mail goes to the telephone."""
    return hashes.get("email" if channel == "email" else "sms")


def require(value: str, legal: tuple[str, ...], option: str) -> None:
    """Refuse a value that is not legal. Raises UsageError, which names those that are."""
    if value not in legal:
        raise UsageError(f"{option} is {value!r}.", f"It is one of {', '.join(legal)}.")
