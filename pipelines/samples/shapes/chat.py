"""The chat tool's export: one JSON list of conversations, each with its customer and its messages.

    [{"id", "channel", "customer": {"name", "email", "phone", "username", "device_id", "customer_id"},
      "topic", "status", "order_id", "messages": [{"id", "at", "from", "author", "text"}]}]

`from` is customer, agent, bot or system; `at` is ISO 8601 in UTC; what is not known is null.
"""

from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from pipelines.samples.broken import BROKEN
from pipelines.samples.identifiers import SHOP
from pipelines.samples.shapes.written import UTC, WrittenFile, as_rows, stamp, write_lines
from pipelines.samples.world import World

COLUMNS = (
    "conversation_id", "message_id", "author_kind", "author_name", "email", "phone", "external_id", "handle",
    "device_id", "given_name", "family_name", "order_id", "body", "topic", "conversation_status",
)  # fmt: skip


def write_chats(world: World, out: Path) -> WrittenFile:
    """Write chats.json."""
    table = world.tables["chat_messages"]
    table = table.filter(pc.equal(table["source"], "chat"))
    at = stamp(table["occurred_at"].combine_chunks(), UTC)
    rows = as_rows(table, COLUMNS, at=at)
    conversations = [
        _conversation(list(turns)) for _, turns in groupby(rows, lambda row: row["conversation_id"])
    ]
    model = conversations[-1]["messages"][0]
    faults = [{**model, **fault} for _, fault in BROKEN["chats.json"]]
    customer = dict.fromkeys(conversations[-1]["customer"])
    conversations.append(
        {**conversations[-1], "id": 999_999_901, "customer": customer, "order_id": None, "messages": faults}
    )
    write_lines(out / "chats.json", "[", conversations, "]")
    return WrittenFile(
        out / "chats.json",
        "chat",
        None,
        table.num_rows + len(faults),
        len(faults),
        "conversations of the chat tool",
    )


def _conversation(turns: list[dict[str, Any]]) -> dict[str, Any]:
    head = turns[0]
    names = [name for name in (head["given_name"], head["family_name"]) if name]
    return {
        "id": int(head["conversation_id"]),
        "channel": "messenger" if head["handle"] else "web",
        "customer": {
            "name": " ".join(names) or None,
            "email": head["email"],
            "phone": head["phone"],
            "username": head["handle"],
            "device_id": head["device_id"],
            "customer_id": (head["external_id"] or "").removeprefix(SHOP) or None,
        },
        "topic": head["topic"],
        "status": head["conversation_status"],
        "order_id": head["order_id"],
        "messages": [
            {
                "id": int(turn["message_id"]),
                "at": turn["at"],
                "from": turn["author_kind"],
                "author": turn["author_name"],
                "text": turn["body"],
            }
            for turn in turns
        ],
    }
