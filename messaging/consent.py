"""Consent and suppression: what people told us we may do, as events that are only ever added.

An event belongs to a person, an address or both, on one channel for one purpose. Of each person and of each
address the newest event counts, and the strictest of these wins. An import never takes back what was said of
another address: of people who were merged, the one who said no is heard. After a split, what was withdrawn
before counts for everybody who was one until then, and a grant for the address that it was given for.
A suppression is the harder thing: an address that nothing goes to, whoever owns it; it is kept by keyed hash
alone, so that it outlives its owner's erasure.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import Connection, Select, bindparam, or_, select, update

from messaging.consent_chain import (
    ConsentEvent,
    append,
    of_person,
    record_key,
    said_already,
    voided,
)
from messaging.consent_words import ConsentState, Word, batches, newest, standing_word, words_by, words_of
from messaging.store.among import among
from messaging.store.locks import address_key, lock, person_key
from messaging.store.tables import consent_events, messages, suppressions

SuppressionReason = Literal["stop", "unsubscribe", "bounce", "complaint", "provider", "person"]
MAIL, PHONE = (
    ("email",),
    ("sms", "whatsapp", "voice", "chat"),
)  # the channels that use an address of each type
LIFTABLE = ("stop", "unsubscribe")  # the person's own word; a bounce is not undone by START
SAID_FROM_ADDRESS = (
    "keyword",
    "link",
    "provider",
    "words",
)  # methods that prove an address, not which of its owners


@dataclass(frozen=True)
class KnownAs:
    """All ids of one person: those that they have or had, and those that were others' too until a split.

    `shared` pairs such an id with that moment (naive UTC): of what was recorded under it until then a withdrawal
    counts, and a grant where it was given for the very address. After it the id counts if it is among `ids`.

    `rejoined` tells of people who were one again later, as (id, until, again): to those who did not have the id
    meanwhile its withdrawals of before `until` stood whatever its owner said, and they stand for all of them until
    a grant after `again`.
    """

    ids: tuple[str, ...]
    shared: tuple[tuple[str, datetime], ...] = ()
    rejoined: tuple[tuple[str, datetime, datetime], ...] = ()

    @property
    def everything(self) -> tuple[str, ...]:
        """Every id under which something may have been recorded that counts."""
        if not self.shared:
            return self.ids
        return tuple(dict.fromkeys((*self.ids, *(customer_id for customer_id, _ in self.shared))))


MERGES_UNKNOWN: Mapping[str, KnownAs] = MappingProxyType({})  # a release is there, and none could be read


class Consents:
    """What each person and address that was looked up has said, for one channel and purpose."""

    def __init__(self, by_person: dict[str, list[Word]], by_address: dict[str, list[Word]]) -> None:
        self._by_person = by_person
        self._by_address = by_address

    def of(self, person: KnownAs, address_hash: str | None) -> ConsentState | None:
        """Give the strictest of what a person (under all their ids) and an address have said, or None."""
        if not self._by_address and not person.shared and not person.rejoined and len(person.ids) == 1:
            return standing_word(self._by_person.get(person.ids[0], ()))  # as with most, and most of the time
        until = dict(person.shared)
        said = [newest(self._by_address.get(address_hash or "", ()))]
        for customer_id in person.everything:
            shared_until, own = until.get(customer_id), customer_id in person.ids
            words = self._by_person.get(customer_id, ())
            said.append(
                standing_word([each for each in words if _counts(each, shared_until, own, address_hash)])
            )
        for customer_id, parted_at, again in person.rejoined:
            own, words = customer_id in person.ids, self._by_person.get(customer_id, ())
            kept = [
                each
                for each in words
                if (each.recorded_at <= parted_at or each.recorded_at > again)
                and _counts(each, parted_at, own, address_hash)
            ]
            said.append(standing_word(kept))
        known = [state for state in said if state is not None]
        refused = [state for state in known if not state.granted]
        return max(refused or known, key=lambda state: state.occurred_at, default=None)


def look_up(
    connection: Connection,
    customer_ids: Iterable[str],
    address_hashes: Iterable[str],
    channel: str,
    purpose: str,
) -> Consents:
    """Read the consents of many people and addresses at once."""
    asked = {"customer_id": customer_ids, "address_hash": address_hashes}
    said = words_by(connection, asked, channel, purpose)
    return Consents(said["customer_id"], said["address_hash"])


def state(
    connection: Connection,
    person: KnownAs | Sequence[str],
    address_hash: str | None,
    channel: str,
    purpose: str = "marketing",
) -> ConsentState | None:
    """Read one consent: granted or revoked with its evidence, or None where nobody ever said anything.

    `person` is all ids of a person, alone or with those that they once shared.
    """
    known = person if isinstance(person, KnownAs) else KnownAs(tuple(person))
    hashes = [address_hash] if address_hash else []
    return look_up(connection, known.everything, hashes, channel, purpose).of(known, address_hash)


def record(connection: Connection, event: ConsentEvent, recorded_at: datetime) -> str:
    """Add one consent event, under the locks of its person and address; give its id."""
    _lock(connection, [event.customer_id] if event.customer_id else [], event.address_hash)
    return append(connection, [event], recorded_at)[0]


def stop(  # noqa: PLR0913 - each is a fact of the evidence
    connection: Connection,
    *,
    address_hash: str,
    channel: str,
    at: datetime,
    source: str,
    customer_ids: Iterable[str] = (),
    reason: SuppressionReason = "stop",
    method: str = "keyword",
    actor: str = "customer",
    source_record_id: str | None = None,
    evidence: dict[str, Any] | None = None,
) -> list[str]:
    """Take an opt-out: suppress the address and revoke marketing of the people behind it, on this channel.

    Those are the people named, and everybody whom we wrote to at this address. It takes the locks that a send
    takes, so once the caller commits no send to them begins. Give the whole of it one transaction:
    `with store.write() as connection: stop(connection, ...)`. `at` is naive UTC; gives the ids of the events.
    """
    people = sorted({*customer_ids, *_written_to(connection, address_hash, channel)})
    _lock(connection, people, address_hash)
    suppress(connection, address_hash=address_hash, channel=channel, reason=reason, at=at, source=source)
    said = ConsentEvent(
        address_hash=address_hash,
        channel=channel,
        purpose="marketing",
        legal_basis="consent",
        action="revoke",
        occurred_at=at,
        source=source,
        source_record_id=source_record_id,
        actor=actor,
        method=method,
        evidence=evidence,
    )
    return _append_for(connection, people, said)


def lift(  # noqa: PLR0913 - each is a fact of the evidence
    connection: Connection,
    *,
    address_hash: str,
    channel: str,
    at: datetime,
    source: str,
    customer_ids: Iterable[str] = (),
    method: str = "keyword",
    actor: str = "customer",
    source_record_id: str | None = None,
    evidence: dict[str, Any] | None = None,
) -> list[str]:
    """Take back an opt-out (START): lift the address's own suppression, grant marketing on the channel.

    It grants what stood before the opt-out, and where none did it lifts the suppression alone: START is no consent, and
    gives no ids. Where several people are behind an address nobody knows which of them wrote, so that only those get
    their consent back who had given it by themselves; one who never did, or took it back elsewhere, stays out.
    """
    owners = set(customer_ids)
    behind = sorted({*owners, *_written_to(connection, address_hash, channel)})
    _lock(connection, behind, address_hash)
    standing = state(connection, behind, address_hash, channel)
    lifted = unsilence(connection, address_hash, channel, at)
    if not lifted and (standing is None or standing.granted):
        return []
    writer = owners if len(owners) == 1 else set(behind) if len(behind) == 1 else set()
    before = _before_opt_outs(connection, behind if writer else (), address_hash, channel, at)
    agreed = _agreed_elsewhere(connection, behind, address_hash, channel)
    people = sorted({*(writer if before else ()), *agreed})
    if not people and before is None:
        return []
    said = ConsentEvent(
        address_hash=address_hash,
        channel=channel,
        purpose="marketing",
        legal_basis="consent",
        action="grant",
        occurred_at=at,
        source=source,
        source_record_id=source_record_id,
        actor=actor,
        method=method,
        evidence=evidence,
        expires_at=before.expires_at if before else None,
    )
    return _append_for(connection, people, said)


def stop_everywhere(  # noqa: PLR0913 - each is a fact of the evidence
    connection: Connection,
    *,
    address_hash: str,
    channel: str,
    at: datetime,
    source: str,
    source_record_id: str,
    customer_ids: Iterable[str] = (),
    method: str = "words",
    evidence: dict[str, Any] | None = None,
) -> list[str]:
    """Take an opt-out of every channel: the address on those that use it, and the people behind it on all of them.

    Of a channel that uses another address the people's marketing is revoked alone: nobody named that address.
    """
    theirs = MAIL if channel == "email" else PHONE
    people = sorted(
        {*customer_ids, *(one for each in theirs for one in _written_to(connection, address_hash, each))}
    )
    _lock(connection, people, address_hash)
    facts: dict[str, Any] = {"at": at, "source": source, "source_record_id": source_record_id}
    facts |= {"method": method, "evidence": evidence}
    events = [
        one
        for each in theirs
        for one in stop(connection, address_hash=address_hash, channel=each, customer_ids=people, **facts)
    ]
    for each in (other for other in (*MAIL, *PHONE) if other not in theirs):
        said = ConsentEvent(
            channel=each,
            purpose="marketing",
            action="revoke",
            legal_basis="consent",
            occurred_at=at,
            source=source,
            source_record_id=source_record_id,
            actor="customer",
            method=method,
            evidence=evidence,
        )
        if people:
            events += _append_for(connection, people, said)
    return events


def take_back(connection: Connection, source: str, record_id: str, said: ConsentEvent) -> list[str]:
    """Let what one record said count no more, of whomever it was told; gives the ids of the events.

    For a message that was taken for an opt-out and was none: what counted before counts again. `said` tells when,
    by whom and how that was found.
    """
    events = voided(connection, source, record_id, said)
    people = [person_key(event.customer_id) for event in events if event.customer_id]
    lock(connection, people + [address_key(event.address_hash) for event in events if event.address_hash])
    return append(connection, events, said.occurred_at)


def suppress(  # noqa: PLR0913 - the columns of a suppression
    connection: Connection,
    *,
    address_hash: str,
    channel: str,
    reason: SuppressionReason,
    at: datetime,
    source: str,
) -> None:
    """Write to an address no more; where it already was suppressed, the harder reason stays."""
    _lock(connection, [], address_hash)
    table = suppressions.c
    here = (table.address_hash == address_hash) & (table.channel == channel)
    standing = connection.execute(select(table.reason, table.lifted_at).where(here)).first()
    values = {"reason": reason, "since": at, "source": source, "lifted_at": None}
    if standing is None:
        connection.execute(suppressions.insert().values(address_hash=address_hash, channel=channel, **values))
    elif standing.lifted_at is not None or hardness(reason) > hardness(standing.reason):
        connection.execute(update(suppressions).where(here).values(**values))


def unsilence(connection: Connection, address_hash: str, channel: str, at: datetime) -> bool:
    """Lift what the owner's own word suppressed, an address on a channel; say whether anything was lifted."""
    _lock(connection, [], address_hash)
    table = suppressions.c
    lifted = connection.execute(
        update(suppressions)
        .where(table.address_hash == address_hash, table.channel == channel)
        .where(table.lifted_at.is_(None), table.reason.in_(LIFTABLE))
        .values(lifted_at=at)
    ).rowcount
    return bool(lifted)


