"""Who reads what: a reader for each vendor's own shape, and one for each mapping file."""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Types
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import duckdb

from data_contracts.contracts import contract_names, load_contract
from data_contracts.errors import InputError, UsageError
from messaging.settings import Settings
from pipelines.landing.staging import stage_records
from pipelines.sources import mail
from pipelines.sources.documents import Record, find_records, read_document
from pipelines.sources.files import Found
from pipelines.sources.mapping import Mapping, load_mapping, mapping_names
from pipelines.sources.projection import stage_mapping, try_mapping
from pipelines.sources.records import (
    CSV_SUFFIXES,
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    SUFFIXES,
    load_csv,
    load_parquet,
    load_records,
)
from pipelines.sources.vendors import chat_conversations, sendgrid_events, turns_of, twilio_messages

Stage = Callable[[duckdb.DuckDBPyConnection, Found], None]
KINDS = {**dict.fromkeys(CSV_SUFFIXES, "csv"), **dict.fromkeys(PARQUET_SUFFIXES, "parquet")}
KINDS |= dict.fromkeys(JSON_SUFFIXES, "json")


@dataclass(frozen=True)
class Reader:
    """Stages files of one shape as rows of one table.

    `version` names what it does with them (a mapping's hash, or our own number); `together` says that the files of a
    folder are one delivery and not one each.
    """

    source: str
    table: str
    version: str
    suffixes: tuple[str, ...]
    together: bool
    stage: Stage


def find_reader(settings: Settings, source: str, mapping: str | Path | None) -> Reader:
    """Find who reads `source`: a vendor's reader by name, or a canonical table with a mapping.

    Raises UsageError where the name is unknown, or a mapping is missing, superfluous or for another table.
    """
    tables = contract_names("inbound")
    if source in READERS:
        if mapping is not None:
            raise UsageError(f"{source} has a reader of its own and takes no --map.", "Leave --map away.")
        return READERS[source](settings)
    if source not in tables:
        known = [*READERS, *tables]
        near = get_close_matches(source, known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"There is no source {source!r}.", f"{hint}Known are {', '.join(known)}.")
    if mapping is None:
        raise UsageError(
            f"{source} needs a mapping.", f"Add --map with {_mappings_for(source)}, or your own file."
        )
    found = load_mapping(mapping)
    if found.table != source:
        raise UsageError(
            f"The mapping {found.name} is for {found.table}, not for {source}.", "Choose another one."
        )
    return mapping_reader(settings, found)


def mapping_reader(settings: Settings, mapping: Mapping) -> Reader:
    """Build the reader of a mapping. Raises ContractError where the mapping cannot work."""
    try_mapping(mapping)
    own = mapping.for_company(settings.currency, settings.time_zone)

    def stage(connection: duckdb.DuckDBPyConnection, found: Found) -> None:
        for path in found.files:
            types = _load(connection, path, own)
            _refuse_other_shape(path, own, types)
            stage_mapping(connection, own, types)

    version = (
        f"{mapping.hash}-{settings.currency}-{settings.time_zone}" if _depends(mapping) else mapping.hash
    )
    return Reader(mapping.source, mapping.table, version, SUFFIXES, together=False, stage=stage)


def _load(connection: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping) -> dict[str, str]:
    kind = mapping.kind or KINDS.get(path.suffix.lower(), "csv")
    if kind == "parquet":
        return load_parquet(connection, path)
    if kind == "json":
        records = list(find_records(read_document(path), mapping.records))
        _refuse_no_records(path, mapping, records)
        return load_records(connection, records, mapping.used_columns)
    return load_csv(connection, path, mapping.encoding, mapping.delimiter)


def _refuse_other_shape(path: Path, mapping: Mapping, types: Types[str, str]) -> None:
    missing = [
        column for column in mapping.used_columns if column not in types and column not in mapping.optional
    ]
    if missing:
        raise InputError(
            f"The file {path} has no column {', '.join(missing)}, which the mapping {mapping.name} reads.",
            f"It has {', '.join(list(types)[:12])}{' ...' if len(types) > 12 else ''}. Is it for another mapping?",
        )


def _refuse_no_records(path: Path, mapping: Mapping, records: list[Record]) -> None:
    named = [column for column in mapping.record_id_columns if column != "#"]
    if records and any(all(record.get(column) is not None for column in named) for record in records):
        return
    what = f"no records at {mapping.records}" if not records else f"records without {', '.join(named)}"
    raise InputError(f"The file {path} has {what}.", f"The mapping {mapping.name} expects them there.")


def _depends(mapping: Mapping) -> bool:
    return "company" in (
        mapping.dialect.zone,
        *map(str, mapping.columns.values()),
        str(mapping.dialect.currency),
    )


def _mappings_for(table: str) -> str:
    fitting = [name for name in mapping_names() if load_mapping(name).table == table]
    return " or ".join(fitting) or "a mapping file"


def _vendor(mapping_name: str, find: Callable[[Path], Iterator[Record]]) -> Callable[[Settings], Reader]:
    def build(settings: Settings) -> Reader:
        mapping = load_mapping(mapping_name).for_company(settings.currency, settings.time_zone)

        def stage(connection: duckdb.DuckDBPyConnection, found: Found) -> None:
            records = (record for path in found.files for record in find(path))
            stage_mapping(connection, mapping, load_records(connection, records, mapping.used_columns))

        return Reader(mapping.source, mapping.table, mapping.hash, JSON_SUFFIXES, together=True, stage=stage)

    return build


def _chat(settings: Settings) -> Reader:
    def stage(connection: duckdb.DuckDBPyConnection, found: Found) -> None:
        shapes = [chat_conversations(path) for path in found.files]
        names = {name for name, _ in shapes}
        if len(names) > 1:
            raise InputError(
                f"The folder {found.path} mixes chats of different tools.", "Ingest them one by one."
            )
        mapping = load_mapping(names.pop()).for_company(settings.currency, settings.time_zone)
        turns = (turn for _, conversations in shapes for turn in turns_of(conversations, mapping.records))
        stage_mapping(connection, mapping, load_records(connection, turns, mapping.used_columns))

    version = "-".join(load_mapping(name).hash for name in ("chat_conversations", "abcd_chats"))
    return Reader("chat", "chat_messages", version, JSON_SUFFIXES, together=True, stage=stage)


def _mail(settings: Settings) -> Reader:
    def stage(connection: duckdb.DuckDBPyConnection, found: Found) -> None:
        stage_records(connection, load_contract("email_messages"), mail.read_mail(found.files, settings))

    version = f"{mail.VERSION} {' '.join(sorted(mail.own_sides(settings)))}"
    return Reader("mail", "email_messages", version, mail.SUFFIXES, together=True, stage=stage)


READERS: dict[str, Callable[[Settings], Reader]] = {
    "twilio": _vendor("twilio_messages", twilio_messages),
    "mail": _mail,
    "sendgrid": _vendor("sendgrid_events", sendgrid_events),
    "chat": _chat,
}


def source_names() -> Iterable[str]:
    """Name all that `rapport ingest` takes: the readers and the canonical tables."""
    return (*READERS, *contract_names("inbound"))
