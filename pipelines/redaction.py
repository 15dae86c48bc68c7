"""Take what may be personal out of other people's error messages, before Dagster or a log keeps them."""

import re

_QUOTED = re.compile(r"'[^']*'")
_ADDRESS = re.compile(r"[^\s@'\"]+@[^\s@'\"]+")
_DIGITS = re.compile(r"\+?\d[\d\s().-]{5,}\d")
LONGEST = 300


def redacted(message: str) -> str:
    """Give a message on one line without quoted values, addresses and long numbers."""
    line = " ".join(message.split())
    for pattern in (_QUOTED, _ADDRESS, _DIGITS):
        line = pattern.sub("…", line)
    return line[:LONGEST]
