"""Encoded words in headers (RFC 2047): `=?utf-8?q?J=C3=B6rg?=` is Jörg."""

import binascii
import re

from pipelines.sources.charsets import decoded

_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")


def words(header: str) -> str:
    """Decode a header value; what cannot be decoded stays as it is written.

    White space between two encoded words is no part of the text, and a letter may begin in one word and end in the next.
    """
    if "=?" not in header:
        return header
    pieces: list[str] = []
    run: tuple[str, bytes] = ("", b"")
    end = 0
    for found in _WORD.finditer(header):
        between = header[end : found.start()]
        charset, content = found[1].lower(), _content(found[2], found[3])
        if run[1] and not between.strip() and run[0] == charset:
            run = (charset, run[1] + content)
        else:
            pieces.append(_shown(run))
            pieces.append(between if between.strip() or not run[0] else "")
            run = (charset, content)
        end = found.end()
    return "".join((*pieces, _shown(run), header[end:]))


def _shown(run: tuple[str, bytes]) -> str:
    return decoded(run[1], run[0]) if run[0] else ""


def _content(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    whole = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
