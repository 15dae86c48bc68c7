"""The messages of the text-message provider: pages of its Messages API, newest message first."""

import json
from pathlib import Path
from typing import Any

from pipelines.samples.arrays import choose, digits, join
from pipelines.samples.broken import BROKEN
from pipelines.samples.shapes.written import WrittenFile, as_rows, stamp, write_lines
from pipelines.samples.world import World

ACCOUNT = "AC" + "5a3d" * 8  # of nobody
SERVICE = "MG" + "7c1e" * 8
PAGE = 500
RFC_2822 = "%a, %d %b %Y %H:%M:%S +0000"
COLUMNS = (
    "message_id", "direction", "from_address", "to_address", "body", "status", "error_code", "segment_count",
)  # fmt: skip
CALL = (
    "call_id", "direction", "from_address", "to_address", "status", "duration_seconds", "queue_seconds", "price_micros",
)  # fmt: skip
ERRORS = {30003: "Unreachable destination handset", 30005: "Unknown destination handset"}


def write_twilio(world: World, out: Path) -> WrittenFile:
    """Write twilio_messages/page-0000.json and so on."""
    folder = out / "twilio_messages"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("page-*.json"):  # an earlier, bigger sample may have had more of them
        old.unlink()
    messages = _messages(world)
    bad = [{**messages[0], **fault} for _, fault in BROKEN["twilio_messages"]]
    messages += bad
    pages = [messages[at : at + PAGE] for at in range(0, len(messages), PAGE)]
    for number, page in enumerate(pages):
        text = json.dumps(_page(page, number, len(pages)), ensure_ascii=False)
        (folder / f"page-{number:04d}.json").write_text(text + "\n", encoding="utf-8")
    return WrittenFile(
        folder, "twilio", None, len(messages), len(bad), "pages of the Messages API: text messages both ways"
    )


def write_calls(world: World, out: Path) -> WrittenFile:
    """Write twilio_calls.json: the Calls API's list, newest call first."""
    table = world.tables["calls"]
    at, ended = (stamp(table[name].combine_chunks(), RFC_2822) for name in ("occurred_at", "ended_at"))
    calls = [_call(row) for row in as_rows(table, CALL, at=at, ended=ended)][::-1]
    bad = [{**calls[0], **fault} for _, fault in BROKEN["twilio_calls.json"]]
    path = out / "twilio_calls.json"
    write_lines(path, '{"calls": [', calls + bad, "]}")
    about = "phone calls both ways, those that nobody took too"
    return WrittenFile(path, "twilio", None, len(calls) + len(bad), len(bad), about)


def _call(row: dict[str, Any]) -> dict[str, Any]:
    inbound, taken = row["direction"] == "inbound", row["ended"] is not None
    micros = row["price_micros"]
    return {
        "sid": row["call_id"],
        "account_sid": ACCOUNT,
        "direction": "inbound" if inbound else "outbound-api",
        "from": row["from_address"],
        "to": row["to_address"],
        "status": row["status"].replace("_", "-"),
        "start_time": row["at"] if taken else None,
        "end_time": row["ended"],
        "date_created": row["at"],
        "duration": str(row["duration_seconds"]),
        "queue_time": f"{row['queue_seconds'] or 0}000" if row["queue_seconds"] else "0",
        "answered_by": None,
        "price": f"-{micros / 1_000_000:.4f}" if micros else None,
        "price_unit": "USD",
    }


def _messages(world: World) -> list[dict[str, Any]]:
    """Give the messages as the API shows them, newest first."""
    table = world.tables["sms_messages"]
    micros = table["price_micros"].to_numpy()
    whole, part = digits(micros // 1_000_000), digits(micros % 1_000_000 // 10, 5)
    price = join(choose(micros > 0, "-", ""), whole, ".", part)
    at = stamp(table["occurred_at"].combine_chunks(), RFC_2822)
    return [_message(row) for row in as_rows(table, COLUMNS, at=at, price=price)][::-1]


def _message(row: dict[str, Any]) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{row['message_id']}"
    inbound = row["direction"] == "inbound"
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": row["body"],
        "date_created": row["at"],
        "date_sent": row["at"],
        "date_updated": row["at"],
        "direction": "inbound" if inbound else "outbound-api",
        "error_code": row["error_code"],
        "error_message": ERRORS.get(row["error_code"]),
        "from": row["from_address"],
        "messaging_service_sid": None if inbound else SERVICE,
        "num_media": "0",
        "num_segments": str(row["segment_count"]),
        "price": row["price"],
        "price_unit": "USD",
        "sid": row["message_id"],
        "status": row["status"],
        "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        "to": row["to_address"],
        "uri": f"{uri}.json",
    }


def _page(messages: list[dict[str, Any]], number: int, pages: int) -> dict[str, Any]:
    base = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?PageSize={PAGE}&Page="

    def uri(page: int) -> str:
        return f"{base}{page}&PageToken=PA{messages[0]['sid'] or ''}" if page else f"{base}0"

    return {
        "first_page_uri": uri(0),
        "end": number * PAGE + len(messages) - 1,
        "next_page_uri": uri(number + 1) if number + 1 < pages else None,
        "page": number,
        "page_size": PAGE,
        "previous_page_uri": uri(number - 1) if number else None,
        "start": number * PAGE,
        "uri": uri(number),
        "messages": messages,
    }
