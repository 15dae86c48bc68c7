"""What the rules look at, read from the store in a few queries; nothing here decides anything.

Customers' moments (`now`) go by the installation's clock, calls to providers by the database's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, exists, func, or_, select

from messaging.deliverability import Halt, standing_halts
from messaging.inbox.written import LONGEST
from messaging.outbox import Tripped, left_alone
from messaging.reconcile.settling import WITH_A_PERSON
from messaging.store.tables import attempts, contract_status, inbound_messages, messages, suppressions
from messaging.store.tables_consent import opt_out_reviews
from messaging.store.tables_receiver import intakes
from messaging.store.tables_schedules import scheduled_moments, standing_approvals
from messaging.store.tables_shadows import shadow_days
from messaging.store.tables_triggers import triggerings

MISSED = timedelta(days=1)  # so long it is told that events came to nothing
LOOK_BACK = timedelta(days=14)  # who has not been answered by then is no longer waiting
FAILED_WITHIN = timedelta(days=7)
# States of an answer that has gone, or is about to.
ANSWERING = ("queued", "sending", "calling", "accepted", "done", "unknown")
MOST_READ = 20_000  # waiting messages, the oldest first: beyond them one more would tell nothing new


@dataclass(frozen=True)
class UnknownSends:
    """Messages of a run (or of none) whose call broke off; `put_before` of them wait for a person's decision."""

    run_id: str | None
    campaign: str | None
    count: int
    put_before: int
    oldest_at: datetime  # database's clock


@dataclass(frozen=True)
class RedContract:
    """A table whose newest verdict is red, and the names of the rules that it broke."""

    table: str
    rows_checked: int
    rows_quarantined: int
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Intake:
    """A way in, as its newest synthetic check found it; the reason is a code."""

    intake: str
    checked_at: datetime
    failing_since: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True)
class DeadLetters:
    """Messages that were refused for good for one reason; not those whose address turned out to be dead."""

    channel: str
    provider: str | None
    code: int | None
    count: int
    told: str | None


@dataclass(frozen=True)
class WaitingMessage:
    """A message from outside that nobody has answered. `conversation` is the keyed hash of its address.

    `wants_answer` is False where we obeyed it as an opt-out, which a person has only to confirm.
    """

    inbound_id: str
    channel: str
    conversation: str
    customer_id: str | None
    received_at: datetime
    body: str  # its beginning
    wants_answer: bool = True


@dataclass(frozen=True)
class HeldSchedule:
    """A campaign that did not go, or was not planned in shadow mode, when it was due, and why."""

    campaign: str
    due_at: datetime
    told: str


@dataclass(frozen=True)
class Facts:
    """Everything that is looked at in one round."""

    unknown: tuple[UnknownSends, ...] = ()
    red: tuple[RedContract, ...] = ()
    breakers: tuple[Tripped, ...] = ()
    intakes: tuple[Intake, ...] = ()
    dead: tuple[DeadLetters, ...] = ()
    halted: tuple[Halt, ...] = ()
    waiting: tuple[WaitingMessage, ...] = ()
    held: tuple[HeldSchedule, ...] = ()


def read_facts(connection: Connection, now: datetime) -> Facts:
    """Read what the rules look at; `now` is naive UTC by the installation's clock."""
    return Facts(
        unknown=_unknown(connection),
        red=_red(connection),
        breakers=tuple(left_alone(connection)),
        intakes=_intakes(connection),
        dead=_dead(connection, now - FAILED_WITHIN),
        halted=tuple(standing_halts(connection).values()),
        waiting=_waiting(connection, now - LOOK_BACK),
        held=(
            *_held(connection, now - LOOK_BACK),
            *_shadows_held(connection, now - LOOK_BACK),
            *_triggers_held(connection, now - MISSED),
        ),
    )


def _unknown(connection: Connection) -> tuple[UnknownSends, ...]:
    table = messages.c
    newest = and_(attempts.c.message_id == table.message_id, attempts.c.number == table.attempt_count)
    rows = (
        select(
            table.run_id,
            table.campaign,
            func.count().label("count"),
            func.sum(case((table.reason.in_(WITH_A_PERSON), 1), else_=0)).label("put_before"),
            func.min(attempts.c.started_at).label("oldest_at"),
        )
        .select_from(messages.join(attempts, newest))
        .where(table.state == "unknown")
        .group_by(table.run_id, table.campaign)
    )
    return tuple(UnknownSends(**row._asdict()) for row in connection.execute(rows))


def _red(connection: Connection) -> tuple[RedContract, ...]:
    rows = select(contract_status).where(contract_status.c.state == "red")
    return tuple(
        RedContract(row.table_name, row.rows_checked, row.rows_quarantined, _broken(row.detail))
        for row in connection.execute(rows)
    )


