"""What was promised to a customer, until when, and whether it was kept: open, then kept or dropped, and never deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import insert, select, update

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging import audit
from messaging.clock import Clock
from messaging.identity_decisions.said import checked_words
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables_desk import follow_ups

LONGEST = 500
Settled = Literal["kept", "dropped"]
State = Literal["open", "overdue", "kept", "kept late", "dropped"]


@dataclass(frozen=True)
class FollowUp:
    """A promise to a customer. Times are naive UTC; the last four are None while it is open."""

    follow_up_id: str
    customer_id: str
    promise: str
    due_at: datetime
    made_at: datetime
    made_by: str
    settled_as: Settled | None = None
    settled_at: datetime | None = None
    settled_by: str | None = None
    outcome: str | None = None

    def state(self, now: datetime) -> State:
        """Say how it stands by now."""
        if self.settled_as == "kept" and self.settled_at and self.settled_at > self.due_at:
            return "kept late"
        return self.settled_as or ("overdue" if now > self.due_at else "open")


def promise(  # noqa: PLR0913 - to whom, what, until when, by whom
    store: Store, clock: Clock, customer_id: str, what: str, due_at: datetime, *, actor: str
) -> FollowUp:
    """Keep what was promised, once where it is sent twice. Raises UsageError where it is empty or due in the past."""
    words, now = checked_words(what, "follow-up", LONGEST), clock.now()
    if due_at < now:
        raise UsageError("The follow-up would be due in the past.", "Choose a day that is still to come.")
    made = FollowUp(new_id("fup"), customer_id, words, due_at, now, actor)
    same = {
        "customer_id": customer_id,
        "promise": words,
        "due_at": due_at,
        "made_by": actor,
        "settled_at": None,
    }
    with store.write() as connection:
        if (known := connection.execute(select(follow_ups).filter_by(**same)).mappings().first()) is not None:
            return FollowUp(**known)
        connection.execute(insert(follow_ups).values(**vars(made)))
        detail = {"follow_up_id": made.follow_up_id, "due_at": due_at.isoformat()}
        audit.record(connection, actor, "follow_up.promise", customer_id, detail, at=now)
    return made


def settle(  # noqa: PLR0913 - which, how, what came of it, by whom
    store: Store, clock: Clock, follow_up_id: str, settled_as: Settled, *, outcome: str = "", actor: str
) -> FollowUp:
    """Say that a promise was kept, or is needed no more and why; the first word stays.

    Raises NotFoundError where there is none of that id, RefusedError where it was settled before, UsageError where it is
    dropped without a reason.
    """
    if settled_as == "dropped" or outcome.strip():
        outcome = checked_words(outcome, "reason", LONGEST)
    now, this = clock.now(), follow_ups.c.follow_up_id == follow_up_id
    words: dict[str, object] = {"settled_as": settled_as, "settled_at": now, "settled_by": actor}
    words["outcome"] = outcome or None
    with store.write() as connection:
        changed = connection.execute(
            update(follow_ups).where(this, follow_ups.c.settled_at.is_(None)).values(**words)
        )
        row = connection.execute(select(follow_ups).where(this)).mappings().first()
        if row is None:
            raise NotFoundError("There is no such follow-up.", "Reload the page.")
        if changed.rowcount == 0:
            raise RefusedError(
                f"It was {row['settled_as']} already, by {row['settled_by']}.", "Reload the page."
            )
        detail = {"follow_up_id": follow_up_id}
        audit.record(connection, actor, f"follow_up.{settled_as}", row["customer_id"], detail, at=now)
    return FollowUp(**row)


def follow_ups_of(store: Store, customer_ids: Sequence[str]) -> list[FollowUp]:
    """Give what was promised to a person under all their ids: open ones first by when they are due, then the settled."""
    rows = select(follow_ups).where(follow_ups.c.customer_id.in_(customer_ids))
    with store.read() as connection:
        found = [FollowUp(**row) for row in connection.execute(rows).mappings()]
    still_open = sorted((each for each in found if not each.settled_at), key=lambda each: each.due_at)
    settled = [(each.settled_at, each) for each in found if each.settled_at]
    newest = sorted(settled, key=lambda pair: (pair[0], pair[1].follow_up_id), reverse=True)
    return [*still_open, *(each for _, each in newest)]


def due(store: Store, until: datetime, limit: int) -> list[FollowUp]:
    """Give what is open and due until a moment (naive UTC), the longest overdue first."""
    table = follow_ups.c
    rows = select(follow_ups).where(table.settled_at.is_(None), table.due_at <= until)
    with store.read() as connection:
        found = connection.execute(rows.order_by(table.due_at, table.follow_up_id).limit(limit))
        return [FollowUp(**row) for row in found.mappings()]
