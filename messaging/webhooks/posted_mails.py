"""The form that Inbound Parse posts, and mails within it, read within bounds: whoever writes a mail chooses its shape.

The parser of the standard library goes through a mail line by line, with every boundary that is open: 31 MB of lines of
one character took a gigabyte, and half a megabyte of them within ninety multiparts four seconds (2026-11-23). So the form
is cut at its boundary, which no writer of a mail knows, its files are not looked into, and of a whole mail only so much
is parsed. Words stand at the beginning of a mail, before its files: what they say is read, however large these are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

MOST_PARTS = 200
MOST_BYTES = 8 * 1024 * 1024  # of a mail that are parsed
MOST_BREAKS = 200_000  # CR and LF, of these
MOST_MULTIPARTS = 30  # of these: each within the other costs every line
LONGEST_HEAD = 16 * 1024
_MULTIPART = re.compile(rb"multipart/", re.IGNORECASE)


@dataclass(frozen=True)
class PostedPart:
    """One part of a form: its name, whether it is a file, its headers and its bytes."""

    name: str
    is_file: bool
    head: Message
    content: bytes

    def decoded(self) -> bytes:
        """Give the bytes without a transfer encoding, should the part have one."""
        if self.head.get("Content-Transfer-Encoding") is None:
            return self.content
        whole = Message(policy=compat32)
        whole["Content-Transfer-Encoding"] = str(self.head["Content-Transfer-Encoding"])
        whole.set_payload(self.content.decode("ascii", "surrogateescape"))
        payload = whole.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else self.content


def read_parts(content_type: str, body: bytes) -> Iterator[PostedPart]:
    """Give the parts of a form in their order; none where the type names no boundary."""
    head = content_type.encode("latin-1", "replace").replace(b"\r", b" ").replace(b"\n", b" ")
    boundary = message_from_bytes(b"Content-Type: " + head + b"\r\n\r\n", policy=compat32).get_boundary()
    if not boundary:
        return
    mark = b"\n--" + boundary.encode("latin-1", "replace")
    for piece in (b"\n" + body).split(mark, MOST_PARTS + 1)[1 : MOST_PARTS + 1]:
        if piece.startswith(b"--"):
            return
        written, _, content = _halves(piece.partition(b"\n")[2])
        fields = message_from_bytes(written[:LONGEST_HEAD] + b"\r\n\r\n", policy=compat32)
        name = fields.get_param("name", header="content-disposition")
        yield PostedPart(
            name.lower() if isinstance(name, str) else "",
            fields.get_filename() is not None,
            fields,
            content.removesuffix(b"\r"),
        )


def read_whole(mail: bytes) -> Message:
    """Read a mail as it came by SMTP, as much of it as bounds allow."""
    mail = mail[:MOST_BYTES]
    for number, found in enumerate(_MULTIPART.finditer(mail)):
        if number >= MOST_MULTIPARTS:
            mail = mail[: found.start()]
            break
    while mail.count(b"\n") + mail.count(b"\r") > MOST_BREAKS:
        mail = mail[: len(mail) // 2]
    return message_from_bytes(mail, policy=compat32)


def _halves(part: bytes) -> tuple[bytes, bytes, bytes]:
    """Cut a part behind its headers."""
    if part.startswith((b"\r\n", b"\n")):
        return b"", b"", part.partition(b"\n")[2]
    near = part[: LONGEST_HEAD + 4]
    return part.partition(b"\r\n\r\n" if b"\r\n\r\n" in near else b"\n\n")
