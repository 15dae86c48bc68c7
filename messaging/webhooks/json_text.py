"""JSON of strangers: read without surprises, and made fit for both databases."""

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

DEEPEST = (
    50  # of lists and objects in one another: far deeper, whatever walks through a document trips over it
)


def read_json(body: bytes) -> Any:
    """Read a document. Raises ValueError for what is none: NaN, half a character, or deep nesting."""
    try:
        document = json.loads(body, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    level: list[Any] = [document]
    for _ in range(DEEPEST + 1):
        level = [each for one in level for each in _parts(one)]
        if not level:
            return document
    raise ValueError("nested too deeply")


def _parts(value: Any) -> Iterable[Any]:
    """Give what a list or an object holds, as far as that may hold something itself."""
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (each for each in held if isinstance(each, dict | list))


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
