"""The write-ahead intent: a call to a provider is committed before it is made, on facts read just then.

Everything that could forbid the message is read again in the transaction that writes `calling`, under locks
on its address and its person. A STOP takes the same locks: either it comes first and is seen, or the
message went.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, Select, case, insert, select

from messaging.budgets import budget_key
from messaging.clock import Instant
from messaging.consent import MERGES_UNKNOWN, KnownAs
from messaging.facts import Candidate, gather, red_contracts
from messaging.outbox.moves import STATE_BY_ID, move, move_each
from messaging.outbox.outbound import outbound
from messaging.outbox.purse import Purse, scopes
from messaging.outbox.queue import ANSWERED_WITHIN, CLASSES, EXPIRES_AFTER_DAYS, LEASE, STOP_ANSWER
from messaging.outbox.turns import Turns
from messaging.policy import Blocked, FrequencyCap, Limits, SendFacts, decide, shipped_limits
from messaging.quiet_hours import QuietRules
from messaging.senders.base import OutboundMessage
from messaging.senders.last_look import CALL_WITHIN, CONNECTING
from messaging.store.ids import new_id
from messaging.store.locks import address_key, lock, person_key
from messaging.store.tables import attempts, campaign_runs, messages
from messaging.store.times import database_now

AllIds = Mapping[str, KnownAs]
NOBODY_MERGED: AllIds = MappingProxyType({})
NOT_KNOWN_AS = Blocked(
    "merges_unknown",
    "The release cannot be read, so nobody knows which ids are one person; marketing waits until it can.",
)
Admit = Callable[
    [Connection, Sequence[Row[Any]]], Collection[str]
]  # gives the ids of those that have to wait
REACHED_WITHIN = CALL_WITHIN + CONNECTING  # seconds: the provider counts from when it has the message
RECHECK = timedelta(minutes=5)  # how long a message rests that waits for data to pass its checks


@dataclass(frozen=True)
class Call:
    """One call that may be made now: its intent is committed once the transaction is."""

    attempt_id: str
    number: int
    message: OutboundMessage
    segment_count: int | None = None  # as we counted, until the provider says
    decided: Instant = field(default_factory=Instant.now)  # what allows it was true then
    cost: int = 0  # what it is taken to cost, in millionths of the currency


@dataclass(frozen=True)
class Intents:
    """What became of the claimed messages: calls to make, and counts of the rest by reason.

    `held` counts those that may go, and wait for their sender.
    """

    calls: tuple[Call, ...]
    waiting: dict[str, int]
    skipped: dict[str, int]
    held: int = 0


def to_calling(  # noqa: PLR0913 - what the gate needs
    connection: Connection,
    owner: str,
    ids: Sequence[str],
    now: datetime,
    *,
    rules: QuietRules,
    limits: Limits | None = None,
    lease: timedelta = LEASE,
    all_ids: AllIds = NOBODY_MERGED,
    admit: Admit = lambda *_: (),
    decided: Instant | None = None,
) -> Intents:
    """Turn claimed messages into calls, let them wait, or skip them with the reason. Commit, then call.

    `all_ids` gives what people are known as who have had several ids, or shared one: what was said under it counts.
    `decided` is the moment of `now` by this machine's clocks (None: this one), by which the callers look again.
    `admit` is asked last, of the messages that may go: what a sender cannot take yet goes back.
    """
    decided, limits = decided or Instant.now(), limits or shipped_limits()
    rows = _claimed(connection, owner, ids)
    if connection.dialect.name == "postgresql":  # SQLite's writer is alone from its first statement on
        _lock(connection, rows, all_ids, limits, now)
        rows = _claimed(connection, owner, ids, locking=True)
    judged, result = _sort_out(connection, rows, now, all_ids)
    red = red_contracts(connection)
    facts = gather(connection, [candidate_of(row, red, all_ids) for row in judged], now, limits)
    purse, turns = Purse(connection, limits, judged, now), Turns(connection, judged, now)
    today, allowed = database_now(connection), []
    for row in judged:
        known = purse.seen_by(row, facts[row.message_id])
        verdict = decide(known, rules)
        if (
            all_ids is MERGES_UNKNOWN
            and row.message_class == "marketing"
            and not isinstance(verdict, Blocked)
        ):
            verdict = NOT_KNOWN_AS
        if isinstance(verdict, Blocked):
            _hold(connection, row, verdict, now, today, result)
            continue
        if late := turns.blocks(row):
            _hold(connection, row, late, now, today, result)
            continue
        purse.promise(row, known.cost)
        allowed.append((row, known, verdict.until))
    held = set(admit(connection, [row for row, _, _ in allowed]))
    if held:
        move(connection, held, ["sending"], "queued", now)
    calls = [_call(row, known, decided, until) for row, known, until in allowed if row.message_id not in held]
    purse.write(connection, held)
    turns.write(connection, held)
    _intend(connection, calls, now, today, lease)
    return Intents(tuple(calls), result.waiting, result.skipped, len(held))


def _call(row: Row[Any], known: SendFacts, decided: Instant, until: datetime | None) -> Call:
    valid = None if until is None else int((until - known.now).total_seconds() - REACHED_WITHIN)
    message = outbound(row, window_open=known.window_open, valid_seconds=valid)
    cost = known.cost or row.cost or 0  # paid for by an earlier try of the day
    return Call(new_id("att"), row.attempt_count + 1, message, row.segment_count, decided, cost)


@dataclass
class _Result:
    waiting: dict[str, int]
    skipped: dict[str, int]


def _lock(
    connection: Connection, rows: Sequence[Row[Any]], all_ids: AllIds, limits: Limits, now: datetime
) -> None:
    people = {one for row in rows for one in _person(row, all_ids).everything}
    addresses = [address_key(row.address_hash) for row in rows]
    budgets = [budget_key(limits.day(now)[0])] if any(scopes(limits, row) for row in rows) else []
    lock(connection, [*addresses, *budgets, *map(person_key, people)])


def _person(row: Row[Any], all_ids: AllIds) -> KnownAs:
    return all_ids.get(row.customer_id) or KnownAs((row.customer_id,))


def _claimed(
    connection: Connection, owner: str, ids: Sequence[str], *, locking: bool = False
) -> Sequence[Row[Any]]:
    table = messages.c
    rows = with_runs().where(table.message_id.in_(ids), STATE_BY_ID == "sending", table.lease_owner == owner)
    rows = rows.order_by(table.message_id)
    if locking and connection.dialect.name == "postgresql":
        rows = rows.with_for_update(of=messages)  # a lease that runs out is taken over by another dispatcher
    # Locked by their ids, as all do; judged by class, so that a receipt is not held for the marketing beside it.
    return sorted(connection.execute(rows).all(), key=lambda row: CLASSES.index(row.message_class))


def with_runs() -> Select[Any]:
    """Select messages with what the gate looks at in their runs."""
    return select(
        messages,
        campaign_runs.c.state.label("run_state"),
        campaign_runs.c.content.label("run_content"),
        # None where people come one by one: each message is as old as itself
        case((campaign_runs.c.opened_by.is_(None), campaign_runs.c.planned_at)).label("run_planned_at"),
    ).select_from(messages.outerjoin(campaign_runs))


def _sort_out(
    connection: Connection, rows: Sequence[Row[Any]], now: datetime, all_ids: AllIds
) -> tuple[list[Row[Any]], _Result]:
    """Give back what a halted run holds, and the second message to one person: the first has to count."""
    judged: list[Row[Any]] = []
    result = _Result({}, {})
    met: set[str] = set()  # people by their ids, and addresses, which others may have as well
    for row in rows:
        this = messages.c.message_id == row.message_id
        who = {*map(person_key, _person(row, all_ids).ids), address_key(row.address_hash)}
        if row.run_state == "stopped":
            move(connection, this, ["sending"], "cancelled", now, reason="stopped", done_at=now)
            _count(result.skipped, "stopped")
        elif row.run_state not in {None, "running"}:
            move(connection, this, ["sending"], "queued", now)
            _count(result.waiting, "paused")
        elif met & who:
            move(connection, this, ["sending"], "queued", now)
            _count(result.waiting, "same_person")
        else:
            met |= who
            judged.append(row)
    return judged, result


def candidate_of(row: Row[Any], red: tuple[str, ...], all_ids: AllIds) -> Candidate:
    """Give what the gate is asked about for a message, as `with_runs` reads it."""
    content, parts = row.run_content or {}, row.parts or {}
    tables = content.get("tables", red) if row.run_id else ()
    own = content.get("caps", {}).get(row.channel)
    return Candidate(
        key=row.message_id,
        person=_person(row, all_ids),
        channel=row.channel,
        address=row.address,
        address_hash=row.address_hash,
        message_class=row.message_class,
        purpose=row.purpose,
        address_given=row.address is not None,
        time_zone=row.time_zone,
        country=row.country,
        region=row.region,
        message_id=row.message_id,
        campaign=row.campaign,
        red_contracts=tuple(name for name in red if name in tables),
        caps=(FrequencyCap(own["messages"], own["days"], row.channel),) if own else (),
        has_template="content_sid" in parts,
        segments=row.segment_count,
        characters=len(row.body),
        expires_at=_expires_at(row),
        answers_stop_until=_answers_stop_until(row),
    )


def _expires_at(row: Row[Any]) -> datetime | None:
    """Give until when marketing may go, from when it was planned on; whatever else is asked for does not grow old."""
    if row.message_class != "marketing":
        return None
    planned: datetime = row.run_planned_at or row.created_at
    return planned + timedelta(days=(row.run_content or {}).get("expires_after_days", EXPIRES_AFTER_DAYS))


def _answers_stop_until(row: Row[Any]) -> datetime | None:
    """Give until when a message may go that answers a STOP; None for every other one, whatever its purpose says."""
    if row.purpose != STOP_ANSWER or row.message_class != "conversational" or row.run_id is not None:
        return None
    created: datetime = row.created_at
    return created + ANSWERED_WITHIN


def _hold(  # noqa: PLR0913, PLR0917 - one verdict on one row
    connection: Connection, row: Row[Any], verdict: Blocked, now: datetime, today: datetime, result: _Result
) -> None:
    this = messages.c.message_id == row.message_id
    why = {"reason": verdict.reason, "detail": verdict.sentence}
    if verdict.waits and verdict.until is not None:
        move(connection, this, ["sending"], "queued", now, send_after=verdict.until, **why)
        _count(result.waiting, verdict.reason)
    elif verdict.reason in {"contract_red", NOT_KNOWN_AS.reason}:
        move(connection, this, ["sending"], "queued", now, retry_at=today + RECHECK, **why)
        _count(result.waiting, verdict.reason)
    else:
        move(connection, this, ["sending"], "skipped", now, done_at=now, **why)
        _count(result.skipped, verdict.reason)


def _intend(
    connection: Connection, calls: Sequence[Call], now: datetime, today: datetime, lease: timedelta
) -> None:
    """Write down that these calls are about to be made: from here on, each may have been."""
    if not calls:
        return
    rows = [
        {
            "attempt_id": call.attempt_id,
            "message_id": call.message.message_id,
            "number": call.number,
            "started_at": today,
        }
        for call in calls
    ]
    connection.execute(insert(attempts), rows)
    settled: dict[str, Any] = {"reason": None, "detail": None, "send_after": None, "retry_at": None}
    settled |= {"calling_at": now, "lease_until": today + lease}
    moved = [
        {"this": call.message.message_id, "attempt_count": call.number, "cost": call.cost, **settled}
        for call in calls
    ]
    move_each(connection, "sending", "calling", now, moved)


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1
