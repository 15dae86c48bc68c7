"""Take decisions down, withdraw them, read them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from data_contracts.errors import NotFoundError, UsageError
from messaging import audit
from messaging.clock import Clock
from messaging.identity_decisions.contradictions import refuse_contradiction
from messaging.identity_decisions.said import (
    KINDS,
    LONGEST_AUTHOR,
    LONGEST_REASON,
    Decision,
    Kind,
    Record,
    checked_words,
    in_order,
)
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.locks import IDENTITY_DECISIONS, lock
from messaging.store.tables import identity_decisions

Known = Callable[[Collection[Record]], Collection[Record]]
"""Gives those of some records that are there to decide about, such as `Customers.known_records`."""


@dataclass(frozen=True)
class Recorded:
    """The decision that stands now, and whether it is what was just said or stood already."""

    decision: Decision
    is_new: bool


def record_decision(  # noqa: PLR0913 - the facts of a decision
    store: Store,
    clock: Clock,
    kind: Kind,
    one: Record,
    other: Record,
    *,
    author: str,
    reason: str,
    known: Known,
) -> Recorded:
    """Take down that two records are one person (`merge`) or are not (`split`); the next build applies it.

    What stands already is not taken down twice. Raises UsageError where author or reason is missing,
    NotFoundError where a record is not there, RefusedError where what stands contradicts; nothing changed then.
    """
    said = make_decision(kind, one, other, author=author, reason=reason, decided_at=clock.now())
    refuse_unknown(pair := (said.one, said.other), known(pair))
    with store.write() as connection:
        standing = standing_of(read_alone(connection))
        same = next((each for each in standing if each.subject == said.subject), None)
        if same:
            return Recorded(same, is_new=False)
        refuse_contradiction([*standing, said])
        insert_decisions(connection, [said])
        audit.record(connection, author, f"identity.{kind}", said.decision_id, at=clock.now())
    return Recorded(said, is_new=True)


def withdraw(store: Store, clock: Clock, decision_id: str, *, author: str, reason: str) -> Recorded:
    """Withdraw a decision: it stays on record, and the next build no longer applies it.

    One that was withdrawn before stays as it was then. Raises NotFoundError where there is none of that id.
    """
    author = checked_words(author, "author", LONGEST_AUTHOR)
    reason = checked_words(reason, "reason", LONGEST_REASON)
    with store.write() as connection:
        found = next((each for each in read_alone(connection) if each.decision_id == decision_id), None)
        if found is None:
            raise NotFoundError(
                f"There is no decision {decision_id!r}.",
                "`rapport identity decisions list --all` shows them.",
            )
        if found.withdrawn_at:
            return Recorded(found, is_new=False)
        after = replace(found, withdrawn_at=clock.now(), withdrawn_by=author, withdrawn_reason=reason)
        connection.execute(
            update(identity_decisions)
            .where(identity_decisions.c.decision_id == decision_id)
            .values(
                withdrawn_at=after.withdrawn_at,
                withdrawn_by=after.withdrawn_by,
                withdrawn_reason=after.withdrawn_reason,
            )
        )
        audit.record(connection, author, "identity.withdraw", decision_id, at=clock.now())
    return Recorded(after, is_new=True)


def standing_decisions(store: Store) -> tuple[Decision, ...]:
    """Give the decisions that hold, in the order in which they were taken: what a build applies."""
    return standing_of(list_decisions(store))


def list_decisions(store: Store) -> tuple[Decision, ...]:
    """Give all decisions, withdrawn ones too, in the order in which they were taken."""
    with store.read() as connection:
        return _read(connection)


def standing_of(decisions: Collection[Decision]) -> tuple[Decision, ...]:
    """Leave out the decisions that were withdrawn."""
    return tuple(each for each in decisions if each.withdrawn_at is None)


def read_alone(connection: Connection) -> tuple[Decision, ...]:
    """Give all decisions, and let nobody else change them before this transaction ends."""
    lock(connection, [IDENTITY_DECISIONS])
    return _read(connection)


def insert_decisions(connection: Connection, decisions: Collection[Decision]) -> None:
    """Store decisions that were checked in this transaction, after `read_alone`."""
    if decisions:
        connection.execute(insert(identity_decisions), [each.to_document() for each in decisions])


def refuse_unknown(records: Collection[Record], known: Collection[Record]) -> None:
    """Refuse a decision about what is not there. Raises NotFoundError, which names the record."""
    missing = sorted(set(records) - set(known))
    if missing:
        others = f", and {len(missing) - 1:,} more of these" if len(missing) > 1 else ""
        raise NotFoundError(
            f"The newest release has no record {missing[0]}{others}; nothing changed.",
            "Check the name; if it has landed since the last build, run `rapport build` first.",
        )


def make_decision(  # noqa: PLR0913 - the facts of a decision
    kind: str,
    one: Record,
    other: Record,
    *,
    author: str,
    reason: str,
    decided_at: datetime,
    decision_id: str | None = None,
) -> Decision:
    """Make a decision of what somebody said. Raises UsageError where that is no decision."""
    first, second = in_order(one, other)
    return Decision(
        decision_id=decision_id or new_id("dec"),
        kind=checked_kind(kind),
        source=first.source,
        source_record_id=first.source_record_id,
        other_source=second.source,
        other_record_id=second.source_record_id,
        author=checked_words(author, "author", LONGEST_AUTHOR),
        reason=checked_words(reason, "reason", LONGEST_REASON),
        decided_at=decided_at,
    )


def checked_kind(text: str) -> Kind:
    """Give the kind of a decision. Raises UsageError where it is none."""
    for kind in KINDS:
        if text == kind:
            return kind
    raise UsageError(f"{text!r} is no kind of decision.", f"It is one of {', '.join(KINDS)}.")


def _read(connection: Connection) -> tuple[Decision, ...]:
    order = (identity_decisions.c.decided_at, identity_decisions.c.decision_id)
    rows = connection.execute(select(identity_decisions).order_by(*order)).mappings()
    return tuple(Decision(**row) for row in rows)
