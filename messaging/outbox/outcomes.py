"""What came of a call: by the sender's own reply, by a status callback, or by looking it up afterwards.

These arrive in any order and any number of times. A reply and a callback about one call are told apart by the
provider's id; a provider's status only ever rises in rank.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from messaging.consent import stop, suppress
from messaging.outbox.backoff import again_at
from messaging.outbox.fall_backs import fall_back, stays
from messaging.outbox.intent import Call
from messaging.outbox.moves import move, move_each
from messaging.outbox.queue import STOPPED, run_on
from messaging.outbox.states import PROVIDER_WORDS, State, may_follow, state_after
from messaging.senders.base import Accepted, Outcome, Rejected, Unknown
from messaging.senders.codes import UNLISTED, rule_for
from messaging.store.ids import new_id
from messaging.store.inserts import insert_new
from messaging.store.locks import address_key, lock, person_key
from messaging.store.tables import attempts, campaign_runs, messages, provider_events
from messaging.store.times import database_now

FIRST_ASKED = timedelta(
    minutes=15
)  # after a message was taken: callbacks of a phone that is on come within a minute
CALLED: tuple[State, ...] = (
    "calling",
    "unknown",
    "queued",
    "sending",
)  # states that proof of acceptance ends
REFUSED: tuple[State, ...] = ("calling", "unknown")  # states that a refusal of the newest call ends


@dataclass(frozen=True)
class StatusUpdate:
    """What a provider says of a message: a callback as it came; `message_id` is ours, from its address."""

    provider: str
    sid: str
    status: str  # the provider's own word
    message_id: str | None = None
    error_code: int | None = None
    payload: Mapping[str, Any] | None = None


Applied = Literal["applied", "stored", "duplicate"]


def record_outcomes(
    connection: Connection, ended: Sequence[tuple[Call, str, Outcome]], now: datetime
) -> list[State]:
    """Write down how calls ended (each with its provider), and what follows; give the messages' new states.

    What went as it should is written in bulk; whatever is special about a call takes the longer way.
    """
    ids = [call.message.message_id for call, _, _ in ended]
    lock_all(connection, ids)
    plain = _plain_acceptances(connection, ended, _untouched(connection, ids))
    _accept_plainly(connection, [ended[index] for index in sorted(plain)], now)
    return [
        "accepted" if index in plain else _record_outcome(connection, call, provider, outcome, now)
        for index, (call, provider, outcome) in enumerate(ended)
    ]


def _untouched(connection: Connection, ids: Sequence[str]) -> set[tuple[str, int]]:
    """Lock messages that were called, in the order in which all do; give those that are as their calls left them.

    Each is given with the number of its newest call. Without the lock, whoever takes over a lease that ran out could
    come between what is read here and what is written: the provider's id would be lost, and the message go again.
    """
    table = messages.c
    rows = select(
        table.message_id, table.attempt_count, table.state, table.provider_sid, table.provider_status
    )
    rows = rows.where(table.message_id.in_(ids)).order_by(table.message_id)
    if connection.dialect.name == "postgresql":
        rows = rows.with_for_update()
    return {
        (row.message_id, row.attempt_count)
        for row in connection.execute(rows)
        if row.state == "calling" and row.provider_sid is None and row.provider_status is None
    }


def _plain_acceptances(
    connection: Connection, ended: Sequence[tuple[Call, str, Outcome]], calling: set[tuple[str, int]]
) -> set[int]:
    """Choose the calls whose message still is as they left it, and of whose sid nobody has spoken yet."""
    sids = [outcome.sid for _, _, outcome in ended if isinstance(outcome, Accepted)]
    spoken = select(provider_events.c.provider_sid).where(provider_events.c.provider_sid.in_(sids))
    heard: set[str] = set(connection.execute(spoken).scalars()) if sids else set()
    return {
        index
        for index, (call, _, outcome) in enumerate(ended)
        if isinstance(outcome, Accepted)
        and outcome.sid not in heard
        and (call.message.message_id, call.number) in calling
        and PROVIDER_WORDS.get(outcome.status) in {"queued", "sent"}
    }


def _accept_plainly(
    connection: Connection, ended: Sequence[tuple[Call, str, Outcome]], now: datetime
) -> None:
    if not ended:
        return
    accepted = [
        (call, provider, outcome) for call, provider, outcome in ended if isinstance(outcome, Accepted)
    ]
    settled = {"lease_owner": None, "lease_until": None, "error_code": None, "accepted_at": now}
    settled["ask_at"] = now + FIRST_ASKED
    rows = [
        {
            "this": call.message.message_id,
            "provider": provider,
            "provider_sid": outcome.sid,
            "provider_status": PROVIDER_WORDS[outcome.status],
            "segment_count": outcome.segment_count or call.segment_count,
            **settled,
        }
        for call, provider, outcome in accepted
    ]
    move_each(connection, "calling", "accepted", now, rows)
    this = attempts.c.attempt_id == bindparam("this")
    closed = {"outcome": "accepted", "http_status": 201, "finished_at": database_now(connection)}
    statement = update(attempts).where(this).values(provider_sid=bindparam("sid"), **closed)
    connection.execute(statement, [{"this": call.attempt_id, "sid": one.sid} for call, _, one in accepted])


def _record_outcome(
    connection: Connection, call: Call, provider: str, outcome: Outcome, now: datetime
) -> State:
    message_id = call.message.message_id
    row = locked(connection, message_id)
    _close_attempt(connection, call.attempt_id, outcome)
    if isinstance(outcome, Accepted):
        _accept(connection, row, provider, outcome, now)
    elif row.attempt_count != call.number:
        # Whoever made this call was held to be dead, and the message was called again since: of that call it says nothing.
        return cast("State", row.state)
    elif isinstance(outcome, Unknown):
        this = messages.c.message_id == message_id
        why = {"reason": "no_answer", "detail": f"{outcome.why} We do not know yet whether it was sent."}
        move(connection, this, ["calling"], "unknown", now, provider=provider, error_code=outcome.code, **why)
    else:
        _refuse(connection, row, provider, outcome, now)
    return _state(connection, message_id)


def apply_status(connection: Connection, update_: StatusUpdate, now: datetime) -> Applied:
    """Take a status callback: stored once, and applied where it raises the rank of its message.

    One that names our message id proves that the provider took it, also before its reply reached us. `stored`
    means that it changed nothing: an older status, or about a message that we do not know.
    """
    event = {
        "event_id": new_id("evt"),
        "provider": update_.provider,
        "provider_sid": update_.sid,
        "status": update_.status,
        "message_id": update_.message_id,
        "error_code": update_.error_code,
        "received_at": now,
        "payload": dict(update_.payload or {}),
    }
    if not insert_new(connection, provider_events, [event]):
        return "duplicate"
    message_id = _meant(connection, update_)
    if message_id is None:
        return "stored"
    row = locked(connection, message_id)
    if row.provider_sid not in {None, update_.sid} or _of_an_older_call(connection, row, update_.sid):
        return "stored"
    if row.provider_sid is None:
        _accept(connection, row, update_.provider, Accepted(update_.sid), now)
        row = locked(connection, message_id)
        if row.provider_sid is None:  # it had ended before: nothing that we know of was sent
            return "stored"
    return "applied" if _raise_status(connection, row, update_.status, update_.error_code, now) else "stored"


def settle_as_sent(  # noqa: PLR0913, PLR0917 - the provider's record of one message
    connection: Connection,
    message_id: str,
    provider: str,
    sid: str,
    status: str,
    error_code: int | None,
    now: datetime,
) -> None:
    """Settle an unknown message by what the provider has on record."""
    row = locked(connection, message_id)
    _accept(connection, row, provider, Accepted(sid, status), now)
    if error_code is not None:
        _raise_status(connection, locked(connection, message_id), status, error_code, now)


def settle_by_word(connection: Connection, message_id: str, now: datetime, *, sent: bool) -> int:
    """Take a person's word that an unknown message went, or that it did not and shall not; give how many moved."""
    this = messages.c.message_id == message_id
    if sent:
        told = "A person found out that it was sent."
        return move(
            connection, this, ["unknown"], "accepted", now, accepted_at=now, reason="decided", detail=told
        )
    told = "A person found out that it was not sent, and let it be."
    return move(connection, this, ["unknown"], "cancelled", now, done_at=now, reason="decided", detail=told)


