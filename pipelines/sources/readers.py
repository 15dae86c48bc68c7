"""Who reads what: the mappings of a vendor, which recognise their files by themselves, one named mapping, or our own code.

A reading splits a delivery into parts, each with the rows of one table; a vendor's page of orders gives order lines,
refunds, parcels and contacts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Types
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.contracts import contract_names, load_contract
from data_contracts.errors import InputError, UsageError
from messaging.settings import Settings
from pipelines.landing.staging import stage_records
from pipelines.sources import mail
from pipelines.sources.besides import fitting, join_beside, load_beside, the_one
from pipelines.sources.canonical import VERSION as CANONICAL_VERSION
from pipelines.sources.canonical import canonical_sources, stage_canonical
from pipelines.sources.columns import Seen, noting
from pipelines.sources.csv_text import SPACES
from pipelines.sources.documents import Record, find_records, read_document, records_below
from pipelines.sources.drift import columns_changed, compare
from pipelines.sources.files import Found, subset
from pipelines.sources.mailbox import SUFFIXES as MAIL_SUFFIXES
from pipelines.sources.mapping import FOLDER as SHIPPED
from pipelines.sources.mapping import (
    Mapping,
    load_mapping,
    mapping_names,
    mappings_of,
    recognised_sources,
)
from pipelines.sources.projection import stage_mapping, try_mapping
from pipelines.sources.recognition import (
    Recognise,
    find_objects,
    is_empty_page,
    keys_of,
    missed_object,
    nearly,
    strange,
    table_columns,
)
from pipelines.sources.records import (
    CSV_SUFFIXES,
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    SUFFIXES,
    load_csv,
    load_parquet,
    load_records,
)
from pipelines.sources.vocabulary import columns_in

Stage = Callable[[duckdb.DuckDBPyConnection], Seen]
KINDS = {**dict.fromkeys(CSV_SUFFIXES, "csv"), **dict.fromkeys(PARQUET_SUFFIXES, "parquet")}
KINDS |= dict.fromkeys(JSON_SUFFIXES, "json")
MAIL = "mail"


@dataclass(frozen=True)
class Part:
    """The rows of one table that a delivery gives. `version` names what is done with it: a mapping's hash, or our number.

    `source` is that of the rows where the reader's is none, `streamed` the file where they stay in it until they land.
    `plan` is the mapping, where it is one that reads it; `stage` gives the columns that the file has.
    """

    table: str
    mapping: str
    version: str
    stage: Stage
    source: str = ""
    streamed: Path | None = None
    plan: Mapping | None = None

    def origins(self) -> dict[str, list[str]]:
        """Give, by column of the table, the columns of the file that it is made from."""
        return {
            column: list(dict.fromkeys(columns_in(expression)))
            for column, expression in (self.plan.columns if self.plan else {}).items()
        }


@dataclass(frozen=True)
class Reading:
    """What a delivery consists of; `unread` says of each file that has no shape we know what was expected."""

    parts: tuple[Part, ...]
    unread: Types[Path, InputError] = field(default_factory=dict)


@dataclass(frozen=True)
class Reader:
    """Reads the files of one source. `split` takes a folder apart into deliveries, `read` one of these into parts."""

    source: str
    suffixes: tuple[str, ...]
    split: Callable[[Found], Iterable[Found]]
    read: Callable[[Found], Reading]


def find_reader(settings: Settings, source: str, mapping: str | Path | None) -> Reader:
    """Find who reads `source`: a vendor by name, or a canonical table with a mapping, or without one in its own columns.

    Raises UsageError where the name is unknown, or a mapping is missing, superfluous or for another table.
    """
    own, tables = settings.mappings_dir, contract_names("inbound")
    if source == MAIL or (source in recognised_sources(own) and source not in tables):
        if mapping is not None:
            raise UsageError(
                f"{source} recognises its files by itself and takes no --map.",
                f"Leave --map away, or name the table instead of {source}.",
            )
        return _mail(settings) if source == MAIL else _vendor(settings, source)
    if source not in tables:
        known = source_names(settings)
        near = get_close_matches(source, known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"There is no source {source!r}.", f"{hint}Known are {', '.join(known)}.")
    if mapping is None:
        return _canonical(source)
    found = load_mapping(mapping, own)
    if found.table != source:
        raise UsageError(
            f"The mapping {found.name} is for {found.table}, not for {source}.", "Choose another one."
        )
    return mapping_reader(settings, found)


def present_version(settings: Settings, part: str) -> str | None:
    """Give the version in which a part of a delivery is read today; None where what read it is no longer there."""
    if not part:
        return CANONICAL_VERSION
    if part == MAIL:
        return mail.reader_version(settings)
    try:
        return _version(settings, load_mapping(part, settings.mappings_dir))
    except UsageError:
        return None


def source_names(settings: Settings) -> tuple[str, ...]:
    """Name all that `rapport ingest` takes: the vendors, and the canonical tables."""
    return (MAIL, *recognised_sources(settings.mappings_dir), *contract_names("inbound"))


def mapping_reader(settings: Settings, mapping: Mapping) -> Reader:
    """Build the reader of a mapping. Raises ContractError where the mapping cannot work."""
    own = _made_ready(settings, mapping)

    def read(found: Found) -> Reading:
        path = found.files[0]
        if _is_something_else(path, own):
            marks = {mapping.name: Recognise(columns=tuple(mapping.used_columns))}
            return Reading((), {path: strange(path, mapping.source, table_columns(path), marks)})
        stage = partial(_stage_file, path=path, mapping=own, others=found.files[1:])
        return Reading((_table_part(settings, mapping, stage),))

    def split(found: Found) -> Iterator[Found]:
        yield from _with_lent(found, found.files, lambda _: [mapping], lambda _: False)

    return Reader(mapping.source, SUFFIXES, split, read)


def _is_something_else(path: Path, mapping: Mapping) -> bool:
    """Say whether a table has none of the columns that a mapping reads: a licence, say, beside the data."""
    if (mapping.kind or _kind(path)) == "json" or mapping.names or mapping.delimiter == SPACES:
        return False
    encoding = mapping.encoding if _kind(path) == "csv" else "utf-8"
    return not set(table_columns(path, encoding, mapping.delimiter, mapping.quote)) & set(
        mapping.used_columns
    )


def _canonical(table: str) -> Reader:
    def read(found: Found) -> Reading:
        path = found.files[0]
        if _kind(path) != "parquet":
            raise UsageError(
                f"{table} needs a mapping.",
                f"Add --map with {_mappings_for(table)}, or your own file (--suggest-map proposes one).",
            )
        try:
            sources = canonical_sources(path, table)
        except InputError as error:
            return Reading((), {path: error})
        streamed = None if str(path) in found.came else path  # what we unpacked nobody else changes
        parts = (
            Part(
                table,
                "",
                CANONICAL_VERSION,
                partial(_stage_canonical, path=path, table=table, source=each, sources=sources),
                each,
                streamed,
            )
            for each in sources
        )
        return Reading(tuple(parts))

    return Reader(table, PARQUET_SUFFIXES, _one_by_one, read)


def _vendor(settings: Settings, source: str) -> Reader:
    mappings = [(each, _made_ready(settings, each)) for each in mappings_of(source, settings.mappings_dir)]
    tables = [each for each, _ in mappings if each.recognise and each.recognise.columns]

    def readers_of(path: Path) -> list[Mapping]:
        columns = table_columns(path)
        return [each for each in tables if each.recognise and each.recognise.fits_table(path, columns)]

    def split(found: Found) -> Iterator[Found]:
        joining = any(each.beside for each in tables)
        yield from _tables_apart(
            found, readers_of if joining else lambda _: [], lambda path: bool(readers_of(path))
        )

    def read(found: Found) -> Reading:
        if _kind(found.files[0]) == "json":
            return _read_documents(settings, source, mappings, found)
        return _read_table(settings, source, mappings, found)

    return Reader(source, SUFFIXES, split, read)


def _mail(settings: Settings) -> Reader:
    def messages(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> Seen:
        stage_records(connection, load_contract("email_messages"), mail.read_mail(files, settings))
        return Seen()

    def failures(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> Seen:
        stage_records(connection, load_contract("email_events"), mail.read_failures(files, settings))
        return Seen()

    def read(found: Found) -> Reading:
        version = mail.reader_version(settings)
        parts = [Part("email_messages", MAIL, version, partial(messages, files=found.files))]
        if reporting := [path for path in found.files if mail.may_report(path)]:
            parts.append(Part("email_events", MAIL, version, partial(failures, files=reporting)))
        return Reading(tuple(parts))

    return Reader(MAIL, MAIL_SUFFIXES, lambda found: [found], read)


def _read_documents(
    settings: Settings, source: str, mappings: Sequence[tuple[Mapping, Mapping]], found: Found
) -> Reading:
    """Read JSON files, which come as pages of one delivery."""
    shapes = {each.name: each.recognise for each, _ in mappings if each.recognise and each.recognise.keys}
    lists = {each.records.partition("[]")[0] for each, _ in mappings if "[]" in each.records}
    documents = {path: read_document(path) for path in found.files}
    fitting = {
        path: [
            name
            for name, shape in shapes.items()
            if any(find_objects(document, shape, list(shapes.values())))
        ]
        for path, document in documents.items()
    }
    for path in found.files:
        if fitting[path]:
            _refuse_missed(path, documents[path], shapes, lists)
    parts = [
        _table_part(
            settings,
            each,
            partial(
                _stage_objects,
                documents=[documents[path] for path in found.files if each.name in fitting[path]],
                mapping=own,
                shapes=list(shapes.values()),
            ),
        )
        for each, own in mappings
        if any(each.name in names for names in fitting.values())
    ]
    unread = [path for path in found.files if not fitting[path] and not is_empty_page(documents[path])]
    return Reading(
        tuple(parts), {path: _strange(path, source, keys_of(documents[path]), shapes) for path in unread}
    )


def _read_table(
    settings: Settings, source: str, mappings: Sequence[tuple[Mapping, Mapping]], found: Found
) -> Reading:
    """Read one CSV or parquet file, with those that lie beside it."""
    path, others = found.files[0], found.files[1:]
    shapes = {each.name: each.recognise for each, _ in mappings if each.recognise and each.recognise.columns}
    columns = table_columns(path)
    parts = [
        _table_part(settings, each, partial(_stage_file, path=path, mapping=own, others=others))
        for each, own in mappings
        if each.name in shapes and shapes[each.name].fits_table(path, columns)
    ]
    return Reading(tuple(parts), {} if parts else {path: _strange(path, source, columns, shapes)})


def _refuse_missed(path: Path, document: Any, shapes: Types[str, Recognise], lists: Collection[str]) -> None:
    """Refuse a page of which some objects would land and others, which are nearly of a shape, would be lost."""
    missed = missed_object(document, shapes, lists)
    error = None if missed is None else nearly(path, list(missed), shapes)
    if error is not None:
        raise error


def _strange(path: Path, source: str, names: Sequence[str], shapes: Types[str, Recognise]) -> InputError:
    """Refuse a file that is nearly of a shape at once: a column was renamed or went; else say that it is of none."""
    error = nearly(path, names, shapes)
    if error is not None:
        raise error
    return strange(path, source, names, shapes)


def _made_ready(settings: Settings, mapping: Mapping) -> Mapping:
    if not mapping.path.is_relative_to(
        SHIPPED
    ):  # those are tried by our tests, and a vendor may have a dozen
        try_mapping(mapping)
    return mapping.for_company(settings.currency, settings.time_zone)


def _table_part(settings: Settings, mapping: Mapping, stage: Stage) -> Part:
    return Part(mapping.table, mapping.name, _version(settings, mapping), stage, plan=mapping)


def _version(settings: Settings, mapping: Mapping) -> str:
    company = f"-{settings.currency}-{settings.time_zone}" if _depends(mapping) else ""
    return f"{mapping.hash}{company}"


def _stage_canonical(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, source: str, sources: tuple[str, ...]
) -> Seen:
    stage_canonical(connection, path, table, source, sources)
    return Seen(tuple(table_columns(path)))


def _stage_file(
    connection: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping, others: Sequence[Path]
) -> Seen:
    types: dict[str, str] = {}
    used = mapping.used_columns
    for beside in mapping.beside:
        lent = the_one(beside, used, path, fitting(beside, used, others, _columns_of))
        load = partial(_load_lent, connection, columns=beside.needed(used))
        types |= load_beside(connection, beside, used, lent, load)
    own, seen = _load(connection, path, mapping)
    types |= own
    for beside in mapping.beside:
        join_beside(connection, beside, used)
    _refuse_other_shape(path, mapping, types)
    stage_mapping(connection, mapping, types)
    return seen


def _stage_objects(
    connection: duckdb.DuckDBPyConnection,
    documents: Sequence[Any],
    mapping: Mapping,
    shapes: Sequence[Recognise],
) -> Seen:
    records = (record for document in documents for record in _objects(document, mapping, shapes))
    keys: dict[str, None] = {}
    stage_mapping(connection, mapping, load_records(connection, noting(records, keys), mapping.used_columns))
    return Seen(tuple(keys), header=False)


def _objects(document: Any, mapping: Mapping, shapes: Sequence[Recognise]) -> Iterator[Record]:
    assert mapping.recognise is not None
    for record in find_objects(document, mapping.recognise, shapes):
        yield from records_below(record, mapping.records)


def _load(connection: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping) -> tuple[dict[str, str], Seen]:
    kind = mapping.kind or _kind(path)
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


def _kind(path: Path) -> str:
    return KINDS.get(path.suffix.lower(), "csv")


def _one_by_one(found: Found) -> Iterator[Found]:
    for path in found.files:
        yield subset(found, (path,))


def _load_lent(connection: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> dict[str, str]:
    """Load a file that lies beside another; a JSON one is a list of flat objects."""
    if _kind(path) == "parquet":
        return load_parquet(connection, path)
    if _kind(path) == "json":
        return load_records(connection, find_records(read_document(path), "[]"), columns)
    return load_csv(connection, path)


def _columns_of(path: Path) -> Sequence[str]:
    return keys_of(read_document(path)) if _kind(path) == "json" else table_columns(path)


def _tables_apart(
    found: Found, readers_of: Callable[[Path], list[Mapping]], stands_alone: Callable[[Path], bool]
) -> Iterator[Found]:
    """Take JSON files as the pages of one delivery, and each table, with those it borrows from, as one of its own."""
    documents = tuple(path for path in found.files if _kind(path) == "json")
    if documents:
        yield subset(found, documents)
    tables = [path for path in found.files if path not in documents]
    yield from _with_lent(found, tables, readers_of, stands_alone)


def _with_lent(
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
        for lent in fitting(beside, mapping.used_columns, others, _columns_of)
    ]
    return list(dict.fromkeys(found))


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


def _depends(mapping: Mapping) -> bool:
    return "company" in (
        mapping.dialect.zone,
        *map(str, mapping.columns.values()),
        str(mapping.dialect.currency),
    )


def _mappings_for(table: str) -> str:
    fitting = [name for name in mapping_names() if load_mapping(name).table == table]
    return " or ".join(fitting) or "a mapping file"


def chosen_parts(parts: Sequence[Part], tables: Collection[str] | None) -> list[Part]:
    """Leave out the parts of tables that were not asked for."""
    return [part for part in parts if tables is None or part.table in tables]
