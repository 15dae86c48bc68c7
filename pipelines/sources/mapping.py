"""Mapping files: which column of a vendor's file is what in a canonical table, and how things are written there.

A mapping names its `table` and `source`, the `columns` as expressions (`vocabulary.py`) and the `record_id`; and where
needed `format` (kind csv, parquet or json; delimiter, `spaces` for columns set apart by blanks; quote, `none` where
quotation marks are part of the text; encoding; names: the columns of a file without a header; records: the path of JSON
records), `time_zone`,
`time_formats`, `date_formats`, `decimal`, `currency`, `only` (a condition: other rows of the file are no records),
`optional` (columns that not every export has), `fill_down` (`within` a column, the `columns` that only the first row of a
group carries), `also` (further rows made from some rows, `when` a condition holds, with `columns` that replace the others),
`recognise` (the marks of the files that it reads by itself: `keys` of JSON objects, wherever they lie, or `columns` of a
header; `lacks` names what only another shape has, `where` what is written in some keys, `file` how a table's file is called.
The path `records` then begins at each such object), `beside` (files of the same delivery whose columns join: `besides.py`),
`merge` (a record that stands in a delivery several times is one: the last counts, and what it leaves open the others tell).

The record id is a template: {Column} of the file, {columns.external_id} as the mapping made it, {ordinal} (the row's
number among those of the same `ordinal_within` columns), {content} (a hash of the row's own content; then {ordinal}
counts identical rows). Never a file position.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from data_contracts.contracts import Contract, load_contract
from data_contracts.errors import ContractError, UsageError
from pipelines.sources.besides import OPTIONS as BESIDE
from pipelines.sources.besides import Beside
from pipelines.sources.csv_text import QUOTE
from pipelines.sources.expressions import Dialect
from pipelines.sources.recognition import Recognise
from pipelines.sources.vocabulary import Expression, columns_in

FOLDER = Path(__file__).parent / "mappings"
KEYS = frozenset(
    [
        "name", "description", "table", "source", "format", "time_zone", "time_formats", "date_formats", "decimal",
        "currency", "optional", "only", "fill_down", "record_id", "ordinal_within", "columns", "also", "recognise",
        "beside", "merge",
    ]
)  # fmt: skip
MADE_BY_US = {"source", "source_record_id", "received_at", "raw_record"}
OWN_NAMES = {"ordinal", "content"}
CANONICAL = "columns."
SOURCE_NAME = re.compile(
    "[a-z][a-z0-9_]{0,39}"
)  # as every contract wants it; it also names a folder of the landing zone
QUOTES = {"double": QUOTE, "none": ""}
COMPANY = (("currency", "GBP"), ("time_zone", "UTC"))  # stands in until the settings are known


@dataclass(frozen=True)
class Also:
    """A further row that some rows of the file make; its columns replace those of the mapping."""

    when: dict[str, Any]
    record_id: str
    columns: dict[str, Expression]


@dataclass(frozen=True)
class Mapping:
    """A mapping file, checked. `hash` names what it does: 16 hex digits."""

    path: Path
    name: str
    description: str
    table: str
    source: str
    recognise: Recognise | None
    beside: tuple[Beside, ...]
    kind: str
    delimiter: str
    quote: str
    encoding: str
    names: tuple[str, ...]
    records: str
    dialect: Dialect
    optional: frozenset[str]
    fill_within: str
    fill_columns: tuple[str, ...]
    only: dict[str, Any]
    record_id: str
    ordinal_within: tuple[str, ...]
    columns: dict[str, Expression]
    also: tuple[Also, ...]
    merge: bool
    hash: str

    def for_company(self, currency: str, time_zone: str) -> "Mapping":
        """Fill in what the mapping leaves to the company: `{company: currency}`, `time_zone: company`."""
        zone = time_zone if self.dialect.zone == "company" else self.dialect.zone
        company = (("currency", currency), ("time_zone", time_zone))
        return replace(self, dialect=replace(self.dialect, zone=zone, company=company))

    @property
    def used_columns(self) -> list[str]:
        """Name the columns of the file that the mapping reads."""
        found = [*columns_in(self.record_id_columns), *columns_in(list(self.columns.values()))]
        found += [*self.ordinal_within, *self.fill_columns, *([self.fill_within] if self.fill_within else [])]
        found += [*columns_in(self.only), *columns_in(self.dialect.currency)]
        found += [beside.match for beside in self.beside]
        for row in self.also:
            found += [*columns_in(row.when), *columns_in(list(row.columns.values()))]
        return list(dict.fromkeys(found))

    @property
    def record_id_columns(self) -> list[str]:
        """Name the columns of the file that stand in the record ids."""
        templates = [self.record_id, *(row.record_id for row in self.also)]
        found = columns_in([{"template": template} for template in templates])
        return [column for column in found if column not in OWN_NAMES and not column.startswith(CANONICAL)]


def mapping_names(own: Path | None = None) -> tuple[str, ...]:
    """Name the mappings that Rapport ships, and those in the folder of the company's own."""
    return tuple(sorted(_files(own)))


