"""The one way in which a message changes its state: along `TRANSITIONS`, whatever the caller believes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, update

from messaging.outbox.states import TRANSITIONS, State
from messaging.store.tables import messages

# A message's state, for who names messages by their ids. SQLite does not count its rows: of several ids it believes that few
# messages stand in a state, and would read all that wait to find thirty of them. No index has this expression.
STATE_BY_ID = messages.c.state.concat("")
LEAVE_LEASE: frozenset[State] = frozenset({"sending", "calling"})  # the states that hold one


def move(
    connection: Connection,
    which: ColumnElement[bool] | Collection[str],
    sources: Iterable[State],
    target: State,
    now: datetime,
    **values: Any,
) -> int:
    """Move the messages that `which` selects or names by their ids, of those in one of `sources`; give how many moved.

    Raises ValueError for a transition that is not legal.
    """
    wanted = list(sources)
    _check(wanted, target)
    if target not in LEAVE_LEASE:
        values = {"lease_owner": None, "lease_until": None} | values
    if isinstance(which, ColumnElement):
        statement = update(messages).where(which, messages.c.state.in_(wanted))
    else:
        statement = update(messages).where(messages.c.message_id.in_(which), STATE_BY_ID.in_(wanted))
    return connection.execute(statement.values(state=target, updated_at=now, **values)).rowcount


def move_each(
    connection: Connection, source: State, target: State, now: datetime, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Move many messages that the caller has locked and seen in `source`, each with values of its own.

    A row holds `this`, the message's id, and columns; all rows hold the same ones.
    """
    _check([source], target)
    if not rows:
        return
    columns: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "this"}
    this = (messages.c.message_id == bindparam("this")) & (messages.c.state == source)
    statement = update(messages).where(this).values({**columns, "state": target, "updated_at": now})
    connection.execute(statement, rows)


def _check(sources: Iterable[State], target: State) -> None:
    for source in sources:
        if target not in TRANSITIONS[source]:
            raise ValueError(f"A message cannot go from {source} to {target}.")