def hardness(reason: str) -> int:
    """Rank a reason: an unsubscribed address still gets receipts, a STOP can be taken back, the rest not."""
    return {"unsubscribe": 0, "stop": 1}.get(reason, 2)


def suppressed(connection: Connection, address_hashes: Iterable[str], channel: str) -> dict[str, str]:
    """Give the reason of each of these addresses that is suppressed on a channel."""
    found: dict[str, str] = {}
    for some in batches(address_hashes):
        rows = connection.execute(_silent(), {"some": some, "channel": channel}).all()
        found |= {row.address_hash: row.reason for row in rows}
    return found


def show(
    connection: Connection, person: KnownAs | Sequence[str], address_hashes: Sequence[str]
) -> list[dict[str, Any]]:
    """List every event of a person and their addresses, oldest first, as plain data.

    Of what was recorded under an id that others shared, only what counts for this person: the rest is somebody else's.
    """
    known = person if isinstance(person, KnownAs) else KnownAs(tuple(person))
    until = dict(known.shared)

    def is_theirs(event: dict[str, Any]) -> bool:
        if event["address_hash"] in address_hashes:
            return True
        shared_until = until.get(event["customer_id"])
        if shared_until is None or event["recorded_at"] > shared_until:
            return event["customer_id"] in known.ids
        return bool(event["action"] == "revoke")

    table = consent_events.c
    hidden = {"salt", "commitment", "previous_hash", "hash"}
    rows = (
        select(*(column for column in table if column.name not in hidden))
        .where(table.customer_id.in_(known.everything) | table.address_hash.in_(address_hashes))
        .order_by(table.sequence)
    )
    events = (dict(row._mapping) for row in connection.execute(rows))  # noqa: SLF001 - SQLAlchemy's public name
    return [event for event in events if is_theirs(event)]


