"""Mails that SendGrid's Inbound Parse posts to a webhook: form fields, which become a mail like any other.

https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
Posted raw, the field `email` is the mail. Else its headers, text and HTML come as fields, and attachments as files. A saved
post is read as it came (the body of the request), or as JSON with its fields.
"""

import hashlib
import json
import re
from base64 import encodebytes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts.errors import InputError
from pipelines.sources.charsets import decoded
from pipelines.sources.mime import Part, parse_mail

MARKS = (frozenset({"headers", "envelope"}), frozenset({"email", "envelope"}))  # what a post always has
_START = re.compile(rb"--(\S[^\r\n]{0,200})\r?\nContent-Disposition:[ \t]*form-data", re.IGNORECASE)
_DESCRIBES_CONTENT = re.compile(r"^(content-[\w-]+|mime-version)[ \t]*:", re.IGNORECASE)
_LOOKED_AT = 1 << 20
Field = str | bytes


@dataclass(frozen=True)
class PostedFile:
    """A file that a form brought: an attachment of the mail."""

    name: str
    type: str
    content: bytes


def mail_of_fields(fields: Mapping[str, Field], files: Sequence[PostedFile] = ()) -> bytes:
    """Make of a post's fields the mail that it tells of. Fields may be text, or bytes in the charset that they name.

    Raises InputError where they are no post of Inbound Parse.
    """
    if not any(marks <= set(fields) for marks in MARKS):
        raise InputError(
            f"A post with the fields {', '.join(sorted(fields)[:12])} is none of Inbound Parse.",
            "It has envelope, and either headers or email.",
        )
    return _with_reader(fields["email"], fields) if "email" in fields else _composed(fields, files)


def is_form(first: bytes) -> bool:
    """Say by a file's first bytes whether it is a saved post: a form, or JSON."""
    return bool(_START.match(first)) or first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}


def is_post(path: Path, first: bytes) -> bool:
    """Say whether a file of a folder is a saved post: a form, or JSON that has what a post always has."""
    if _START.match(first):
        return True
    if path.suffix.lower() != ".json" or not is_form(first):
        return False
    with path.open("rb") as file:
        return b'"envelope"' in file.read(_LOOKED_AT)


def mails_of_form(path: Path) -> Iterator[bytes]:
    """Give the mails of a file with a saved post, or several as JSON. Raises InputError where it is none, or cut off."""
    raw = path.read_bytes()
    start = _START.match(raw)
    if start:
        yield mail_of_fields(*_posted(path, raw, start[1]))
        return
    for fields in _documents(path, raw):
        yield mail_of_fields(
            {name: told if isinstance(told, str) else json.dumps(told) for name, told in fields.items()}
        )


def _documents(path: Path, raw: bytes) -> list[dict[str, Any]]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"The file {path} is no mail and no JSON that is whole.", "Export it again."
        ) from error
    documents = document if isinstance(document, list) else [document]
    if not documents or not all(isinstance(item, dict) for item in documents):
        raise InputError(
            f"The file {path} is JSON without mails.",
            "Give posts of Inbound Parse with headers or email, and envelope.",
        )
    return documents


def _posted(path: Path, raw: bytes, boundary: bytes) -> tuple[dict[str, Field], list[PostedFile]]:
    header = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\n\n'
    form = parse_mail(header + raw)
    if not form.closed:
        raise InputError(f"The form in {path} is cut off: its last boundary is missing.", "Save it again.")
    fields: dict[str, Field] = {}
    files = []
    for part in form.children:
        if part.file_name:
            files.append(PostedFile(part.file_name, part.kind, part.content))
        else:
            fields[_field_name(part)] = part.content
    return fields, files


def _field_name(part: Part) -> str:
    found = re.search(r'\bname="?([^";]*)"?', part.header("content-disposition"))
    return found[1] if found else ""


def _with_reader(email: Field, fields: Mapping[str, Field]) -> bytes:
    """Name the mailbox that it came to, in front of its headers, as mail servers do."""
    raw = email if isinstance(email, bytes) else email.encode("utf-8", "surrogateescape")
    return _delivered_to(fields) + raw.lstrip(b"\r\n")


def _delivered_to(fields: Mapping[str, Field]) -> bytes:
    try:
        named = json.loads(_text(fields, "envelope")).get("to", [])
    except (ValueError, AttributeError):
        return b""
    readers = [
        reader for reader in named if isinstance(reader, str) and "\n" not in reader and "\r" not in reader
    ]
    return b"".join(f"Delivered-To: {reader}\n".encode() for reader in readers[:1])


def _composed(fields: Mapping[str, Field], files: Sequence[PostedFile]) -> bytes:
    forms = [(kind, _text(fields, name)) for kind, name in (("text/plain", "text"), ("text/html", "html"))]
    shown = [_part(f"{kind}; charset=utf-8", text.encode()) for kind, text in forms if text]
    attached = [_file(item) for item in files]
    headers = _kept_headers(_text(fields, "headers"))
    content = _multipart("alternative", shown or [_part("text/plain; charset=utf-8", b"")])
    body = _multipart("mixed", [content, *attached]) if attached else content
    return _delivered_to(fields) + headers.encode() + b"MIME-Version: 1.0\n" + body


def _kept_headers(text: str) -> str:
    """Leave out what describes the content: that comes in another form here."""
    lines = re.sub(r"\r?\n(?=[ \t])", "", text.replace("\r\n", "\n")).split("\n")
    return "".join(f"{line}\n" for line in lines if ":" in line and not _DESCRIBES_CONTENT.match(line))


def _text(fields: Mapping[str, Field], name: str) -> str:
    found = fields.get(name, "")
    if isinstance(found, str):
        return found
    if name == "charsets":
        return decoded(found, "utf-8")
    try:
        charsets = json.loads(_text(fields, "charsets") or "{}")
    except ValueError:
        charsets = {}
    charset = charsets.get(name) if isinstance(charsets, dict) else None
    return decoded(found, charset if isinstance(charset, str) else "utf-8")


def _multipart(kind: str, parts: Sequence[bytes]) -> bytes:
    """Put parts together; the boundary is told by their content, so that the same post gives the same mail."""
    boundary = b"=_" + hashlib.sha256(b"".join(parts)).hexdigest()[:32].encode()
    joined = b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="'.encode()
        + boundary
        + b'"\n\n'
        + joined
        + b"--"
        + boundary
        + b"--\n"
    )


def _part(kind: str, content: bytes, *more: str) -> bytes:
    headers = (f"Content-Type: {kind}", "Content-Transfer-Encoding: base64", *more)
    return "\n".join((*headers, "", "")).encode() + encodebytes(content).rstrip(b"\n")


def _file(item: PostedFile) -> bytes:
    name = re.sub(r'[\r\n"\\]', "_", item.name)
    return _part(item.type, item.content, f'Content-Disposition: attachment; filename="{name}"')
