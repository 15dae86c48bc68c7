"""Bytes of mails as text: in the charset that they name, in what programs mean by that name, and never with a failure."""

import codecs
from functools import cache

# What mail programs say, and what they mean by it (as browsers read it: https://encoding.spec.whatwg.org/#names-and-labels).
MEANT = {
    "us-ascii": "utf-8", "ascii": "utf-8", "ansi_x3.4-1968": "utf-8", "default": "utf-8", "binary": "utf-8",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "ansi": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-8-i": "iso8859-8", "tis-620": "cp874", "windows-874": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "big5": "big5hkscs",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "euc-kr": "cp949", "iso-2022-jp": "iso2022_jp_ext",
    "cp-850": "cp850", "x-mac-roman": "mac_roman", "macintosh": "mac_roman", "unicode": "utf-16",
    "unicode-1-1-utf-7": "utf-7", "x-unicode-2-0-utf-7": "utf-7", "utf8mb4": "utf-8", "unknown-8bit": "utf-8",
}  # fmt: skip
NO_TEXT = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})


def decoded(content: bytes, charset: str) -> str:
    """Decode bytes. What does not fit its charset is tried as UTF-8 and then as Windows-1252, with replacement signs."""
    name = _codec(charset.strip().lower())
    for known in (name, "utf-8"):
        try:
            return _storable(content.decode(known))
        except UnicodeError:
            continue
    return _storable(content.decode("cp1252", errors="replace"))


def _storable(text: str) -> str:
    """Drop what no table stores: NUL characters and halves of UTF-16 pairs."""
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


@cache
def _codec(charset: str) -> str:
    """Find Python's name of a charset; UTF-8 where it has none, or one that is no charset of texts."""
    try:
        found = codecs.lookup(MEANT.get(charset, charset)).name
    except (LookupError, ValueError):
        return "utf-8"
    is_text = getattr(codecs.lookup(found), "_is_text_encoding", True)
    return found if is_text and found.replace("-", "_") not in NO_TEXT else "utf-8"
