"""A merge of an opted-out and an opted-in person is opted out, and both stay so after a split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as with_settings
from hypothesis import strategies as some
from sqlalchemy import insert

from messaging import consent
from messaging.addresses import Addresses
from messaging.consent import KnownAs
from messaging.consent_chain import ConsentEvent
from messaging.consent_imports import ImportedConsent, record_imports, tell_owners
from messaging.customers import Customers
from messaging.customers.merges import known_as
from messaging.customers.partings import Change
from messaging.facts import Candidate, gather
from messaging.policy import Blocked, Sent, decide
from messaging.quiet_hours import read_quiet_rules
from messaging.store import Store
from messaging.store.tables import builds, messages

NOON = datetime.fromisoformat("2026-10-30T12:00")
HOUR = timedelta(hours=1)
ANNA, BOB = "cus_00000000000000000000000000000001", "cus_00000000000000000000000000000002"
NEW = "cus_new"
SAID = ConsentEvent(
    channel="email",
    purpose="marketing",
    action="grant",
    legal_basis="consent",
    occurred_at=NOON,
    source="webform",
    actor="customer",
    method="form",
)
Publish = Callable[..., str]


@dataclass
class Story:
    """A store and the releases beside it: Anna and Bob, each with an address of their own."""

    store: Store
    addresses: Addresses
    customers: Customers
    publish: Publish
    people: dict[str, dict[str, Any]]
    aliases: list[dict[str, str]] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)
    hours: int = 0

    def now(self) -> datetime:
        """Let an hour pass."""
        self.hours += 1
        return NOON + self.hours * HOUR

    def say(self, action: str, customer_id: str | None, email: str | None) -> None:
        """Record what somebody said, of a person, an address or both."""
        hashed = self.addresses.hash(email) if email else None
        at = self.now()
        with self.store.write() as connection:
            event = replace(SAID, action=action, customer_id=customer_id, address_hash=hashed, occurred_at=at)
            consent.record(connection, event, at)

    def stop(self, email: str, *customer_ids: str) -> None:
        """Take an opt-out from an address."""
        with self.store.write() as connection:
            consent.stop(
                connection, address_hash=self.addresses.hash(email), channel="email", at=self.now(),
                source="link", reason="unsubscribe", method="link", customer_ids=customer_ids,
            )  # fmt: skip

    def release(self, *people: str) -> None:
        """Publish a release of these people, as a build does."""
        at = self.now()
        build_id = f"bld_{self.hours:04d}"
        with self.store.write() as connection:
            row = {
                "build_id": build_id,
                "as_of": at,
                "started_at": at,
                "finished_at": at,
                "state": "published",
            }
            connection.execute(insert(builds).values(row))
        for line in self.journal:
            line.setdefault("build_id", build_id)
            line.setdefault("at", at)
        self.publish(
            at,
            customer_360=[self.people[each] for each in people],
            identity_alias=self.aliases,
            identity_journal=self.journal,
        )
        self.hours += 1  # longer than anybody holds on to the release before

    def merge(self) -> None:
        """Publish that both are Anna."""
        self.aliases = [{"old_customer_id": BOB, "customer_id": ANNA}]
        self.journal.append({"kind": "merged", "customer_id": ANNA, "other_customer_id": BOB})
        self.release(ANNA)

    def split(self, new: str = NEW) -> None:
        """Cut the joined person in two: who has more records keeps the id, and may be either of them."""
        self.aliases = [] if new == BOB else self.aliases
        self.journal.append({"kind": "split", "customer_id": new, "other_customer_id": ANNA})
        self.people[new] = self.people[BOB] | {"customer_id": new}
        self.release(ANNA, new)

    def may_we(self, customer_id: str, email: str) -> bool:
        """Ask the gate, as the transaction of a call does."""
        with self.store.read() as connection:
            person = self.customers.known_as(customer_id, connection)
            one = Candidate(
                key="1",
                person=person,
                channel="email",
                address=email,
                address_hash=self.addresses.hash(email),
            )
            facts = gather(connection, [one], self.now())["1"]
        return not isinstance(decide(facts, read_quiet_rules()), Blocked)

    def card(self, customer_id: str) -> str:
        """Read what the card says of the e-mail consent."""
        return next(
            each.state for each in self.customers.get(customer_id).consents if each.channel == "email"
        )


@pytest.fixture
def story(
    store: Store,
    addresses: Addresses,
    customers: Customers,
    publish: Publish,
    make_person: Callable[..., Any],
) -> Story:
    people = {
        each["customer_id"]: each
        for each in (make_person(1, email="anna@x.example"), make_person(2, email="bob@x.example"))
    }
    made = Story(store, addresses, customers, publish, people)
    made.release(ANNA, BOB)
    return made


@pytest.mark.parametrize("new", [NEW, BOB], ids=["a new id", "the id of before"])
@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_a_stop_before_or_during_holds_for_both_after_a_split_and_one_after_it_for_its_own(
    story: Story, when: str, new: str
) -> None:
    story.say("grant", ANNA, "anna@x.example")
    story.say("grant", BOB, "bob@x.example")
    assert story.may_we(ANNA, "anna@x.example")
    if when == "before":
        story.stop("bob@x.example", BOB)
    story.merge()
    if when == "during":
        story.stop("bob@x.example", ANNA)
    for email in ("anna@x.example", "bob@x.example"):
        assert story.may_we(ANNA, email) == (when == "after")
    assert story.card(ANNA) == ("granted" if when == "after" else "revoked")
    story.split(new)
    if when == "after":
        story.stop("bob@x.example", new)
    assert story.may_we(ANNA, "anna@x.example") == (when == "after")
    assert story.card(ANNA) == ("granted" if when == "after" else "revoked")
    assert not story.may_we(new, "bob@x.example")
    assert story.card(new) == "revoked"


def test_a_grant_of_the_joined_person_is_after_the_split_the_consent_of_its_address_alone(
    story: Story,
) -> None:
    story.merge()
    story.say("grant", ANNA, "anna@x.example")
    assert story.may_we(ANNA, "bob@x.example"), "while they are one it is theirs, wherever we write"
    story.split()
    assert story.may_we(ANNA, "anna@x.example")
    assert not story.may_we(ANNA, "bob@x.example"), "the id may have stayed with Bob"
    assert not story.may_we(NEW, "bob@x.example")
    story.say("grant", NEW, "bob@x.example")
    assert story.may_we(NEW, "bob@x.example"), "their own word after the split counts"


def test_a_grant_of_the_joined_person_without_an_address_is_nobodys_after_the_split(story: Story) -> None:
    story.merge()
    story.say("grant", ANNA, None)
    assert story.may_we(ANNA, "anna@x.example")
    story.split()
    assert not story.may_we(ANNA, "anna@x.example")
    assert not story.may_we(NEW, "bob@x.example")


def test_what_comes_after_a_split_does_not_reach_the_other_side(story: Story) -> None:
    story.say("grant", BOB, "bob@x.example")
    story.merge()
    story.split()
    story.stop("anna@x.example", ANNA)
    assert story.may_we(NEW, "bob@x.example")
    assert story.card(NEW) == "granted"


def imported(
    record: str, customer_id: str, action: str, address: str | None, days_ago: int = 9
) -> ImportedConsent:
    return ImportedConsent(
        customer_id, "crm", record, "email", "marketing", action, "consent", NOON - timedelta(days=days_ago),
        "form", None, None, address,
    )  # fmt: skip


def test_an_imported_opt_out_is_the_joined_persons_and_stays_with_both_when_its_record_leaves(
    story: Story,
) -> None:
    def build(bob: str) -> None:
        rows = [
            imported("contact/1", ANNA, "grant", "anna@x.example", 1),
            imported("contact/2", bob, "revoke", "bob@x.example", 9),
        ]
        record_imports(story.store, story.addresses, rows, story.now())

    build(BOB)
    assert story.may_we(ANNA, "anna@x.example")
    build(ANNA)
    story.merge()
    assert not story.may_we(ANNA, "anna@x.example")
    build(NEW)
    story.split()
    assert not story.may_we(ANNA, "anna@x.example")
    assert not story.may_we(NEW, "bob@x.example")
    assert not story.may_we(NEW, "bob@elsewhere.example")


def test_people_who_are_merged_from_the_first_build_on_are_opted_out_as_soon_as_one_is(story: Story) -> None:
    rows = [
        imported("contact/1", ANNA, "revoke", "anna@x.example", 9),
        imported("contact/2", ANNA, "grant", "bob@x.example", 1),
    ]
    record_imports(story.store, story.addresses, rows, story.now())
    assert not story.may_we(ANNA, "bob@x.example")
    story.say("grant", ANNA, "bob@x.example")
    assert story.may_we(ANNA, "bob@x.example"), "what they tell us themselves counts"


def test_an_imported_grant_follows_its_record_through_a_split(story: Story) -> None:
    def build(bob: str, *parted: str) -> None:
        rows = [imported("contact/2", bob, "grant", None)]
        record_imports(story.store, story.addresses, rows, story.now(), parted)

    story.merge()
    build(ANNA)
    assert story.may_we(ANNA, "bob@x.example")
    story.split()
    assert not story.may_we(NEW, "bob@x.example")
    build(NEW, ANNA, NEW)
    assert story.may_we(NEW, "bob@x.example")
    assert not story.may_we(ANNA, "anna@x.example")


def test_a_stop_by_an_address_that_nobody_knew_is_told_to_whoever_turns_out_to_own_it(story: Story) -> None:
    story.stop("anna@old.example")
    story.say("grant", BOB, "bob@x.example")
    held = [
        (ANNA, "email", "Anna@old.example"),
        (ANNA, "email", "anna@x.example"),
        (BOB, "email", "bob@x.example"),
    ]
    assert tell_owners(story.store, story.addresses, held, story.now()) == 1
    assert tell_owners(story.store, story.addresses, held, story.now()) == 0
    story.merge()
    assert not story.may_we(ANNA, "bob@x.example")


def test_a_stop_that_was_taken_back_is_told_to_nobody(story: Story) -> None:
    story.stop("anna@old.example")
    story.say("grant", None, "anna@old.example")
    assert tell_owners(story.store, story.addresses, [(ANNA, "email", "anna@old.example")], story.now()) == 0


def test_what_the_joined_person_was_sent_counts_against_the_cap_of_both(story: Story) -> None:
    story.merge()
    sent = story.now()
    row = {
        "message_id": "msg_1", "customer_id": ANNA, "step": 0, "channel": "email", "address": "bob@x.example",
        "address_hash": "h", "message_class": "marketing", "purpose": "marketing", "campaign": "spring",
        "body": "x", "state": "done", "attempt_count": 1, "created_at": sent, "calling_at": sent, "updated_at": sent,
    }  # fmt: skip
    with story.store.write() as connection:
        connection.execute(insert(messages).values(row))
    story.split()
    later = story.now()
    with story.store.write() as connection:
        connection.execute(
            insert(messages).values(row | {"message_id": "msg_2", "calling_at": later, "step": 1})
        )
        counted = {
            who: len(_sent(connection, story.customers.known_as(who, connection), later))
            for who in (ANNA, NEW)
        }
    assert counted == {ANNA: 2, NEW: 1}


def _sent(connection: Any, person: KnownAs, now: datetime) -> Sequence[Sent]:
    one = Candidate(key="1", person=person, channel="email", address="b@x.example", address_hash="x")
    return gather(connection, [one], now + HOUR)["1"].sent


STEPS = some.lists(
    some.one_of(
        some.tuples(some.just("merge"), some.integers(0, 3), some.integers(0, 3)),
        some.tuples(some.just("split"), some.integers(0, 3), some.booleans()),
        some.tuples(some.just("revoke"), some.integers(0, 3), some.booleans()),
        some.tuples(some.just("grant"), some.integers(0, 3), some.booleans()),
    ),
    max_size=14,
)


@with_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
@example([("revoke", 1, True), ("merge", 3, 1), ("split", 3, True), ("grant", 3, False), ("merge", 1, 3)])
@example([("revoke", 1, False), ("merge", 3, 1), ("split", 3, True), ("grant", 3, True), ("merge", 1, 3)])
@example([("merge", 0, 1), ("revoke", 0, False), ("grant", 0, True), ("split", 0, False), ("merge", 0, 1)])
def test_nobody_who_was_restricted_becomes_mailable_by_a_merge_or_a_split(store: Store, steps: Any) -> None:
    """Go through a history of four people, who are what they are whatever customer they are taken for."""
    world = _World()
    with store.write() as connection:
        transaction = connection.begin_nested()
        for kind, who, how in steps:
            before, one = world.may_we(connection), world.customer[who]
            sides = {one, world.customer[how]} if kind == "merge" else set()
            strict = [world.refused(connection, sides, each) for each in range(4)]
            getattr(world, kind)(who, how) if kind in {"merge", "split"} else world.say(
                connection, kind, who, how
            )
            after = world.may_we(connection)
            if kind in {"merge", "split"}:
                assert all(after[each] is False for each in range(4) if before[each] is False), (
                    "restricted for good"
                )
            if kind == "split":
                assert all(before[each] for each in range(4) if after[each]), "a split allows nothing"
            if kind == "merge":
                joined = [each for each in range(4) if world.customer[each] == one]
                assert not any(after[each] and strict[each] for each in joined), "the strictest side wins"
            if kind == "revoke":
                assert not any(after[each] for each in range(4) if world.customer[each] == one)
        transaction.rollback()


class _World:
    """Four people with an address each, the customers for whom they are taken, and the journal of how it came."""

    def __init__(self) -> None:
        self.customer = {each: f"cus_{each}" for each in range(4)}
        self.became: dict[str, str] = {}
        self.changes: list[Change] = []
        self.at = NOON
        self.made = 4

    def people(self) -> dict[str, KnownAs]:
        return known_as(
            [{"old_customer_id": old, "customer_id": new} for old, new in self.became.items()], self.changes
        )

    def may_we(self, connection: Any) -> list[bool | None]:
        """Tell of each at their own address: granted, revoked, or that nobody said anything."""
        return [self._state(connection, self.customer[each], f"h{each}") for each in range(4)]

    def refused(self, connection: Any, customers: set[str], who: int) -> bool:
        """Say whether any of these customers would be refused at somebody's address, were it theirs."""
        return any(self._state(connection, each, f"h{who}") is False for each in customers)

    def _state(self, connection: Any, customer_id: str, address: str) -> bool | None:
        person = self.people().get(customer_id, KnownAs((customer_id,)))
        state = consent.state(connection, person, address, "email")
        return None if state is None else state.granted

    def say(self, connection: Any, action: str, who: int, with_address: bool) -> None:  # noqa: FBT001
        self.at += HOUR
        address = f"h{who}" if with_address else None
        event = replace(
            SAID, action=action, customer_id=self.customer[who], address_hash=address, occurred_at=self.at
        )
        consent.record(connection, event, self.at)

    def merge(self, one: int, other: int) -> None:
        stays, goes = self.customer[one], self.customer[other]
        if stays == goes:
            return
        self.at += HOUR
        self.became |= {old: stays for old, new in self.became.items() if new == goes} | {goes: stays}
        self.changes.append(Change(f"bld_{len(self.changes):04d}", "merged", stays, goes, self.at))
        self.customer |= {each: stays for each, customer in self.customer.items() if customer == goes}

    def split(self, who: int, comes_back: bool) -> None:  # noqa: FBT001
        whole = self.customer[who]
        if list(self.customer.values()).count(whole) == 1:
            return
        self.at += HOUR
        before = [old for old, new in self.became.items() if new == whole]
        new = before[0] if comes_back and before else f"cus_{self.made}"
        self.became.pop(new, None)
        self.made += 1
        self.changes.append(Change(f"bld_{len(self.changes):04d}", "split", new, whole, self.at))
        self.at += HOUR
        self.customer[who] = new


@pytest.mark.parametrize("new", [NEW, BOB], ids=["a new id", "the id of before"])
def test_what_is_shown_of_one_after_a_split_holds_no_grant_and_no_later_word_of_the_other(
    story: Story, new: str
) -> None:
    story.say("grant", ANNA, "anna@x.example")
    story.say("grant", BOB, "bob@x.example")
    story.merge()
    story.say("revoke", ANNA, None)
    story.split(new)
    story.say("grant", ANNA, "anna@x.example")
    story.say("revoke", new, "bob@x.example")

    def shown(customer_id: str, email: str) -> list[tuple[str, str | None]]:
        hashed = story.addresses.hash(email)
        with story.store.read() as connection:
            events = consent.show(connection, story.customers.known_as(customer_id, connection), [hashed])
        assert {each["address_hash"] for each in events} <= {hashed, None}
        return [(each["action"], each["customer_id"]) for each in events]

    assert shown(ANNA, "anna@x.example") == [("grant", ANNA), ("revoke", ANNA), ("grant", ANNA)]
    assert shown(new, "bob@x.example") == [("grant", BOB), ("revoke", ANNA), ("revoke", new)]
