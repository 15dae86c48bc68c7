"""JSON files: read whole, with the numbers as they were written, and taken apart into records.

A record's fields are named by dotted paths (`destination.city`, `lines.0.sku`). Where records lie inside others, each
`../` in front of a path goes one level out (`../id`), and `#` is the record's number in its list, from 1. A path with `[]`
in it (`tax_lines[].price`) gives the list of all that it leads to.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts.errors import InputError
from pipelines.sources.json_text import (
    LINES,
    broken,
    is_list,
    no_text,
    parse,
    parse_lines,
    stream_items,
)

HELD_WHOLE = (
    32 << 20
)  # a longer list or JSON Lines file is walked instead; an object takes about six times its size
LONGEST_OBJECT = 512 << 20


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
        if "->" in inner:
            reference, _, inner = inner.partition("->")
            here = _included(_walk(here, reference), (self.fields, *self.around))
        if "[]" in inner and not (isinstance(here, dict) and inner in here):
            return _text(_all_at(here, inner))
        return _text(_walk(here, inner))


def _included(reference: Any, around: tuple[Any, ...]) -> Any:
    """Find the object that a reference of JSON:API names, in what it or the page around it includes: some hundreds."""
    if not isinstance(reference, dict):
        return None
    wanted = (reference.get("type"), reference.get("id"))
    lists = (page.get("included") for page in around if isinstance(page, dict))
    items = (item for found in lists if isinstance(found, list) for item in found if isinstance(item, dict))
    return next((item for item in items if (item.get("type"), item.get("id")) == wanted), None)


class LongList(list[Any]):
    """The items of a long file, read anew from it each time they are walked, so that they never lie in memory together.

    Made for files with a list or with a document on each line. It raises InputError where the file breaks.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def __iter__(self) -> Iterator[Any]:
        """Walk the items in the order of the file."""
        return stream_items(self.path)

    def __len__(self) -> int:
        """Count the items by walking them."""
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        """Say whether there is an item."""
        return next(iter(self), self) is not self

    def __getitem__(self, place: Any) -> Any:
        """Give one item by walking to it."""
        for number, item in enumerate(self):
            if number == place:
                return item
        raise IndexError(place)


def read_document(path: Path) -> Any:
    """Read a JSON file; one with a document on each line, or several one behind another, gives the list of them.

    Numbers stay as they are written. Raises InputError where it is not complete JSON, or an object names a key twice.
    """
    if path.stat().st_size > HELD_WHOLE:
        if path.suffix.lower() in LINES or is_list(path):
            return LongList(path)
        if path.stat().st_size > LONGEST_OBJECT:
            raise InputError(
                f"The file {path} is one JSON object of {path.stat().st_size >> 20:,} MB, which would fill the memory.",
                "Export it as JSON Lines (.jsonl), as a list, or in pages.",
            )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise no_text(path, error.start) from None
    try:
        return parse_lines(text) if path.suffix.lower() in LINES else parse(text)
    except (ValueError, RecursionError) as error:
        raise broken(path, error) from None


def find_records(document: Any, path: str) -> Iterator[Record]:
    """Follow a path such as `orders[].fulfillments[]` (`[]` first where the document itself is a list)."""
    yield from _descend(Record(document), [step for step in path.split(".") if step])


def records_below(record: Record, path: str) -> Iterator[Record]:
    """Follow such a path from a record on; without one it is the record itself."""
    yield from _descend(record, [step for step in path.split(".") if step])


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


def _all_at(thing: Any, path: str) -> list[str] | None:
    """Give the texts at a path that leads through lists; None where there are none."""
    lists, _, rest = path.rpartition("[]")
    below = records_below(Record(thing), f"{lists}[]")
    texts = [_text(_walk(record.fields, rest.removeprefix("."))) for record in below]
    return [text for text in texts if text is not None] or None


def _walk(thing: Any, path: str) -> Any:
    """Follow a dotted path; a name that holds dots itself is found too."""
    if isinstance(thing, dict) and path in thing:
        return thing[path]
    if not path:
        return thing
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