def _counts(word: Word, shared_until: datetime | None, own: bool, address_hash: str | None) -> bool:  # noqa: FBT001
    """Say whether a word under one of a person's ids is theirs, where they shared the id with others until then."""
    if shared_until is None or word.recorded_at > shared_until:
        return own
    return not word.state.granted or (address_hash is not None and word.address_hash == address_hash)


@cache
def _silent() -> Select[Any]:
    """Build the query of the addresses, out of `some`, that are suppressed on a channel."""
    table = suppressions.c
    return select(table.address_hash, table.reason).where(
        among(table.address_hash, "some"),
        table.channel == bindparam("channel"),
        table.lifted_at.is_(None),
    )


def _written_to(connection: Connection, address_hash: str, channel: str) -> set[str]:
    table = messages.c
    rows = select(table.customer_id).where(table.address_hash == address_hash, table.channel == channel)
    return set(connection.execute(rows.distinct()).scalars())


def _agreed_elsewhere(
    connection: Connection, people: Iterable[str], address_hash: str, channel: str
) -> set[str]:
    """Name the people whose last word on marketing is a grant, but for what was said from this address."""
    table = consent_events.c
    from_here = (table.address_hash == address_hash) & table.method.in_(SAID_FROM_ADDRESS)
    others = or_(table.address_hash.is_(None), ~from_here)
    words = words_of(connection, table.customer_id, people, channel, "marketing", others)
    return {person for person, said in words.items() if (last := standing_word(said)) and last.granted}