def lock_all(connection: Connection, message_ids: Iterable[str]) -> None:
    """Lock the addresses and people of many messages at once, so that what follows never waits in a ring."""
    if connection.dialect.name == "sqlite":
        return
    table = messages.c
    rows = select(table.address_hash, table.customer_id).where(table.message_id.in_(list(message_ids)))
    found = connection.execute(rows).all()
    lock(connection, [key for row in found for key in (address_key(row[0]), person_key(row[1]))])


def requeue_unsent(
    connection: Connection, message_id: str, now: datetime, *, number: int | None = None
) -> int:
    """Let an unknown message go again that the provider surely does not have; give how many do (1 or 0).

    `number` is the call that this is known of: where another was made since, nothing happens. Its run may be done
    by now, and runs on for it; one that was stopped stays so, and calls it back.
    """
    return _requeue(connection, message_id, "unknown", now, number=number)


def requeue_refused(connection: Connection, message_id: str, now: datetime) -> int:
    """Let a message go again that the provider refused, once what was wrong is mended; as `requeue_unsent`."""
    return _requeue(connection, message_id, "failed", now)


def _requeue(
    connection: Connection, message_id: str, source: State, now: datetime, *, number: int | None = None
) -> int:
    this = messages.c.message_id == message_id
    joined = messages.join(campaign_runs)
    found = select(campaign_runs.c.run_id, campaign_runs.c.state).select_from(joined).where(this)
    if number is not None:
        this &= messages.c.attempt_count == number
    run = connection.execute(found).one_or_none()
    if run is not None and run.state == "stopped":
        move(connection, this, [source], "cancelled", now, done_at=now, **STOPPED)
        return 0
    cleared = {"reason": None, "detail": None, "error_code": None, "retry_at": None, "done_at": None}
    moved = move(connection, this, [source], "queued", now, **cleared)
    if moved and run is not None:
        run_on(connection, run.run_id)
    return moved


