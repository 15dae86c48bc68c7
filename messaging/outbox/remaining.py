"""What is left in the outbox when nothing more may go: how many messages, why, and when the first of them may."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, Select, and_, case, func, literal, select

from messaging.outbox.pace import Opening, openings
from messaging.senders.rates import Rates
from messaging.store.tables import campaign_runs, messages
from messaging.store.times import database_now

Kind = Literal["held", "retry", "paused", "rest", "no_sender", "due"]


@dataclass(frozen=True)
class Remaining:
    """Queued messages that have not gone, of one kind: how many, and when the first may (naive UTC), where that is known.

    `held` by the gate, for `reason`; to be tried again (`retry`); their run is `paused`; their sender rests (`rest`), or
    there is none for their `channel`; or they may go (`due`), and the dispatch ended before.
    """

    kind: Kind
    messages: int
    first_at: datetime | None = None
    reason: str | None = None
    detail: str | None = None  # of one of them
    channel: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


def remaining(
    connection: Connection, now: datetime, rates: Rates, channels: Collection[str]
) -> list[Remaining]:
    """Count what is queued by what it waits for; `channels` are those that have a sender."""
    today = database_now(connection)
    opened = openings(connection, rates, channels)
    found: dict[tuple[str | None, ...], Remaining] = {}
    for row in connection.execute(_counted(now, today)):
        one = _remaining(row, opened, today)
        key = (one.kind, one.reason, one.channel)
        found[key] = _together(found[key], one) if key in found else one
    kinds = get_args(Kind)
    return sorted(found.values(), key=lambda one: (kinds.index(one.kind), -one.messages, one.channel or ""))


def _counted(now: datetime, today: datetime) -> Select[Any]:
    table, run = messages.c, campaign_runs.c
    kind = case(
        (and_(run.state.is_not(None), run.state != "running"), literal("paused")),
        (table.send_after > now, literal("held")),
        (and_(table.retry_at > today, table.reason == "retry"), literal("retry")),
        (table.retry_at > today, literal("held")),
        else_=literal("due"),
    )
    moment = case((table.send_after > now, table.send_after), else_=table.retry_at)
    each = (
        select(kind.label("kind"), moment.label("moment"), table.reason, table.detail, table.channel)
        .select_from(messages.outerjoin(campaign_runs))
        .where(table.state == "queued")
        .subquery()
        .c
    )
    keys = (each.kind, each.reason, each.channel)
    told = (func.min(each.moment).label("first_at"), func.min(each.detail).label("detail"))
    return select(*keys, *told, func.count().label("number")).group_by(*keys)


def _remaining(row: Row[Any], opened: Mapping[str, Opening], today: datetime) -> Remaining:
    if row.kind == "paused":
        return Remaining("paused", row.number)
    if row.kind != "due":
        return Remaining(row.kind, row.number, row.first_at, row.reason, row.detail)
    opening = opened.get(row.channel)
    if opening is None:
        return Remaining("no_sender", row.number, channel=row.channel)
    if not opening.wait:
        return Remaining("due", row.number, channel=row.channel)
    return Remaining("rest", row.number, today + timedelta(seconds=opening.wait), channel=row.channel)


def _together(one: Remaining, other: Remaining) -> Remaining:
    first = min((each.first_at for each in (one, other) if each.first_at is not None), default=None)
    return replace(one, messages=one.messages + other.messages, first_at=first)
