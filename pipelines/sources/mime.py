"""A mail taken apart: its headers as text, and its parts with their content, whatever is wrong with them.

The standard library's parser does it. What is mended here is what it leaves to its users: raw 8-bit headers, a boundary
that is not the one that the header names, parameters that make it raise, and mails that nest without end.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.errors import (
    CloseBoundaryNotFoundDefect,
    InvalidBase64LengthDefect,
    StartBoundaryNotFoundDefect,
)
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from functools import cached_property, lru_cache
from itertools import islice

from pipelines.sources.charsets import decoded
from pipelines.sources.encoded_words import words

DEEPEST = 30  # parts within parts; nobody forwards a forwarded mail so often
MOST_PARTS = 1_000
LONGEST_VALUE = 4_000  # of a header with parameters: reading those takes quadratic time
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_BOUNDARY_LINE = re.compile(rb"^--(\S[^\r\n]*?)[ \t]*\r?$", re.MULTILINE)
_UNCLOSED = (CloseBoundaryNotFoundDefect, StartBoundaryNotFoundDefect)

Headers = Mapping[str, list[str]]  # by lower-case name; each value unfolded, not decoded


@dataclass(frozen=True)
class Part:
    """A mail, or a part of one. `closed` is false where its last boundary is missing, so that its last part may be cut."""

    headers: Headers
    kind: str  # such as text/plain
    parameters: Mapping[str, str]
    content: bytes = b""  # the body, with its transfer encoding undone
    children: tuple["Part", ...] = ()
    closed: bool = True

    def header(self, name: str) -> str:
        """Give the first header of a name (lower case), or nothing."""
        found = self.headers.get(name)
        return found[0] if found else ""

    @cached_property
    def text(self) -> str:
        """The content as text with plain line ends."""
        text = decoded(self.content, self.parameters.get("charset", "utf-8"))
        return text.replace("\r\n", "\n") if "\r" in text else text

    @property
    def disposition(self) -> str:
        """`attachment`, `inline` or nothing."""
        return _value(self.header("content-disposition"))[0]

    @property
    def file_name(self) -> str:
        """The name that the part's file bore, as its writer gave it: never use it as a path."""
        placed = _value(self.header("content-disposition"))[1].get("filename", "")
        return words(placed or self.parameters.get("name", "")).strip()

    def leaves(self) -> Iterator["Part"]:
        """Give the parts that hold no other parts, in their order; a mail within a mail is one of them."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def parse_mail(raw: bytes) -> Part:
    """Take a mail apart. Never fails: what cannot be told apart is one part."""
    try:
        message: Message = _PARSER.parsebytes(raw)
    except RecursionError:  # nested a hundred times: no person wrote that
        message = _PARSER.parsebytes(raw, headersonly=True)
    return _part(message, 0)


_PARSER = BytesParser(policy=compat32)


def _part(message: Message, depth: int) -> Part:
    headers = _headers(message)
    parameters = _value(headers.get("content-type", [""])[0])[1]
    kind = message.get_content_type()
    closed = not any(isinstance(defect, _UNCLOSED) for defect in message.defects)
    if not kind.startswith("multipart/") or depth >= DEEPEST:
        return Part(headers, kind, parameters, _content(message))
    inner, whole = _parts(message)
    closed = closed or whole
    if not inner:  # it says that it has parts, and has none
        return Part(headers, "text/plain", {}, _content(message), closed=closed)
    if len(inner) > MOST_PARTS:
        return Part(headers, "application/octet-stream", {}, closed=closed)
    children = tuple(_part(each, depth + 1) for each in inner)
    return Part(headers, kind, parameters, children=children, closed=closed)


def _parts(message: Message) -> tuple[list[Message], bool]:
    """Give the parts of a mail; where its boundary never stands in it, split at the one that does, if that is closed."""
    if message.is_multipart():
        return list(islice(_inside(message), MOST_PARTS + 1)), False
    body = _content(message)
    found = _BOUNDARY_LINE.search(body)
    if not found or b"\n--" + found[1] + b"--" not in body:
        return [], False
    boundary = found[1].replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    again = _PARSER.parsebytes(b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\n\n' + body)
    return (list(_inside(again)), True) if again.is_multipart() else ([], False)


def _inside(message: Message) -> Iterator[Message]:
    payload = message.get_payload()
    yield from (each for each in (payload if isinstance(payload, list) else ()) if isinstance(each, Message))


def _headers(message: Message) -> Headers:
    """Give the headers with raw 8-bit signs read, each by itself: forwarders add theirs in another charset."""
    headers: dict[str, list[str]] = {}
    for name, raw in message.raw_items():
        text = str(raw)
        if not text.isascii():
            text = decoded(text.encode("ascii", "surrogateescape"), "utf-8")
        headers.setdefault(name.rstrip().lower(), []).append(_FOLD.sub("", text).replace("\x00", "").strip())
    return headers


def _content(message: Message) -> bytes:
    """Give what a part holds, with its transfer encoding undone; a letter too many in base64 is what a cut has left."""
    if message.is_multipart():  # a mail within this one
        try:
            return b"".join(each.as_bytes() for each in _inside(message))
        except (
            RecursionError,
            UnicodeError,
        ):  # nested a hundred times, or in no charset that can be written again
            return b""
    content = message.get_payload(decode=True)
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in message.defects):
        letters = re.sub(r"[^A-Za-z0-9+/]", "", str(message.get_payload()))
        content = binascii.a2b_base64(letters[: len(letters) - 1])
    return content if isinstance(content, bytes) else b""


@lru_cache(maxsize=512)
def _value(header: str) -> tuple[str, Mapping[str, str]]:
    """Read a header such as `text/plain; charset=utf-8`: the value in lower case, and its parameters."""
    if not header:
        return "", {}
    message = Message()
    message["Content-Type"] = header[:LONGEST_VALUE].replace("\r", " ").replace("\n", " ")
    try:
        found = message.get_params(failobj=[], unquote=True)
    except (TypeError, ValueError, LookupError):  # RFC 2231 parameters that contradict each other
        found = [(item.strip(), "") for item in header.split(";")[:1]]
    parameters = {name.lower(): _plain(content) for name, content in found[1:]}
    return (found[0][0].strip().lower() if found else ""), parameters


def _plain(content: str | tuple[str | None, str | None, str]) -> str:
    """Give a parameter's text; one by RFC 2231 comes as (charset, language, bytes written as Latin-1)."""
    if isinstance(content, str):
        return content
    charset, _, text = content
    return decoded(text.encode("latin-1", "replace"), charset or "utf-8")
