"""Loads files into the stage: through a mapping, with those that lie beside them, or in the table's own columns."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Types
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.errors import InputError
from pipelines.sources.besides import fitting, join_beside, load_beside, the_one
from pipelines.sources.canonical import stage_canonical
from pipelines.sources.columns import Seen, noting
from pipelines.sources.documents import Record, find_records, read_document, records_below
from pipelines.sources.drift import columns_changed, compare
from pipelines.sources.mapping import Mapping
from pipelines.sources.projection import stage_mapping
from pipelines.sources.recognition import Recognise, columns_of, find_objects, is_empty_page, table_columns
from pipelines.sources.records import kind_of, load_csv, load_parquet, load_records


def stage_canonical_file(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, source: str, sources: tuple[str, ...]
) -> Seen:
    """Stage the rows of one source of a file that has the table's own columns."""
    stage_canonical(connection, path, table, source, sources)
    return Seen(tuple(table_columns(path)))


def stage_file(
    connection: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping, others: Sequence[Path]
) -> Seen:
    """Stage what a mapping makes of a file and of those that lie beside it."""
    types: dict[str, str] = {}
    used = mapping.used_columns
    for beside in mapping.beside:
        lent = the_one(beside, used, path, fitting(beside, used, others, columns_of))
        load = partial(_load_lent, connection, columns=beside.needed(used))
        types |= load_beside(connection, beside, used, lent, load)
    own, seen = _load(connection, path, mapping)
    types |= own
    for beside in mapping.beside:
        join_beside(connection, beside, used)
    _refuse_other_shape(path, mapping, types)
    stage_mapping(connection, mapping, types)
    return seen


def stage_objects(
    connection: duckdb.DuckDBPyConnection,
    documents: Sequence[Any],
    mapping: Mapping,
    shapes: Sequence[Recognise],
) -> Seen:
    """Stage what a mapping makes of the objects of JSON documents that have its marks."""
    records = (record for document in documents for record in _objects(document, mapping, shapes))
    keys: dict[str, None] = {}
    stage_mapping(connection, mapping, load_records(connection, noting(records, keys), mapping.used_columns))
    return Seen(tuple(keys), header=False)


def _objects(document: Any, mapping: Mapping, shapes: Sequence[Recognise]) -> Iterator[Record]:
    assert mapping.recognise is not None
    for record in find_objects(document, mapping.recognise, shapes):
        yield from records_below(record, mapping.records)


def _load(connection: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping) -> tuple[dict[str, str], Seen]:
    kind = mapping.kind or kind_of(path)
    if kind == "parquet":
        types = load_parquet(connection, path)
        return types, Seen(tuple(types))
    if kind == "json":
        document = read_document(path)
        if mapping.recognise:
            records = _objects(document, mapping, [mapping.recognise])
        else:
            records = find_records(document, mapping.records)
        keys: dict[str, None] = {}
        named: set[bool] = set()
        found = _noting_names(records, mapping, named)
        types = load_records(connection, noting(found, keys), mapping.used_columns)
        if True not in named and not (mapping.recognise and is_empty_page(document)):
            raise _no_records(path, mapping, any_there=bool(named))
        return types, Seen(tuple(keys), header=False)
    types = load_csv(
        connection, path, mapping.encoding, mapping.delimiter, mapping.names, quote=mapping.quote
    )
    return types, Seen(tuple(types))


def _load_lent(connection: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> dict[str, str]:
    """Load a file that lies beside another; a JSON one is a list of flat objects."""
    if kind_of(path) == "parquet":
        return load_parquet(connection, path)
    if kind_of(path) == "json":
        return load_records(connection, find_records(read_document(path), "[]"), columns)
    return load_csv(connection, path)


def _refuse_other_shape(path: Path, mapping: Mapping, types: Types[str, str]) -> None:
    drift = compare([*mapping.used_columns, *mapping.optional], types).without(mapping.optional)
    if drift.missing:
        raise columns_changed(path, mapping.name, drift)


def _noting_names(records: Iterable[Record], mapping: Mapping, named: set[bool]) -> Iterator[Record]:
    """Hand records on one by one, and note whether there are such as have what the record id is made of."""
    columns = _named_by(mapping)
    for record in records:
        if True not in named:
            named.add(all(record.get(column) is not None for column in columns))
        yield record


def _named_by(mapping: Mapping) -> list[str]:
    return [column for column in mapping.record_id_columns if column != "#"]


def _no_records(path: Path, mapping: Mapping, *, any_there: bool) -> InputError:
    if any_there:
        what = f"records without {', '.join(_named_by(mapping))}"
    else:
        what = f"no {mapping.recognise}" if mapping.recognise else f"no records at {mapping.records}"
    return InputError(f"The file {path} has {what}.", f"The mapping {mapping.name} expects them there.")
