"""Ids carry no meaning: a prefix that tells what they name, and a UUIDv7 so that they sort by birth."""

from typing import Literal

import uuid_utils

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
