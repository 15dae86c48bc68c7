"""What the gate has to know of a message, read from the store: for a plan of thousands or the next few."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from messaging.consent import KnownAs, look_up, suppressed
from messaging.consent_words import LOOKUP_BATCH
from messaging.policy import DEFAULT_CAPS, FrequencyCap, MessageClass, SendFacts
from messaging.quiet_hours import candidate_places, candidate_zones
from messaging.store.tables import contract_status, messages

COUNTED = ("calling", "unknown", "accepted", "done")  # states in which a message may have reached its reader


CALLED_BY_NUMBER = frozenset({"sms", "whatsapp", "voice"})  # a conversation's id tells of no place


@dataclass(frozen=True)
class Candidate:
    """One message that may go out: to whom (under all their ids), where, what for, and where they may be.

    `key` is the caller's own name for it; `message_id` keeps a message from counting against its own cap, and
    `cap` stands before the channel's.
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
    red_contracts: tuple[str, ...] = ()
    cap: FrequencyCap | None = None


def gather(
    connection: Connection,
    candidates: Sequence[Candidate],
    now: datetime,
    caps: Mapping[str, FrequencyCap] = DEFAULT_CAPS,
) -> dict[str, SendFacts]:
    """Read the facts of many candidates in a few queries a channel and purpose; `now` is naive UTC.

    Give `policy.decide` what this returns, by the candidates' keys.
    """
    facts: dict[str, SendFacts] = {}
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.channel, candidate.purpose].append(candidate)
    for (channel, purpose), group in groups.items():
        facts |= _gather_group(connection, group, channel, purpose, now, caps.get(channel))
    return facts


def red_contracts(connection: Connection, tables: Iterable[str] | None = None) -> tuple[str, ...]:
    """Name the tables whose checks are red: of those that a campaign stands on, or of all."""
    wanted = None if tables is None else set(tables)
    rows = select(contract_status.c.table_name).where(contract_status.c.state == "red")
    found: Iterable[str] = connection.execute(rows.order_by(contract_status.c.table_name)).scalars()
    return tuple(name for name in found if wanted is None or name in wanted)


def _gather_group(  # noqa: PLR0913, PLR0917 - one group's coordinates
    connection: Connection,
    group: Sequence[Candidate],
    channel: str,
    purpose: str,
    now: datetime,
    cap: FrequencyCap | None,
) -> dict[str, SendFacts]:
    people = {each for candidate in group for each in candidate.person.everything}
    hashes = {candidate.address_hash for candidate in group if candidate.address_hash}
    consents = look_up(connection, people, hashes, channel, purpose)
    suppressions = suppressed(connection, hashes, channel)
    days = max((limit.days for one in group if (limit := one.cap or cap)), default=0)
    history = _history(connection, people, channel, now - timedelta(days=days)) if days else {}
    return {
        one.key: SendFacts(
            channel=channel,
            message_class=one.message_class,
            now=now,
            address=one.address,
            address_given=one.address_given,
            suppression=suppressions.get(one.address_hash or ""),
            consent=consents.of(one.person, one.address_hash),
            zones=candidate_zones(one.time_zone, _phone(one)),
            places=candidate_places(one.country, one.region, _phone(one)),
            sent_at=_sent_at(history, one),
            cap=one.cap or cap,
            red_contracts=one.red_contracts,
        )
        for one in group
    }


def _phone(candidate: Candidate) -> str | None:
    return candidate.address if candidate.channel in CALLED_BY_NUMBER else None


def _sent_at(history: Mapping[str, list[tuple[str, datetime]]], one: Candidate) -> tuple[datetime, ...]:
    """Tell when this person was written to: under an id that was others' too, until they were parted from them."""
    until = dict(one.person.shared)
    return tuple(
        at
        for customer_id in one.person.everything
        for message_id, at in history.get(customer_id, ())
        if message_id != one.message_id and (customer_id in one.person.ids or at <= until[customer_id])
    )


def _history(
    connection: Connection, people: Iterable[str], channel: str, since: datetime
) -> dict[str, list[tuple[str, datetime]]]:
    """Read when each person's marketing messages on a channel may have reached them."""
    table = messages.c
    found: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    ordered = sorted(set(people))
    for start in range(0, len(ordered), LOOKUP_BATCH):
        rows = select(table.customer_id, table.message_id, table.calling_at).where(
            table.customer_id.in_(ordered[start : start + LOOKUP_BATCH]),
            table.channel == channel,
            table.message_class == "marketing",
            table.state.in_(COUNTED),
            table.calling_at > since,
        )
        for row in connection.execute(rows):
            found[row.customer_id].append((row.message_id, row.calling_at))
    return found
