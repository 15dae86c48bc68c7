"""JSON of strangers: read without surprises, and made fit for both databases."""

import json
import math
from typing import Any, NoReturn


def read_json(body: bytes) -> Any:
    """Read a document. Raises ValueError for what is none: NaN, half a character, or nesting without end."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def clean(value: Any) -> Any:
    """Give a document without NUL, halves of characters and numbers that are none: neither database keeps them."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {clean(name): clean(each) for name, each in value.items()}
    if isinstance(value, list):
        return [clean(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _refuse(_: str) -> NoReturn:
    raise ValueError("no JSON number")
