"""What the gate has to know of a message, read from the store: for a plan of thousands or the next few."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, case, exists, false, or_, select

from messaging.addresses import country_of
from messaging.complaints import OpenComplaints, open_complaints
from messaging.consent import Consents, KnownAs, look_up, suppressed
from messaging.consent_words import batches
from messaging.policy import FrequencyCap, Limits, MessageClass, SendFacts, Sent, shipped_limits
from messaging.quiet_hours import LONGEST_LIMIT, candidate_places, candidate_zones
from messaging.store.among import among
from messaging.store.tables import contract_status, inbound_messages, messages, provider_events

COUNTED = frozenset(
    {"calling", "unknown", "accepted", "done"}
)  # states in which a message may have reached its reader
CALLED_BY_NUMBER = frozenset({"sms", "whatsapp", "voice"})  # a conversation's id tells of no place
# WhatsApp takes free words for 24 hours after the person's own. Five minutes less, since their clock is not ours, and
# a message that comes too late is paid for and lost (63016).
WINDOW = timedelta(hours=23, minutes=55)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One message that may go out: to whom (under all their ids), where, what for, and where they may be.

    `key` is the caller's own name for it; `message_id` keeps a message from counting against its own cap, and `caps`
    are its campaign's own, beside everybody's. `segments` and `characters` are what is paid for.
    `answers_stop_until` is of our one answer to a STOP alone.
    """

    key: str
    person: KnownAs
    channel: str
    address: str | None
    address_hash: str | None
    message_class: MessageClass = "marketing"
    purpose: str = "marketing"
    address_given: bool = True
    time_zone: str | None = None
    country: str | None = None
    region: str | None = None
    message_id: str | None = None
    campaign: str | None = None
    red_contracts: tuple[str, ...] = ()
    caps: tuple[FrequencyCap, ...] = ()
    has_template: bool = False
    segments: int | None = None
    characters: int = 0
    expires_at: datetime | None = None
    answers_stop_until: datetime | None = None


class _Past(NamedTuple):
    """A message that counts."""

    message_id: str
    sent: Sent


@dataclass(frozen=True)
class _Known:
    """What was read of everybody in a group, of one channel and purpose."""

    consents: Consents
    suppressions: Mapping[str, str]
    complaints: OpenComplaints
    windows: frozenset[str]
    past: Mapping[str, list[_Past]]  # by the person's id, and by the address's hash


def gather(
    connection: Connection, candidates: Sequence[Candidate], now: datetime, limits: Limits | None = None
) -> dict[str, SendFacts]:
    """Read the facts of many candidates in a few queries a channel and purpose; `now` is naive UTC.

    Give `policy.decide` what this returns, by the candidates' keys. What of budgets is promised is not among it: each
    message changes it for the next (`messaging.outbox`).
    """
    limits = limits or shipped_limits()
    facts: dict[str, SendFacts] = {}
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.channel, candidate.purpose].append(candidate)
    for (channel, purpose), group in groups.items():
        known = _read(connection, group, channel, purpose, now, limits)
        caps = tuple(cap for cap in limits.caps if cap.channel in {None, channel})
        for one in group:
            facts[one.key] = _facts(one, known, now, limits, caps)
    return facts


def red_contracts(connection: Connection, tables: Iterable[str] | None = None) -> tuple[str, ...]:
    """Name the tables whose checks are red: of those that a campaign stands on, or of all."""
    wanted = None if tables is None else set(tables)
    rows = select(contract_status.c.table_name).where(contract_status.c.state == "red")
    found: Iterable[str] = connection.execute(rows.order_by(contract_status.c.table_name)).scalars()
    return tuple(name for name in found if wanted is None or name in wanted)


def open_windows(connection: Connection, address_hashes: Iterable[str], now: datetime) -> frozenset[str]:
    """Give which of these addresses wrote to us by WhatsApp just now, so that free words may go to them."""
    table = inbound_messages.c
    found: set[str] = set()
    for some in batches(address_hashes):
        wrote = select(table.address_hash).where(
            table.channel == "whatsapp", table.address_hash.in_(some), table.received_at > now - WINDOW
        )
        found |= set(connection.execute(wrote).scalars())
    return frozenset(found)


def _since(group: Sequence[Candidate], now: datetime, limits: Limits) -> datetime | None:
    """Say from when on it counts what these people were sent, None where nothing does."""
    if all(one.message_class != "marketing" for one in group):
        return None
    caps = [*limits.caps, *(cap for one in group for cap in one.caps)]
    return now - max([LONGEST_LIMIT, *(timedelta(days=cap.days) for cap in caps)])


