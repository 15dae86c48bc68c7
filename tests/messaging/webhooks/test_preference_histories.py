"""Whatever was said before, by ids and by addresses: after saving, the gate says what the page's ticks say."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from messaging import consent
from messaging.addresses import Addresses, read_addresses
from messaging.consent import KnownAs
from messaging.consent_chain import ConsentEvent
from messaging.facts import Candidate, gather
from messaging.policy import Allowed, Blocked, decide
from messaging.quiet_hours import read_quiet_rules
from messaging.settings import Settings
from messaging.store import Store
from messaging.webhooks.preferring import CHANNELS, Wishes, Wording, set_wishes, wishes_of
from messaging.webhooks.readers import Person, Reader, reader_of

NOON = datetime.fromisoformat("2026-10-30T12:00")
MINUTE = timedelta(minutes=1)
WORLDS: Iterator[int] = count()
WORDING = Wording("en", dict.fromkeys(CHANNELS, "Yes, please"), "No profiling")
IDS, PLACES = (0, 1, 2), (0, 1)  # two ids are the reader's; the third is somebody's who shares an address
SAID = some.tuples(
    some.sampled_from(("grant", "revoke", "stop", "bounce", "import_grant", "import_revoke", "expiring")),
    some.sampled_from(CHANNELS),
    some.sampled_from((*IDS, None)),
    some.sampled_from((*PLACES, None)),
)
TICKS = some.frozensets(some.sampled_from(CHANNELS))


@dataclass
class Home:
    """A reader with two ids, two mailboxes and two numbers; what is said comes a minute after the last."""

    store: Store
    addresses: Addresses
    own: str
    at: datetime = NOON

    def __post_init__(self) -> None:
        self.number = next(WORLDS)
        self.ids = [f"cus_{self.number}_{each}" for each in IDS]
        self.person = KnownAs(tuple(self.ids[:2]))

    def address(self, channel: str, place: int) -> str:
        """Give one of their addresses."""
        if channel == "email":
            return f"one{place}@home{self.number}.example"
        return f"+4477009{self.number % 50000 * 2 + place:05d}"

    def hash(self, channel: str, place: int) -> str:
        """Give the hash of it, which is another in every example."""
        return self.addresses.hash(f"{self.number}/{self.address(channel, place)}")

    def say(self, kind: str, channel: str, who: int | None, place: int | None) -> None:
        """Let something be said of an id, an address or both."""
        self.at += MINUTE
        at_place = None if place is None else self.hash(channel, place)
        whom = None if who is None else self.ids[who]
        with self.store.write() as connection:
            if kind in {"stop", "bounce"}:
                hashed = at_place or self.hash(channel, 0)
                if kind == "bounce":
                    consent.suppress(connection, address_hash=hashed, channel=channel, reason="bounce", at=self.at, source="t")  # fmt: skip
                else:
                    consent.stop(connection, address_hash=hashed, channel=channel, at=self.at, source="t",
                                 customer_ids=[whom] if whom else [])  # fmt: skip
            elif whom or at_place:
                event = ConsentEvent(
                    channel=channel, purpose="marketing", legal_basis="consent", occurred_at=self.at, source="t",
                    action="revoke" if kind.endswith("revoke") else "grant", method="form", customer_id=whom,
                    actor="import" if kind.startswith("import") else "customer", address_hash=at_place,
                    expires_at=self.at + MINUTE / 2 if kind == "expiring" else None,
                )  # fmt: skip
                consent.record(connection, event, self.at)

    def reader(self, connection: Any) -> Reader:
        """Give who reads a message to their first address, and to their first id."""
        row: Any = SimpleNamespace(
            message_id="msg_1", customer_id=self.ids[0], channel=self.own, address_hash=self.hash(self.own, 0)
        )
        reader = reader_of(connection, row, Person(self.person), self.addresses)
        hashes = {each: frozenset(self.hash(each, place) for place in PLACES) for each in CHANNELS}
        return Reader(reader.known, hashes, reader.message)

    def save(self, ticked: frozenset[str]) -> int:
        """Save the page; give how many events that took."""
        self.at += MINUTE
        with self.store.write() as connection:
            return set_wishes(
                connection, self.reader(connection), Wishes(ticked, objects=False), WORDING, self.at
            )

    def shown(self) -> frozenset[str]:
        """Give what the page shows as ticked."""
        with self.store.read() as connection:
            return wishes_of(connection, self.reader(connection), self.at).channels

    def gate(self, channel: str, place: int) -> Allowed | Blocked:
        """Ask the gate about marketing to one of their addresses."""
        one = Candidate(
            key="1", person=self.person, channel=channel, address=self.address(channel, place),
            address_hash=self.hash(channel, place), time_zone="Europe/London", country="GB", has_template=True,
        )  # fmt: skip
        with self.store.read() as connection:
            return decide(gather(connection, [one], self.at)["1"], read_quiet_rules())

    def address_refuses(self, channel: str, place: int) -> bool:
        """Say whether an address is silent, or its own last word is a no: whoever holds it said so, or nobody knows who."""
        with self.store.read() as connection:
            silent = consent.suppressed(connection, [self.hash(channel, place)], channel)
            word = consent.state(connection, [], self.hash(channel, place), channel)
        return bool(silent) or (word is not None and (not word.granted or word.ran_out(self.at)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=some.lists(SAID, max_size=10),
    own=some.sampled_from(("email", "sms")),
    saves=some.lists(TICKS, min_size=1, max_size=3),
)
@example(
    history=[("import_grant", "sms", None, 0)], own="email", saves=[frozenset()]
)  # an address alone agreed
@example(
    history=[("grant", "email", 0, None), ("revoke", "email", 1, None)],
    own="email",
    saves=[frozenset({"email"})],
)  # the other id withdrew
@example(
    history=[("grant", "email", 2, 0), ("bounce", "email", 0, 0)],
    own="email",
    saves=[frozenset({"email"})],
)  # only a stranger's word stood of their address
@example(history=[("stop", "email", 1, 0)], own="email", saves=[frozenset({"email"})])
def test_after_saving_the_gate_says_what_was_ticked(
    store: Store, settings: Settings, history: Any, own: str, saves: Any
) -> None:
    home = Home(store, read_addresses(settings, store), own)
    for each in history:
        home.say(*each)
    for ticked in saves:
        hard = _is_hard(home)
        home.save(ticked)
        for channel in CHANNELS:
            verdicts = [home.gate(channel, place) for place in PLACES]
            assert (channel in home.shown()) == any(isinstance(each, Allowed) for each in verdicts)
            if channel not in ticked:
                assert all(isinstance(each, Blocked) for each in verdicts), (channel, verdicts)
                continue
            if channel == own:
                assert isinstance(verdicts[0], Blocked if hard else Allowed), verdicts
            is_open = any(isinstance(each, Allowed) for each in verdicts)
            for place, verdict in enumerate(verdicts):
                one_agreed = is_open and isinstance(verdict, Blocked) and verdict.reason == "no_consent"
                refuses = home.address_refuses(channel, place)
                assert isinstance(verdict, Allowed) or one_agreed or refuses, (channel, verdicts)
        assert home.save(ticked) == 0, "what stands is not said again"


def _is_hard(home: Home) -> bool:
    """Say whether the reader's own address is blocked by more than somebody's word."""
    hashed = home.hash(home.own, 0)
    with home.store.read() as connection:
        reason = consent.suppressed(connection, [hashed], home.own).get(hashed)
    return reason is not None and reason not in consent.LIFTABLE
