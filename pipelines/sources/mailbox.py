"""Mails out of files, as bytes, in the order in which they lie there: mbox, .eml, .emlx, and the files of a maildir.

Of mbox there are four dialects that differ in how a line `From ` in a body is told from the line that begins a mail
(https://www.loc.gov/preservation/digital/formats/fdd/fdd000383.shtml): with `>` in front of it, or by the mail's length
in a header. All four are read, and the line has to look like one of its file's.
"""

import re
from collections.abc import Iterator
from io import SEEK_END, BufferedReader
from pathlib import Path
from typing import NamedTuple

from data_contracts.errors import InputError
from pipelines.sources.inbound_parse import is_form, is_post, mails_of_form

MAIL = ".eml"
SUFFIXES = (MAIL, ".mbox", ".mbx", ".emlx")
SNIFFED = ("", ".txt", ".json", ".multipart")  # may hold mails, as the first bytes tell
MAILDIR = ("cur", "new")
_TIME = rb"\b\d{1,2}:\d\d(:\d\d)?"
_DATED = re.compile(rb"From .*\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.*" + _TIME + rb".*\b\d{4}\b")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_WELL_KNOWN = re.compile(
    rb"(return-path|received|delivered-to|message-id|from|to|subject|date|mime-version|content-type|x-[\w-]+|status)[ \t]*:",
    re.IGNORECASE,
)
_GUARDED = re.compile(rb"^>(>*From )", re.MULTILINE)
_LENGTH = re.compile(rb"^Content-Length:[ \t]*(\d{1,10})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_BLANK = (b"\n", b"\r\n")
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_OUTLOOK = b"\xd0\xcf\x11\xe0"


class RawMail(NamedTuple):
    """A mail's bytes. `last` marks the last one of its file: where it is cut off, the file is."""

    content: bytes
    last: bool


def is_mail_file(path: Path) -> bool:
    """Say whether a file of a folder holds mails: by its suffix, its maildir, or its first bytes."""
    if path.suffix.lower() in SUFFIXES or path.parent.name in MAILDIR:
        return True
    if path.parent.name == "tmp" or path.suffix.lower() not in SNIFFED:
        return False
    with path.open("rb") as file:
        first = file.read(400)
    return bool(_DATED.match(first.partition(b"\n")[0])) or is_post(path, first)


def read_messages(path: Path, *, among_others: bool = False) -> Iterator[RawMail]:
    """Give each mail of a file. Raises InputError where the file holds none, or is cut off.

    `among_others` says that a file with a single mail is one of many: whatever is wrong with it, they count.
    """
    with path.open("rb") as file:
        first = file.read(400)
    if is_form(first):
        yield from (RawMail(content, last=False) for content in mails_of_form(path))
    elif path.suffix.lower() == ".emlx" and first.partition(b"\n")[0].strip().isdigit():
        yield _emlx(path, among_others=among_others)
    elif first.startswith(b"From ") and path.suffix.lower() != MAIL:
        yield from _mbox(path)
    else:
        yield _eml(path, among_others=among_others)


def mbox_entry(raw: bytes) -> bytes:
    """Write a mail as a part of an mbox file, from which `read_messages` reads the same bytes again.

    Such files can be put one behind the other. Line ends become plain ones.
    """
    text = raw.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"
    guarded = re.sub(rb"^(>*From )", rb">\1", text, flags=re.MULTILINE)
    return b"From - Thu Jan  1 00:00:00 1970\n" + guarded + b"\n"


def _eml(path: Path, *, among_others: bool) -> RawMail:
    raw = path.read_bytes()
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            raw = raw.removeprefix(mark) if encoding == "utf-8" else raw.decode(encoding, "replace").encode()
    raw = raw.lstrip(b"\r\n\t ")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    if not _FIELD.match(raw) and not among_others:
        raise _no_mail(path, raw)
    return RawMail(raw, last=not among_others)


def _no_mail(path: Path, raw: bytes) -> InputError:
    if raw.startswith(_OUTLOOK):
        return InputError(
            f"The file {path} is Outlook's own kind of message.",
            "Save it as .eml, or export the folder as mbox.",
        )
    return InputError(
        f"The file {path} is no mail: it begins neither with a header nor with 'From '.",
        "Give an mbox file, an .eml file, or a folder of them.",
    )


def _emlx(path: Path, *, among_others: bool) -> RawMail:
    """Read Apple's kind: a line with the mail's length, the mail, and a list of properties."""
    line, _, rest = path.read_bytes().partition(b"\n")
    if len(rest) < int(line) and not among_others:
        raise InputError(f"The mail {path} is cut off: it is shorter than it says.", "Export it again.")
    return RawMail(rest[: int(line)], last=not among_others)


def _mbox(path: Path) -> Iterator[RawMail]:
    with path.open("rb") as file:
        strict = bool(_DATED.match(file.readline()))
        more = True
        while more:
            raw, more = _next_mail(file, strict=strict)
            if not more:
                _refuse_cut(path, raw)
            yield RawMail(_unguarded(raw), last=not more)


def _next_mail(file: BufferedReader, *, strict: bool) -> tuple[bytes, bool]:
    """Read a mail, and the line that begins the next one; and say whether there is one."""
    lines: list[bytes] = []
    blank = in_headers = True
    while line := file.readline():
        if line[:5] == b"From " and _begins(file, line, after_blank=blank, strict=strict):
            return b"".join(lines), True
        lines.append(line)
        blank = line in _BLANK
        if blank and in_headers:
            in_headers = False
            lines.append(_body_by_length(file, lines))
    return b"".join(lines), False


def _begins(file: BufferedReader, line: bytes, *, after_blank: bool, strict: bool) -> bool:
    """Say whether a line `From ` begins a mail: a header follows, and it bears a date if those of its file do.

    Where no empty line stands before it, as some programs forget that, the header has to be a well-known one.
    """
    if strict and not _DATED.match(line):
        return False
    place = file.tell()
    following = file.readline()
    file.seek(place)
    return bool(_FIELD.match(following) if after_blank else strict and _WELL_KNOWN.match(following))


def _body_by_length(file: BufferedReader, headers: list[bytes]) -> bytes:
    """Read a body whose length a header says, if the file or the next mail does begin behind it; else nothing."""
    told = next((found for line in headers if (found := _LENGTH.match(line))), None)
    if told is None:
        return b""
    place, length = file.tell(), int(told[1])
    file.seek(place + length)
    following = next((line for line in file if line not in _BLANK), b"")
    fits = following.startswith(b"From ") or (not following and place + length <= file.seek(0, SEEK_END))
    file.seek(place)
    return file.read(length) if fits else b""


def _unguarded(raw: bytes) -> bytes:
    """Undo the `>` in front of lines `From `; a body with such a line that has none is from a dialect without it."""
    if b">From " not in raw or (b"\nFrom " in raw and _LENGTH.search(raw)):
        return raw
    return _GUARDED.sub(rb"\1", raw)


def _refuse_cut(path: Path, raw: bytes) -> None:
    """Refuse a file whose last mail does not end with an empty line, nor with the length that it says it has."""
    told = _LENGTH.search(raw)
    empty = _EMPTY_LINE.search(raw)
    whole = told and empty and len(raw) - empty.end() == int(told[1])
    if not whole and not raw.endswith((b"\n\n", b"\n\r\n")):
        raise InputError(
            f"The mailbox {path} does not end with an empty line, so its last mail may be cut off.",
            "Export it again.",
        )