def mappings_of(source: str, own: Path | None = None) -> list[Mapping]:
    """Load the mappings that recognise files of a source by themselves, by name."""
    loaded = (_read(path, path.stat().st_mtime_ns) for _, path in sorted(_files(own).items()))
    return [mapping for mapping in loaded if mapping.source == source and mapping.recognise]


def recognised_sources(own: Path | None = None) -> tuple[str, ...]:
    """Name the sources whose files are recognised by themselves."""
    loaded = (_read(path, path.stat().st_mtime_ns) for path in _files(own).values())
    return tuple(sorted({mapping.source for mapping in loaded if mapping.recognise}))


def load_mapping(name: str | Path, own: Path | None = None) -> Mapping:
    """Load a mapping by name, of those that Rapport ships and of the company's `own` folder, or a file by its path.

    Raises UsageError for a name that is neither, ContractError with one sentence where the file is wrong.
    """
    known = _files(own)
    path = known.get(str(name)) or Path(name)
    if not path.is_file():
        near = get_close_matches(str(name), known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"There is no mapping {str(name)!r}, neither shipped nor as a file.",
            f"{hint}`rapport sources` lists the {len(known)} that are known by name.",
        )
    return _read(path, path.stat().st_mtime_ns)


def _files(own: Path | None) -> dict[str, Path]:
    """Find mapping files by name; the company's own take the place of shipped ones."""
    shipped = {path.stem: path for path in FOLDER.glob("*/*.yaml")}
    return shipped | ({path.stem: path for path in own.glob("*.yaml")} if own else {})


@cache
def _read(path: Path, _changed: int) -> Mapping:
    try:
        # every scalar stays text: NO is Norway, 007 keeps its zeros
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes only text, lists and mappings
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise ContractError(f"The mapping {path} cannot be read as YAML.", "Mend the file.") from error
    return _Checker(path).mapping(document)


