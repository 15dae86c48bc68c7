"""Who reads a message: the person with all ids and addresses that they go by, for what they choose is about all of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Row, select

from data_contracts.errors import RapportError
from messaging.addresses import Addresses, normalise
from messaging.consent import MAIL, PHONE, KnownAs
from messaging.customers.reader import Customers
from messaging.store.tables import messages

log = structlog.get_logger(__name__)

_IDENTIFIERS = """
SELECT DISTINCT identifier_type AS kind, value FROM c360.customer_identifiers
WHERE list_contains($ids, customer_id) AND identifier_type IN ('email', 'phone') ORDER BY value LIMIT 100
"""
SECONDS = 5.0


@dataclass(frozen=True)
class Person:
    """What the release knows of somebody: all their ids, and their addresses, normalised."""

    known: KnownAs
    addresses: tuple[str, ...] = ()


FindPerson = Callable[[str], Person]  # by one of their ids


@dataclass(frozen=True)
class Reached:
    """Somebody under all their ids, and by channel the hashes of all their addresses."""

    known: KnownAs
    hashes: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Reader(Reached):
    """Who reads a message (a row of `messages`)."""

    message: Row[Any]

    @property
    def customer_id(self) -> str:
        """Give the id that the message was for."""
        return str(self.message.customer_id)

    @property
    def channel(self) -> str:
        """Give the channel that the message came by: whoever has its link has its address, too."""
        return str(self.message.channel)

    @property
    def address_hash(self) -> str:
        """Give the hash of the address that the message went to."""
        return str(self.message.address_hash)


def alone(customer_id: str) -> Person:
    """Give somebody of whom no release tells anything."""
    return Person(KnownAs((customer_id,)))


def find_person(customers: Customers, customer_id: str) -> Person:
    """Ask the release who goes by an id, and at which addresses; nobody's choice fails because there is none."""
    known = customers.everybody().get(customer_id) or KnownAs((customer_id,))
    try:
        rows = customers.query(_IDENTIFIERS, {"ids": list(known.ids)}, seconds=SECONDS)
    except RapportError as error:
        log.warning("reader.addresses_unknown", reason=type(error).__name__)
        return Person(known)
    found = (_normalised(row["kind"], row["value"]) for row in rows)
    return Person(known, tuple(address for address in found if address))


def reader_of(connection: Connection, message: Row[Any], person: Person, addresses: Addresses) -> Reader:
    """Put together who reads a message: what the release knows of them, and where we wrote to them."""
    return Reader(person.known, _hashes(connection, person, addresses, [message]), message)


def reached(connection: Connection, person: Person, addresses: Addresses) -> Reached:
    """Do the same of somebody, whichever message of ours they read."""
    return Reached(person.known, _hashes(connection, person, addresses))


def _hashes(
    connection: Connection, person: Person, addresses: Addresses, read: Iterable[Row[Any]] = ()
) -> dict[str, frozenset[str]]:
    table = messages.c
    written = select(table.channel, table.address_hash).where(table.customer_id.in_(person.known.ids))
    hashes: dict[str, set[str]] = {channel: set() for channel in (*MAIL, *PHONE)}
    for row in (*read, *connection.execute(written.distinct())):
        for channel in _same_address(row.channel):
            hashes[channel].add(row.address_hash)
    for address in person.addresses:
        for channel in _same_address("email" if "@" in address else "sms"):
            hashes[channel].add(addresses.hash(address))
    return {channel: frozenset(some) for channel, some in hashes.items()}


def _same_address(channel: str) -> tuple[str, ...]:
    """Name the channels that use the address of one of them; a conversation has one of its own."""
    if channel in {"email", "chat"}:
        return (channel,)
    return tuple(each for each in PHONE if each != "chat")


def _normalised(kind: str, value: str) -> str | None:
    if kind == "email":
        return normalise("email", value)
    return normalise("sms", value if value.startswith("+") else f"+{value}")
