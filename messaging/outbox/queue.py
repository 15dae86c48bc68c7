"""Messages on their way to a sender: planned, queued at launch, claimed under a lease, given back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, TypedDict

from sqlalchemy import Connection, Select, exists, func, literal_column, or_, select, update

from messaging.outbox.moves import move
from messaging.outbox.states import OPEN, State
from messaging.policy import MessageClass
from messaging.store.inserts import insert_new
from messaging.store.tables import attempts, campaign_runs, messages
from messaging.store.tables_delivery import message_alternatives
from messaging.store.times import database_now

LEASE = timedelta(
    seconds=60
)  # a call ends within 50 seconds of its decision; what is older belongs to a dead process
LONGEST_LEASE = timedelta(minutes=10)
# Who waits for an answer goes before who ordered something, and both before whom we write to unasked.
CLASSES: tuple[MessageClass, ...] = ("conversational", "transactional", "marketing")
AT_ONCE = 10_000  # leases that one transaction takes over; the next takes the rest
STOPPED = {"reason": "stopped", "detail": "The campaign was stopped before this message went."}


class Parts(TypedDict, total=False):
    """What goes along with a message's words: for MMS and WhatsApp, for WhatsApp alone, for calls."""

    media_urls: list[str]
    content_sid: str
    content_variables: dict[str, str]
    language: str
    voice: str


EXPIRES_AFTER_DAYS = 7  # of marketing, from its plan on: ours, as long as a plan may wait for its launch
STOP_ANSWER = "stop_answer"  # the purpose of our one answer to a STOP, by the channel that it came by
ANSWERED_WITHIN = timedelta(
    minutes=10
)  # ours: later it confirms nothing, and is a message to somebody who said no


