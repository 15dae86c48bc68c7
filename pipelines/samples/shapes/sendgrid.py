"""The mail provider's event webhook, as it was posted: a JSON array of up to 500 events a line."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.samples.broken import BROKEN
from pipelines.samples.shapes.written import WrittenFile
from pipelines.samples.world import World

BATCH = 500
AGENTS = {True: "Mozilla/5.0 (image proxy)", False: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X)"}


def write_sendgrid(world: World, out: Path) -> WrittenFile:
    """Write sendgrid_events.json."""
    table = world.tables["email_events"]
    names = [
        "occurred_at",
        "event_id",
        "event",
        "email",
        "message_ref",
        "url",
        "reason",
        "is_machine",
        "campaign",
    ]
    columns = [table[name].to_pylist() for name in names[1:]]
    seconds = table["occurred_at"].to_numpy().astype("M8[s]").astype(np.int64).tolist()
    events = [_event(*row) for row in zip(seconds, *columns, strict=True)]
    bad = [{**events[-1], **fault} for _, fault in BROKEN["sendgrid_events.json"]]
    posts = [events[at : at + BATCH] for at in range(0, len(events), BATCH)] + [bad]
    path = out / "sendgrid_events.json"
    path.write_text("".join(json.dumps(post, ensure_ascii=False) + "\n" for post in posts), encoding="utf-8")
    return WrittenFile(
        path, "sendgrid", None, len(events) + len(bad), len(bad), "posts of the mail provider's event webhook"
    )


def _event(
    at: int,
    event_id: str,
    event: str,
    email: str,
    message: str,
    url: str | None,
    reason: str | None,
    machine: bool,
    campaign: str,
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "email": email,
        "timestamp": at,
        "smtp-id": f"<{message}@geopod-ismtpd-3-0>",
        "event": event,
        "category": [campaign],
        "sg_event_id": event_id,
        "sg_message_id": f"{message[3:25]}.filterdrecv-7d9.0",
        "message_id": message,  # the custom argument that the sender put on
    }
    if event in {"open", "click"}:
        document |= {"ip": f"192.0.2.{at % 250 + 1}", "useragent": AGENTS[machine]}
    if event == "open":
        document["sg_machine_open"] = machine
    if event == "click":
        document |= {"url": url, "url_offset": {"index": 0, "type": "html"}}
    if event == "delivered":
        document |= {"response": "250 2.0.0 OK", "tls": 1}
    if event == "bounce":
        document |= {"reason": reason, "status": "5.1.1", "type": "bounce"}
    elif reason:
        document["response" if event == "deferred" else "reason"] = reason
    return document
