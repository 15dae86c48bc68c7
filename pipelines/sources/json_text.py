"""The text of a JSON file: parsed with the numbers as they were written, strictly, and item by item where it is long."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_contracts.errors import InputError

LINES = {".jsonl", ".ndjson"}
CHUNK = 1 << 20
SPACES = " \t\r\n"


class _Number(str):
    """A number as the file writes it: 19.90 keeps its last digit."""

    __slots__ = ()


class _TwiceError(ValueError):
    """An object names a key twice: which of the two counts nobody can know."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


_DECODER = json.JSONDecoder(parse_float=_Number, parse_constant=_Number, object_pairs_hook=_object)


def parse(text: str) -> Any:
    """Parse a document; where several follow one another, the list of them. Raises ValueError or RecursionError."""
    document, end = _DECODER.raw_decode(text, _skip(text, 0))
    end = _skip(text, end)
    if end == len(text):
        return document
    documents = [document]
    while end < len(text):
        if text[end] not in "{[":
            raise json.JSONDecodeError("Extra data", text, end)
        document, end = _DECODER.raw_decode(text, end)
        documents.append(document)
        end = _skip(text, end)
    return documents


def parse_lines(text: str) -> list[Any]:
    """Parse a document on each line."""
    documents = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            documents += [_DECODER.decode(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise json.JSONDecodeError(
                error.msg, "\n" * (number - 1) + line, number - 1 + error.pos
            ) from None
    return documents


def is_list(path: Path) -> bool:
    """Say whether a file begins as a list."""
    with path.open("rb") as file:
        return file.read(CHUNK).removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"["


def stream_items(path: Path) -> Iterator[Any]:
    """Give the items of a list, or the documents of JSON Lines, one at a time. Raises InputError where the file breaks."""
    number = 0
    try:
        for item in _lines(path) if path.suffix.lower() in LINES else _items(path):
            number += 1
            yield item
    except UnicodeDecodeError as error:
        raise no_text(path, error.start) from None
    except (ValueError, RecursionError) as error:
        raise broken(path, error, f"item {number + 1:,}") from None


def broken(path: Path, error: Exception, place: str = "") -> InputError:
    """Say where a file is no JSON."""
    if isinstance(error, _TwiceError):
        return InputError(
            f"The file {path} has an object that names a key twice, so nobody knows which of them counts.",
            "Mend the export.",
        )
    if isinstance(error, json.JSONDecodeError):
        place = place or f"line {error.lineno}, column {error.colno}"
    else:
        place = "its depth" if isinstance(error, RecursionError) else "a number of thousands of digits"
    return InputError(
        f"The file {path} is no complete JSON (it breaks at {place}).",
        "It may have been cut off: export it again.",
    )


def no_text(path: Path, place: int) -> InputError:
    """Say that a file is not in the encoding of all JSON."""
    return InputError(
        f"The file {path} is no JSON: byte {place + 1} is not UTF-8 text.", "Export it as UTF-8."
    )


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in SPACES:
        place += 1
    return place


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        yield from (_DECODER.decode(line) for line in file if line.strip())


def _items(path: Path) -> Iterator[Any]:
    """Walk a list. What is at hand is parsed as far as it goes; an item that breaks off is tried again with more text."""
    with path.open(encoding="utf-8-sig") as file:
        text, place, first = file.read(CHUNK), 0, True
        place = _skip(text, place) + 1  # behind the bracket
        while True:
            text, place = _filled(file, text, place)
            if text[place : place + 1] == "]":
                _refuse_more(file, text, place + 1)
                return
            if not first:
                place = _behind_comma(text, place)
                text, place = _filled(file, text, place)
            item, text, place = _item(file, text, place)
            first = False
            yield item


def _filled(file: Any, text: str, place: int) -> tuple[str, int]:
    """Skip spaces; where nothing is left, read on."""
    place = _skip(text, place)
    while place >= len(text):
        text, place = file.read(CHUNK), 0
        if not text:
            raise json.JSONDecodeError("Expecting ',' or ']'", text, 0)
        place = _skip(text, 0)
    return text, place


def _item(file: Any, text: str, place: int) -> tuple[Any, str, int]:
    step = CHUNK
    while True:
        try:
            item, end = _DECODER.raw_decode(text, place)
        except json.JSONDecodeError:
            end, item = len(text), None
        if end < len(text):  # a number at the very end may go on
            return item, text, end
        more = file.read(step)
        if not more:
            item, end = _DECODER.raw_decode(text, place)
            return item, text, end
        text, place, step = text[place:] + more, 0, step * 2


def _behind_comma(text: str, place: int) -> int:
    if text[place] != ",":
        raise json.JSONDecodeError("Expecting ',' delimiter", text, place)
    return place + 1


def _refuse_more(file: Any, text: str, place: int) -> None:
    rest = text[place:]
    while rest:
        if rest.strip(SPACES):
            raise json.JSONDecodeError("Extra data", rest, 0)
        rest = file.read(CHUNK)