def _broken(detail: Any) -> tuple[str, ...]:
    rules = detail if isinstance(detail, list) else []
    return tuple(str(each.get("rule")) for each in rules if isinstance(each, dict) and each.get("failed"))


def _intakes(connection: Connection) -> tuple[Intake, ...]:
    table = intakes.c
    rows = select(table.intake, table.checked_at, table.failing_since, table.reason).order_by(table.intake)
    return tuple(Intake(**row._asdict()) for row in connection.execute(rows))


def _dead(connection: Connection, since: datetime) -> tuple[DeadLetters, ...]:
    """Read refused messages by their reason; a refusal that blocked the address is the customer's, not ours."""
    table = messages.c
    blocked = exists().where(
        suppressions.c.address_hash == table.address_hash,
        suppressions.c.channel == table.channel,
        suppressions.c.lifted_at.is_(None),
    )
    rows = (
        select(
            table.channel,
            table.provider,
            table.error_code.label("code"),
            func.count().label("count"),
            func.max(table.detail).label("told"),
        )
        .where(table.state == "failed", table.reason == "refused", table.done_at > since, ~blocked)
        .group_by(table.channel, table.provider, table.error_code)
    )
    return tuple(DeadLetters(**row._asdict()) for row in connection.execute(rows))


def _held(connection: Connection, since: datetime) -> tuple[HeldSchedule, ...]:
    """Read the newest due moment of each campaign that still goes by itself, where it did not go then."""
    table, standing = scheduled_moments.c, standing_approvals.c
    newest = (
        select(table.campaign, func.max(table.due_at).label("due_at")).group_by(table.campaign).subquery()
    )
    stands = exists().where(standing.campaign == table.campaign, standing.withdrawn_at.is_(None))
    rows = (
        select(table.campaign, table.due_at, table.told)
        .join(newest, and_(newest.c.campaign == table.campaign, newest.c.due_at == table.due_at))
        .where(table.state.in_(("refused", "missed")), table.due_at > since, stands)
        .order_by(table.campaign)
    )
    return tuple(HeldSchedule(row.campaign, row.due_at, row.told or "") for row in connection.execute(rows))


def _shadows_held(connection: Connection, since: datetime) -> Iterator[HeldSchedule]:
    """Read the newest day of each campaign in shadow mode, where it could not be planned."""
    table = shadow_days.c
    newest = select(table.campaign, func.max(table.day).label("day")).group_by(table.campaign).subquery()
    rows = (
        select(table.campaign, table.day, table.told)
        .join(newest, and_(newest.c.campaign == table.campaign, newest.c.day == table.day))
        .where(table.state == "failed", table.day > since.date().isoformat())
        .order_by(table.campaign)
    )
    for row in connection.execute(rows):
        yield HeldSchedule(
            row.campaign, datetime.fromisoformat(row.day), f"its day in shadow mode failed. {row.told}"
        )


def _triggers_held(connection: Connection, since: datetime) -> Iterator[HeldSchedule]:
    """Read of each campaign how often nobody saw to what triggers it in time."""
    table = triggerings.c
    rows = select(table.campaign, func.max(table.due_at).label("due_at"), func.count().label("times")).where(
        table.state == "missed", table.decided_at > since
    )
    for row in connection.execute(rows.group_by(table.campaign).order_by(table.campaign)):
        told = (
            f"what triggers it was not seen to in time, {row.times:,} within a day. Does the dispatcher run?"
        )
        yield HeldSchedule(row.campaign, row.due_at, told)


def _waiting(connection: Connection, since: datetime) -> tuple[WaitingMessage, ...]:
    table, review = inbound_messages.c, opt_out_reviews.c
    answered = exists().where(
        messages.c.address_hash == table.address_hash,
        messages.c.created_at >= table.received_at,
        messages.c.message_class == "conversational",
        messages.c.state.in_(ANSWERING),
    )
    wants_answer = review.state.is_(None)
    rows = (
        select(
            table.inbound_id,
            table.channel,
            table.address_hash.label("conversation"),
            table.customer_id,
            table.received_at,
            func.substr(table.body, 1, LONGEST).label("body"),
            wants_answer.label("wants_answer"),
        )
        .select_from(inbound_messages.outerjoin(opt_out_reviews, review.inbound_id == table.inbound_id))
        .where(table.received_at > since, table.keyword.is_(None), ~answered)
        .where(or_(wants_answer, review.state == "waiting"))
        .order_by(table.received_at)
        .limit(MOST_READ)
    )
    return tuple(WaitingMessage(**row._asdict()) for row in connection.execute(rows))