@dataclass(frozen=True)
class PlannedMessage:
    """A message as it is planned: rendered once, and never again. The columns of `messages`, in short.

    `alternatives` are the same message by the person's next channels: `fall_backs`.
    """

    message_id: str
    customer_id: str
    channel: str
    address: str
    address_hash: str
    body: str
    message_class: str = "marketing"
    purpose: str = "marketing"
    run_id: str | None = None
    campaign: str | None = None
    step: int = 0
    template: str | None = None
    template_hash: str | None = None
    variant: str | None = None
    subject: str | None = None
    html: str | None = None
    time_zone: str | None = None
    country: str | None = None
    region: str | None = None
    segment_count: int | None = None
    parts: Parts | None = None
    alternatives: tuple["PlannedMessage", ...] = ()

    def to_row(self) -> dict[str, Any]:
        """Give its columns as plain data."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "alternatives"}


@dataclass(frozen=True)
class Recovered:
    """What was found under leases that ran out: claimed ones go back, called ones become unknown."""

    requeued: int
    unknown: int


def insert_planned(
    connection: Connection, planned: Sequence[PlannedMessage], now: datetime, *, queued: bool = False
) -> int:
    """Store planned messages; one whose (run, step, person or address, channel) is there is left out.

    With `queued` they may go at once (an answer, a receipt); else `queue_run` lets a whole run go. Gives how
    many are new.
    """
    state: State = "queued" if queued else "planned"
    rows = [one.to_row() | {"state": state, "created_at": now, "updated_at": now} for one in planned]
    new = insert_new(connection, messages, rows)
    _keep_alternatives(connection, [one for one in planned if one.alternatives])
    return new


def _keep_alternatives(connection: Connection, planned: Sequence[PlannedMessage]) -> None:
    """Keep the other ways of messages that are stored; one that was there before under another id has its own."""
    if not planned:
        return
    ids = [one.message_id for one in planned]
    stored: set[str] = set(
        connection.execute(select(messages.c.message_id).where(messages.c.message_id.in_(ids))).scalars()
    )
    rows = [
        {"message_id": one.message_id, "place": place, "planned": other.to_row()}
        for one in planned
        if one.message_id in stored
        for place, other in enumerate(one.alternatives, 1)
    ]
    insert_new(connection, message_alternatives, rows)


def queue_run(connection: Connection, run_id: str, now: datetime) -> int:
    """Let the planned messages of a run go: at launch."""
    return move(connection, messages.c.run_id == run_id, ["planned"], "queued", now)


def cancel_run(connection: Connection, run_id: str, now: datetime) -> int:
    """Call back what has not gone yet, when a run is stopped; what is being called just now cannot be."""
    here = messages.c.run_id == run_id
    return move(connection, here, ["planned", "queued", "sending"], "cancelled", now, done_at=now, **STOPPED)


def claim(  # noqa: PLR0913 - a claim's terms
    connection: Connection,
    owner: str,
    limit: int,
    now: datetime,
    *,
    channels: Iterable[str],
    lease: timedelta = LEASE,
) -> list[str]:
    """Take up to `limit` messages that may go now under a lease, class by class, oldest first; give their ids.

    A campaign of a hundred thousand has no receipt wait behind it: marketing is given what the others leave.
    """
    today = database_now(connection)
    ids: list[str] = []
    for message_class in CLASSES:
        if len(ids) == limit:
            break
        rows = due_of(message_class, now, today, channels).limit(limit - len(ids))
        if connection.dialect.name == "postgresql":
            rows = rows.with_for_update(of=messages, skip_locked=True)
        ids += connection.execute(rows).scalars()
    if ids:
        taken = {"lease_owner": owner, "lease_until": today + lease}
        move(connection, ids, ["queued"], "sending", now, **taken)
    return ids


def waiting(connection: Connection, now: datetime, channels: Iterable[str]) -> int:
    """Count the messages that may go now."""
    due = _due(now, database_now(connection), channels).subquery()
    return connection.execute(select(func.count()).select_from(due)).scalar_one()


def run_on(connection: Connection, run_id: str | None) -> None:
    """Let a run that was done go on: one of its messages goes again, or by another way."""
    again = update(campaign_runs).where(campaign_runs.c.run_id == run_id, campaign_runs.c.state == "done")
    connection.execute(again.values(state="running", finished_at=None))


def any_due(connection: Connection, now: datetime, channels: Iterable[str]) -> bool:
    """Say whether any message of these channels may go now."""
    return connection.execute(_due(now, database_now(connection), channels).limit(1)).first() is not None


def give_back(connection: Connection, owner: str, ids: Iterable[str], now: datetime) -> int:
    """Put claimed messages back as they were, when a dispatcher ends before their turn."""
    mine = messages.c.message_id.in_(list(ids)) & (messages.c.lease_owner == owner)
    return move(connection, mine, ["sending"], "queued", now)


def recover(connection: Connection, now: datetime) -> Recovered:
    """Take over what a dead dispatcher held: a claimed message never left; of a called one nobody knows.

    What another transaction writes just now is left to it: the one who called may not be dead, and say what came of it.
    """
    today = database_now(connection)
    claimed, called = _expired(connection, "sending", today), _expired(connection, "calling", today)
    requeued = move(connection, claimed, ["sending"], "queued", now)
    connection.execute(
        update(attempts)
        .where(attempts.c.message_id.in_(called), attempts.c.outcome.is_(None))
        .values(outcome="unknown", finished_at=today)
    )
    unknown = move(
        connection,
        called,
        ["calling"],
        "unknown",
        now,
        reason="interrupted",
        detail="We stopped while the provider was being called, so we do not know yet whether it was sent.",
    )
    return Recovered(requeued, unknown)


def _expired(connection: Connection, state: State, today: datetime) -> list[str]:
    """Find the messages in a state whose lease has run out, and hold them; what another transaction holds is left out."""
    table = messages.c
    # A lease further ahead than any is given was given before the database's clock was set back: its time never comes.
    expired = or_(table.lease_until < today, table.lease_until > today + LONGEST_LEASE)
    rows = select(table.message_id).where(table.state == state, expired).order_by(table.message_id)
    rows = rows.limit(AT_ONCE)
    if connection.dialect.name == "postgresql":
        rows = rows.with_for_update(skip_locked=True)
    return list(connection.execute(rows).scalars())


def finish_runs(connection: Connection, now: datetime) -> int:
    """Close the running runs that have nothing left to do; call back what a stopped one was given back since.

    That is a message whose call was under way when its run was stopped, and then failed in a way that passes.
    """
    stopped = select(campaign_runs.c.run_id).where(campaign_runs.c.state == "stopped")
    move(connection, messages.c.run_id.in_(stopped), ["queued"], "cancelled", now, done_at=now, **STOPPED)
    open_ones = exists(
        select(messages.c.message_id).where(
            messages.c.run_id == campaign_runs.c.run_id, messages.c.state.in_(OPEN)
        )
    )
    coming = campaign_runs.c.opened_by.is_not(None) & campaign_runs.c.closed_at.is_(None)  # one by one
    done = update(campaign_runs).where(campaign_runs.c.state == "running", ~coming, ~open_ones)
    return connection.execute(done.values(state="done", finished_at=now)).rowcount


def counts(connection: Connection, run_id: str | None = None) -> dict[str, int]:
    """Count messages by state, of one run or of all."""
    rows = select(messages.c.state, func.count()).group_by(messages.c.state)
    rows = rows if run_id is None else rows.where(messages.c.run_id == run_id)
    return {str(row[0]): int(row[1]) for row in connection.execute(rows)}


def due_of(
    message_class: MessageClass, now: datetime, today: datetime, channels: Iterable[str]
) -> Select[str]:
    """Select the messages of a class that may go now, oldest first; `today` is by the database's clock."""
    # Written out, not bound: SQLite takes the index of what is queued only where it can read that here.
    queued = messages.c.state == literal_column("'queued'")
    rows = _due(now, today, channels).where(queued, messages.c.message_class == message_class)
    return rows.order_by(messages.c.message_id)  # a UUIDv7: by birth


def _due(now: datetime, today: datetime, channels: Iterable[str]) -> Select[str]:
    table = messages.c
    running = select(campaign_runs.c.run_id).where(campaign_runs.c.state == "running")
    return (
        select(table.message_id)
        .where(table.state == "queued", table.channel.in_(list(channels)))
        .where(or_(table.send_after.is_(None), table.send_after <= now))
        .where(or_(table.retry_at.is_(None), table.retry_at <= today))
        .where(or_(table.run_id.is_(None), table.run_id.in_(running)))
    )
