"""Takes a folder apart into deliveries: pages together, tables one by one, each with the files it borrows from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.sources.besides import fitting
from pipelines.sources.files import Found, subset
from pipelines.sources.mapping import Mapping
from pipelines.sources.recognition import columns_of
from pipelines.sources.records import kind_of


def one_by_one(found: Found) -> Iterator[Found]:
    """Take each file for a delivery of its own."""
    for path in found.files:
        yield subset(found, (path,))


def tables_apart(
    found: Found, readers_of: Callable[[Path], list[Mapping]], stands_alone: Callable[[Path], bool]
) -> Iterator[Found]:
    """Take JSON files as the pages of one delivery, and each table, with those it borrows from, as one of its own."""
    documents = tuple(path for path in found.files if kind_of(path) == "json")
    if documents:
        yield subset(found, documents)
    tables = [path for path in found.files if path not in documents]
    yield from with_lent(found, tables, readers_of, stands_alone)


def with_lent(
    found: Found,
    tables: Sequence[Path],
    readers_of: Callable[[Path], list[Mapping]],
    stands_alone: Callable[[Path], bool],
) -> Iterator[Found]:
    """Give each table with the files of the same delivery or folder that its mappings borrow columns from."""
    deliveries: list[Found] = []
    borrowed: set[Path] = set()
    for path in tables:
        lent = _lent(path, found.files, readers_of(path))
        borrowed |= set(lent)
        deliveries.append(replace(subset(found, (path, *lent)), path=path))
    yield from (each for each in deliveries if each.path not in borrowed or stands_alone(each.path))


def _lent(path: Path, files: Sequence[Path], mappings: Sequence[Mapping]) -> list[Path]:
    nearby = files if len(files) > 1 else sorted(each for each in path.parent.iterdir() if each.is_file())
    others = [each for each in nearby if each != path]
    found = [
        lent
        for mapping in mappings
        for beside in mapping.beside
        for lent in fitting(beside, mapping.used_columns, others, columns_of)
    ]
    return list(dict.fromkeys(found))
