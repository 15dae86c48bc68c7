"""Which mappings read a file: told by the keys that its objects have, or by the columns in its header."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from data_contracts.errors import InputError
from pipelines.sources.csv_text import QUOTE, check_text, plain_text, read_header
from pipelines.sources.documents import Record, read_document
from pipelines.sources.drift import columns_changed, compare
from pipelines.sources.encodings import marked_encoding
from pipelines.sources.records import kind_of

NAMED = 12  # columns or keys that an error names; a file may have hundreds


@dataclass(frozen=True)
class Recognise:
    """The marks of a shape. JSON: an object with all `keys`, wherever it lies; a table: a header with all `columns`.

    `lacks` are keys or columns that only another shape has; `where` tells what is written in some of the keys; `file` is
    a pattern of the name of the file, for a table whose columns alone do not say what it is.
    """

    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    file: str = ""

    def fits_table(self, path: Path, columns: Collection[str]) -> bool:
        """Say whether a table of this name and with these columns is of this shape."""
        return self.fits(columns) and (not self.file or fnmatch(path.name.lower(), self.file))

    def fits(self, names: Collection[str]) -> bool:
        """Say whether an object, or a table with these columns, is of this shape."""
        marks = self.keys or self.columns
        if not all(mark in names for mark in marks) or any(name in names for name in self.lacks):
            return False
        return not isinstance(names, dict) or all(_word(names.get(key)) == word for key, word in self.where)

    def may_be(self, thing: dict[str, Any]) -> bool:
        """Say whether nothing that is written in an object speaks against this shape."""
        return all(_word(thing.get(key, word)) == word for key, word in self.where)

    def __str__(self) -> str:
        what = "objects with" if self.keys else "columns"
        without = f", without {', '.join(self.lacks)}" if self.lacks else ""
        where = "".join(f", where {key} is {word}" for key, word in self.where)
        named = f" in a file {self.file}" if self.file else ""
        return f"{what} {', '.join(self.keys or self.columns)}{without}{where}{named}"


def _word(thing: Any) -> str:
    """Write a plain value as JSON does."""
    return ("true" if thing else "false") if isinstance(thing, bool) else str(thing)


def find_objects(document: Any, shape: Recognise, all_shapes: Sequence[Recognise]) -> Iterator[Record]:
    """Find the objects of a shape wherever they lie in a document, each with those around it, the nearest first.

    What lies inside an object of the shape is part of it and no object of its own. A list's object that is of none of
    `all_shapes` is not lost: it is taken for the nearest shape among its neighbours, and the contract says what it lacks.
    """
    yield from _search(document, shape, all_shapes, (), 0)


def _search(
    thing: Any, shape: Recognise, all_shapes: Sequence[Recognise], around: tuple[Any, ...], number: int
) -> Iterator[Record]:
    if isinstance(thing, dict):
        if shape.fits(thing):
            yield Record(thing, around, number)
            return
        for item in thing.values():
            yield from _search(item, shape, all_shapes, (thing, *around), 0)
    elif isinstance(thing, list):
        own = any(isinstance(item, dict) and shape.fits(item) for item in thing)
        for place, item in enumerate(thing, start=1):
            if own and isinstance(item, dict) and _is_stray(item, shape, all_shapes, thing):
                yield Record(item, around, place)
            else:
                yield from _search(item, shape, all_shapes, around, place)


def _is_stray(
    item: dict[str, Any], shape: Recognise, all_shapes: Sequence[Recognise], neighbours: list[Any]
) -> bool:
    """Say whether an object is of no shape and `shape`, half of whose marks it has, is the nearest that a neighbour has."""
    if _share(shape, item) < 0.5 or not shape.may_be(item) or any(other.fits(item) for other in all_shapes):
        return False
    present = [
        other
        for other in all_shapes
        if other.keys and any(isinstance(each, dict) and other.fits(each) for each in neighbours)
    ]
    return bool(present) and max(present, key=lambda other: _share(other, item)) == shape


def missed_object(
    thing: Any, shapes: Mapping[str, Recognise], lists: Collection[str]
) -> dict[str, Any] | None:
    """Find an object that nothing takes though it is nearly of a shape: an order with a renamed key, around its customer.

    What lies inside an object that is taken is part of it and not looked at. An object without one of the `lists` of which
    records are made, such as an order without its lines, has nothing to give.
    """
    if isinstance(thing, dict):
        if any(shape.fits(thing) for shape in shapes.values()):
            return None
        if _has_renamed(thing, shapes, lists):
            return thing
        return _first_missed(thing.values(), shapes, lists)
    if isinstance(thing, list):
        others = (item for item in thing if not _is_any_stray(item, shapes, thing))
        return _first_missed(others, shapes, lists)
    return None


def _has_renamed(thing: dict[str, Any], shapes: Mapping[str, Recognise], lists: Collection[str]) -> bool:
    """Say whether an object bears each mark of the nearest shape, some of them under what looks like a new name.

    One that merely has no such key may be whole: the sender in Chatwoot's messages is a contact cut short.
    """
    near = _nearest(list(thing), shapes)
    if near is None or any(key in lists for key in near[1]):
        return False
    drift = compare(shapes[near[0]].keys, thing)
    return len(drift.renamed) == len(drift.missing)


def _first_missed(
    things: Iterable[Any], shapes: Mapping[str, Recognise], lists: Collection[str]
) -> dict[str, Any] | None:
    found = (missed_object(thing, shapes, lists) for thing in things)
    return next((each for each in found if each is not None), None)


def _is_any_stray(item: Any, shapes: Mapping[str, Recognise], neighbours: list[Any]) -> bool:
    if not isinstance(item, dict) or _nearest(list(item), shapes) is None:
        return False
    known = list(shapes.values())
    return any(_is_stray(item, shape, known, neighbours) for shape in known)


def _share(shape: Recognise, names: Collection[str]) -> float:
    marks = shape.keys or shape.columns
    return sum(mark in names for mark in marks) / len(marks)


def is_empty_page(document: Any) -> bool:
    """Say whether a document is a page on which nothing stands: an empty list, or an object whose lists are all empty."""
    if isinstance(document, dict):
        lists = [item for item in document.values() if isinstance(item, list)]
        return bool(lists) and not any(lists)
    return isinstance(document, list) and not document


def table_columns(path: Path, encoding: str = "utf-8", delimiter: str = "", quote: str = QUOTE) -> list[str]:
    """Read the column names of a CSV or parquet file. Raises InputError where it is neither."""
    if path.suffix.lower() == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return list(pq.read_schema(path).names)
        except (pa.ArrowInvalid, OSError):
            raise InputError(
                f"The file {path} is no complete parquet file.", "It may have been cut off: export it again."
            ) from None
    if encoding == "utf-8" and not marked_encoding(path):
        with suppress(UnicodeDecodeError):
            return read_header(path, delimiter, quote)[
                0
            ]  # whether the file is whole is asked when it is loaded
    with plain_text(path, check_text(path, encoding), quote=quote) as text:
        return read_header(text, delimiter, quote)[0]


def nearly(path: Path, names: Sequence[str], shapes: Mapping[str, Recognise]) -> InputError | None:
    """Say of a file what it lacks to be of the shape that it is nearest to; None where it is near to none."""
    near = _nearest(names, shapes)
    if near is None:
        return None
    mapping, _ = near
    drift = compare(shapes[mapping].keys or shapes[mapping].columns, names)
    return columns_changed(path, mapping, drift, f"looks like {mapping}, but it has no {drift.missed()}")


def strange(path: Path, source: str, names: Sequence[str], shapes: Mapping[str, Recognise]) -> InputError:
    """Say of a file that fits no shape what was expected and what was found."""
    expected = "; ".join(f"{name}: {shape}" for name, shape in shapes.items())
    found = f"It has {_some(names)}." if names else "It holds no objects."
    return InputError(
        f"The file {path} has no shape of {source} that we know. {found}", f"Known are {expected}."
    )


def keys_of(document: Any) -> list[str]:
    """Name the keys of the first object that stands for itself: the thing, or the first of a list, or of a page."""
    while isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return []
    inner = [
        item for item in document.values() if isinstance(item, list) and item and isinstance(item[0], dict)
    ]
    return keys_of(inner[0]) if len(inner) == 1 else [str(key) for key in document]


def _nearest(names: Sequence[str], shapes: Mapping[str, Recognise]) -> tuple[str, list[str]] | None:
    """Find the shape of which most marks are there, if that is at least two and more than half of them.

    A shape that is told by what is written in a key is near to nothing: its marks are those of all its kind.
    """
    best: tuple[float, str, list[str]] | None = None
    for name, shape in shapes.items():
        if shape.where or any(name in names for name in shape.lacks):
            continue
        marks = shape.keys or shape.columns
        missing = [mark for mark in marks if mark not in names]
        share = _share(shape, names)
        if missing and share > 0.5 and len(marks) - len(missing) > 1 and (best is None or share > best[0]):
            best = (share, name, missing)
    return (best[1], best[2]) if best else None


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:NAMED])}{' ...' if len(names) > NAMED else ''}"


def columns_of(path: Path) -> Sequence[str]:
    """Name the columns of a table, or the keys of a JSON document."""
    return keys_of(read_document(path)) if kind_of(path) == "json" else table_columns(path)
