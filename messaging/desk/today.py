"""What needs a person today: who waits, what was promised, what is red, unconfirmed, in doubt or unapproved."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from messaging.customers import Customers
from messaging.customers.conversations import GONE
from messaging.desk.follow_ups import FollowUp, due
from messaging.desk.requests import SOON, pressing
from messaging.facts import red_contracts
from messaging.identity_decisions.record import standing_decisions
from messaging.identity_decisions.said import Record
from messaging.release import Snapshot
from messaging.store import Store
from messaging.store.tables import campaign_runs, inbound_messages, messages

LATELY = timedelta(days=14)  # ours: who has waited longer is counted, and found among the customers
AHEAD = timedelta(days=1)  # follow-ups that are due until this time tomorrow

WAITING = """
SELECT customer_id, display_name AS name, waiting_since AS since, coalesce(open_complaint_count, 0) > 0 AS complains
FROM c360.customer_360
WHERE waiting_since >= $lately AND NOT list_contains($answered, customer_id)
ORDER BY complains DESC, waiting_since, customer_id LIMIT $most
"""
COUNTED = """
SELECT count(*) AS people, count(*) FILTER (WHERE waiting_since >= $lately) AS lately
FROM c360.customer_360 WHERE waiting_since IS NOT NULL AND NOT list_contains($answered, customer_id)
"""
NAMES = "SELECT customer_id, display_name AS name FROM c360.customer_360 WHERE list_contains($people, customer_id)"
DOUBTS = """
WITH pairs AS (
    SELECT customer_id, probability, review_id, source || chr(31) || source_record_id AS one,
           other_source || chr(31) || other_record_id AS other
    FROM c360.identity_review
)
SELECT customer_id, count(*) OVER () AS doubts FROM pairs
WHERE NOT list_contains($decided::VARCHAR[], least(one, other) || chr(30) || greatest(one, other))
ORDER BY probability DESC, review_id LIMIT 1
"""


@dataclass(frozen=True)
class Waiting:
    """Somebody who waits for an answer; `since` is naive UTC, `name` None where nobody knows it."""

    customer_id: str
    name: str | None
    since: datetime
    complains: bool = False


@dataclass(frozen=True)
class Today:
    """Everything that needs a person today; lists are short, counts are whole."""

    waiting: tuple[Waiting, ...]
    waiting_lately: int
    waiting_ever: int
    follow_ups: tuple[FollowUp, ...]
    names: dict[str, str | None]  # of those whom follow-ups are about
    red_contracts: tuple[str, ...]
    unconfirmed: int  # messages of which nobody knows whether they went
    doubts: int  # pairs of customers who may be one
    first_doubt: str | None  # one of a pair
    unapproved: tuple[str, ...]  # campaigns whose newest plan waits for approval
    requests: int  # that people made of their data, and that are due within a week

    @property
    def is_quiet(self) -> bool:
        """Say whether nothing needs anybody."""
        return not (
            self.waiting_lately or self.follow_ups or self.red_contracts or self.unconfirmed
            or self.doubts or self.unapproved or self.requests
        )  # fmt: skip


def needs_today(customers: Customers, store: Store, now: datetime, most: int = 5) -> Today:
    """Look what needs a person today (`now` is naive UTC), by one release and what the store has heard since."""
    promised = due(store, now + AHEAD, most)
    decided = {frozenset((each.one, each.other)) for each in standing_decisions(store)}
    with customers.reader.snapshot() as snapshot, store.read() as connection:
        since = snapshot.info.as_of
        answered = _answered(connection, since)
        fresh = _fresh(connection, since, answered)
        waiting, lately, ever = _waiting(snapshot, answered, fresh, now, most)
        doubts, first_doubt = _doubts(snapshot, decided)
        return Today(
            waiting=waiting,
            waiting_lately=lately,
            waiting_ever=ever,
            follow_ups=tuple(promised),
            names=_names(snapshot, {each.customer_id for each in promised}),
            red_contracts=red_contracts(connection),
            unconfirmed=_unconfirmed(connection),
            doubts=doubts,
            first_doubt=first_doubt,
            unapproved=_unapproved(connection),
            requests=pressing(connection, now + SOON),
        )


def _waiting(
    snapshot: Snapshot, answered: dict[str, datetime], fresh: dict[str, datetime], now: datetime, most: int
) -> tuple[tuple[Waiting, ...], int, int]:
    """List who waits, and count who has lately and who ever; an answer of ours since the build takes somebody off."""
    found: list[Waiting] = []
    lately = ever = 0
    if "waiting_since" in snapshot.columns("customer_360"):
        asked = {"lately": now - LATELY, "answered": sorted({*answered, *fresh})}
        counted = snapshot.row(COUNTED, asked) or {}
        lately, ever = counted.get("lately", 0), counted.get("people", 0)
        found = [Waiting(**row) for row in snapshot.rows(WAITING, {**asked, "most": most})]
    names = _names(snapshot, fresh)
    found += [Waiting(each, names.get(each), at) for each, at in fresh.items()]
    found.sort(key=lambda each: (not each.complains, each.since, each.customer_id))
    return tuple(found[:most]), lately + len(fresh), ever + len(fresh)


def _answered(connection: Connection, since: datetime) -> dict[str, datetime]:
    """Give whom one of us has answered since a moment, and when last."""
    table = messages.c
    rows = select(table.customer_id, func.max(table.created_at)).where(
        table.created_at > since, table.message_class == "conversational", table.state.not_in(GONE)
    )
    return {row[0]: row[1] for row in connection.execute(rows.group_by(table.customer_id))}


def _fresh(connection: Connection, since: datetime, answered: dict[str, datetime]) -> dict[str, datetime]:
    """Give who wrote to us after the build, in more than a keyword, and was not answered yet."""
    table = inbound_messages.c
    rows = select(table.customer_id, func.max(table.received_at)).where(
        table.received_at > since, table.customer_id.is_not(None), table.keyword.is_(None)
    )
    wrote = {row[0]: row[1] for row in connection.execute(rows.group_by(table.customer_id))}
    return {each: at for each, at in wrote.items() if each not in answered or answered[each] < at}


def _names(snapshot: Snapshot, people: Collection[str]) -> dict[str, str | None]:
    rows = snapshot.rows(NAMES, {"people": sorted(people)}) if people else []
    return {row["customer_id"]: row["name"] for row in rows}


def _unconfirmed(connection: Connection) -> int:
    unknown = select(func.count()).select_from(messages).where(messages.c.state == "unknown")
    return connection.execute(unknown).scalar_one()


def _doubts(snapshot: Snapshot, decided: set[frozenset[Record]]) -> tuple[int, str | None]:
    """Count the pairs that are under review and that nobody has decided since; give one customer of the likeliest."""
    if not snapshot.has("identity_review"):
        return 0, None
    told = [sorted(f"{each.source}\x1f{each.source_record_id}" for each in pair) for pair in decided]
    pairs = ["\x1e".join((pair[0], pair[-1])) for pair in told]  # a record may be laid beside itself
    row = snapshot.row(DOUBTS, {"decided": pairs})
    return (row["doubts"], row["customer_id"]) if row else (0, None)


def _unapproved(connection: Connection) -> tuple[str, ...]:
    table = campaign_runs.c
    rows = select(table.campaign).where(table.state == "planned").order_by(table.planned_at.desc())
    return tuple(dict.fromkeys(connection.execute(rows).scalars()))