def _read(  # noqa: PLR0913, PLR0917 - one group's coordinates
    connection: Connection,
    group: Sequence[Candidate],
    channel: str,
    purpose: str,
    now: datetime,
    limits: Limits,
) -> _Known:
    people = {each for candidate in group for each in candidate.person.everything}
    hashes = {candidate.address_hash for candidate in group if candidate.address_hash}
    since = _since(group, now, limits)
    return _Known(
        consents=look_up(connection, people, hashes, channel, purpose),
        suppressions=suppressed(connection, hashes, channel),
        complaints=open_complaints(connection, people, hashes),
        windows=open_windows(connection, hashes, now) if channel == "whatsapp" else frozenset(),
        past=_history(connection, people, hashes, since) if since else {},
    )


def _facts(
    one: Candidate, known: _Known, now: datetime, limits: Limits, caps: tuple[FrequencyCap, ...]
) -> SendFacts:
    phone = one.address if one.channel in CALLED_BY_NUMBER else None
    return SendFacts(
        channel=one.channel,
        message_class=one.message_class,
        now=now,
        address=one.address,
        address_given=one.address_given,
        suppression=known.suppressions.get(one.address_hash or ""),
        consent=known.consents.of(one.person, one.address_hash),
        complaint_since=known.complaints.since(one.person, one.address_hash),
        has_template=one.has_template,
        window_open=one.address_hash in known.windows,
        zones=candidate_zones(one.time_zone, phone),
        places=candidate_places(one.country, one.region, phone),
        sent=_sent(known.past, one) if known.past else (),
        caps=(*caps, *one.caps) if one.caps else caps,
        campaign=one.campaign,
        red_contracts=one.red_contracts,
        expires_at=one.expires_at,
        answers_stop_until=one.answers_stop_until,
        cost=_cost(one, limits, phone),
        currency=limits.prices.currency,
    )


def _cost(one: Candidate, limits: Limits, phone: str | None) -> int:
    if one.channel not in limits.prices.channels:
        return 0
    country = country_of(phone) if phone else None
    return limits.prices.cost(one.channel, country, one.segments, one.characters)


def _sent(past: Mapping[str, list[_Past]], one: Candidate) -> tuple[Sent, ...]:
    """Tell what this person and this address were sent, whoever else's the address is: each message once.

    What went under an id that was others' too counts until they were parted from them.
    """
    if not one.person.shared and len(one.person.ids) == 1:
        theirs = past.get(one.person.ids[0], ())
    else:
        theirs = _theirs(past, one.person)
    at_address = past.get(one.address_hash or "", ())
    if not theirs and not at_address:
        return ()
    found = {each.message_id: each.sent for each in (*theirs, *at_address)}
    found.pop(one.message_id or "", None)
    return tuple(found.values())


def _theirs(past: Mapping[str, list[_Past]], person: KnownAs) -> list[_Past]:
    until = dict(person.shared)
    return [
        each
        for customer_id in person.everything
        for each in past.get(customer_id, ())
        if customer_id in person.ids or each.sent.at <= until[customer_id]
    ]


def _history(
    connection: Connection, people: Iterable[str], hashes: Iterable[str], since: datetime
) -> dict[str, list[_Past]]:
    """Read what marketing may have reached each person and each address since a moment (naive UTC)."""
    found: dict[str, list[_Past]] = defaultdict(list)
    for subject, values in (("customer_id", people), ("address_hash", hashes)):
        for some in batches(values):
            for row in connection.execute(_counting(subject), {"some": some, "since": since}).all():
                if row.state in COUNTED or row.rang:
                    sent = Sent(row.calling_at, row.channel, row.campaign)
                    found[row.subject].append(_Past(row.message_id, sent))
    return found


@cache  # to put a query together costs more than to run it
def _counting(subject: str) -> Select[Any]:
    """Build the query of the marketing that `some` were sent; its states are looked at afterwards.

    Were they asked for, SQLite would go by their index, and read everything that ever went.
    """
    table = messages.c
    columns = (table.message_id, table.state, table.calling_at, table.channel, table.campaign, _rang())
    return select(table[subject].label("subject"), *columns).where(
        among(table[subject], "some"),
        table.message_class == "marketing",
        table.calling_at > bindparam("since"),
    )


def _rang() -> ColumnElement[bool]:
    """Say whether a call that came to nothing made a phone ring: a missed call is noticed, and so counts.

    Nobody answered, or the line was engaged (`undelivered`, in our word); or it was called off, or failed, after it rang.
    """
    table, events = messages.c, provider_events.c
    heard = exists().where(events.message_id == table.message_id, events.status == "ringing")
    missed = or_(table.provider_status == "undelivered", heard)
    return case((and_(table.channel == "voice", table.state == "failed"), missed), else_=false()).label(
        "rang"
    )
