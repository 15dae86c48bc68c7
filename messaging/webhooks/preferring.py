"""What the preference page shows and changes: marketing by each channel, and conclusions about a person (profiling).

A box shows what the gate would say: of the person under all their ids, at any of their addresses. Saving makes it so. A
box without a tick is their no, and recorded wherever none stands. A tick is their yes under each of their ids and at the
address of the link; what was said of another address by another way stands: agreeing here does not undo a STOP that a
telephone sent.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from messaging import consent
from messaging.consent import KnownAs
from messaging.consent_chain import ConsentEvent
from messaging.objections import PURPOSE as PROFILING
from messaging.objections import has_objected
from messaging.store.ids import new_id
from messaging.store.locks import address_key, lock, person_key
from messaging.store.tables import consent_events
from messaging.webhooks.pages import Choice
from messaging.webhooks.readers import Reached, Reader
from messaging.webhooks.words import Words

CHANNELS = ("email", "sms", "whatsapp", "voice")
OBJECTION = "profiling"


@dataclass(frozen=True)
class Wishes:
    """What somebody wants: the channels that may carry marketing, and whether they object to profiling."""

    channels: frozenset[str]
    objects: bool


def wishes_of(connection: Connection, reader: Reached, now: datetime) -> Wishes:
    """Read what stands of somebody by now (naive UTC), as the gate does."""
    return Wishes(
        frozenset(channel for channel in CHANNELS if _is_on(connection, reader, channel, now)),
        has_objected(connection, reader.known),
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


def set_wishes(connection: Connection, reader: Reader, wanted: Wishes, wording: Wording, at: datetime) -> int:
    """Make it so that what was ticked stands and the rest does not; give how many events that took."""
    lock(connection, [address_key(reader.address_hash), *map(person_key, reader.known.everything)])
    record_id = f"preferences/{new_id('req')}"
    events = 0
    for channel in CHANNELS:
        said = _said(reader, wording, at, record_id, channel=channel, purpose="marketing")
        if channel in wanted.channels:
            events += _switch_on(connection, reader, said, wording)
        else:
            events += _switch_off(connection, reader, said)
    if wanted.objects != has_objected(connection, reader.known):
        events += _set_objection(connection, reader, wording, at, record_id, objects=wanted.objects)
    return events


def _switch_on(connection: Connection, reader: Reader, said: ConsentEvent, wording: Wording) -> int:
    """Record a yes where none stands: under every id that said something, so that an earlier no ends."""
    here = reader.address_hash if said.channel == reader.channel else None
    if here is not None:
        consent.unsilence(connection, here, said.channel, said.occurred_at)
    elif _is_on(connection, reader, said.channel, said.occurred_at):
        return 0
    # Of an address alone a yes may stand that nobody of them gave: theirs holds wherever they are reached.
    stands = (
        _agreed(connection, reader.known, each, said.channel, said.occurred_at) for each in (here, None)
    )
    if all(stands):
        return 0
    granted = replace(said, action="grant", address_hash=here, wording=wording.by_channel[said.channel])
    ids = _spoken_of(connection, reader.known, said.channel) | {reader.customer_id}
    return len(consent.record_for(connection, sorted(ids), granted))


def _switch_off(connection: Connection, reader: Reader, said: ConsentEvent) -> int:
    """Record a no of the person wherever none stands, whatever the page has shown; and of the address, if it was open."""
    here = reader.address_hash
    if said.channel == reader.channel and _is_open(connection, reader, here, said.channel, said.occurred_at):
        stopped = consent.stop(
            connection, address_hash=here, channel=said.channel, at=said.occurred_at, source=said.source,
            customer_ids=[reader.customer_id], reason="unsubscribe", method="link",
            source_record_id=said.source_record_id, evidence=said.evidence,
        )  # fmt: skip
        return len(stopped)
    stands = consent.state(connection, reader.known, None, said.channel)
    if stands is not None and not stands.granted:
        return 0
    consent.record(connection, said, said.occurred_at)
    return 1


def _set_objection(  # noqa: PLR0913 - each is a fact of the evidence
    connection: Connection, reader: Reader, wording: Wording, at: datetime, record_id: str, *, objects: bool
) -> int:
    """Record an objection, or take it back on every channel where one stands, under every id that said it."""
    where = [reader.channel] if objects else list(_objected_on(connection, reader.known))
    events = 0
    for channel in where:
        said = _said(reader, wording, at, record_id, channel=channel, purpose=PROFILING)
        said = replace(said, action="revoke" if objects else "grant", wording=wording.profiling)
        ids = {reader.customer_id}
        if not objects:
            ids |= _spoken_of(connection, reader.known, channel, PROFILING)
        events += len(consent.record_for(connection, sorted(ids), said))
    return events


def _objected_on(connection: Connection, known: KnownAs) -> Iterator[str]:
    for channel in (*CHANNELS, "chat"):
        state = consent.state(connection, known, None, channel, PROFILING)
        if state is not None and not state.granted:
            yield channel


def _said(  # noqa: PLR0913 - the facts of one event
    reader: Reader, wording: Wording, at: datetime, record_id: str, *, channel: str, purpose: str
) -> ConsentEvent:
    """Give what they say of a channel: a no of the person alone, until something else is made of it."""
    return ConsentEvent(
        customer_id=reader.customer_id,
        channel=channel,
        purpose=purpose,
        action="revoke",
        legal_basis="consent" if purpose == "marketing" else "legitimate_interest",
        occurred_at=at,
        source="rapport",
        source_record_id=record_id,
        actor="customer",
        method="preferences",
        locale=wording.locale,
        evidence={"message_id": reader.message.message_id},
    )


def _spoken_of(connection: Connection, known: KnownAs, channel: str, purpose: str = "marketing") -> set[str]:
    """Name those of a person's ids under which something was said."""
    table = consent_events.c
    rows = select(table.customer_id).where(
        table.customer_id.in_(known.ids), table.channel == channel, table.purpose == purpose
    )
    return set(connection.execute(rows.distinct()).scalars())


def _is_on(connection: Connection, reader: Reached, channel: str, now: datetime) -> bool:
    """Say whether marketing may go by a channel to one of their addresses; to none, whether they agreed to it."""
    hashes = reader.hashes[channel]
    if not hashes:
        return _agreed(connection, reader.known, None, channel, now)
    return any(_is_open(connection, reader, each, channel, now) for each in hashes)


def _is_open(connection: Connection, reader: Reached, address_hash: str, channel: str, now: datetime) -> bool:
    if consent.suppressed(connection, [address_hash], channel):
        return False
    return _agreed(connection, reader.known, address_hash, channel, now)


def _agreed(
    connection: Connection, known: KnownAs, address_hash: str | None, channel: str, now: datetime
) -> bool:
    state = consent.state(connection, known, address_hash, channel)
    return state is not None and state.granted and not state.ran_out(now)
