"""Who reads what: the mappings of a vendor, which recognise their files by themselves, one named mapping, or our own code.

A reading splits a delivery into parts, each with the rows of one table; a vendor's page of orders gives order lines,
refunds, parcels and contacts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Types
from dataclasses import dataclass, field
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
from pipelines.sources.canonical import VERSION as CANONICAL_VERSION
from pipelines.sources.canonical import canonical_sources
from pipelines.sources.columns import Seen
from pipelines.sources.csv_text import SPACES
from pipelines.sources.deliveries import one_by_one, tables_apart, with_lent
from pipelines.sources.documents import read_document
from pipelines.sources.files import Found
from pipelines.sources.loading import stage_canonical_file, stage_file, stage_objects
from pipelines.sources.mailbox import SUFFIXES as MAIL_SUFFIXES
from pipelines.sources.mapping import FOLDER as SHIPPED
from pipelines.sources.mapping import Mapping, load_mapping, mapping_names, mappings_of, recognised_sources
from pipelines.sources.projection import try_mapping
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
from pipelines.sources.records import PARQUET_SUFFIXES, SUFFIXES, kind_of
from pipelines.sources.vocabulary import columns_in

Stage = Callable[[duckdb.DuckDBPyConnection], Seen]
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


def present_version(settings: Settings, part: str, mapping: str = "") -> str | None:
    """Give the version in which a part of a delivery is read today; None where what read it is no longer there.

    `mapping` is what was named with it: a mapping file that lies anywhere is known by its path alone.
    """
    if not part:
        return CANONICAL_VERSION
    if part == MAIL:
        return mail.reader_version(settings)
    try:
        return _version(settings, load_mapping(mapping or part, settings.mappings_dir))
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
        stage = partial(stage_file, path=path, mapping=own, others=found.files[1:])
        return Reading((_table_part(settings, mapping, stage),))

    def split(found: Found) -> Iterator[Found]:
        yield from with_lent(found, found.files, lambda _: [mapping], lambda _: False)

    return Reader(mapping.source, SUFFIXES, split, read)


def _is_something_else(path: Path, mapping: Mapping) -> bool:
    """Say whether a table has none of the columns that a mapping reads: a licence, say, beside the data."""
    if (mapping.kind or kind_of(path)) == "json" or mapping.names or mapping.delimiter == SPACES:
        return False
    encoding = mapping.encoding if kind_of(path) == "csv" else "utf-8"
    return not set(table_columns(path, encoding, mapping.delimiter, mapping.quote)) & set(
        mapping.used_columns
    )


def _canonical(table: str) -> Reader:
    def read(found: Found) -> Reading:
        path = found.files[0]
        if kind_of(path) != "parquet":
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
                partial(stage_canonical_file, path=path, table=table, source=each, sources=sources),
                each,
                streamed,
            )
            for each in sources
        )
        return Reading(tuple(parts))

    return Reader(table, PARQUET_SUFFIXES, one_by_one, read)


def _vendor(settings: Settings, source: str) -> Reader:
    mappings = [(each, _made_ready(settings, each)) for each in mappings_of(source, settings.mappings_dir)]
    tables = [each for each, _ in mappings if each.recognise and each.recognise.columns]

    def readers_of(path: Path) -> list[Mapping]:
        columns = table_columns(path)
        return [each for each in tables if each.recognise and each.recognise.fits_table(path, columns)]

    def split(found: Found) -> Iterator[Found]:
        joining = any(each.beside for each in tables)
        yield from tables_apart(
            found, readers_of if joining else lambda _: [], lambda path: bool(readers_of(path))
        )

    def read(found: Found) -> Reading:
        if kind_of(found.files[0]) == "json":
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
                stage_objects,
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
        _table_part(settings, each, partial(stage_file, path=path, mapping=own, others=others))
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
