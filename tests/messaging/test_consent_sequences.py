"""Random histories of merges, splits, STOPs, STARTs, grants and imports: what was refused is never mailed by accident."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from messaging import consent
from messaging.addresses import Addresses
from messaging.consent import KnownAs
from messaging.consent_chain import ConsentEvent, verify_chain
from messaging.consent_imports import ImportedConsent, ImportedOptOut, record_imports, record_opt_outs
from messaging.customers.merges import known_as
from messaging.customers.partings import Change
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")
HOUR, LONG_AGO = timedelta(hours=1), timedelta(days=400)
PEOPLE = range(3)
WORLDS: Iterator[int] = count()  # each example has people and addresses of its own in the one store
WORDS = ("stop", "start", "grant", "import_grant", "import_old_grant", "import_revoke", "import_opt_out")
STEPS = some.lists(
    some.one_of(
        some.tuples(some.just("merge"), some.sampled_from(PEOPLE), some.sampled_from(PEOPLE)),
        some.tuples(some.just("split"), some.sampled_from(PEOPLE), some.booleans()),
        some.tuples(
            some.sampled_from(("grant", "import_revoke")), some.sampled_from(PEOPLE), some.booleans()
        ),
        some.tuples(some.sampled_from(WORDS), some.sampled_from(PEOPLE), some.booleans()),
    ),
    max_size=12,
)


@dataclass
class World:
    """Three people with an address each, the customers for whom they are taken, and how it came."""

    store: Store
    addresses: Addresses
    number: int
    customer: dict[int, str] = field(default_factory=dict)
    became: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    at: datetime = NOON
    made: int = 0

    def __post_init__(self) -> None:
        self.customer = {each: self.new_customer() for each in PEOPLE}

    def new_customer(self) -> str:
        """Give a customer id that nobody had."""
        self.made += 1
        return f"cus_{self.number}_{self.made}"

    def address(self, who: int) -> str:
        """Give somebody's own address."""
        return f"person{who}@world{self.number}.example"

    def hash(self, who: int) -> str:
        """Give the hash of it."""
        return self.addresses.hash(self.address(who))

    def may(self, who: int, channel: str = "email") -> bool | None:
        """Say whether somebody may be written to at their own address; None where nobody ever said anything."""
        return False if self.suppressed(who, channel) else self.would(self.customer[who], who, channel)

    def would(self, customer_id: str, who: int, channel: str = "email") -> bool | None:
        """Say what a customer's consent would be at somebody's address, were it theirs."""
        aliases = [{"old_customer_id": old, "customer_id": new} for old, new in self.became.items()]
        person = known_as(aliases, self.changes).get(customer_id, KnownAs((customer_id,)))
        with self.store.read() as connection:
            said = consent.state(connection, person, self.hash(who), channel)
        return None if said is None else said.granted

    def suppressed(self, who: int, channel: str = "email") -> bool:
        """Say whether somebody's address is suppressed."""
        with self.store.read() as connection:
            return bool(consent.suppressed(connection, [self.hash(who)], channel))

    def together(self, who: int) -> list[int]:
        """Name everybody who is taken for the same customer."""
        return [each for each in PEOPLE if self.customer[each] == self.customer[who]]

    def merge(self, one: int, other: int) -> None:
        """Take two customers for one, as a build does."""
        stays, goes = self.customer[one], self.customer[other]
        if stays == goes:
            return
        self.at += HOUR
        self.became |= {old: stays for old, new in self.became.items() if new == goes} | {goes: stays}
        self.changes.append(Change(f"bld_{len(self.changes):04d}", "merged", stays, goes, self.at))
        self.customer |= {each: stays for each, customer in self.customer.items() if customer == goes}

    def split(self, who: int, comes_back: bool) -> None:  # noqa: FBT001 - drawn by lot
        """Take somebody out of the customer that they share; `comes_back` with an id that went before."""
        whole = self.customer[who]
        if len(self.together(who)) == 1:
            return
        self.at += HOUR
        before = [old for old, new in self.became.items() if new == whole]
        new = before[0] if comes_back and before else self.new_customer()
        self.became.pop(new, None)
        self.changes.append(Change(f"bld_{len(self.changes):04d}", "split", new, whole, self.at))
        self.at += HOUR
        self.customer[who] = new

    def say(self, kind: str, who: int, with_address: bool) -> None:  # noqa: FBT001 - drawn by lot
        """Let somebody say something, or an import say it of them, an hour later."""
        self.at += HOUR
        facts: dict[str, Any] = {
            "address_hash": self.hash(who),
            "channel": "email",
            "at": self.at,
            "source": "test",
        }
        facts |= {
            "customer_ids": [self.customer[who]],
            "source_record_id": f"{self.number}/{self.at.isoformat()}",
        }
        if kind in {"stop", "start"}:
            with self.store.write() as connection:
                consent.stop(connection, **facts) if kind == "stop" else consent.lift(connection, **facts)
        elif kind == "grant":
            with self.store.write() as connection:
                consent.record(connection, self.granted(who, with_address), self.at)
        elif kind == "import_opt_out":
            record_opt_outs(self.store, [self.opt_out(who)], self.at)
        else:
            record_imports(self.store, self.addresses, [self.imported(kind, who, with_address)], self.at)

    def granted(self, who: int, with_address: bool) -> ConsentEvent:  # noqa: FBT001 - drawn by lot
        """Give a grant in their own words."""
        return ConsentEvent(
            channel="email", purpose="marketing", action="grant", legal_basis="consent", occurred_at=self.at, source="form",
            actor="customer", method="form", customer_id=self.customer[who],
            address_hash=self.hash(who) if with_address else None,
        )  # fmt: skip

    def opt_out(self, who: int) -> ImportedOptOut:
        """Give a complaint that another system recorded."""
        return ImportedOptOut(
            self.hash(who), "email", "complaint", self.at, "vendor", f"{self.number}/{self.at.isoformat()}", "complaint",
            self.customer[who],
        )  # fmt: skip

    def imported(self, kind: str, who: int, with_address: bool) -> ImportedConsent:  # noqa: FBT001 - drawn by lot
        """Give a consent or a withdrawal that another system recorded."""
        return ImportedConsent(
            customer_id=self.customer[who], source="vendor", source_record_id=f"{self.number}/{self.at.isoformat()}",
            channel="email", purpose="marketing", action="revoke" if kind == "import_revoke" else "grant",
            legal_basis="consent", occurred_at=self.at - (LONG_AGO if kind == "import_old_grant" else timedelta()),
            method=None, wording=None, locale=None, address=self.address(who) if with_address else None,
        )  # fmt: skip


