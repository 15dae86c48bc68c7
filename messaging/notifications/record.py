"""What the store keeps of notices: open ones, who was told, what is snoozed, and which process looks just now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from data_contracts.errors import NotFoundError
from messaging.notifications.deciding import Changes, Item, Notice, Telling, Told
from messaging.notifications.events import EVENTS, Finding
from messaging.notifications.ways import WayOutcome
from messaging.store.ids import new_id
from messaging.store.inserts import insert_new
from messaging.store.tables_notifications import notice_snoozes, notice_tellings, notice_watch, notices

WATCH = "watch"
LEASE = timedelta(minutes=5)  # a round is a few reads, and a few calls of at most 20 seconds each
HISTORY = timedelta(days=1)
_COLUMNS = [notices.c[field.name] for field in fields(Notice)]


@dataclass(frozen=True)
class Snooze:
    """What nobody wants to hear of until a moment (naive UTC): a subject, or with an empty one every one."""

    event: str
    subject: str
    until: datetime
    snoozed_by: str


def take_watch(connection: Connection, holder: str, today: datetime) -> bool:
    """Take or keep the watch; False where another process has it. It lapses with a process that dies."""
    row = {"name": WATCH, "holder": holder, "lease_until": today + LEASE, "looked_at": today}
    if insert_new(connection, notice_watch, [row]):
        return True
    table = notice_watch.c
    # A lease further ahead than any is given was given before the database's clock was set back.
    free = or_(table.holder == holder, table.lease_until < today, table.lease_until > today + LEASE)
    taken = update(notice_watch).where(table.name == WATCH, free)
    return connection.execute(taken.values(row)).rowcount == 1


def leave_watch(connection: Connection, holder: str) -> None:
    """Let another process take the watch at once."""
    mine = (notice_watch.c.name == WATCH) & (notice_watch.c.holder == holder)
    connection.execute(update(notice_watch).where(mine).values(lease_until=notice_watch.c.looked_at))


def looked_at(connection: Connection) -> datetime | None:
    """Give when somebody last looked, by the database's clock; None where nobody ever has."""
    return connection.execute(select(notice_watch.c.looked_at)).scalar()


def open_notices(connection: Connection) -> list[Notice]:
    """Read the notices that are open, or over but not yet for good; the oldest first."""
    rows = select(*_COLUMNS).where(notices.c.open_key.is_not(None), notices.c.event.in_(EVENTS))
    rows = rows.order_by(notices.c.began_at, notices.c.notice_id)
    return [Notice(**row._asdict()) for row in connection.execute(rows)]


def newest_notices(connection: Connection, limit: int) -> list[Notice]:
    """Read the newest notices, also those that are over."""
    rows = select(*_COLUMNS).where(notices.c.event.in_(EVENTS))
    rows = rows.order_by(notices.c.began_at.desc(), notices.c.notice_id.desc()).limit(limit)
    return [Notice(**row._asdict()) for row in connection.execute(rows)]


def apply(connection: Connection, changes: Changes, today: datetime) -> None:
    """Write what a look changed."""
    for finding in changes.opened:
        connection.execute(insert(notices).values(_opened(finding, today)))
    for notice, finding in changes.changed:
        values = {
            "sentence": finding.sentence,
            "amount": finding.amount,
            "worst": max(notice.worst, finding.amount),
            "returns": notice.returns + (notice.ended_at is not None),
            "seen_at": today,
            "ended_at": None,
        }
        _update(connection, [notice], values)
    _update(connection, changes.ended, {"ended_at": today})
    _update(connection, changes.closed, {"open_key": None})


def _opened(finding: Finding, today: datetime) -> dict[str, Any]:
    return {
        "notice_id": new_id("ntc"),
        "event": finding.event,
        "subject": finding.subject,
        "open_key": finding.key,
        "sentence": finding.sentence,
        "amount": finding.amount,
        "worst": finding.amount,
        "returns": 0,
        "began_at": today,
        "seen_at": today,
    }


def _update(connection: Connection, which: Iterable[Notice], values: Mapping[str, Any]) -> None:
    ids = [notice.notice_id for notice in which]
    if ids:
        connection.execute(update(notices).where(notices.c.notice_id.in_(ids)).values(values))


def begin_telling(connection: Connection, telling_id: str, telling: Telling, today: datetime) -> None:
    """Write down that an owner is about to be told: it counts from here on, also where this process dies."""
    ids = [item.notice.notice_id for item in telling.items]
    row = {"telling_id": telling_id, "owner": telling.owner, "notices": ids, "began_at": today}
    connection.execute(insert(notice_tellings).values(row))


def end_telling(
    connection: Connection, telling_id: str, telling: Telling, ways: Sequence[WayOutcome], today: datetime
) -> None:
    """Write down what became of it; where no way took it, its notices still wait to be told."""
    took = any(way.took for way in ways)
    row = {"outcome": "told" if took else "failed", "ways": [way.to_document() for way in ways]}
    this = notice_tellings.c.telling_id == telling_id
    connection.execute(update(notice_tellings).where(this).values(row))
    if took:
        for item in telling.items:
            _told(connection, item, telling.owner, today)


def _told(connection: Connection, item: Item, owner: str, today: datetime) -> None:
    if item.kind == "over":
        _update(connection, [item.notice], {"cleared_at": today, "open_key": None})
        return
    told = {"told_at": today, "told_to": owner, "told_amount": item.notice.amount}
    _update(connection, [item.notice], told)


def history(connection: Connection, today: datetime) -> list[Told]:
    """Give what owners were sent within the last day."""
    table = notice_tellings.c
    rows = select(table.owner, table.began_at, table.outcome).where(table.began_at > today - HISTORY)
    return [Told(row.owner, row.began_at, row.outcome == "failed") for row in connection.execute(rows)]


def snoozes(connection: Connection, today: datetime) -> list[Snooze]:
    """Give what is snoozed just now."""
    table = notice_snoozes.c
    rows = select(table.event, table.subject, table.until, table.snoozed_by).where(table.until > today)
    return [Snooze(**row._asdict()) for row in connection.execute(rows.order_by(table.until))]


def snooze(connection: Connection, what: str, until: datetime, actor: str, today: datetime) -> Snooze:
    """Let nobody be told of a notice (by its id) or of an event (by its name) until a moment.

    A moment that is past ends the snooze. Raises NotFoundError where it names neither.
    """
    event, subject = _meant(connection, what)
    table = notice_snoozes.c
    connection.execute(delete(notice_snoozes).where(table.event == event, table.subject == subject))
    row = Snooze(event, subject, until, actor)
    connection.execute(
        insert(notice_snoozes).values(
            event=event, subject=subject, until=until, snoozed_at=today, snoozed_by=actor
        )
    )
    return row


def _meant(connection: Connection, what: str) -> tuple[str, str]:
    if what in EVENTS:
        return what, ""
    rows = select(notices.c.event, notices.c.subject).where(notices.c.notice_id == what)
    found = connection.execute(rows).first()
    if found is None:
        legal = ", ".join(EVENTS)
        raise NotFoundError(
            f"There is no notice and no event {what!r}.", f"Name a notice's id, or one of {legal}."
        )
    return str(found.event), str(found.subject)
