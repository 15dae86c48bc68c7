"""`--suggest-map`: proposes a mapping for a file that nobody knows, tries it, and writes it down to be edited.

What is said about times, ids and uniqueness is told by the whole file; the rest by its first 1,000 rows, which are also
landed on trial (nothing is kept).
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.contracts import load_contract
from data_contracts.errors import InputError, UsageError
from data_contracts.sql import Sql, name, sql
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.staging import Delivery, open_stage, staged_columns
from pipelines.landing.writer import prepare
from pipelines.sources.archives import as_came, unpacked
from pipelines.sources.completion import completed
from pipelines.sources.csv_text import PLAIN, SPACES, check_text, distinct_names, plain_text, read_header
from pipelines.sources.documents import find_records, read_document
from pipelines.sources.encodings import guess_encoding, marked_encoding
from pipelines.sources.evidence import Profile, decimal_sign, profiles_of, unique_together
from pipelines.sources.files import find_files
from pipelines.sources.guessed_columns import currency_of
from pipelines.sources.guessing import Guess, guess, nearest_table
from pipelines.sources.mapping import load_mapping
from pipelines.sources.projection import stage_mapping, try_mapping
from pipelines.sources.proposal import Facts, fits_template, propose
from pipelines.sources.records import (
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    POSITION,
    SUFFIXES,
    load_csv,
    load_parquet,
    load_records,
)
from pipelines.sources.suggestion_text import written

SAMPLE = 1000
SHOWN = 5
MOST_NAMES = 400  # of columns that are looked at; an object of JSON may have any number
DEEPEST = 4
LONGEST_NAME = 60  # of a record, and of each column that is part of it
VALUE = re.compile(r"[^@\s]+@[^@\s]+\.\w+|\+\d{7,}|\d{4}-\d\d-\d\d.*")
NUMBER = re.compile(r"[\d.,:-]+")
LEFT_OUT = {"source", "raw_record"}
NAMING = (
    "occurred_at",
    "order_id",
    "email",
    "external_id",
    "phone",
    "handle",
    "product_id",
    "product_name",
    "name",
)


@dataclass(frozen=True)
class Suggestion:
    """A proposed mapping as YAML, and what became of the first rows on trial.

    `shown` are the first rows as they would land; `table` is what was asked for, `looks_like` another table that the file
    looks more like, or empty.
    """

    table: str
    file: str
    yaml: str
    rows: int
    tried: int
    accepted: int
    quarantined: int
    already_landed: int
    reasons: dict[str, int]
    sentences: dict[str, str]
    shown: tuple[dict[str, str | None], ...]
    looks_like: str
    unused: tuple[str, ...]

    def to_document(self) -> dict[str, object]:
        """Give the suggestion as plain data."""
        document = {key: getattr(self, key) for key in self.__dataclass_fields__ if key != "sentences"}
        return document | {"shown": list(self.shown), "unused": list(self.unused)}


@dataclass(frozen=True)
class Case:
    """What is asked: a mapping of this file for this table; `form` says how it is opened, `types` what columns it has."""

    settings: Settings
    clock: Clock
    table: str
    path: Path
    form: dict[str, Any]
    types: dict[str, str]
    open_end: bool  # the last line has none, so only a person can say that the file is whole


def suggest(settings: Settings, clock: Clock, table: str, path: Path) -> Suggestion:
    """Propose a mapping of one file for a canonical table; a last line without an end is taken for whole.

    Raises UsageError for a table that we do not know or a folder, InputError for a file that cannot be read.
    """
    load_contract(table)
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder.", "Name one of its files: a mapping is for files of one shape."
        )
    with ExitStack() as stack:
        found = stack.enter_context(unpacked(find_files(path, SUFFIXES), SUFFIXES, settings.max_file_mb))
        whole = stack.enter_context(completed(found))
        open_end = whole.files != found.files
        found = whole
        if len(found.files) > 1:
            names = ", ".join(as_came(str(each), found.came) for each in found.files[:5])
            raise UsageError(
                f"{path} holds {len(found.files)} files ({names}).", "Unpack it and name one of them."
            )
        with open_stage() as connection:
            try:
                form, types = _load(connection, found.files[0])
            except InputError as error:
                error.message = as_came(error.message, found.came)
                raise
            return _suggest(connection, Case(settings, clock, table, path, form, types, open_end))


def _suggest(connection: duckdb.DuckDBPyConnection, case: Case) -> Suggestion:
    profiles = profiles_of(connection, case.types, case.clock.now(), SAMPLE)
    guessed = guess(case.table, profiles)
    other = nearest_table(profiles, guessed)
    if not guessed.columns:
        hint = (
            f"It looks like {other}." if other else "Write the mapping by hand: docs/mappings.md shows how."
        )
        raise InputError(f"No column of the file {case.path} looks like one of {case.table}.", hint)
    sign, doubt = decimal_sign(profiles)
    facts = Facts(
        decimal=sign,
        doubt=doubt,
        time_formats=_time_formats(guessed, profiles),
        currency=currency_of(guessed),
        today=f"{case.clock.now():%Y-%m-%d} 00:00:00",
        together=_together(connection, guessed),
    )
    proposal = propose(guessed, facts, {profile.column: profile for profile in profiles})
    text = written(proposal, case.path, case.form, profiles, other, open_end=case.open_end)
    return _tried(connection, case, text, other, proposal.unused(profiles))


def _load(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Make the table `records`; gives what stands under `format`, and the columns with their types."""
    suffix = path.suffix.lower()
    if suffix in PARQUET_SUFFIXES:
        return {"kind": "parquet"}, load_parquet(connection, path)
    if suffix in JSON_SUFFIXES:
        return _load_json(connection, path)
    encoding = marked_encoding(path) or guess_encoding(path) or "utf-8"
    with plain_text(path, check_text(path, encoding)) as text:
        header, delimiter = read_header(text)
    if len(header) == 1 and "  " in header[0]:
        header, delimiter = header[0].split(), SPACES
    names = distinct_names([""] * len(header)) if _are_values(header) else []
    form: dict[str, Any] = {"kind": "csv", "delimiter": delimiter.replace("\t", "\\t")}
    form |= {"names": names} if names else {}
    form |= {"encoding": encoding} if encoding not in PLAIN and not marked_encoding(path) else {}
    return form, load_csv(connection, path, encoding, delimiter, names)


