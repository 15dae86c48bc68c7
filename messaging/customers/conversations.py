"""The conversations of one customer that are open: who waits for whom, since when, about what, and their last words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from messaging.release import Snapshot
from messaging.store.tables import messages

MOST = 10
GONE = ("cancelled", "skipped", "failed")  # messages that answer nobody

# Each in a step of its own: where more is asked for beside the customer, DuckDB reads the table and not the index.
OPEN = """
WITH own AS MATERIALIZED (FROM c360.conversations WHERE customer_id = $customer_id)
SELECT conversation_id, started_at, last_at, last_channel AS channel, inbound_count, outbound_count, waiting_since,
       topic, is_complaint, ticket_id, order_id
FROM own WHERE is_open ORDER BY waiting_since NULLS LAST, last_at DESC, conversation_id LIMIT $most
"""
WORDS = """
WITH own AS MATERIALIZED (FROM c360.customer_timeline WHERE customer_id = $customer_id)
SELECT conversation_id, arg_max(coalesce(body, title), occurred_at) AS words
FROM own WHERE direction = 'in' AND list_contains($conversations, conversation_id) GROUP BY 1
"""


@dataclass(frozen=True)
class OpenConversation:
    """A conversation that is not over. Times are naive UTC; `waiting_since` is None where they wait for nothing.

    `answered_at` is when one of us wrote to them after that: the release does not know of it yet.
    """

    conversation_id: str
    started_at: datetime
    last_at: datetime
    channel: str | None
    inbound_count: int
    outbound_count: int
    waiting_since: datetime | None
    topic: str | None
    is_complaint: bool
    ticket_id: str | None
    order_id: str | None
    words: str | None = None
    answered_at: datetime | None = None


def open_conversations(
    snapshot: Snapshot, store: Connection, customer_id: str, ids: Sequence[str]
) -> tuple[OpenConversation, ...]:
    """Give a customer's open conversations, who waits longest first; none from a release that has no conversations."""
    if not snapshot.has("conversations"):
        return ()
    rows = snapshot.rows(OPEN, {"customer_id": customer_id, "most": MOST})
    if not rows:
        return ()
    asked = {"customer_id": customer_id, "conversations": [row["conversation_id"] for row in rows]}
    said = {row["conversation_id"]: row["words"] for row in snapshot.rows(WORDS, asked)}
    answered = _last_answer(store, ids)
    return tuple(_conversation(row, said.get(row["conversation_id"]), answered) for row in rows)


def _conversation(row: Mapping[str, Any], words: str | None, answered: datetime | None) -> OpenConversation:
    since = row["waiting_since"]
    is_answered = since is not None and answered is not None and answered > since
    return OpenConversation(**row, words=words, answered_at=answered if is_answered else None)


def _last_answer(store: Connection, ids: Sequence[str]) -> datetime | None:
    """Say when one of us last answered them, by what the store holds."""
    table = messages.c
    answers = select(func.max(table.created_at)).where(
        table.customer_id.in_(ids), table.message_class == "conversational", table.state.not_in(GONE)
    )
    return store.execute(answers).scalar()
