"""JSON files: read whole, with the numbers as they were written, and taken apart into records.

A record's fields are named by dotted paths (`destination.city`, `lines.0.sku`). Where records lie inside others, each
`../` in front of a path goes one level out (`../id`), and `#` is the record's number in its list, from 1.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts.errors import InputError

LINES = {".jsonl", ".ndjson"}


@dataclass(frozen=True)
class Record:
    """An object of a JSON file and the objects around it, the nearest first."""

    fields: Any
    around: tuple[Any, ...] = ()
    number: int = 0

    def get(self, path: str) -> str | None:
        """Give the text at a path, or None where there is none."""
        if path == "#":
            return str(self.number)
        level, inner = 0, path
        while inner.startswith("../"):
            level, inner = level + 1, inner[3:]
        if level > len(self.around):
            return None
        here = self.around[level - 1] if level else self.fields
        return _text(_walk(here, inner))


def read_document(path: Path) -> Any:
    """Read a JSON file; one with a document on each line gives the list of them.

    Raises InputError where it is not complete JSON.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The file {path} is no JSON: byte {error.start + 1} is not UTF-8 text.", "Check it."
        ) from None
    try:
        return _parse_lines(text) if path.suffix.lower() in LINES or _one_a_line(text) else _parse(text)
    except (json.JSONDecodeError, RecursionError) as error:
        place = (
            f"line {error.lineno}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else "its depth"
        )
        raise InputError(
            f"The file {path} is no complete JSON (it breaks at {place}).",
            "It may have been cut off: export it again.",
        ) from None


def find_records(document: Any, path: str) -> Iterator[Record]:
    """Follow a path such as `orders[].fulfillments[]` (`[]` first where the document itself is a list)."""
    yield from _descend(Record(document), [step for step in path.split(".") if step])


def _descend(record: Record, steps: list[str]) -> Iterator[Record]:
    if not steps:
        yield record
        return
    step, rest = steps[0], steps[1:]
    here = _walk(record.fields, step.removesuffix("[]")) if step != "[]" else record.fields
    around = (record.fields, *record.around) if step != "[]" else record.around
    if not step.endswith("[]"):
        yield from _descend(Record(here, around), rest)
        return
    for number, item in enumerate(here if isinstance(here, list) else [], start=1):
        yield from _descend(Record(item, around, number), rest)


def _walk(thing: Any, path: str) -> Any:
    """Follow a dotted path; a name that holds dots itself is found too."""
    if isinstance(thing, dict) and path in thing:
        return thing[path]
    head, _, rest = path.partition(".")
    if isinstance(thing, dict):
        inner = thing.get(head)
    elif isinstance(thing, list) and head.isdigit() and int(head) < len(thing):
        inner = thing[int(head)]
    else:
        return None
    return _walk(inner, rest) if rest else inner


def _text(thing: Any) -> str | None:
    if thing is None or isinstance(thing, str):
        return thing
    if isinstance(thing, bool):
        return "true" if thing else "false"
    return json.dumps(thing, ensure_ascii=False) if isinstance(thing, dict | list) else str(thing)


def _one_a_line(text: str) -> bool:
    """Say whether the first line is a document of its own and another line follows."""
    first, _, rest = text.lstrip().partition("\n")
    if not rest.strip() or first[:1] not in {"{", "["} or first.rstrip()[-1:] not in {"}", "]"}:
        return False
    try:
        _parse(first)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _parse_lines(text: str) -> list[Any]:
    documents = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            documents += [_parse(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise json.JSONDecodeError(
                error.msg, "\n" * (number - 1) + line, number - 1 + error.pos
            ) from None
    return documents


class _Number(str):
    """A number as the file writes it: 19.90 keeps its last digit."""

    __slots__ = ()


def _parse(text: str) -> Any:
    return json.loads(text, parse_float=_Number, parse_constant=_Number)
