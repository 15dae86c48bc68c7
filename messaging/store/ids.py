"""Ids carry no meaning: a prefix that tells what they name, and a UUIDv7 so that they sort by birth."""

import re
from typing import Literal

import uuid_utils

from data_contracts.errors import NotFoundError

PREFIXES = Literal[
    "cus",
    "msg",
    "run",
    "att",
    "evt",
    "inb",
    "con",
    "aud",
    "wrk",
    "bld",
    "dec",
    "req",
    "rev",
    "med",
    "key",
    "ntc",
    "tel",
    "cmp",
    "usr",
    "nte",
    "fup",
    "prq",
]


def new_id(prefix: PREFIXES) -> str:
    """Make a fresh id such as `msg_01997c5e8d0a7c4e9b1f3a5d7c9e1b3f`."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def require_id(prefix: PREFIXES, value: str) -> None:
    """Let an id pass before it is written down that somebody asked for it; an address in its place is no id.

    Raises NotFoundError, which does not repeat what was typed.
    """
    if not re.fullmatch(rf"{prefix}_[0-9a-z]{{1,40}}", value):
        raise NotFoundError("What was asked for is no id.", f"One begins with {prefix}_.")