def locked(connection: Connection, message_id: str) -> Row[Any]:
    """Hold a message with its address and its person, and give it as it stands."""
    rows = select(messages).where(messages.c.message_id == message_id)
    row = connection.execute(rows).one()
    if connection.dialect.name != "postgresql":
        return row
    lock(connection, [address_key(row.address_hash), person_key(row.customer_id)])
    return connection.execute(rows.with_for_update()).one()


_REFUSALS = {"message": "rejected", "us": "refused_us", "network": "not_made"}


def _close_attempt(connection: Connection, attempt_id: str, outcome: Outcome) -> None:
    values: dict[str, Any] = {"finished_at": database_now(connection)}
    if isinstance(outcome, Accepted):
        values |= {"outcome": "accepted", "provider_sid": outcome.sid, "http_status": 201}
    else:
        kind = "unknown" if isinstance(outcome, Unknown) else _REFUSALS[outcome.about]
        values |= {"outcome": kind, "http_status": outcome.http_status, "error_code": outcome.code}
    unless_settled = or_(attempts.c.outcome.is_(None), attempts.c.outcome == "unknown")
    connection.execute(
        update(attempts).where(attempts.c.attempt_id == attempt_id, unless_settled).values(**values)
    )


def _accept(connection: Connection, row: Row[Any], provider: str, accepted: Accepted, now: datetime) -> None:
    """Take it as proven that the provider has the message, then whatever was already said about it.

    That it has it outweighs a person's word that it had not; to their word that it had, it adds the provider's id.
    """
    values: dict[str, Any] = {
        "provider": provider,
        "provider_sid": accepted.sid,
        "reason": None,
        "detail": None,
    }
    values |= {"accepted_at": now, "error_code": None, "send_after": None, "retry_at": None}
    values["ask_at"] = now + FIRST_ASKED
    if accepted.segment_count:
        values["segment_count"] = accepted.segment_count
    this = messages.c.message_id == row.message_id
    unheard = or_(messages.c.provider_sid.is_(None), messages.c.provider_sid == accepted.sid)
    sources, by_word = CALLED, row.reason == "decided"
    if by_word and row.state == "cancelled":
        sources, values = ("cancelled",), values | {"done_at": None}
    if by_word and row.state == "accepted":
        values["accepted_at"] = row.accepted_at
        here = this & unheard & (messages.c.state == "accepted")
        moved = connection.execute(update(messages).where(here).values(updated_at=now, **values)).rowcount
    else:
        moved = move(connection, this & unheard, sources, "accepted", now, **values)
    if not moved:
        return
    newest = select(attempts.c.attempt_id).where(attempts.c.message_id == row.message_id)
    newest = newest.order_by(attempts.c.number.desc()).limit(1)
    connection.execute(
        update(attempts)
        .where(attempts.c.attempt_id == newest.scalar_subquery())
        .values(outcome="accepted", provider_sid=accepted.sid)
    )
    _raise_status(connection, locked(connection, row.message_id), accepted.status, None, now)
    _hear_early_callbacks(connection, row.message_id, provider, accepted.sid, now)


