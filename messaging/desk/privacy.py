"""One person's file: what we hold of them and from where, on which basis we write, who looked, and what they tell us now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, func, select

from data_contracts.errors import UsageError
from messaging import audit, consent
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent
from messaging.customers import CustomerCard, Customers
from messaging.store import Store
from messaging.store.ids import require_id
from messaging.store.tables import messages
from messaging.store.tables_desk import customer_notes, follow_ups, privacy_requests

HELD = """
SELECT origin_table AS name, source, count(*) AS records, min(occurred_at) AS first_at, max(occurred_at) AS last_at
FROM c360.customer_timeline WHERE customer_id = ? GROUP BY ALL ORDER BY ALL
"""
LOOKS = 100  # entries of the audit, the newest
LONGEST = 500  # letters of what they said
Purpose = Literal["marketing", "service", "profiling"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
CHANNELS: Final = ("email", "sms", "whatsapp", "voice", "chat")


@dataclass(frozen=True)
class Held:
    """Records of one table and source; times are naive UTC."""

    name: str
    source: str
    records: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True)
class PersonFile:
    """Everything that a person may ask for, but the records themselves, which stand in their timeline."""

    card: CustomerCard
    held: tuple[Held, ...]
    consents: tuple[dict[str, Any], ...]  # events, oldest first
    looks: tuple[dict[str, Any], ...]  # entries of the audit about them, newest first


def open_file(
    customers: Customers, store: Store, clock: Clock, customer_id: str, *, actor: str
) -> PersonFile:
    """Open a person's file, which the audit keeps. Raises NotFoundError, and RefusedError where it is not for them."""
    require_id("cus", customer_id)
    with store.write() as connection:  # before anything is told
        audit.record(connection, actor, "consent.look", customer_id, at=clock.now())
    card = customers.get(customer_id, limit=1)
    ids = (card.customer_id, *card.aliases)
    with customers.reader.snapshot() as snapshot:
        held = [Held(**row) for row in snapshot.rows(HELD, [card.customer_id])]
    hashes = sorted(customers.address_hashes(card.facts).values())
    with store.read() as connection:
        known = customers.known_as(card.customer_id, connection)
        events = consent.show(connection, known, hashes)
        looks = [each for one in ids for each in audit.newest(connection, LOOKS, subject=one)]
        held += [each for each in _of_ours(connection, ids) if each.records]
    looks.sort(key=lambda each: each["at"], reverse=True)
    return PersonFile(card, tuple(held), tuple(events), tuple(looks[:LOOKS]))


def _of_ours(connection: Connection, ids: Sequence[str]) -> Iterator[Held]:
    """Count what the store holds of somebody, whom a release knows by these ids."""
    for name, whose, at in (
        ("messages of ours", messages.c.customer_id, messages.c.created_at),
        ("notes", customer_notes.c.customer_id, customer_notes.c.written_at),
        ("follow-ups", follow_ups.c.customer_id, follow_ups.c.made_at),
        ("requests", privacy_requests.c.customer_id, privacy_requests.c.arrived_at),
    ):
        row = connection.execute(
            select(func.count().label("n"), func.min(at).label("first"), func.max(at).label("last")).where(
                whose.in_(ids)
            )
        ).one()
        yield Held(name, "rapport", row.n, row.first, row.last)


def take_no(  # noqa: PLR0913 - who says no to what, and how
    customers: Customers,
    store: Store,
    clock: Clock,
    customer_id: str,
    *,
    channel: str,
    purpose: Purpose,
    method: str,
    wording: str,
    actor: str,
) -> str:
    """Record that somebody takes their permission back, or objects to profiling; give the event's id. It counts at once.

    What it says can never be changed again: UsageError is raised for a channel or purpose that there is not.
    """
    for said, legal, what in ((channel, CHANNELS, "channel"), (purpose, PURPOSES, "purpose")):
        if said not in legal:
            raise UsageError(f"{said!r} is no {what}.", f"Say one of {', '.join(legal)}.")
    if max(len(wording), len(method)) > LONGEST:
        raise UsageError(f"These words are longer than {LONGEST} letters.", "Keep what matters of them.")
    card, now = customers.get(customer_id, limit=1), clock.now()
    hashes = customers.address_hashes(card.facts)
    event = ConsentEvent(
        channel=channel,
        purpose=purpose,
        action="revoke",
        occurred_at=now,
        source="rapport",
        actor=actor,
        method=method,
        customer_id=card.customer_id,
        address_hash=hashes.get("email" if channel == "email" else "sms"),
        legal_basis="consent",
        wording=wording or None,
    )
    with store.write() as connection:
        event_id = consent.record(connection, event, now)
        detail = {"event_id": event_id, "channel": channel, "purpose": purpose}
        audit.record(connection, actor, "consent.revoke", card.customer_id, detail, at=now)
    return event_id
