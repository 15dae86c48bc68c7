"""The one way in which a message changes its state: along `TRANSITIONS`, whatever the caller believes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, update

from messaging.outbox.states import TRANSITIONS, State
from messaging.store.tables import messages

LEAVE_LEASE: frozenset[State] = frozenset({"sending", "calling"})  # the states that hold one


def move(
    connection: Connection,
    which: ColumnElement[bool],
    sources: Iterable[State],
    target: State,
    now: datetime,
    **values: Any,
) -> int:
    """Move the messages that `which` selects and that stand in one of `sources`; give how many moved.

    Raises ValueError for a transition that is not legal.
    """
    wanted = list(sources)
    for source in wanted:
        if target not in TRANSITIONS[source]:
            raise ValueError(f"A message cannot go from {source} to {target}.")
    if target not in LEAVE_LEASE:
        values = {"lease_owner": None, "lease_until": None} | values
    statement = update(messages).where(which, messages.c.state.in_(wanted))
    return connection.execute(statement.values(state=target, updated_at=now, **values)).rowcount