def _are_values(header: Sequence[str]) -> bool:
    """Say whether a first line is a row already: it holds an address, a phone number or a day, or numbers alone."""
    return any(map(VALUE.fullmatch, header)) or all(map(NUMBER.fullmatch, header))


def _load_json(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    document = read_document(path)
    place = _records_in(document)
    names = _names_in(record.fields for record in islice(find_records(document, place), SAMPLE))
    if not names:
        raise InputError(f"The file {path} holds no list of objects.", "Is it the right file?")
    types = load_records(connection, find_records(document, place), names)
    return {"kind": "json", "records": place}, types


def _records_in(document: Any) -> str:
    """Find the path of the longest list of objects; the document itself where there is none."""
    if isinstance(document, list):
        return "[]"
    lists = dict(_lists_in(document, "", 0))
    return f"{max(lists, key=lambda place: lists[place])}[]" if lists else ""


def _lists_in(thing: Any, place: str, depth: int) -> Iterator[tuple[str, int]]:
    if not isinstance(thing, dict) or depth > DEEPEST:
        return
    for key, item in thing.items():
        inner = f"{place}.{key}" if place else str(key)
        if isinstance(item, list) and item and isinstance(item[0], dict):
            yield inner, len(item)
        yield from _lists_in(item, inner, depth + 1)


def _names_in(objects: Iterator[Any]) -> list[str]:
    names: dict[str, None] = {}
    for fields in objects:
        names |= dict.fromkeys(_paths(fields, "", 0))
    folded: dict[str, str] = {}
    for column in names:  # DuckDB takes names that differ by their case for one
        folded.setdefault(column.lower(), column)
    return list(folded.values())[:MOST_NAMES]


def _paths(fields: Any, place: str, depth: int) -> Iterator[str]:
    for key, item in fields.items() if isinstance(fields, dict) else ():
        inner = f"{place}.{key}" if place else str(key)
        if isinstance(item, dict) and depth < DEEPEST:
            yield from _paths(item, inner, depth + 1)
        elif not isinstance(item, list):
            yield inner


def _time_formats(guessed: Guess, profiles: Sequence[Profile]) -> tuple[str, ...]:
    first = guessed.get("occurred_at")
    if first is not None and first.formats:
        return first.formats
    return next((profile.formats for profile in profiles if profile.formats), ("iso",))


def _together(connection: duckdb.DuckDBPyConnection, guessed: Guess) -> str:
    """Find a few columns that together name each row: not more than three, short ones, and such as every row has."""
    first = [guessed.columns[each] for each in NAMING if each in guessed.columns]
    fitting = [each.column for each in (*first, *guessed.columns.values()) if _can_name(each)]
    for size in (1, 2, 3):
        for columns in islice(combinations(list(dict.fromkeys(fitting))[:6], size), 20):
            if unique_together(connection, columns):
                return "-".join(f"{{{column}}}" for column in columns)
    return ""


def _can_name(profile: Profile) -> bool:
    short = all(len(text) <= LONGEST_NAME for text in profile.values)
    return profile.always and short and fits_template(profile.column)


def _tried(
    connection: duckdb.DuckDBPyConnection, case: Case, text: str, other: str, unused: tuple[str, ...]
) -> Suggestion:
    """Land the first rows on trial, exactly as the printed mapping would, in a home that is thrown away."""
    rows = connection.execute("SELECT count(*) FROM records").fetchall()[0][0]
    order = sql(
        "CREATE OR REPLACE TEMP TABLE records AS FROM records ORDER BY {} LIMIT {}",
        name(POSITION),
        Sql(str(SAMPLE)),
    )
    connection.execute(order.text)
    contract = load_contract(case.table)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "proposed.yaml"
        file.write_text(text, encoding="utf-8")
        mapping = load_mapping(file)
        try_mapping(mapping)
        company = mapping.for_company(case.settings.currency, case.settings.time_zone)
        stage_mapping(connection, company, case.types)
        trial = case.settings.model_copy(update={"home": Path(folder)})
        delivery = Delivery(mapping.source, case.table, case.path.name, "trial", mapping.hash)
        counts = prepare(connection, trial, case.clock, delivery).counts
    rules = {rule.name: rule.sentence for rule in contract.rules}
    return Suggestion(
        table=case.table,
        file=str(case.path),
        yaml=text,
        rows=rows,
        tried=counts.rows_in,
        accepted=counts.accepted,
        quarantined=counts.quarantined,
        already_landed=counts.already_landed,
        reasons=counts.reasons,
        sentences={rule: rules.get(rule, "") for rule in counts.reasons},
        shown=tuple(_shown(connection, staged_columns(contract))),
        looks_like=other,
        unused=unused,
    )


def _shown(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> Iterator[dict[str, str | None]]:
    found = connection.execute(f"FROM staged ORDER BY position LIMIT {SHOWN}")
    rows = [
        dict(zip([item[0] for item in found.description or ()], row, strict=True)) for row in found.fetchall()
    ]
    filled = [each for each in columns if each not in LEFT_OUT and any(row[each] is not None for row in rows)]
    for row in rows:
        yield {each: None if row[each] is None else str(row[each]) for each in filled}
