"""The service desk's exports: tickets with their comments, and the satisfaction ratings."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import Durations, Strings
from pipelines.samples.broken import BROKEN
from pipelines.samples.service import PROMISE
from pipelines.samples.shapes.written import UTC, WrittenFile, as_rows, stamp, write_lines
from pipelines.samples.tickets import FIRST_AGENT
from pipelines.samples.times import END, HOUR
from pipelines.samples.world import World

TIMES = ("occurred_at", "updated_at", "first_response_at", "solved_at", "due_at")
TICKET = (
    "ticket_id", "external_id", "email", "phone", "given_name", "family_name", "subject", "description", "status",
    "priority", "kind", "channel", "assignee", "group_name", "tags", "satisfaction", "satisfaction_comment",
)  # fmt: skip
COMMENT = ("message_id", "conversation_id", "author_kind", "external_id", "body", "channel", "is_private")
RATING = ("response_id", "score", "answer", "external_id", "ticket_id")


def write_tickets(world: World, out: Path) -> WrittenFile:
    """Write zendesk_tickets.json: the tickets, each with its comments and measured times."""
    table = world.tables["tickets"]
    columns: dict[str, Any] = {name: stamp(table[name].combine_chunks(), UTC) for name in TIMES}
    hours = ((PROMISE - _waited(table)) // HOUR).tolist()
    said = _comments(world)
    tickets = [
        _ticket(row, hour, said[row["ticket_id"]])
        for row, hour in zip(as_rows(table, TICKET, **columns), hours, strict=True)
    ]
    bad = [tickets[-1] | {"comments": []} | fault for _, fault in BROKEN["zendesk_tickets.json"]]
    path = out / "zendesk_tickets.json"
    write_lines(path, '{"tickets": [', tickets + bad, "]}")
    about = "tickets of the service desk, with what was written in them"
    return WrittenFile(path, "zendesk", None, len(tickets) + len(bad), len(bad), about)


def write_ratings(world: World, out: Path) -> WrittenFile:
    """Write zendesk_satisfaction.json: how customers rated their tickets."""
    table = world.tables["survey_responses"]
    table = table.filter(pc.equal(table["source"], "zendesk"))
    at = stamp(table["occurred_at"].combine_chunks(), UTC)
    ratings = [_rating(row) for row in as_rows(table, RATING, at=at)]
    bad = [ratings[-1] | fault for _, fault in BROKEN["zendesk_satisfaction.json"]]
    path = out / "zendesk_satisfaction.json"
    write_lines(path, '{"satisfaction_ratings": [', ratings + bad, "]}")
    about = "ratings of solved tickets"
    return WrittenFile(path, "zendesk", None, len(ratings) + len(bad), len(bad), about)


def _waited(tickets: pa.Table) -> Durations:
    """Give how long each ticket waited for its first answer, or has been waiting."""
    answered = tickets["first_response_at"].to_numpy()
    waited: Durations = np.where(np.isnat(answered), END, answered) - tickets["occurred_at"].to_numpy()
    return waited


def _comments(world: World) -> dict[str, list[dict[str, Any]]]:
    """Give the comments of each ticket."""
    table = world.tables["chat_messages"]
    table = table.filter(pc.equal(table["source"], "zendesk"))
    at: Strings = stamp(table["occurred_at"].combine_chunks(), UTC)
    said = defaultdict(list)
    for row in as_rows(table, COMMENT, at=at):
        by_customer = row["author_kind"] == "customer"
        said[row["conversation_id"]].append(
            {
                "id": int(row["message_id"]),
                "author_id": int(row["external_id"]) if by_customer else FIRST_AGENT,
                "body": row["body"],
                "plain_body": row["body"],
                "public": not row["is_private"],
                "via": {"channel": row["channel"]},
                "created_at": row["at"],
            }
        )
    return said


def _ticket(row: dict[str, Any], hours_left: int, comments: list[dict[str, Any]]) -> dict[str, Any]:
    names = [name for name in (row["given_name"], row["family_name"]) if name]
    requester = {"name": " ".join(names), "email": row["email"], "phone": row["phone"]}
    answered = row["first_response_at"]
    return {
        "id": int(row["ticket_id"]),
        "requester_id": int(row["external_id"]),
        "requester": requester,
        "assignee_id": int(row["assignee"]),
        "group_id": int(row["group_name"]),
        "subject": row["subject"],
        "raw_subject": row["subject"],
        "description": row["description"],
        "status": row["status"],
        "priority": row["priority"],
        "type": row["kind"],
        "via": {"channel": row["channel"], "source": {"from": {"address": row["email"]}}},
        "tags": json.loads(row["tags"]),
        "created_at": row["occurred_at"],
        "updated_at": row["updated_at"],
        "due_at": None,
        "satisfaction_rating": {
            "score": row["satisfaction"] or "unoffered",
            "comment": row["satisfaction_comment"],
        },
        "metric_set": {"first_replied_at": answered, "solved_at": row["solved_at"]},
        "slas": {
            "policy_metrics": [
                {
                    "metric": "first_reply_time",
                    "stage": "achieved" if answered else "active",
                    "breach_at": row["due_at"],
                    "hours": hours_left,
                }
            ]
        },
        "comments": comments,
    }


def _rating(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": int(row["response_id"]),
        "score": "good" if row["score"] else "bad",
        "requester_id": int(row["external_id"]),
        "ticket_id": int(row["ticket_id"]),
        "comment": row["answer"],
        "created_at": row["at"],
        "updated_at": row["at"],
    }