def _hear_early_callbacks(
    connection: Connection, message_id: str, provider: str, sid: str, now: datetime
) -> None:
    """Apply callbacks that came before we knew whose they were."""
    table = provider_events.c
    early = (table.provider == provider) & (table.provider_sid == sid) & table.message_id.is_(None)
    rows = connection.execute(select(table.status, table.error_code).where(early)).all()
    connection.execute(update(provider_events).where(early).values(message_id=message_id))
    for said in rows:
        _raise_status(connection, locked(connection, message_id), said.status, said.error_code, now)


def _meant(connection: Connection, said: StatusUpdate) -> str | None:
    """Find the message that a callback is about: the one whose id it carries, else the one with its sid."""
    table = messages.c
    rows = select(table.message_id)
    if said.message_id is not None:
        found = connection.execute(rows.where(table.message_id == said.message_id)).scalar()
        if found is not None:
            return str(found)
    by_sid = rows.where(table.provider_sid == said.sid, table.provider == said.provider)
    return connection.execute(by_sid).scalar()


def _of_an_older_call(connection: Connection, row: Row[Any], sid: str) -> bool:
    table = attempts.c
    older = select(table.attempt_id).where(
        table.message_id == row.message_id, table.provider_sid == sid, table.number < row.attempt_count
    )
    return connection.execute(older).first() is not None


def _raise_status(
    connection: Connection, row: Row[Any], word: str, error_code: int | None, now: datetime
) -> bool:
    status = PROVIDER_WORDS.get(word)
    if status is None or not may_follow(row.provider_status, status):
        return False
    values: dict[str, Any] = {"provider_status": status}
    if status in {"delivered", "read"}:
        values |= {"delivered_at": row.delivered_at or now, "done_at": row.done_at or now}
    rule = rule_for(error_code) if error_code is not None else None
    if status in {"undelivered", "failed"}:
        told = rule.told if rule else "The provider could not deliver it, and did not say why."
        values |= {"done_at": now, "error_code": error_code, "reason": status, "detail": told}
    this = messages.c.message_id == row.message_id
    target = state_after(status)
    if target != row.state and row.state == "accepted":
        move(connection, this, ["accepted"], target, now, **values)
    else:
        connection.execute(update(messages).where(this).values(updated_at=now, **values))
    if rule is not None and (
        rule.kind == "stop" or (rule.stop_again and _came_before(connection, row, error_code))
    ):
        _stop_writing(connection, row, now, opt_out=rule.opt_out)
    if status in {"undelivered", "failed"} and rule is not UNLISTED and stays(rule):
        fall_back(connection, row, now)
    return True


def _refuse(connection: Connection, row: Row[Any], provider: str, refused: Rejected, now: datetime) -> None:
    why = {"provider": provider, "error_code": refused.code, "detail": refused.sentence}
    this = messages.c.message_id == row.message_id
    again = again_at(connection, row, refused)
    if again is not None:
        if row.state == "unknown":  # its lease had run out; its run may be done by now, or stopped
            requeue_unsent(connection, row.message_id, now)
            waits = update(messages).where(this, messages.c.state == "queued")
            connection.execute(waits.values(reason="retry", retry_at=again, **why))
            return
        move(connection, this, ["calling"], "queued", now, reason="retry", retry_at=again, **why)
        return
    failed = move(connection, this, REFUSED, "failed", now, reason="refused", done_at=now, **why)
    if failed and refused.kind == "stop":
        _stop_writing(connection, row, now, opt_out=refused.opt_out)
        if not refused.opt_out:
            fall_back(connection, row, now)


def _came_before(connection: Connection, row: Row[Any], code: int | None) -> bool:
    """Say whether another message to this address ended with this code."""
    table = messages.c
    others = select(table.message_id).where(
        table.address_hash == row.address_hash, table.channel == row.channel
    )
    others = others.where(
        table.message_id != row.message_id, table.error_code == code, table.state == "failed"
    )
    return connection.execute(others.limit(1)).first() is not None


def _stop_writing(connection: Connection, row: Row[Any], now: datetime, *, opt_out: bool) -> None:
    """Learn from the provider that an address is dead, or that its owner said STOP to them."""
    where = {"address_hash": row.address_hash, "channel": row.channel, "at": now, "source": "provider"}
    if opt_out:
        evidence = {"message_id": row.message_id}
        record_id = f"message/{row.message_id}"
        stop(connection, **where, source_record_id=record_id, method="provider", evidence=evidence)
    else:
        suppress(connection, **where, reason="provider")


def _state(connection: Connection, message_id: str) -> State:
    found = connection.execute(select(messages.c.state).where(messages.c.message_id == message_id))
    return cast("State", found.scalar_one())
