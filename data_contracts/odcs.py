"""Reads an ODCS 3.1 file into our own types, and checks what the library lets pass.

Where a rule stands in the file (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/data-quality/):
- `required`, `logicalTypeOptions` (pattern, minLength, maxLength, minimum, maximum): one column, critical;
- `quality` with `type: library`: invalidValues (validValues or pattern) on a column, duplicateValues and
  rowCount on the table;
- `quality` with `type: custom, engine: greatExpectations`: an expectation across columns, limited by `where`;
- `quality` with `type: custom, engine: rapport`: a reference to another table.
A pattern is anchored (`^...$`) and keeps to what RE2 and Python's `re` read alike.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from open_data_contract_standard.model import (
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)
from pydantic import ValidationError

from data_contracts.errors import ContractError
from data_contracts.model import Bound, Column, Condition, Contract, Rule, SetRule, Severity

SUFFIX = ".odcs.yaml"
DEFAULT_THRESHOLD = 0.05
LOGICAL_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
}
CLASSIFICATIONS = ("internal", "personal", "sensitive")
UNPORTABLE = re.compile(
    r"\(\?|\\[1-9dDwWsSbBAzZpP]"
)  # look-around, back references, classes that differ on unicode
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"


def read_contract(path: Path) -> Contract:
    """Read one contract file. Raises ContractError where it breaks the standard or what we add to it."""
    try:
        document = OpenDataContractStandard.from_file(str(path))
        return _Reader(path).contract(document)
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"The contract {path} cannot be read.", "Check the path.") from error
    except (yaml.YAMLError, TypeError) as error:
        raise ContractError(
            f"The contract {path} is no YAML mapping: {_first_line(error)}.", "Mend the file."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ContractError(
            f"The contract {path} breaks ODCS 3.1 at {where}: {first['msg']}.", "Mend that place."
        ) from error


class _Reader:
    """Turns one parsed document into a Contract; carries the path for the error sentences."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def contract(self, document: OpenDataContractStandard) -> Contract:
        self._check_head(document)
        table = self._only_table(document)
        about = document.description
        assert about is not None
        columns = tuple(self._column(item) for item in table.properties or [])
        self._check_columns(columns)
        cross = tuple(
            self._cross_rule(item) for item in table.quality or [] if item.engine == "greatExpectations"
        )
        sets = tuple(
            self._set_rule(item) for item in table.quality or [] if item.engine != "greatExpectations"
        )
        self._check_rules(columns, cross, sets)
        return Contract(
            name=str(table.name),
            version=str(document.version),
            purpose=about.purpose or "",
            usage=about.usage or "",
            limitations=about.limitations or "",
            grain=table.dataGranularityDescription or "",
            quarantine_threshold=self._threshold(document),
            columns=columns,
            cross_rules=cross,
            set_rules=sets,
        )

    def _check_head(self, document: OpenDataContractStandard) -> None:
        for key in ("kind", "apiVersion", "id", "version", "status", "name"):
            self._need(getattr(document, key), f"has no {key}")
        self._need(document.kind == "DataContract", "is not of kind DataContract")
        self._need(
            str(document.apiVersion).startswith("v3.1"), f"is of ODCS {document.apiVersion}, not of v3.1"
        )
        self._need(document.description and document.description.purpose, "has no description.purpose")

    def _only_table(self, document: OpenDataContractStandard) -> SchemaObject:
        tables = document.schema_ or []
        self._need(len(tables) == 1, f"describes {len(tables)} tables instead of one")
        table = tables[0]
        expected = self.path.name.removesuffix(SUFFIX)
        self._need(
            table.name == expected == document.name, f"should name its table {expected}, as its file does"
        )
        self._need(table.properties, "has no columns")
        return table

    def _threshold(self, document: OpenDataContractStandard) -> float:
        for item in document.customProperties or []:
            if item.property == "quarantineThreshold":
                value = item.value
                good = isinstance(value, int | float) and 0 <= value <= 1
                self._need(good, f"has the quarantineThreshold {value!r}; it is a share between 0 and 1")
                return float(value)  # type: ignore[arg-type]
        return DEFAULT_THRESHOLD

    def _column(self, item: SchemaProperty) -> Column:
        name = item.name or ""
        self._need(
            re.fullmatch("[a-z][a-z0-9_]*", name), f"has the column name {name!r}; use lower_snake_case"
        )
        self._need(item.description, f"does not describe the column {name}")
        kind = item.physicalType or ""
        self._need(
            kind in LOGICAL_TYPES,
            f"gives {name} the physicalType {kind!r}; legal are {', '.join(LOGICAL_TYPES)}",
        )
        self._need(
            item.logicalType == LOGICAL_TYPES[kind],
            f"gives {name} the logicalType {item.logicalType}, which is not {kind}",
        )
        shade = item.classification
        self._need(
            shade in CLASSIFICATIONS,
            f"classifies {name} as {shade!r}; legal are {', '.join(CLASSIFICATIONS)}",
        )
        return Column(
            name=name,
            type=kind,
            description=item.description or "",
            required=bool(item.required),
            classification=shade,  # type: ignore[arg-type]
            title=item.businessName or name.replace("_", " ").capitalize(),
            rules=tuple(self._column_rules(name, kind, item)),
        )

    def _column_rules(self, name: str, kind: str, item: SchemaProperty) -> Iterator[Rule]:
        if kind != "VARCHAR":
            yield Rule(f"{name}_type", "type", (name,), f"{name} reads as {_words(kind)}.")
        if item.required:
            yield Rule(f"{name}_present", "present", (name,), f"{name} has a value.")
        options = item.logicalTypeOptions or {}
        unknown = options.keys() - {"pattern", "minLength", "maxLength", "minimum", "maximum"}
        self._need(
            not unknown,
            f"has logicalTypeOptions on {name} that we do not judge: {', '.join(sorted(unknown))}",
        )
        if "pattern" in options:
            pattern = self._pattern(options["pattern"])
            yield Rule(f"{name}_form", "pattern", (name,), f"{name} has the form {pattern}.", pattern=pattern)
        yield from self._bounds(name, "length", options.get("minLength"), options.get("maxLength"))
        yield from self._bounds(name, "range", options.get("minimum"), options.get("maximum"))
        for quality in item.quality or []:
            yield self._library_rule(name, quality)

    def _bounds(
        self, name: str, check: Literal["length", "range"], low: Bound | None, high: Bound | None
    ) -> Iterator[Rule]:
        if low is None and high is None:
            return
        for bound in (low, high):
            good = bound is None or isinstance(bound, int | float | str)
            self._need(good, f"bounds {name} by {bound!r}; write dates and times between quotes")
        sentence = f"{'The length of ' if check == 'length' else ''}{name} is {_span(low, high)}."
        yield Rule(f"{name}_{check}", check, (name,), sentence, minimum=low, maximum=high)

    def _library_rule(self, name: str, item: DataQuality) -> Rule:
        good = item.type in {None, "library"} and item.metric == "invalidValues" and item.mustBe == 0
        self._need(good, f"has a quality item on {name} that is not `metric: invalidValues` with `mustBe: 0`")
        arguments = item.arguments or {}
        self._need(
            arguments.keys() in ({"validValues"}, {"pattern"}),
            f"needs validValues or pattern for {item.name}",
        )
        title, severity = self._name(item), self._severity(item)
        if "pattern" in arguments:
            pattern = self._pattern(arguments["pattern"])
            sentence = item.description or f"{name} has the form {pattern}."
            return Rule(title, "pattern", (name,), sentence, severity, pattern=pattern)
        values = tuple(str(value) for value in arguments["validValues"])
        sentence = item.description or f"{name} is one of {', '.join(values)}."
        return Rule(title, "values", (name,), sentence, severity, values=values)

    def _cross_rule(self, item: DataQuality) -> Rule:
        body = item.implementation
        self._need(isinstance(body, dict), f"has a rule {item.name} without a type and kwargs")
        assert isinstance(body, dict)
        kind, options = str(body.get("type")), dict(body.get("kwargs") or {})
        where = tuple(self._condition(*pair) for pair in sorted((body.get("where") or {}).items()))
        name, severity = self._name(item), self._severity(item)
        sentence = item.description or name
        if kind == PAIR:
            self._need(
                options.get("or_equal") is True, f"compares strictly in {name}; only or_equal: true is known"
            )
            pair = (str(options.get("column_A")), str(options.get("column_B")))
            return Rule(name, "order", pair, sentence, severity, where=where)
        columns = (str(options.get("column")),)
        if kind == NOT_NULL:
            return Rule(name, "present", columns, sentence, severity, where=where)
        self._need(kind == BETWEEN, f"uses {kind}; known are {PAIR}, {BETWEEN}, {NOT_NULL}")
        low, high = options.get("min_value"), options.get("max_value")
        return Rule(name, "range", columns, sentence, severity, minimum=low, maximum=high, where=where)

    def _condition(self, column: str, wanted: Any) -> Condition:
        if wanted in ("missing", "present"):
            return Condition(column, wanted)
        good = isinstance(wanted, list) and wanted
        self._need(good, f"limits a rule by {column}: {wanted!r}; write a list of values, missing or present")
        return Condition(column, "in", tuple(str(value) for value in wanted))

    def _set_rule(self, item: DataQuality) -> SetRule:
        name, severity = self._name(item), self._severity(item)
        sentence = item.description or name
        arguments = item.arguments or {}
        if item.metric == "duplicateValues" and item.mustBe == 0:
            return SetRule(name, "unique", tuple(arguments.get("properties") or ()), sentence, severity)
        if item.metric == "rowCount" and item.mustBeGreaterThan is not None:
            return SetRule(name, "volume", (), sentence, severity, minimum=int(item.mustBeGreaterThan))
        body = item.implementation if isinstance(item.implementation, dict) else {}
        good = item.engine == "rapport" and body.get("type") == "reference"
        self._need(good, f"has a table rule {name} that is none of duplicateValues, rowCount and reference")
        columns, to = tuple(body.get("columns") or ()), tuple(body.get("to") or ())
        return SetRule(name, "reference", columns, sentence, severity, table=str(body.get("table")), to=to)

    def _check_columns(self, columns: tuple[Column, ...]) -> None:
        names = [column.name for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        self._need(not twice, f"has columns twice: {', '.join(twice)}")

    def _check_rules(
        self, columns: tuple[Column, ...], cross: tuple[Rule, ...], sets: tuple[SetRule, ...]
    ) -> None:
        known = {column.name for column in columns}
        rules: list[Rule | SetRule] = [rule for column in columns for rule in column.rules]
        rules += [*cross, *sets]
        for rule in rules:
            used = {*rule.columns, *(item.column for item in (rule.where if isinstance(rule, Rule) else ()))}
            unknown = ", ".join(sorted(used - known))
            self._need(not unknown, f"has a rule {rule.name} about unknown columns: {unknown}")
        names = [rule.name for rule in rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        self._need(not twice, f"has rules of the same name: {', '.join(twice)}")

    def _pattern(self, text: Any) -> str:
        pattern = str(text)
        self._need(
            pattern.startswith("^") and pattern.endswith("$"), f"has a pattern {pattern} without ^ and $"
        )
        odd = UNPORTABLE.search(pattern)
        self._need(
            odd is None,
            f"has a pattern {pattern} with {odd.group() if odd else ''}, which engines read differently",
        )
        try:
            re.compile(pattern)
        except re.error as error:
            raise self._error(f"has a pattern {pattern} that is no regular expression: {error}") from error
        return pattern[1:-1]

    def _name(self, item: DataQuality) -> str:
        self._need(item.name, "has a rule without a name")
        return str(item.name)

    def _severity(self, item: DataQuality) -> Severity:
        severity = item.severity
        self._need(
            severity in {"critical", "warning"},
            f"gives {item.name} the severity {severity!r}; use critical or warning",
        )
        return "critical" if severity == "critical" else "warning"

    def _need(self, condition: object, what: str) -> None:
        if not condition:
            raise self._error(what)

    def _error(self, what: str) -> ContractError:
        return ContractError(f"The contract {self.path.name} {what}.", "Mend the file.")


def _words(kind: str) -> str:
    return {"VARCHAR": "text", "BOOLEAN": "true or false", "TIMESTAMP": "a time", "DATE": "a date"}.get(
        kind, "a number" if kind == "DOUBLE" else "a whole number"
    )


def _span(low: Bound | None, high: Bound | None) -> str:
    if low is None:
        return f"at most {high}"
    if high is None:
        return f"at least {low}"
    return f"between {low} and {high}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
