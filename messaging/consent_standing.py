"""What the gate would find for many people at once: the consents and suppressions that stand, as plain rows.

A build lays them beside what it knows of people, so that the view says of each what the gate will say. The rule itself
is `messaging.consent`'s; here it is only asked for everybody of whom the store knows anything.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from messaging.consent import KnownAs, look_up, suppressed
from messaging.store.tables import consent_events, suppressions

MAIL, PHONE = ("email",), ("sms", "whatsapp", "voice")  # the channels that use an address of each type
MARKETING = "marketing"


@dataclass(frozen=True)
class Holder:
    """A person with one of their addresses; without any, what stands of the person alone is asked.

    `address` is as it is held; `address_hash` is of its normal form, None where it cannot be written to.
    """

    customer_id: str
    address: str | None
    channels: tuple[str, ...]
    address_hash: str | None


@dataclass(frozen=True)
class Standing:
    """What stands for a person at an address: granted or revoked, since when (naive UTC), and why it is blocked.

    A suppressed address is revoked for marketing whatever was said; `suppression` is its reason.
    """

    customer_id: str
    address: str | None
    channel: str
    purpose: str
    state: str
    at: datetime | None
    suppression: str | None


class StandingConsents:
    """What the store knows, asked by person and address; `all_ids` are the people who have had or shared several.

    A consent that ran out by `as_of` (naive UTC) stands no more.
    """

    def __init__(self, connection: Connection, all_ids: Mapping[str, KnownAs], as_of: datetime) -> None:
        self._connection = connection
        self._as_of = as_of
        self._all_ids = all_ids
        self._asked = _channels_and_purposes(connection)
        self._people = _mentioned(connection, all_ids)
        self._hashes = _hashes(connection)

    def of(self, holders: Sequence[Holder]) -> Iterator[Standing]:
        """Give what stands for these people at these addresses; who is not named has never said anything."""
        known = [
            each for each in holders if each.customer_id in self._people or each.address_hash in self._hashes
        ]
        for channel, purposes in self._asked.items():
            here = [each for each in known if channel in each.channels]
            hashes = {each.address_hash for each in here if each.address_hash}
            silent = suppressed(self._connection, hashes, channel)
            for purpose in purposes:
                yield from self._standing(here, channel, purpose, silent if purpose == MARKETING else {})

    def _standing(
        self, holders: Sequence[Holder], channel: str, purpose: str, silent: Mapping[str, str]
    ) -> Iterator[Standing]:
        people = {each.customer_id: self._person(each.customer_id) for each in holders}
        ids = {one for person in people.values() for one in person.everything}
        hashes = {each.address_hash for each in holders if each.address_hash}
        said = look_up(self._connection, ids, hashes, channel, purpose)
        for each in holders:
            consent = said.of(people[each.customer_id], each.address_hash)
            reason = silent.get(each.address_hash or "")
            if consent is None and reason is None:
                continue
            stands = consent is not None and consent.granted and not consent.ran_out(self._as_of)
            granted = stands and reason is None
            yield Standing(
                each.customer_id,
                each.address,
                channel,
                purpose,
                "granted" if granted else "revoked",
                consent.occurred_at if consent else None,
                reason,
            )

    def _person(self, customer_id: str) -> KnownAs:
        return self._all_ids.get(customer_id) or KnownAs((customer_id,))


def _channels_and_purposes(connection: Connection) -> dict[str, set[str]]:
    table = consent_events.c
    asked: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(select(table.channel, table.purpose).distinct()):
        asked[row.channel].add(row.purpose)
    for row in connection.execute(select(suppressions.c.channel).distinct()):
        asked[row.channel].add(MARKETING)
    return dict(sorted(asked.items()))


def _mentioned(connection: Connection, all_ids: Mapping[str, KnownAs]) -> set[str]:
    """Name everybody of whom something was said under an id that they have, had or shared."""
    said: set[Any] = set(connection.execute(select(consent_events.c.customer_id).distinct()).scalars())
    said.discard(None)
    found = set(said)
    for customer_id, person in all_ids.items():
        if not said.isdisjoint(person.everything):
            found.add(customer_id)
    return found


def _hashes(connection: Connection) -> set[str]:
    said = select(consent_events.c.address_hash).where(consent_events.c.address_hash.is_not(None))
    silent = select(suppressions.c.address_hash).where(suppressions.c.lifted_at.is_(None))
    return set(connection.execute(said.union(silent)).scalars())
