"""Forms as Typeform lists them, posts as a listening tool lists them, visits as the site's code sends them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.broken import BROKEN
from pipelines.samples.shapes.written import (
    UTC,
    WrittenFile,
    as_rows,
    stamp,
    with_broken,
    write_csv,
    write_lines,
)
from pipelines.samples.world import World

FORM = ("submission_id", "form_id", "form_name", "page_url", "email", "given_name", "family_name", "fields")
VISIT = (
    "event_id",
    "name",
    "external_id",
    "email",
    "device_id",
    "value_minor",
    "currency",
    "product_id",
    "url",
)
TRACKED = {
    "product_viewed": "Product Viewed",
    "product_added": "Product Added",
    "checkout_started": "Checkout Started",
}


def write_forms(world: World, out: Path) -> WrittenFile:
    """Write typeform_responses.json: what was written into the contact form."""
    table = world.tables["form_submissions"]
    at = stamp(table["occurred_at"].combine_chunks(), UTC)
    items = [_form(row) for row in as_rows(table, FORM, at=at)]
    bad = [items[-1] | fault for _, fault in BROKEN["typeform_responses.json"]]
    path = out / "typeform_responses.json"
    write_lines(path, '{"items": [', items + bad, "]}")
    return WrittenFile(path, "typeform", None, len(items) + len(bad), len(bad), "answers to the contact form")


def write_mentions(world: World, out: Path) -> WrittenFile:
    """Write social_mentions.csv: posts that mention the company."""
    table = world.tables["social_messages"]
    columns: dict[str, Any] = {
        "post_id": table["message_id"],
        "posted_at": stamp(table["occurred_at"].combine_chunks(), UTC),
        "network": table["channel"],
        "kind": table["kind"],
        "author": pc.replace_substring(table["handle"], "chat:", ""),
        "text": table["body"],
        "url": table["url"],
        "pictures": table["media_count"].cast(pa.string()),
    }
    path = out / "social_mentions.csv"
    grown, total = with_broken(columns, table.num_rows, path.name)
    write_csv(path, grown, total)
    about = "posts on social networks that mention the company"
    return WrittenFile(path, "social_messages", "social_mentions", total, total - table.num_rows, about)


def write_visits(world: World, out: Path) -> WrittenFile:
    """Write segment_calls.jsonl: a call of the site's code a line."""
    table = world.tables["events"]
    at = stamp(table["occurred_at"].combine_chunks(), UTC)
    calls = [_visit(row) for row in as_rows(table, VISIT, at=at)]
    bad = [calls[-1] | fault for _, fault in BROKEN["segment_calls.jsonl"]]
    path = out / "segment_calls.jsonl"
    lines = (json.dumps(call, ensure_ascii=False) + "\n" for call in calls + bad)
    path.write_text("".join(lines), encoding="utf-8")
    about = "what people did on the shop's site, signed in, as its code reports it"
    return WrittenFile(path, "segment", None, len(calls) + len(bad), len(bad), about)


def _form(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "token": row["submission_id"],
        "form_id": row["form_id"],
        "definition": {"title": row["form_name"]},
        "submitted_at": row["at"],
        "hidden": {"email": row["email"], "first_name": row["given_name"], "last_name": row["family_name"]},
        "metadata": {"referer": row["page_url"]},
        "answers": json.loads(row["fields"]),
    }


def _visit(row: dict[str, Any]) -> dict[str, Any]:
    tracked = TRACKED.get(row["name"])
    value = row["value_minor"]
    properties = {"url": row["url"], "product_id": row["product_id"]}
    if value is not None:
        properties |= {"value": value / 100, "currency": row["currency"]}
    return {
        "type": "track" if tracked else "page",
        "messageId": row["event_id"],
        "timestamp": row["at"],
        "anonymousId": row["device_id"],
        "userId": row["external_id"],
        "event": tracked,
        "context": {"traits": {"email": row["email"]}},
        "properties": properties,
    }
