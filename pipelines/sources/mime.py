"""A mail taken apart: its headers as text, and its parts with their content, whatever is wrong with them.

Taken apart by hand. The standard library's parser reads every line several times over (a mailbox of ours took three times
as long with it, 2026-11-22), loses raw 8-bit headers, and raises on some broken parameters; here nothing raises.
RFC 5322 (headers), 2045 and 2046 (parts). RFC 2231 parameters are left to the standard library.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property, lru_cache

from pipelines.sources.charsets import decoded
from pipelines.sources.encoded_words import words

DEEPEST = 30  # parts within parts; nobody forwards a forwarded mail so often
MOST_PARTS = 1_000
LONGEST_VALUE = 4_000  # of a header with parameters: reading those takes quadratic time
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_HEADER = re.compile(r"[!-9;-~]+[ \t]*:")
_BOUNDARY_LINE = re.compile(rb"^--(\S[^\r\n]*?)[ \t]*\r?$", re.MULTILINE)

Headers = Mapping[str, list[str]]  # by lower-case name; each value unfolded, not decoded


@dataclass(frozen=True)
class Part:
    """A mail, or a part of one. `closed` is false where its last boundary is missing, so that its last part may be cut."""

    headers: Headers
    body: bytes
    kind: str  # such as text/plain
    parameters: Mapping[str, str]
    children: tuple["Part", ...] = ()
    closed: bool = True

    def header(self, name: str) -> str:
        """Give the first header of a name (lower case), or nothing."""
        found = self.headers.get(name)
        return found[0] if found else ""

    @cached_property
    def content(self) -> bytes:
        """The body, with its transfer encoding undone."""
        return _transferred(self.body, self.header("content-transfer-encoding").strip().lower())

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


def parse_mail(raw: bytes, depth: int = 0) -> Part:
    """Take a mail apart. Never fails: what cannot be told apart is one part."""
    return _part(raw, "text/plain", _Budget(), depth)


@dataclass
class _Budget:
    parts: int = field(default=MOST_PARTS)


def _part(raw: bytes, usual: str, budget: _Budget, depth: int) -> Part:
    headers, body = _taken_apart(raw)
    kind, parameters = _value(headers.get("content-type", [""])[0])
    kind = kind if kind.count("/") == 1 else usual
    if not kind.startswith("multipart/") or depth >= DEEPEST:
        return Part(headers, body, kind, parameters)
    pieces, closed = _pieces(body, parameters.get("boundary", ""))
    if not pieces:  # it says that it has parts, and has none
        return Part(headers, body, "text/plain", {}, closed=closed)
    budget.parts -= len(pieces)
    if budget.parts < 0:
        return Part(headers, body, "application/octet-stream", {}, closed=closed)
    inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    children = tuple(_part(piece, inner, budget, depth + 1) for piece in pieces)
    return Part(headers, body, kind, parameters, children, closed)


def _taken_apart(raw: bytes) -> tuple[Headers, bytes]:
    """Split headers from body at the first empty line; a part may begin with that line and have no header."""
    if raw[:1] == b"\n" or raw[:2] == b"\r\n":
        return {}, raw[1 if raw[:1] == b"\n" else 2 :]
    end = _END_OF_HEADERS.search(raw)
    block, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    block = block.replace(b"\x00", b"")
    text = _FOLD.sub("", block.decode() if block.isascii() else _eight_bit(block))
    headers: dict[str, list[str]] = {}
    lines = text.split("\n")
    last = -1
    for place, line in enumerate(lines):
        name, colon, content = line.partition(":")
        if colon and name and " " not in name.rstrip():
            headers.setdefault(name.rstrip().lower(), []).append(content.strip())
        elif line.strip() and headers:
            last = last if last >= 0 else _last_header(lines)
            if place > last:  # the empty line is missing
                return headers, _from_line(raw, line)
    return headers, body


def _last_header(lines: list[str]) -> int:
    return max((place for place, line in enumerate(lines) if _HEADER.match(line)), default=0)


def _from_line(raw: bytes, line: str) -> bytes:
    place = raw.find(b"\n" + line.encode("utf-8", "replace")[:20])
    return raw[place + 1 :] if place >= 0 else raw


def _eight_bit(block: bytes) -> str:
    """Read headers that are not ASCII; each line by itself, as forwarders add theirs in another charset."""
    return "\n".join(decoded(line, "utf-8") for line in block.split(b"\n"))


def _pieces(body: bytes, boundary: str) -> tuple[list[bytes], bool]:
    """Split a body at its boundary; where that never stands in it, at the one that does. And whether it is closed."""
    pieces, closed = _split(body, boundary.encode("utf-8", "replace")) if boundary else ([], False)
    if pieces:
        return pieces, closed
    found = _BOUNDARY_LINE.search(body)
    return _split(body, found[1]) if found and b"\n--" + found[1] + b"--" in body else ([], closed)


def _split(body: bytes, boundary: bytes) -> tuple[list[bytes], bool]:
    """Split at lines that are the boundary. Searched, not matched: to compile a pattern a mail took a fifth of all time."""
    mark = b"--" + boundary
    pieces: list[bytes] = []
    start = -1
    place = 0 if body.startswith(mark) else _line_start(body, mark, 0)
    while place >= 0:
        after = place + len(mark)
        closing = body[after : after + 2] == b"--"
        end = body.find(b"\n", after)
        end = len(body) if end < 0 else end
        if not body[after + 2 * closing : end].strip():
            if start >= 0:
                pieces.append(_without_break(body[start:place]))
            if closing:
                return pieces, True
            start = end + 1
        place = _line_start(body, mark, after)
    if start >= 0:
        pieces.append(body[start:])
    return pieces, False


def _line_start(body: bytes, mark: bytes, after: int) -> int:
    found = body.find(b"\n" + mark, after)
    return found + 1 if found >= 0 else -1


def _without_break(piece: bytes) -> bytes:
    """Take the line break away that belongs to the boundary behind it."""
    return piece.removesuffix(b"\n").removesuffix(b"\r")


def _transferred(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return _base64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding in {"x-uuencode", "uuencode", "uue", "x-uue"}:
        return _uuencoded(body)
    return body


def _base64(body: bytes) -> bytes:
    """Read base64, padded or not; a letter too many at its end is what a cut has left."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        whole = letters[: len(letters) - (len(letters) % 4 == 1)]
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _uuencoded(body: bytes) -> bytes:
    message = Message()
    message["Content-Transfer-Encoding"] = "x-uuencode"
    message.set_payload(body.decode("ascii", "surrogateescape"))
    content = message.get_payload(decode=True)
    return content if isinstance(content, bytes) else body


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
