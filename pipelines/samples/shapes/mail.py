"""The support mailbox as an mbox file: MIME as mail programs write it, with quoted replies."""

import base64
import html
import quopri
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.samples.broken import BROKEN
from pipelines.samples.mails import OURS
from pipelines.samples.places import LANGUAGES, PLACES
from pipelines.samples.shapes.written import WrittenFile, as_rows
from pipelines.samples.world import World

US = formataddr(("Harbour & Pine", OURS))
# a grey dot, standing in for a photo
PHOTO = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
QUOTES = {
    "en": "On {at}, {who} wrote:", "de": "Am {at} schrieb {who}:", "fr": "Le {at}, {who} a écrit :",
    "es": "El {at}, {who} escribió:", "pt": "Em {at}, {who} escreveu:", "sv": "Den {at} skrev {who}:",
}  # fmt: skip
COLUMNS = (
    "occurred_at", "message_id", "thread_id", "direction", "email", "given_name", "family_name", "subject",
    "body_text", "in_reply_to", "attachment_count",
)  # fmt: skip


def write_mbox(world: World, out: Path) -> WrittenFile:
    """Write support.mbox, oldest message first."""
    table = world.tables["email_messages"]
    rows = list(as_rows(table, COLUMNS))
    person = world.owners["email_messages"]
    for row, place, language in zip(
        rows, world.history.people.place[person], world.history.people.language[person], strict=True
    ):
        row |= {"zone": PLACES[place].zone, "language": LANGUAGES[language], "quoted": None}
    for before, row in pairwise(rows):
        row["quoted"] = before if row["in_reply_to"] else None
    rows.sort(key=lambda row: (row["occurred_at"], row["message_id"]))
    messages = [_message(number, row) for number, row in enumerate(rows)]
    bad = [_broken(fault) for _, fault in BROKEN["support.mbox"]]
    path = out / "support.mbox"
    path.write_bytes(b"".join(messages + bad))
    return WrittenFile(
        path, "mail", None, len(messages) + len(bad), len(bad), "the support mailbox, both directions"
    )


def _message(number: int, row: dict[str, Any]) -> bytes:
    """Write one message; `number` decides which mail program the writer uses."""
    inbound = row["direction"] == "inbound"
    customer = formataddr((" ".join(filter(None, (row["given_name"], row["family_name"]))), row["email"]))
    zone = ZoneInfo(row["zone"] if inbound else "Europe/London")
    at = row["occurred_at"].replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
    headers = {
        "From": customer if inbound else US,
        "To": US if inbound else row["email"],
        "Subject": _encoded(row["subject"]),
        "Date": format_datetime(at),
        "Message-ID": f"<{row['message_id']}>",
    }
    if row["in_reply_to"]:
        headers["In-Reply-To"] = f"<{row['in_reply_to']}>"
        headers["References"] = " ".join(dict.fromkeys((f"<{row['thread_id']}>", f"<{row['in_reply_to']}>")))
    headers["MIME-Version"] = "1.0"
    text = row["body_text"] + _quotation(number, row, inbound=inbound)
    content, body = _content(number, text, photo=bool(row["attachment_count"]))
    return _delivered(row["occurred_at"], row["email"] if inbound else OURS, headers | content, body)


def _quotation(number: int, row: dict[str, Any], *, inbound: bool) -> str:
    """Quote the answered message under a line in the writer's language; one in eight does not quote."""
    before = row["quoted"]
    if before is None or number % 8 == 7:
        return ""
    who = f"Harbour & Pine <{OURS}>" if inbound else row["email"]
    at = before["occurred_at"].strftime(
        "%d.%m.%Y %H:%M" if row["language"] in {"de", "sv"} else "%a, %d %b %Y at %H:%M"
    )
    line = QUOTES[row["language"] if inbound else "en"].format(at=at, who=who)
    quoted = "\n".join(f"> {text}".rstrip() for text in before["body_text"].split("\n"))
    return f"\n\n{line}\n\n{quoted}"


def _content(number: int, text: str, *, photo: bool) -> tuple[dict[str, str], str]:
    """Give MIME headers and body: plain, with HTML beside it, in Latin-1, in base64, or with a photo."""
    if photo:
        return _multipart(number, "mixed", [_plain(number, text), _photo()])
    if number % 5 == 0:
        page = f"<html><body>{html.escape(text).replace(chr(10), '<br>' + chr(10))}</body></html>"
        return _multipart(
            number,
            "alternative",
            [_plain(number, text), _part("text/html", page, "utf-8", "quoted-printable")],
        )
    return _plain(number, text)


def _plain(number: int, text: str) -> tuple[dict[str, str], str]:
    latin = number % 3 == 0 and all(ord(letter) < 256 for letter in text)
    if latin:
        return _part("text/plain", text, "iso-8859-1", "quoted-printable")
    return _part("text/plain", text, "utf-8", ("8bit", "quoted-printable", "base64")[number % 3])


def _part(kind: str, text: str, charset: str, encoding: str) -> tuple[dict[str, str], str]:
    headers = {"Content-Type": f'{kind}; charset="{charset}"', "Content-Transfer-Encoding": encoding}
    raw = text.encode(charset)
    if encoding == "base64":
        return headers, base64.encodebytes(raw).decode().rstrip("\n")
    return headers, quopri.encodestring(raw).decode() if encoding == "quoted-printable" else text


def _photo() -> tuple[dict[str, str], str]:
    headers = {
        "Content-Type": 'image/png; name="damage.png"',
        "Content-Transfer-Encoding": "base64",
        "Content-Disposition": 'attachment; filename="damage.png"',
    }
    return headers, PHOTO


def _multipart(number: int, kind: str, parts: list[tuple[dict[str, str], str]]) -> tuple[dict[str, str], str]:
    boundary = f"=_part_{number:08d}"
    written = "".join(f"--{boundary}\n{_headers(headers)}\n{body}\n" for headers, body in parts)
    return {"Content-Type": f'multipart/{kind}; boundary="{boundary}"'}, f"{written}--{boundary}--"


def _delivered(at: datetime, sender: str, headers: dict[str, str], body: str) -> bytes:
    """Put the mbox separator in front, and guard lines that look like one."""
    guarded = "\n".join(f">{line}" if line.startswith("From ") else line for line in body.split("\n"))
    return f"From {sender} {at.strftime('%a %b %d %H:%M:%S %Y')}\n{_headers(headers)}\n{guarded}\n\n".encode()


def _broken(fault: dict[str, Any]) -> bytes:
    good = {
        "From": "somebody@example.org", "To": US, "Subject": "Hello?",
        "Date": "Thu, 29 Oct 2026 10:00:00 +0000",
        "Message-ID": "<broken@mail.example.org>", "MIME-Version": "1.0", "Content-Type": "text/plain",
    }  # fmt: skip
    headers = {name: text for name, text in (good | fault).items() if text is not None}
    return _delivered(datetime.fromisoformat("2026-10-29"), good["From"], headers, "Is anybody there?")


def _encoded(words: str) -> str:
    """Encode a header as RFC 2047 says, where it is not ASCII."""
    return words if words.isascii() else Header(words, "utf-8").encode()


def _headers(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {text}\n" for name, text in headers.items())