class _Checker:
    def __init__(self, path: Path) -> None:
        self.path = path

    def mapping(self, document: Any) -> Mapping:
        self._need(isinstance(document, dict), "is no mapping of keys to values")
        self._known(document, KEYS, "")
        for key in ("table", "source", "record_id", "columns"):
            self._need(document.get(key), f"has no {key}")
        source = str(document["source"])
        self._need(
            SOURCE_NAME.fullmatch(source),
            f"has the source {source!r}; write it like my_shop: small letters, digits and _",
        )
        contract = load_contract(str(document["table"]))
        self._check_columns(contract, document["columns"])
        form = self._dict(document, "format")
        self._known(form, {"kind", "delimiter", "quote", "encoding", "names", "records"}, "format ")
        self._check_encoding(str(form.get("encoding", "utf-8")))
        fill = self._dict(document, "fill_down")
        self._known(fill, {"within", "columns"}, "fill_down ")
        also = tuple(self._also(contract, item) for item in document.get("also") or ())
        mapping = Mapping(
            path=self.path,
            name=str(document.get("name") or self.path.stem),
            description=str(document.get("description") or ""),
            table=contract.name,
            source=source,
            recognise=self._recognise(document),
            beside=self._beside(document),
            kind=str(form.get("kind", "")),
            delimiter=str(form.get("delimiter", "")).replace("\\t", "\t"),
            quote=self._quote(form),
            encoding=str(form.get("encoding", "utf-8")),
            names=tuple(form.get("names") or ()),
            records=str(form.get("records", "" if "recognise" in document else "[]")),
            dialect=self._dialect(document),
            optional=frozenset(document.get("optional") or ()),
            fill_within=str(fill.get("within", "")),
            fill_columns=tuple(fill.get("columns") or ()),
            only=self._dict(document, "only"),
            record_id=str(document["record_id"]),
            ordinal_within=tuple(document.get("ordinal_within") or ()),
            columns=document["columns"],
            also=also,
            merge=document.get("merge") == "true",
            hash=_hash(document),
        )
        for beside in mapping.beside:
            self._need(
                beside.named(mapping.used_columns), f"names {beside.name} beside it and takes nothing of it"
            )
        return mapping

    def _recognise(self, document: dict[str, Any]) -> Recognise | None:
        if "recognise" not in document:
            return None
        given = self._dict(document, "recognise")
        self._known(given, {"keys", "columns", "lacks", "where", "file"}, "recognise ")
        marks = {key: tuple(_listed(given.get(key) or [])) for key in ("keys", "columns", "lacks")}
        one = bool(marks["keys"]) != bool(marks["columns"])
        self._need(one, "has a recognise that has to have either keys (JSON) or columns (CSV, parquet)")
        where = self._dict(given, "where")
        self._need(not where or marks["keys"], "has a recognise with where, which only JSON objects can keep")
        file = str(given.get("file") or "")
        self._need(not file or marks["columns"], "has a recognise with file, which only tables can keep")
        return Recognise(**marks, where=tuple((key, str(word)) for key, word in where.items()), file=file)

    def _beside(self, document: dict[str, Any]) -> tuple[Beside, ...]:
        found = []
        for name, given in self._dict(document, "beside").items():
            self._need(isinstance(given, dict), f"has a beside {name} that is no mapping")
            self._known(given, BESIDE, f"beside {name} ")
            for key in ("file", "key", "is"):
                self._need(given.get(key), f"has a beside {name} without {key}")
            found.append(Beside.of(name, given))
        return tuple(found)

    def _also(self, contract: Contract, item: Any) -> Also:
        self._need(isinstance(item, dict), "has an `also` that is no mapping")
        self._known(item, {"when", "record_id", "columns"}, "also ")
        for key in ("when", "record_id", "columns"):
            self._need(item.get(key), f"has an `also` without {key}")
        self._known(item["columns"], set(contract.duckdb_columns()) - MADE_BY_US, "column ")
        return Also(item["when"], str(item["record_id"]), item["columns"])

    def _dialect(self, document: dict[str, Any]) -> Dialect:
        currency = document.get("currency", "")
        decimal = str(document.get("decimal", "."))
        self._need(decimal in {".", ","}, f"has the decimal sign {decimal!r}; it is . or ,")
        zone = str(document.get("time_zone", "UTC"))
        self._check_zone(zone)
        return Dialect(
            zone=zone,
            time_formats=tuple(_listed(document.get("time_formats", "iso"))),
            date_formats=tuple(_listed(document.get("date_formats", "%Y-%m-%d"))),
            decimal=decimal,
            currency={"value": currency} if isinstance(currency, str) else currency,
            company=COMPANY,
        )

    def _check_zone(self, zone: str) -> None:
        try:
            ZoneInfo("UTC" if zone == "company" else zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise self._error(
                f"has the time_zone {zone!r}, which is no IANA zone such as Europe/London"
            ) from error

    def _check_encoding(self, encoding: str) -> None:
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise self._error(f"has the encoding {encoding!r}; write one such as utf-8 or cp1252") from error

    def _quote(self, form: dict[str, Any]) -> str:
        given = form.get("quote", "double")
        self._need(
            given in QUOTES,
            f"has the quote {given!r}; it is double, or none where marks are part of the text",
        )
        return QUOTES[given]

    def _check_columns(self, contract: Contract, columns: Any) -> None:
        self._need(isinstance(columns, dict), "has columns that are no mapping")
        self._known(columns, set(contract.duckdb_columns()) - MADE_BY_US, "column ")
        needed = [
            column.name for column in contract.columns if column.required and column.name not in MADE_BY_US
        ]
        missing = [column for column in needed if column not in columns]
        self._need(not missing, f"does not say what {', '.join(missing)} is, which {contract.name} needs")

    def _known(self, given: Any, legal: Iterable[str], what: str) -> None:
        known = sorted(legal)
        for key in given:
            near = get_close_matches(str(key), known, 1)
            hint = f" (did you mean {near[0]}?)" if near else f"; known are {', '.join(known)}"
            self._need(key in known, f"has an unknown {what}{key}{hint}")

    def _dict(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        found = document.get(key) or {}
        self._need(isinstance(found, dict), f"has a {key} that is no mapping")
        return dict(found)

    def _need(self, condition: object, what: str) -> None:
        if not condition:
            raise self._error(what)

    def _error(self, what: str) -> ContractError:
        return ContractError(f"The mapping {self.path} {what}.", "Mend the file.")


def _listed(thing: Any) -> Iterator[str]:
    yield from (str(item) for item in (thing if isinstance(thing, list) else [thing]))


def _hash(document: dict[str, Any]) -> str:
    doing = {key: part for key, part in document.items() if key not in {"name", "description"}}
    return hashlib.sha256(json.dumps(doing, sort_keys=True).encode()).hexdigest()[:16]
