"""Messages that are named by their ids are found by them, however many others stand in the same state."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.outbox import StatusUpdate, apply_statuses
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")


@pytest.fixture
def asked(store: Store) -> list[tuple[str, Any]]:
    """Collect the statements that name messages by their ids."""
    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL counts its rows, and knows better")
    found: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        if "message_id IN" in sql and sql.startswith(("SELECT", "UPDATE")):
            found.append((sql, values))

    event.listen(store.engine, "before_cursor_execute", hear)
    return found


def plans(engine: Engine, asked: list[tuple[str, Any]]) -> set[str]:
    with engine.connect() as connection:
        told = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
            for sql, values in asked
        ]
    return {row[3] for rows in told for row in rows}


def test_no_dispatch_and_no_callback_looks_at_all_messages_of_a_state(
    store: Store, asked: list[tuple[str, Any]], outbox_of: Any, provider: Any
) -> None:
    ids = outbox_of.put(60)
    dispatch_once(store, {"sms": provider}, Clock(NOON), threads=16)
    with store.read() as connection:
        sids = dict(connection.execute(text("SELECT message_id, provider_sid FROM messages")).all())
    with store.write() as connection:
        said = [StatusUpdate(provider.provider, sids[each], "sent", each) for each in ids]
        apply_statuses(connection, said, NOON)
    found = list(asked)
    assert len(found) > 4
    assert not [plan for plan in plans(store.engine, found) if "ix_messages_state" in plan]
