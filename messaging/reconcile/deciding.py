"""What evidence cannot settle, a person does: shown what we asked, what the provider has, and when."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select

from data_contracts.errors import NotFoundError, RefusedError
from messaging import audit, outbox
from messaging.clock import Clock
from messaging.reconcile.settling import GRACE, WITH_A_PERSON, seek, unknown_messages
from messaging.senders.base import Sender
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import attempts, messages, provider_events
from messaging.store.tables_delivery import message_decisions, provider_looks
from messaging.store.times import database_now

Verdict = Literal["sent", "not-sent", "dropped"]


@dataclass(frozen=True)
class Look:
    """The newest answer of a provider that was asked for a message; moments by the database's clock, naive UTC."""

    looks: int
    first_at: datetime
    looked_at: datetime
    on_record: int | None
    same_text: int | None
    told: str | None

    @property
    def sentence(self) -> str:
        """Say what the provider has."""
        if self.on_record is None:
            return f"The provider could not be asked: {self.told}"
        if not self.on_record:
            return "The provider has no message to this address since the call."
        others = "which belong to other messages" if self.same_text else "none with this text"
        return f"The provider has {self.on_record} to this address since the call, {others}."


@dataclass(frozen=True)
class Unclear:
    """One message of which nobody knows whether it went, with all that is known about it.

    `waits` says that no evidence is to be expected any more, so that a person has to decide.
    """

    message_id: str
    customer_id: str
    campaign: str | None
    channel: str
    message_class: str
    to: str | None
    body: str
    reason: str | None
    detail: str | None
    waits: bool
    calls: tuple[
        dict[str, Any], ...
    ]  # each: number, started_at, finished_at, outcome, http_status, error_code
    look: Look | None
    callbacks: tuple[str, ...]  # the statuses that the provider called back with, which name this message

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        found = None if self.look is None else asdict(self.look) | {"sentence": self.look.sentence}
        return asdict(self) | {"look": found}


@dataclass(frozen=True)
class Decided:
    """What a decision led to: the message's new state, and that in words."""

    message_id: str
    verdict: Verdict
    state: str
    told: str


def unclear(store: Store, limit: int = 1000, *, message_id: str | None = None) -> list[Unclear]:
    """List the unknown messages with their evidence, the oldest first; or the one that is named."""
    rows = unknown_messages().limit(limit)
    if message_id is not None:
        rows = rows.where(messages.c.message_id == message_id)
    with store.read() as connection:
        return [_with_evidence(connection, row) for row in connection.execute(rows).all()]


def _with_evidence(connection: Connection, row: Row[Any]) -> Unclear:
    calls = select(
        attempts.c.number,
        attempts.c.started_at,
        attempts.c.finished_at,
        attempts.c.outcome,
        attempts.c.http_status,
        attempts.c.error_code,
    ).where(attempts.c.message_id == row.message_id)
    looked = connection.execute(
        select(provider_looks).where(provider_looks.c.message_id == row.message_id)
    ).one_or_none()
    said = select(provider_events.c.status).where(provider_events.c.message_id == row.message_id)
    names = ("message_id", "customer_id", "campaign", "channel", "message_class", "body", "reason", "detail")
    return Unclear(
        **{name: getattr(row, name) for name in names},
        to=row.address,
        waits=row.reason in WITH_A_PERSON,
        calls=tuple(dict(each) for each in connection.execute(calls.order_by(attempts.c.number)).mappings()),
        look=_look(looked),
        callbacks=tuple(connection.execute(said.order_by(provider_events.c.received_at)).scalars()),
    )


def _look(row: Row[Any] | None) -> Look | None:
    if row is None:
        return None
    return Look(row.looks, row.first_at, row.looked_at, row.on_record, row.same_text, row.told)


def decide(  # noqa: PLR0913 - who says what of which message, and why
    store: Store,
    senders: Mapping[str, Sender],
    clock: Clock,
    message_id: str,
    verdict: Verdict,
    *,
    reason: str,
    actor: str,
    grace: timedelta = GRACE,
) -> Decided:
    """Settle an unknown message by a person's word, which is kept and audited.

    `sent` takes it as sent; `not-sent` lets it go again, through the gate as at first; `dropped` takes it as not sent
    and lets it be. Before it may go again the provider is asked once more. Raises NotFoundError where there is no such
    message, RefusedError where it is not unknown (any more), or `not-sent` is said while its call may still be under way.
    """
    if verdict != "sent":
        _ask_again(store, senders, clock, message_id, grace)
    now = clock.now()
    with store.write() as connection:
        outbox.lock_all(connection, [message_id])  # a callback may settle it just now
        _require_unknown(connection, message_id)
        if verdict == "not-sent":
            outbox.requeue_unsent(connection, message_id, now)
        else:
            outbox.settle_by_word(connection, message_id, now, sent=verdict == "sent")
        values: dict[str, Any] = {"message_id": message_id, "verdict": verdict, "reason": reason}
        values |= {"decision_id": new_id("dec"), "decided_by": actor, "decided_at": now}
        connection.execute(insert(message_decisions).values(values))
        became = select(messages.c.state).where(messages.c.message_id == message_id)
        state: str = connection.execute(became).scalar_one()
        audit.record(connection, actor, "message.decide", message_id, {"verdict": verdict}, at=now)
    return Decided(message_id, verdict, state, _TOLD.get(state, f"It is {state}."))


_TOLD = {
    "accepted": "It counts as sent, and never goes again.",
    "queued": "It goes again, if it still may.",
    "cancelled": "It counts as not sent, and does not go again.",
}


def _require_unknown(connection: Connection, message_id: str) -> None:
    state = connection.execute(
        select(messages.c.state).where(messages.c.message_id == message_id)
    ).scalar_one_or_none()
    if state is None:
        raise NotFoundError(f"There is no message {message_id}.", "See `rapport reconcile --review`.")
    if state != "unknown":
        raise RefusedError(
            f"The message {message_id} is {state}, so there is nothing to decide about it.",
            "See `rapport outbox show`.",
        )


def _ask_again(
    store: Store, senders: Mapping[str, Sender], clock: Clock, message_id: str, grace: timedelta
) -> None:
    """Make sure that the provider still has nothing, and that a call under way would have ended."""
    with store.read() as connection:
        _require_unknown(connection, message_id)
        row = connection.execute(unknown_messages().where(messages.c.message_id == message_id)).one()
        age = database_now(connection) - row.started_at
    if timedelta(0) <= age < grace:  # a clock that was set back says nothing; the provider's list does
        raise RefusedError(
            f"The message {message_id} was called {age.total_seconds():.0f} seconds ago, and may still arrive.",
            f"Decide {grace.total_seconds():.0f} seconds after its call.",
        )
    if seek(store, row, senders.get(row.channel), clock.now()) == "sent":
        raise RefusedError(
            f"The provider has the message {message_id} on record now: it was sent.",
            "Nothing is left to decide.",
        )
