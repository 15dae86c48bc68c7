"""What the preference page shows and changes: marketing by each channel, and conclusions about a person (profiling).

Only what differs from what stands is recorded, each with the words that were agreed to. What was said of an address by
another way stands: agreeing here does not undo a STOP that a telephone sent.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from messaging import consent
from messaging.consent import KnownAs
from messaging.consent_chain import ConsentEvent
from messaging.objections import PURPOSE as PROFILING
from messaging.objections import has_objected
from messaging.store.ids import new_id
from messaging.webhooks.pages import Choice
from messaging.webhooks.words import Words

CHANNELS = ("email", "sms", "whatsapp", "voice")
OBJECTION = "profiling"


@dataclass(frozen=True)
class Wishes:
    """What somebody wants: the channels that may carry marketing, and whether they object to profiling."""

    channels: frozenset[str]
    objects: bool


def wishes_of(connection: Connection, message: Row[Any]) -> Wishes:
    """Read what stands of whoever a message went to."""
    return Wishes(
        frozenset(channel for channel in CHANNELS if _is_on(connection, message, channel)),
        has_objected(connection, KnownAs((message.customer_id,))),
    )


def wished(fields: Collection[str]) -> Wishes:
    """Read what was ticked."""
    return Wishes(
        frozenset(channel for channel in CHANNELS if f"marketing.{channel}" in fields), OBJECTION in fields
    )


def choices(wishes: Wishes, words: Words) -> list[Choice]:
    """Give the boxes of the page."""
    return [
        *(
            Choice(
                f"marketing.{channel}",
                words.offers.format(channel=words.by[channel]),
                channel in wishes.channels,
                words.stopped_hint if channel == "sms" else "",
            )
            for channel in CHANNELS
        ),
        Choice(OBJECTION, words.profiling, wishes.objects, words.profiling_hint),
    ]


@dataclass(frozen=True)
class Wording:
    """The words that the page asked with."""

    locale: str
    by_channel: Mapping[str, str]
    profiling: str


def wording_of(words: Words, locale: str, company: str) -> Wording:
    """Give what ticking each box means, in full."""
    told = {channel: words.wording.format(company=company, channel=words.by[channel]) for channel in CHANNELS}
    return Wording(locale, told, f"{words.profiling}. {words.profiling_hint}")


def set_wishes(
    connection: Connection, message: Row[Any], wanted: Wishes, wording: Wording, at: datetime
) -> int:
    """Record what differs from what stands; give how many events that took."""
    standing = wishes_of(connection, message)
    record_id = f"preferences/{new_id('req')}"
    events = 0
    for channel in CHANNELS:
        on = channel in wanted.channels
        if on == (channel in standing.channels):
            continue
        said = _said(message, wording, at, record_id, channel=channel, purpose="marketing")
        events += (
            _switch_on(connection, message, said, wording) if on else _switch_off(connection, message, said)
        )
    if wanted.objects != standing.objects:
        events += _set_objection(connection, message, wording, at, record_id, objects=wanted.objects)
    return events


def _switch_on(connection: Connection, message: Row[Any], said: dict[str, Any], wording: Wording) -> int:
    channel = said["channel"]
    if channel == message.channel:
        consent.lift(
            connection, address_hash=message.address_hash, channel=channel, at=said["occurred_at"], source=said["source"],
            customer_ids=[message.customer_id], method="link", source_record_id=f"{said['source_record_id']}/lift",
            evidence=said["evidence"],
        )  # fmt: skip
    event = ConsentEvent(action="grant", wording=wording.by_channel[channel], **said)
    consent.record(connection, event, said["occurred_at"])
    return 1


def _switch_off(connection: Connection, message: Row[Any], said: dict[str, Any]) -> int:
    if said["channel"] != message.channel:
        consent.record(connection, ConsentEvent(action="revoke", **said), said["occurred_at"])
        return 1
    return len(
        consent.stop(
            connection, address_hash=message.address_hash, channel=said["channel"], at=said["occurred_at"],
            source=said["source"], customer_ids=[message.customer_id], reason="unsubscribe", method="link",
            source_record_id=said["source_record_id"], evidence=said["evidence"],
        )
    )  # fmt: skip


def _set_objection(  # noqa: PLR0913 - each is a fact of the evidence
    connection: Connection,
    message: Row[Any],
    wording: Wording,
    at: datetime,
    record_id: str,
    *,
    objects: bool,
) -> int:
    """Record an objection, or take it back on every channel where one stands."""
    where = [message.channel] if objects else list(_objected_on(connection, message))
    for channel in where:
        said = _said(message, wording, at, record_id, channel=channel, purpose=PROFILING)
        action = "revoke" if objects else "grant"
        event = ConsentEvent(action=action, wording=wording.profiling, **said)
        consent.record(connection, event, at)
    return len(where)


def _objected_on(connection: Connection, message: Row[Any]) -> Iterator[str]:
    for channel in (*CHANNELS, "chat"):
        state = consent.state(connection, [message.customer_id], None, channel, PROFILING)
        if state is not None and not state.granted:
            yield channel


def _said(  # noqa: PLR0913 - the facts of one event
    message: Row[Any], wording: Wording, at: datetime, record_id: str, *, channel: str, purpose: str
) -> dict[str, Any]:
    of_address = channel == message.channel and purpose == "marketing"
    return {
        "customer_id": message.customer_id,
        "address_hash": message.address_hash if of_address else None,
        "channel": channel,
        "purpose": purpose,
        "legal_basis": "consent" if purpose == "marketing" else "legitimate_interest",
        "occurred_at": at,
        "source": "rapport",
        "source_record_id": record_id,
        "actor": "customer",
        "method": "preferences",
        "locale": wording.locale,
        "evidence": {"message_id": message.message_id},
    }


def _is_on(connection: Connection, message: Row[Any], channel: str) -> bool:
    own = channel == message.channel
    said = consent.state(connection, [message.customer_id], message.address_hash if own else None, channel)
    silent = own and consent.suppressed(connection, [message.address_hash], channel)
    return said is not None and said.granted and not silent
