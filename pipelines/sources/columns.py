"""The columns that a file has, beside those of the one before it: what is new, and what is gone."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipelines.landing.manifest import Landing
from pipelines.sources.documents import Record

ENOUGH_OBJECTS = 50  # an object leaves out what it does not have, so few of them say nothing about a key


@dataclass(frozen=True)
class Seen:
    """The columns of a table's header, or the keys that the objects of a document have (then `header` is False)."""

    columns: tuple[str, ...] = ()
    header: bool = True


@dataclass(frozen=True)
class Changes:
    """Columns that came since the last landing and that nothing reads, and columns that are read and went."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def changes(earlier: Sequence[Landing], part: str, seen: Seen, read: Collection[str], rows: int) -> Changes:
    """Compare the columns of a file with those of the landings of the same part, oldest first; the first has no changes.

    `read` are the columns that mappings read. A key that was there in any of the earlier landings is not new.
    """
    before = [landing.origin.columns for landing in earlier if landing.origin.part == part]
    before = [columns for columns in before if columns]
    if not before or not seen.columns:
        return Changes()
    heads = {head for column in read for head in _heads(column)}
    known = {column for columns in before for column in columns}
    new = (column for column in seen.columns if column not in known and column not in heads)
    gone = (column for column in before[-1] if column not in seen.columns and column in heads)
    told = seen.header or rows >= ENOUGH_OBJECTS
    return Changes(tuple(new), tuple(gone) if told else ())


def noting(records: Iterable[Record], keys: dict[str, None]) -> Iterator[Record]:
    """Pass records on and note the keys that they have, in the order in which they come."""
    for record in records:
        if isinstance(record.fields, dict):
            keys.update(dict.fromkeys(record.fields))
        yield record


def _heads(column: str) -> tuple[str, ...]:
    """Name what a path begins with, too: `customer.email` reads `customer`."""
    return (column, column.partition(".")[0])
