"""Messages as a person looks after them: what stands in the outbox, what failed and how to mend it, another try, or none."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from data_contracts.errors import NotFoundError, RefusedError
from messaging.outbox.moves import move
from messaging.outbox.outcomes import lock_all, requeue_refused
from messaging.outbox.states import State
from messaging.senders.codes import CODES_FILE, SENDGRID_CODES_FILE, CodeRule, read_codes
from messaging.store.tables import attempts, campaign_runs, messages, provider_events
from messaging.store.tables_delivery import message_decisions

NEVER_WENT: tuple[State, ...] = ("planned", "queued", "failed")  # states that a person may end


@dataclass(frozen=True)
class Letter:
    """One message of the outbox, without its words and its address; moments are naive UTC.

    `may_retry` says that the provider surely never took it, so that another try cannot be a second message.
    """

    message_id: str
    customer_id: str
    run_id: str | None
    campaign: str | None
    channel: str
    message_class: str
    state: str
    reason: str | None
    detail: str | None
    provider: str | None
    error_code: int | None
    attempt_count: int
    send_after: datetime | None
    retry_at: datetime | None
    created_at: datetime
    updated_at: datetime
    mend: str
    may_retry: bool

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


_PLAIN = (
    "message_id",
    "customer_id",
    "run_id",
    "campaign",
    "channel",
    "message_class",
    "state",
    "reason",
    "detail",
    "provider",
    "error_code",
    "attempt_count",
    "send_after",
    "retry_at",
    "created_at",
    "updated_at",
)


def letters(
    connection: Connection, states: Sequence[str], *, run_id: str | None = None, limit: int = 50
) -> list[Letter]:
    """List the messages in these states, the one that changed last first."""
    table = messages.c
    rows = select(messages).where(table.state.in_(states))
    if run_id is not None:
        rows = rows.where(table.run_id == run_id)
    newest = rows.order_by(table.updated_at.desc(), table.message_id.desc()).limit(limit)
    return [_letter(row) for row in connection.execute(newest)]


def letter(connection: Connection, message_id: str) -> dict[str, Any]:
    """Give one message as plain data: with every call, what its provider said since, and what people decided.

    Raises NotFoundError where there is none.
    """
    row = connection.execute(select(messages).where(messages.c.message_id == message_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no message {message_id}.", "See `rapport outbox list`.")
    calls = select(attempts).where(attempts.c.message_id == message_id).order_by(attempts.c.number)
    said = select(provider_events.c.status, provider_events.c.error_code, provider_events.c.received_at)
    said = said.where(provider_events.c.message_id == message_id).order_by(provider_events.c.received_at)
    decided = select(message_decisions).where(message_decisions.c.message_id == message_id)
    found = {
        "attempts": calls,
        "callbacks": said,
        "decisions": decided.order_by(message_decisions.c.decided_at),
    }
    return _letter(row).to_document() | {
        name: [dict(each) for each in connection.execute(rows).mappings()] for name, rows in found.items()
    }


def retry(connection: Connection, message_ids: Sequence[str], now: datetime) -> int:
    """Let messages go again that a provider surely never took; each passes the gate again. Give how many do.

    Raises NotFoundError or RefusedError, and then none does.
    """
    for row in _named(connection, message_ids):
        if not _letter(row).may_retry:
            raise RefusedError(f"The message {row.message_id} is {row.state}. {_why_not(row)}", _else(row))
    return sum(requeue_refused(connection, message_id, now) for message_id in message_ids)


def retry_run(  # noqa: PLR0913, PLR0917 - which of them, and from where on
    connection: Connection, run_id: str, code: int | None, now: datetime, limit: int, after: str = ""
) -> list[str]:
    """Let up to `limit` messages of a run go again that the provider refused (with this code); give their ids.

    Begin behind the message `after`, the last of the lot before: one that is refused anew meanwhile is not taken twice.

    What it took and could not deliver is left, and so is an address that is closed: it would be refused again.
    """
    table = messages.c
    rows = select(messages).where(table.run_id == run_id, table.state == "failed", table.reason == "refused")
    rows = rows.where(table.message_id > after)
    if code is not None:
        rows = rows.where(table.error_code == code)
    closed = [number for file in (CODES_FILE, SENDGRID_CODES_FILE) for number in _closing(file)]
    rows = rows.where(or_(table.error_code.is_(None), table.error_code.not_in(closed)))
    found = connection.execute(rows.order_by(table.message_id).limit(limit)).all()
    lock_all(connection, [row.message_id for row in found])
    return [row.message_id for row in found if requeue_refused(connection, row.message_id, now)]


def require_run(connection: Connection, run_id: str) -> None:
    """Raise NotFoundError where there is no such run."""
    if (
        connection.execute(select(campaign_runs.c.run_id).where(campaign_runs.c.run_id == run_id)).first()
        is None
    ):
        raise NotFoundError(f"There is no run {run_id}.", "See `rapport campaign list`.")


def _closing(file: Path) -> list[int]:
    return [code for code, rule in read_codes(file).items() if rule.kind == "stop"]


def discard(connection: Connection, message_ids: Sequence[str], now: datetime) -> int:
    """End messages that shall not go (again). Raises NotFoundError or RefusedError, and then none is ended."""
    for row in _named(connection, message_ids):
        if row.state not in NEVER_WENT:
            raise RefusedError(f"The message {row.message_id} is {row.state}. {_why_not(row)}", _else(row))
    told = {"reason": "discarded", "detail": "A person ended it.", "done_at": now}
    return move(connection, message_ids, NEVER_WENT, "cancelled", now, **told)


def _named(connection: Connection, message_ids: Sequence[str]) -> list[Row[Any]]:
    found = select(messages).where(messages.c.message_id.in_(message_ids))
    rows = {row.message_id: row for row in connection.execute(found)}
    for message_id in message_ids:
        if message_id not in rows:
            raise NotFoundError(f"There is no message {message_id}.", "See `rapport outbox list`.")
    return list(rows.values())


def _letter(row: Row[Any]) -> Letter:
    plain = {name: getattr(row, name) for name in _PLAIN}
    never_taken = row.state == "failed" and row.reason == "refused"
    return Letter(**plain, mend=_mend(row), may_retry=never_taken)


def _mend(row: Row[Any]) -> str:
    if row.state != "failed":
        return ""
    rule = _rule(row)
    if rule is not None and rule.kind == "stop":
        return "Nothing goes to this address any more. Ask the customer for another."
    if row.reason != "refused":
        return "It was sent, and did not arrive. Write by another channel."
    if row.attempt_count > 1 or (rule is not None and rule.kind == "retry"):
        return f"Its tries ran out ({row.attempt_count}). Once the cause has passed: rapport outbox retry."
    mend = rule.mend if rule is not None and rule.mend else "See what the provider said."
    return f"{mend} Then: rapport outbox retry."


def _rule(row: Row[Any]) -> CodeRule | None:
    if row.error_code is None or row.provider not in {"twilio", "sendgrid"}:
        return None
    table = read_codes(SENDGRID_CODES_FILE) if row.provider == "sendgrid" else read_codes()
    return table.get(row.error_code)


def _why_not(row: Row[Any]) -> str:
    if row.state == "unknown":
        return "Nobody knows whether it went."
    if row.state == "failed":
        return "The provider took it and could not deliver it: another try would be a second message."
    return "Nothing failed." if row.state in {"accepted", "done", "queued", "planned"} else "It has ended."


def _else(row: Row[Any]) -> str:
    return "Decide it: rapport reconcile decide." if row.state == "unknown" else "See `rapport outbox show`."
