"""What people are known as: all ids of those who were merged, and those that they shared before a split.

A message that was planned for one id may go out after it became another, or after its person was cut in two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import structlog
from sqlalchemy import Connection, select

from data_contracts.errors import RapportError
from messaging.consent import MERGES_UNKNOWN, KnownAs
from messaging.customers.partings import Change, Parted, partings
from messaging.release import ReleaseReader, Row, Snapshot
from messaging.store import Store
from messaging.store.tables import builds

log = structlog.get_logger(__name__)

GRACE = timedelta(minutes=10)  # as long as a reader may hold on to the release before

ALIASES = "SELECT old_customer_id, customer_id FROM c360.identity_alias"
# Builds are named by the time at which they began, so that their order is that of what happened.
JOURNAL = "identity_journal"  # a release of an earlier version of Rapport has none, and knows of no splits
CHANGES = """
SELECT build_id, kind, customer_id, other_customer_id AS other, "at" FROM c360.identity_journal
WHERE kind IN ('merged', 'split') AND EXISTS (FROM c360.identity_journal WHERE kind = 'split')
ORDER BY build_id, "at", kind, customer_id, other_customer_id
"""


@dataclass(frozen=True)
class Known:
    """What a release knows of ids: which id became which, and what people are known as by each of theirs.

    `people` has only those who have had several ids or shared one; `of` knows everybody.
    """

    became: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, KnownAs] = field(default_factory=dict)

    def current(self, customer_id: str) -> str:
        """Give the id that a customer goes by today."""
        return last_id(self.became, customer_id)

    def of(self, customer_id: str) -> KnownAs:
        """Give what the person with an id is known as."""
        return self.people.get(customer_id) or KnownAs((customer_id,))

    def earlier(self, customer_id: str) -> tuple[str, ...]:
        """Give the ids that a customer had before, so that what the store holds under them is found as well."""
        return tuple(each for each in self.of(customer_id).ids if each != customer_id)


class Merges:
    """Gives what people are known as, by each of their ids; read once a release, so that it can be asked all the time."""

    def __init__(self, reader: ReleaseReader, store: Store) -> None:
        self._reader = reader
        self._store = store
        self._learning = Lock()
        # by version: the release that is read, and the one before, which others may still hold
        self._known: dict[str, Known] = {}
        reader.prepare(self._prepare)

    def __call__(self) -> Mapping[str, KnownAs]:
        """Give everybody who has had several ids or shared one. While no release can be read, the last known ones.

        MERGES_UNKNOWN where a release is published, and this process could never read one.
        """
        try:
            if self._reader.info().version not in self._known:
                with self._reader.snapshot() as snapshot, self._store.read() as store:
                    return self.known(snapshot, store).people
        except RapportError as error:
            log.debug("merges.unknown", reason=type(error).__name__)
        last = next(reversed(self._known.values()), None)
        if last is None and self._reader.is_named():
            return MERGES_UNKNOWN
        return last.people if last else {}

    def known(self, snapshot: Snapshot, store: Connection) -> Known:
        """Give what the release of a snapshot knows."""
        version = snapshot.info.version
        if found := self._known.get(version):
            return found
        with self._learning:
            if version not in self._known:
                before = list(self._known.items())[-1:]
                self._known = dict([*before, (version, all_known(snapshot, store))])  # replaced as one
            return self._known[version]

    def _prepare(self, snapshot: Snapshot) -> None:
        with self._store.read() as store:
            self.known(snapshot, store)


def all_known(snapshot: Snapshot, store: Connection) -> Known:
    """Read which ids became which, and what everybody is known as who has had several or shared one before a split."""
    aliases = snapshot.rows(ALIASES)
    rows = snapshot.rows(CHANGES) if snapshot.has(JOURNAL) else []
    return Known(_became(aliases), known_as(aliases, dated(rows, store, snapshot.info.built_at)))


def known_as(aliases: Iterable[Mapping[str, str]], changes: Iterable[Change] = ()) -> dict[str, KnownAs]:
    """Put the ids together that became one, through all merges, with those that they shared before a split."""
    became = _became(aliases)
    parted = partings(became, changes)
    people: dict[str, set[str]] = {}
    for old in became:
        current = last_id(became, old)
        people.setdefault(current, {current}).add(old)
    for customer_id in parted:
        current = last_id(became, customer_id)
        people.setdefault(current, {current})
    found: dict[str, KnownAs] = {}
    for ids in people.values():
        found |= dict.fromkeys(ids, _known(sorted(ids), parted))
    return found


def dated(rows: Sequence[Row], store: Connection, built_at: datetime) -> list[Change]:
    """Date changes of the journal: readers saw what was before until a build was published, and a little longer.

    A build that has not said when it ended counts as ending at `built_at`.
    """
    named = {row["build_id"] for row in rows}
    table = builds.c
    ended = select(table.build_id, table.finished_at).where(table.build_id.in_(named))
    published = {row.build_id: row.finished_at or built_at for row in store.execute(ended)}
    return [
        Change(row["build_id"], row["kind"], row["customer_id"], row["other"], _until(row, published))
        for row in rows
    ]


def last_id(became: Mapping[str, str], customer_id: str) -> str:
    """Follow an id to the one that it is today; a ring, which there should never be, ends."""
    current, hops = customer_id, 0
    while current in became and hops < len(became):
        current, hops = became[current], hops + 1
    return current


def became_in(snapshot: Snapshot) -> dict[str, str]:
    """Read which ids became which in a release."""
    return _became(snapshot.rows(ALIASES))


def _became(aliases: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {row["old_customer_id"]: row["customer_id"] for row in aliases}


def _known(ids: Sequence[str], parted: Mapping[str, Parted]) -> KnownAs:
    whole = Parted()
    for customer_id in ids:
        whole.add(parted.get(customer_id, Parted()))
    return KnownAs(tuple(ids), tuple(sorted(whole.shared.items())), tuple(sorted(whole.rejoined)))


def _until(row: Row, published: Mapping[str, datetime]) -> datetime:
    at: datetime = row["at"]
    return max(at, published.get(row["build_id"], at)) + GRACE
