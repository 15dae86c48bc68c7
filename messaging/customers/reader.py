"""The only reader of both sides: the release, and the store's tail laid over it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection

from data_contracts.errors import NotFoundError
from messaging.addresses import Addresses, normalise, read_addresses
from messaging.clock import read_clock
from messaging.consent import KnownAs
from messaging.customers import lookup
from messaging.customers.cards import Published
from messaging.customers.consents import standing
from messaging.customers.conversations import OpenConversation, open_conversations
from messaging.customers.figures import overview
from messaging.customers.golden import GoldenValue, golden_record
from messaging.customers.merges import Known, Merges
from messaging.customers.published import is_known, published
from messaging.customers.tail import lay_over, touches
from messaging.customers.views import (
    ChannelConsent,
    CustomerCard,
    CustomerFacts,
    CustomerHit,
    Overview,
    TimelineEntry,
)
from messaging.customers.why import Why, why_apart_or_together, why_one
from messaging.objections import has_objected, objectors_since, silenced
from messaging.release import ReleaseInfo, ReleaseReader, Row, Snapshot
from messaging.settings import Settings
from messaging.store import Store

CARD_TOUCHES = 25
CARD_ORDERS = 50


class Customers:
    """Finds customers and lays what happened since the build over what was published. Read-only; thread-safe.

    Build one per process: it holds the process's connection to the release. A new release is opened `behind` an app, in
    which somebody waits for every answer (ReleaseReader).
    """

    def __init__(self, settings: Settings, store: Store, *, behind: bool = False) -> None:
        self._settings = settings
        self._store = store
        self._reader = ReleaseReader(settings.releases_dir, behind=behind)
        self._merges = Merges(self._reader, store)
        self._addresses: Addresses | None = None  # read when first needed: a lost pepper stops only that

    def release(self) -> ReleaseInfo:
        """Tell which release is being read. Raises ReleaseError when there is none."""
        return self._reader.reading()

    @property
    def reader(self) -> ReleaseReader:
        """Give the door to the release, for a few queries on one version."""
        return self._reader

    def query(self, sql: str, parameters: Any = (), *, seconds: float | None = None) -> list[Row]:
        """Run one read-only query on the release (`c360.<table>`), with bound parameters, within a time."""
        with self._reader.snapshot() as snapshot:
            return snapshot.rows(sql, parameters, seconds=seconds)

    def find(self, query: str, limit: int = lookup.LIMIT) -> list[CustomerHit]:
        """Search by customer_id (earlier ones too), e-mail, telephone, order number, external id or name."""
        with self._reader.snapshot() as snapshot:
            return lookup.find(snapshot, query, limit)

    def get(self, customer_id: str, *, orders: int = CARD_ORDERS, limit: int = CARD_TOUCHES) -> CustomerCard:
        """Give one customer's card. Raises NotFoundError when nobody has, or ever had, that id."""
        with self._reader.snapshot() as snapshot, self._store.read() as store:
            known = self._merges.known(snapshot, store)
            found = _published(snapshot, known, customer_id, orders=orders, touches=limit)
            hashes = self.address_hashes(found.facts)
            facts = _told(store, known, found.facts, hashes)
            current = facts["customer_id"]
            aliases = known.earlier(current)
            timeline = lay_over(found.touches, touches(store, (current, *aliases)))
            consents = standing(store, known.of(current), hashes, read_clock(self._settings.home).now())
            return CustomerCard(
                customer_id=current,
                facts=_with_tail(facts, consents, timeline),
                consents=consents,
                identifiers=found.identifiers,
                orders=found.orders,
                shipments=found.shipments,
                touches=tuple(timeline[:limit]),
                aliases=aliases,
                asked_id=customer_id,
                release_version=snapshot.info.version,
                as_of=snapshot.info.as_of,
                fresh_inbound_count=sum(entry.is_fresh and entry.direction == "in" for entry in timeline),
            )

    def facts(self, snapshot: Snapshot, store: Connection, customer_id: str) -> CustomerFacts:
        """Give one customer's facts in a release, less what they objected to since. Raises NotFoundError as `get` does."""
        known = self._merges.known(snapshot, store)
        found = _published(snapshot, known, customer_id, orders=0, touches=0)
        return _told(store, known, found.facts, self.address_hashes(found.facts))

    def objectors(self, snapshot: Snapshot, store: Connection) -> frozenset[str]:
        """Name who has objected to profiling since a release was built."""
        return objectors_since(store, self._merges.known(snapshot, store).people, snapshot.info.as_of)

    def merged(self, snapshot: Snapshot, store: Connection) -> Known:
        """Give which ids became which in a release."""
        return self._merges.known(snapshot, store)

    def everybody(self) -> Mapping[str, KnownAs]:
        """Give what people are known as who have had several ids or shared one, also while no release can be read."""
        return self._merges()

    def known_as(self, customer_id: str, store: Connection) -> KnownAs:
        """Give every id under which something may have been recorded of a customer, and until when others' too."""
        with self._reader.snapshot() as snapshot:
            known = self._merges.known(snapshot, store)
            return known.of(_current(snapshot, known, customer_id))

    def golden(self, customer_id: str) -> tuple[GoldenValue, ...]:
        """Say of each detail of a customer which record it was taken from. Raises NotFoundError as `get` does."""
        with self._reader.snapshot() as snapshot, self._store.read() as store:
            known = self._merges.known(snapshot, store)
            return golden_record(snapshot, _current(snapshot, known, customer_id))

    def timeline(self, customer_id: str, limit: int = 200) -> list[TimelineEntry]:
        """Give a customer's touches, newest first: the release's with the store's laid over them."""
        with self._reader.snapshot() as snapshot, self._store.read() as store:
            known = self._merges.known(snapshot, store)
            found = _published(snapshot, known, customer_id, orders=0, touches=limit)
            current = found.facts["customer_id"]
            stored = touches(store, (current, *known.earlier(current)))
            return lay_over(found.touches, stored)[:limit]

    def open_conversations(self, customer_id: str) -> tuple[OpenConversation, ...]:
        """Give a customer's open conversations, who waits longest first. Raises NotFoundError as `get` does."""
        with self._reader.snapshot() as snapshot, self._store.read() as store:
            known = self._merges.known(snapshot, store)
            current = _current(snapshot, known, customer_id)
            return open_conversations(snapshot, store, current, (current, *known.earlier(current)))

    def why(self, one: str, other: str | None = None) -> Why:
        """Say why two sides are one customer or are not, or what ties one customer's records together.

        A side is a customer id, an e-mail address, a phone number, an order number, an account or
        `source/record_id`. Raises NotFoundError where it names nobody, RefusedError where it names several.
        """
        with self._reader.snapshot() as snapshot:
            return why_one(snapshot, one) if other is None else why_apart_or_together(snapshot, one, other)

    def overview(self) -> Overview:
        """Count what the first page shows."""
        with self._reader.snapshot() as snapshot, self._store.read() as store:
            return overview(snapshot, store, self._settings.currency)

    def address_hashes(self, facts: CustomerFacts) -> dict[str, str]:
        """Give the keyed hash of the address that each channel would use."""
        reached = {"email": facts["email"], "sms": facts["phone"]}
        usable = {channel: normalise(channel, each) for channel, each in reached.items() if each}
        if self._addresses is None:
            self._addresses = read_addresses(self._settings, self._store)
        return {channel: self._addresses.hash(address) for channel, address in usable.items() if address}

    def close(self) -> None:
        """Let go of the release. The store belongs to whoever opened it."""
        self._reader.close()


