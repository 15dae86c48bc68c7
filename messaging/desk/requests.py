"""What people ask us to do with their data, and until when the law wants it answered: open, then done or refused."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging import audit
from messaging.campaigns.schedule import instant
from messaging.clock import Clock
from messaging.desk.notes import AT_ONCE
from messaging.identity_decisions.said import checked_words
from messaging.quiet_hours import local_time
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables_desk import privacy_requests

Kind = Literal["access", "portability", "rectification", "erasure", "restriction", "objection"]
Way = Literal["e-mail", "letter", "phone", "form", "chat", "in person"]
Closed = Literal["done", "refused"]
State = Literal["open", "due soon", "overdue", "done", "done late", "refused"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
WAYS: Final[tuple[Way, ...]] = get_args(Way)
LONGEST: Final = 500
SOON: Final = timedelta(days=7)
MONTHS, EXTENDED_MONTHS = 1, 3  # GDPR Art. 12(3): within one month of receipt, extended by two further months


@dataclass(frozen=True)
class Request:
    """What somebody asked for. Times are naive UTC; `customer_id` is None of somebody whom we may not know."""

    request_id: str
    kind: Kind
    who: str  # as they told us who they are
    way: Way
    customer_id: str | None
    arrived_at: datetime
    due_at: datetime
    made_at: datetime
    made_by: str
    extended_at: datetime | None = None
    extended_by: str | None = None
    extended_why: str | None = None
    closed_as: Closed | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    answer: str | None = None

    def state(self, now: datetime) -> State:
        """Say how it stands by now."""
        if self.closed_at is not None:
            late = self.closed_as == "done" and self.closed_at > self.due_at
            return "done late" if late else self.closed_as or "done"
        if now > self.due_at:
            return "overdue"
        return "due soon" if self.due_at - now <= SOON else "open"

    def days_left(self, now: datetime) -> int:
        """Give the whole days that are left; below zero, those that it is late."""
        return (self.due_at - now) // timedelta(days=1)


def due_of(arrived_at: datetime, zone: str, months: int = MONTHS) -> datetime:
    """Give the last second of the day by which a request is answered (naive UTC), by the company's own clock.

    A month after 31 January ends with February (Regulation 1182/71, Art. 3(2)(c)). That it grants weekends and holidays
    a day more is left aside: a clock that is early harms nobody.
    """
    day = local_time(arrived_at, zone).date()
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    last = date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return instant(datetime.combine(last, time(23, 59, 59)), zone)


def take_request(  # noqa: PLR0913 - who asked for what, how and when
    store: Store,
    clock: Clock,
    kind: Kind,
    who: str,
    *,
    way: Way,
    zone: str,
    arrived_at: datetime | None = None,
    customer_id: str | None = None,
    actor: str,
) -> Request:
    """Write down a request, once where it is sent twice; its clock runs from when it arrived.

    Raises UsageError for one that is yet to come, or of a kind or way that there is not.
    """
    for said, legal, what in ((kind, KINDS, "kind of request"), (way, WAYS, "way in which it reached us")):
        if said not in legal:
            raise UsageError(f"{said!r} is no {what}.", f"Say one of {', '.join(legal)}.")
    now = clock.now()
    arrived_at = arrived_at or now
    if arrived_at > now:
        raise UsageError("It would have arrived in the future.", "Give the moment at which it reached you.")
    words = checked_words(who, "name or address of who asks", LONGEST)
    made = Request(
        new_id("prq"), kind, words, way, customer_id, arrived_at, due_of(arrived_at, zone), now, actor
    )
    same = {"kind": kind, "who": words, "way": way, "due_at": made.due_at, "made_by": actor}
    twice = (
        select(privacy_requests)
        .filter_by(**same, customer_id=customer_id, closed_at=None)
        .where(privacy_requests.c.made_at > now - AT_ONCE)
    )
    with store.write() as connection:
        if (known := connection.execute(twice).first()) is not None:
            return _request(known)
        connection.execute(insert(privacy_requests).values(**vars(made)))
        detail = {"kind": kind, "customer_id": customer_id, "due_at": made.due_at.isoformat()}
        audit.record(connection, actor, "request.take", made.request_id, detail, at=now)
    return made


def extend_request(  # noqa: PLR0913 - which, why, by whom
    store: Store, clock: Clock, request_id: str, reason: str, *, zone: str, actor: str
) -> Request:
    """Take the two months more that the law grants once, for a reason which the person is told within the first.

    Raises NotFoundError, and RefusedError where it is closed, was extended before, or its first month is over.
    """
    now, words = clock.now(), checked_words(reason, "reason", LONGEST)
    with store.write() as connection:
        found = _open(connection.execute(_this(request_id)).first())
        if found.extended_at is not None:
            raise RefusedError("It was extended already; the law grants that once.", "Answer it.")
        if now > found.due_at:
            raise RefusedError(
                "Its month is over, and the person has to be told of an extension within it.", "Answer it."
            )
        changes = {
            "due_at": due_of(found.arrived_at, zone, EXTENDED_MONTHS),
            "extended_at": now,
            "extended_by": actor,
            "extended_why": words,
        }
        row = _change(connection, request_id, changes)
        audit.record(
            connection, actor, "request.extend", request_id, {"due_at": row.due_at.isoformat()}, at=now
        )
    return _request(row)


def close_request(  # noqa: PLR0913 - which, how, what was told, by whom
    store: Store, clock: Clock, request_id: str, closed_as: Closed, answer: str, *, actor: str
) -> Request:
    """Say that it was done, or refused, and what the person was told.

    Raises NotFoundError, and RefusedError where it is closed.
    """
    now, words = clock.now(), checked_words(answer, "answer", LONGEST)
    with store.write() as connection:
        _open(connection.execute(_this(request_id)).first())
        changes = {"closed_as": closed_as, "closed_at": now, "closed_by": actor, "answer": words}
        row = _change(connection, request_id, changes)
        audit.record(connection, actor, f"request.{closed_as}", request_id, at=now)
    return _request(row)


def requests(store: Store, customer_ids: Sequence[str] | None = None) -> list[Request]:
    """Give all requests, or those of a person under all their ids: open ones by when they are due, then the closed.

    Of these the newest come first.
    """
    rows = select(privacy_requests)
    if customer_ids is not None:
        rows = rows.where(privacy_requests.c.customer_id.in_(customer_ids))
    with store.read() as connection:
        found = [_request(row) for row in connection.execute(rows)]
    still_open = sorted((each for each in found if each.closed_at is None), key=lambda each: each.due_at)
    closed = sorted(
        ((each.closed_at, each.request_id, each) for each in found if each.closed_at is not None),
        key=lambda three: three[:2],
        reverse=True,
    )
    return [*still_open, *(each for _, _, each in closed)]


def saw(store: Store, clock: Clock, number: int, *, actor: str) -> None:
    """Take down that a colleague saw who asked for what."""
    with store.write() as connection:
        audit.record(connection, actor, "request.look", detail={"shown": number}, at=clock.now())


def pressing(connection: Connection, until: datetime) -> int:
    """Count the open requests that are due until a moment (naive UTC)."""
    table = privacy_requests.c
    count = select(func.count()).where(table.closed_at.is_(None), table.due_at <= until)
    return connection.execute(count).scalar_one()


def _this(request_id: str) -> Select[Any]:
    return select(privacy_requests).where(privacy_requests.c.request_id == request_id)


def _open(row: Row[Any] | None) -> Request:
    if row is None:
        raise NotFoundError("There is no such request.", "List them with `rapport privacy requests`.")
    found = _request(row)
    if found.closed_at is not None:
        raise RefusedError(f"It was {found.closed_as} already, by {found.closed_by}.", "Reload the page.")
    return found


def _change(connection: Connection, request_id: str, changes: Mapping[str, Any]) -> Row[Any]:
    this = privacy_requests.c.request_id == request_id
    connection.execute(update(privacy_requests).where(this).values(**changes))
    return connection.execute(_this(request_id)).one()


def _request(row: Row[Any]) -> Request:
    return Request(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