def record_for(connection: Connection, people: Sequence[str], said: ConsentEvent) -> list[str]:
    """Add what one record says once for each of these people, or once for the address alone; give the events' ids."""
    _lock(connection, people, said.address_hash)
    return _append_for(connection, people, said)


def _before_opt_outs(
    connection: Connection, people: Collection[str], address_hash: str, channel: str, at: datetime
) -> ConsentState | None:
    """Give the consent that stood of an address, and of its one owner's ids, before it opted out; None where none did."""
    table = consent_events.c
    said = words_of(connection, table.customer_id, people, channel, "marketing")
    nobodys = table.customer_id.is_(None)
    said |= words_of(connection, table.address_hash, [address_hash], channel, "marketing", nobodys)

    def is_taken_back(word: Word) -> bool:
        by_address = word.address_hash == address_hash and not word.state.granted
        return by_address and (word.state.method in SAID_FROM_ADDRESS or word.is_import)

    stood = [standing_word([word for word in words if not is_taken_back(word)]) for words in said.values()]
    known = [each for each in stood if each is not None]
    if any(not each.granted or each.ran_out(at) for each in known):
        return None
    return max(known, key=lambda each: each.occurred_at, default=None)


def _append_for(connection: Connection, people: Sequence[str], said: ConsentEvent) -> list[str]:
    events = [of_person(said, person) for person in people] or [said]
    by_key = {record_key(event): event for event in events if event.source_record_id}
    known = said_already(connection, by_key)
    fresh = [event for event in events if record_key(event) not in known]
    return append(connection, fresh, said.occurred_at)


def _lock(connection: Connection, people: Iterable[str], address_hash: str | None) -> None:
    lock(connection, [*map(person_key, people), *([address_key(address_hash)] if address_hash else [])])
