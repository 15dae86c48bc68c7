"""Many callbacks at once do what they do one by one: the same rows, the same states, whatever is among them."""

import random
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from messaging.outbox import StatusUpdate, apply_status, apply_statuses
from messaging.store import Store
from messaging.store.tables import messages, provider_events, suppressions

NOON = datetime.fromisoformat("2026-10-30T12:00")
WORDS = ["queued", "sent", "delivered", "read", "undelivered", "failed", "new_word"]
STATES = ["accepted", "accepted", "accepted", "calling", "unknown", "done", "queued"]


def put(store: Store, prefix: str, chance: random.Random, count: int) -> None:
    rows = []
    for number in range(count):
        state = chance.choice(STATES)
        taken = state in {"accepted", "done"}
        rows.append({
            "message_id": f"{prefix}{number}", "customer_id": f"{prefix}cus{number}", "channel": "sms", "address_hash": f"{prefix}{number}",
            "message_class": "marketing", "body": "Hello", "state": state, "provider": "twilio" if taken else None,
            "provider_sid": f"{prefix}SM{number}" if taken else None,
            "provider_status": chance.choice(["queued", "sent", "delivered"]) if taken else None, "attempt_count": 1,
            "created_at": NOON, "calling_at": NOON, "updated_at": NOON,
        })  # fmt: skip
    with store.write() as connection:
        connection.execute(insert(messages), rows)


def told(prefix: str, chance: random.Random, count: int) -> list[StatusUpdate]:
    updates = []
    for _ in range(count):
        number = chance.randrange(40)
        sid = f"{prefix}SM{number}" if chance.random() < 0.9 else f"{prefix}SMother{number}"
        ours = f"{prefix}{number}" if chance.random() < 0.8 else chance.choice([None, f"{prefix}gone"])
        code = 30005 if chance.random() < 0.1 else None
        updates.append(StatusUpdate("twilio", sid, chance.choice(WORDS), ours, code, {"MessageSid": sid}))
    return updates


def end(store: Store, prefix: str) -> dict[str, Any]:
    rows = select(
        messages.c.message_id, messages.c.state, messages.c.provider_sid, messages.c.provider_status, messages.c.done_at,
        messages.c.delivered_at, messages.c.error_code, messages.c.reason,
    )  # fmt: skip
    events = select(
        provider_events.c.provider_sid,
        provider_events.c.status,
        provider_events.c.message_id,
        provider_events.c.error_code,
    )
    with store.read() as connection:
        found = {
            "messages": connection.execute(rows).all(),
            "events": connection.execute(events).all(),
            "suppressed": connection.execute(select(suppressions.c.address_hash)).all(),
        }
    mine = {
        name: [tuple(row) for row in kept if str(row[0]).startswith(prefix)] for name, kept in found.items()
    }
    plain = {name: sorted(str(row).replace(prefix, "") for row in kept) for name, kept in mine.items()}
    assert plain["events"]
    return plain


@pytest.mark.parametrize("seed", range(6))
def test_in_bulk_or_one_by_one_comes_to_the_same(store: Store, seed: int) -> None:
    for prefix in ("x1_", "x2_"):
        put(store, prefix, random.Random(seed), 40)
    for part in range(3):
        single, many = (told(prefix, random.Random(f"{seed}{part}"), 60) for prefix in ("x1_", "x2_"))
        with store.write() as connection:
            for update_ in single:
                apply_status(connection, update_, NOON)
            apply_statuses(connection, many, NOON)
    assert end(store, "x1_") == end(store, "x2_")
