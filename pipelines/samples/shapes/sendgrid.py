"""The mail provider's event webhook, as it was posted: a JSON array of up to 500 events a line."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.samples.broken import BROKEN
from pipelines.samples.shapes.written import WrittenFile, as_rows
from pipelines.samples.world import World

BATCH = 500
AGENTS = {True: "Mozilla/5.0 (image proxy)", False: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X)"}


COLUMNS = ("event_id", "event", "email", "message_ref", "url", "reason", "is_machine", "campaign")


def write_sendgrid(world: World, out: Path) -> WrittenFile:
    """Write sendgrid_events.json."""
    table = world.tables["email_events"]
    seconds = table["occurred_at"].to_numpy().astype("M8[s]").astype(np.int64).tolist()
    events = [_event(at, row) for at, row in zip(seconds, as_rows(table, COLUMNS), strict=True)]
    bad = [{**events[-1], **fault} for _, fault in BROKEN["sendgrid_events.json"]]
    posts = [events[at : at + BATCH] for at in range(0, len(events), BATCH)] + [bad]
    path = out / "sendgrid_events.json"
    path.write_text("".join(json.dumps(post, ensure_ascii=False) + "\n" for post in posts), encoding="utf-8")
    about = "posts of the mail provider's event webhook"
    return WrittenFile(path, "sendgrid", None, len(events) + len(bad), len(bad), about)


def _event(at: int, row: dict[str, Any]) -> dict[str, Any]:
    event, message = row["event"], row["message_ref"]
    document: dict[str, Any] = {
        "email": row["email"],
        "timestamp": at,
        "smtp-id": f"<{message}@geopod-ismtpd-3-0>",
        "event": event,
        "category": [row["campaign"]],
        "sg_event_id": row["event_id"],
        "sg_message_id": f"{message[3:25]}.filterdrecv-7d9.0",
        "message_id": message,  # the custom argument that the sender put on
    }
    return document | _details(at, row)


def _details(at: int, row: dict[str, Any]) -> dict[str, Any]:
    """Give what only some events carry."""
    reader = {"ip": f"192.0.2.{at % 250 + 1}", "useragent": AGENTS[bool(row["is_machine"])]}
    by_event = {
        "open": reader | {"sg_machine_open": row["is_machine"]},
        "click": reader | {"url": row["url"], "url_offset": {"index": 0, "type": "html"}},
        "delivered": {"response": row["reason"], "tls": 1},
        "bounce": {"reason": row["reason"], "status": "5.1.1", "type": "bounce"},
        "dropped": {"reason": row["reason"]},
        "deferred": {"response": row["reason"], "attempt": "1"},
    }
    return by_event.get(row["event"], {})
