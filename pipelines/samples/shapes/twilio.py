"""The messages of the text-message provider: pages of its Messages API, newest message first."""

import json
from pathlib import Path
from typing import Any

from pipelines.samples.arrays import choose, digits, join
from pipelines.samples.broken import BROKEN
from pipelines.samples.shapes.written import WrittenFile, stamp
from pipelines.samples.world import World

ACCOUNT = "AC" + "5a3d" * 8  # of nobody
SERVICE = "MG" + "7c1e" * 8
PAGE = 500
RFC_2822 = "%a, %d %b %Y %H:%M:%S +0000"
ERRORS = {30003: "Unreachable destination handset", 30005: "Unknown destination handset"}


def write_twilio(world: World, out: Path) -> WrittenFile:
    """Write twilio_messages/page-0000.json and so on."""
    folder = out / "twilio_messages"
    folder.mkdir(exist_ok=True)
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


def _messages(world: World) -> list[dict[str, Any]]:
    """Give the messages as the API shows them, newest first."""
    table = world.tables["sms_messages"].slice(0)
    at = stamp(table["occurred_at"].combine_chunks(), RFC_2822)
    micros = table["price_micros"].to_numpy()
    price = join(
        choose(micros > 0, "-", ""), digits(micros // 1_000_000), ".", digits(micros % 1_000_000 // 10, 5)
    )
    names = [
        "message_id",
        "direction",
        "from_address",
        "to_address",
        "body",
        "status",
        "error_code",
        "segment_count",
    ]
    columns = [at, price, *(table[name] for name in names)]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return [_message(*row) for row in rows][::-1]


def _message(
    at: str,
    price: str,
    sid: str,
    direction: str,
    sender: str,
    to: str,
    body: str,
    status: str,
    error: int | None,
    segments: int,
) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}"
    inbound = direction == "inbound"
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": at,
        "date_sent": at,
        "date_updated": at,
        "direction": "inbound" if inbound else "outbound-api",
        "error_code": error,
        "error_message": ERRORS.get(error) if error else None,
        "from": sender,
        "messaging_service_sid": None if inbound else SERVICE,
        "num_media": "0",
        "num_segments": str(segments),
        "price": price,
        "price_unit": "USD",
        "sid": sid,
        "status": status,
        "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        "to": to,
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