@dataclass(frozen=True)
class Before:
    """How everybody stood before a step: whether we might write, and whether the address was suppressed.

    `strict` tells whether one of the two customers that a merge would join would be refused at each address.
    """

    may: dict[int, bool | None]
    silent: dict[int, bool]
    strict: dict[int, bool]

    @classmethod
    def of(cls, world: World, sides: set[str]) -> "Before":
        """Look at everybody."""
        return cls(
            {each: world.may(each) for each in PEOPLE},
            {each: world.suppressed(each) for each in PEOPLE},
            {each: any(world.would(side, each) is False for side in sides) for each in PEOPLE},
        )


NEVER_ALLOWS = {"merge", "split", "import_old_grant", "import_revoke", "import_opt_out", "stop"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
@example([("import_revoke", 0, False), ("grant", 1, False), ("merge", 1, 0)])
@example(
    [
        ("grant", 0, True),
        ("grant", 1, True),
        ("merge", 0, 1),
        ("stop", 0, True),
        ("split", 1, False),
        ("start", 0, True),
    ]
)
@example(
    [
        ("grant", 0, True),
        ("stop", 0, True),
        ("import_old_grant", 0, True),
        ("grant", 0, True),
        ("start", 0, True),
    ]
)
def test_who_was_refused_is_mailed_again_only_by_their_own_word(
    store: Store, addresses: Addresses, steps: Any
) -> None:
    world = World(store, addresses, next(WORLDS))
    for kind, who, how in steps:
        sides = {world.customer[who], world.customer[int(how)]} if kind == "merge" else set()
        before, concerned = Before.of(world, sides), world.together(who)
        if kind == "merge":
            concerned = [*concerned, *world.together(how)]
            world.merge(who, how)
        elif kind == "split":
            world.split(who, how)
        else:
            world.say(kind, who, how)
        hold_for_everybody(world, before, kind, who, concerned)
        hold_for_those_concerned(world, before, kind, who)
    with store.read() as connection:
        assert verify_chain(connection).broken_at is None


def hold_for_everybody(world: World, before: Before, kind: str, who: int, concerned: list[int]) -> None:
    for each in PEOPLE:
        now = world.may(each)
        assert each in concerned or now == before.may[each], "it concerns only those who are that customer"
        assert world.may(each, "sms") is None, "no word goes to another channel"
        own_start = kind == "start" and each == who
        assert own_start or world.suppressed(each) or not before.silent[each], "freed by its own START alone"
        if kind in NEVER_ALLOWS and before.may[each] is False:
            assert not now, "restricted for good"
        if kind == "split":
            assert before.may[each] or not now, "a split allows nothing"


def hold_for_those_concerned(world: World, before: Before, kind: str, who: int) -> None:
    together = world.together(who)
    allowed = [each for each in together if world.may(each)]
    if kind == "merge":
        assert not any(before.strict[each] for each in allowed), "the strictest side wins"
    if kind in {"stop", "import_opt_out"}:
        assert world.suppressed(who), "the address"
    if kind in {"stop", "import_opt_out", "import_revoke"}:
        assert not allowed, "the person, wherever we write"
    if kind == "grant" and before.silent[who]:
        assert who not in allowed, "no grant outweighs a suppression"