def _published(snapshot: Snapshot, known: Known, customer_id: str, *, orders: int, touches: int) -> Published:
    """Read what the release has of who goes by an id, or has gone by it."""
    for one in dict.fromkeys((customer_id, known.current(customer_id))):
        if found := published(snapshot, one, orders=orders, touches=touches):
            return found
    raise _nobody(customer_id)


def _current(snapshot: Snapshot, known: Known, customer_id: str) -> str:
    """Give the id of who goes by an id today, or has gone by it."""
    for one in dict.fromkeys((customer_id, known.current(customer_id))):
        if is_known(snapshot, one):
            return one
    raise _nobody(customer_id)


def _nobody(customer_id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no customer {customer_id!r}.", "Search for a name, an address or an order number."
    )


def _told(store: Connection, known: Known, facts: CustomerFacts, hashes: Mapping[str, str]) -> CustomerFacts:
    """Leave out of the facts what they objected to since; `hashes` holds the address's hash by channel."""
    if not has_objected(store, known.of(facts["customer_id"]), set(hashes.values())):
        return facts
    return cast("CustomerFacts", silenced(dict(facts)))


def _with_tail(
    facts: CustomerFacts, consents: Sequence[ChannelConsent], timeline: Sequence[TimelineEntry]
) -> CustomerFacts:
    """Lay the tail over the facts that it changes: consent, reach, and the last touch each way."""
    merged = dict(facts)
    for consent in consents:
        if consent.state != "none":
            merged[f"{consent.channel}_consent"] = consent.state
        if consent.state == "revoked":
            merged[f"{consent.channel}_reachable"] = False
    fresh = [entry for entry in timeline if entry.is_fresh and entry.kind != "consent"]
    received = [entry for entry in fresh if entry.direction == "in"]
    sent = [entry for entry in fresh if entry.direction == "out"]
    if received:
        merged |= {"last_inbound_at": received[0].occurred_at, "last_inbound_channel": received[0].channel}
        merged["inbound_message_count"] = facts["inbound_message_count"] + len(received)
    if sent:
        merged |= {"last_outreach_at": sent[0].occurred_at, "last_outreach_state": sent[0].state}
        merged["last_outreach_campaign"] = sent[0].campaign
        merged["outbound_message_count"] = facts["outbound_message_count"] + len(sent)
        merged["outreach_90d_count"] = facts["outreach_90d_count"] + len(sent)
    return cast("CustomerFacts", merged)
