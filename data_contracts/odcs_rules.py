"""Reads the rules of an ODCS 3.1 file.

Where a rule stands in the file (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/data-quality/):
- `required`, `logicalTypeOptions` (pattern, minLength, maxLength, minimum, maximum): one column, critical;
- `quality` with `type: library`: nullValues and invalidValues (validValues or pattern) on a column, duplicateValues and
  rowCount on the table;
- `quality` with `type: custom, engine: greatExpectations`: an expectation across columns, limited by `where`;
- `quality` with `type: custom, engine: rapport`: a reference to another table, or freshness;
- `slaProperties` latency and frequency: freshness.
A pattern is anchored (`^...$`) and keeps to what RE2 and Python's `re` read alike.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from open_data_contract_standard.model import (
    DataQuality,
    SchemaObject,
    SchemaProperty,
    ServiceLevelAgreementProperty,
)

from data_contracts import sentences
from data_contracts.durations import in_hours, iso_duration
from data_contracts.faults import Extended, File
from data_contracts.model import Bound, Condition, Rule, SetRule, Severity
from data_contracts.places import Place

UNPORTABLE = re.compile(
    r"\(\?|\\[1-9dDwWsSbBAzZpP]"
)  # look-around, back references, classes that differ on unicode
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
ARGUMENTS = {
    PAIR: {"column_A", "column_B", "or_equal", "ignore_row_if"},
    BETWEEN: {"column", "min_value", "max_value"},
    NOT_NULL: {"column"},
}
MOMENTS = {"TIMESTAMP", "DATE"}
EXACT = (
    2**53 - 1
)  # beyond it pandas compares a whole number as a fraction where a rule has a condition (2026-11-22)
MOST_SLACK = 8_760  # a year
SUFFIXES = ("type", "present", "form", "length", "range")  # of the rules that follow from a column


@dataclass(frozen=True)
class Defaults:
    """What a rule takes over from its contract: who answers for it, its threshold, and the columns there are."""

    owner: str
    threshold: float
    columns: dict[str | None, SchemaProperty]


@dataclass(frozen=True)
class _Own:
    """What a column says about the rules that follow from it."""

    owner: str
    thresholds: dict[str, float]
    sentences: dict[str, str]


class RuleReader:
    """Reads the rules of one contract."""

    def __init__(self, file: File, defaults: Defaults) -> None:
        self.file, self.defaults = file, defaults

    def of_column(self, item: SchemaProperty, place: Place) -> Iterator[Rule]:
        """Read the rules that follow from a column, then those that it states."""
        own = self._own(item, place)
        for rule in self._following(item, (*place, "logicalTypeOptions")):
            suffix = rule.name.removeprefix(f"{item.name}_")
            yield replace(
                rule,
                sentence=own.sentences.get(suffix, rule.sentence),
                owner=own.owner,
                threshold=own.thresholds.get(suffix, self.defaults.threshold),
            )
        for index, quality in enumerate(item.quality or []):
            yield self._library_rule(item, quality, own, (*place, "quality", index))

    def of_table(
        self, table: SchemaObject, levels: Sequence[ServiceLevelAgreementProperty]
    ) -> tuple[tuple[Rule, ...], tuple[SetRule, ...]]:
        """Read the rules across columns and those about the rows together."""
        places = [(item, ("schema", 0, "quality", index)) for index, item in enumerate(table.quality or [])]
        cross = [self._cross_rule(item, at) for item, at in places if item.engine == "greatExpectations"]
        sets = [
            self._set_rule(str(table.name), item, at)
            for item, at in places
            if item.engine != "greatExpectations"
        ]
        return tuple(cross), (*sets, *self._levels(str(table.name), levels))

    def _own(self, item: SchemaProperty, place: Place) -> _Own:
        found = {}
        for name in ("thresholds", "sentences"):
            value, at = self.file.custom(item, place, name)
            self.file.need(
                value is None or (isinstance(value, dict) and value.keys() <= set(SUFFIXES)),
                at,
                f"the {name} of {item.name} are {value!r}; write a mapping with the keys {', '.join(SUFFIXES)}",
            )
            found[name] = (value or {}, at)
        thresholds, at = found["thresholds"]
        shares = {
            suffix: self.file.share(number, (*at, suffix), f"the threshold {suffix} of {item.name}")
            for suffix, number in thresholds.items()
        }
        words = {suffix: str(text) for suffix, text in found["sentences"][0].items()}
        return _Own(self._owner(item, place, self.defaults.owner), shares, words)

    def _following(self, item: SchemaProperty, place: Place) -> Iterator[Rule]:
        name, kind, label = str(item.name), item.physicalType or "", title(item)
        if kind != "VARCHAR":
            yield Rule(f"{name}_type", "type", (name,), sentences.of_type(label, kind))
        if item.required:
            yield Rule(f"{name}_present", "present", (name,), sentences.of_presence(label))
        options = item.logicalTypeOptions or {}
        if "pattern" in options:
            pattern = self._pattern(options["pattern"], (*place, "pattern"))
            yield Rule(f"{name}_form", "pattern", (name,), sentences.of_form(label), pattern=pattern)
        low, high = options.get("minLength"), options.get("maxLength")
        if low is not None or high is not None:
            self._text_only(item, place, "a length")
            self._check_bounds(item, "BIGINT", {"minLength": low, "maxLength": high}, place)
            words = sentences.of_length(label, low, high)
            yield Rule(f"{name}_length", "length", (name,), words, minimum=low, maximum=high)
        low, high = options.get("minimum"), options.get("maximum")
        if low is not None or high is not None:
            self._check_bounds(item, kind, {"minimum": low, "maximum": high}, place)
            words = sentences.of_range(label, low, high)
            yield Rule(f"{name}_range", "range", (name,), words, minimum=low, maximum=high)

    def _library_rule(self, item: SchemaProperty, quality: DataQuality, own: _Own, place: Place) -> Rule:
        column, name, severity = str(item.name), self._name(quality, place), self._severity(quality, place)
        threshold = self._threshold(quality, place)
        owner = self._owner(quality, place, own.owner)
        known = quality.type in {None, "library"} and quality.metric in {"invalidValues", "nullValues"}
        self.file.need(
            known,
            (*place, "metric" if quality.metric else "type"),
            f"the rule {name} is none that a column can have; known are metric: nullValues and invalidValues",
        )
        if quality.metric == "nullValues":
            sentence = quality.description or sentences.of_presence(title(item))
            return Rule(name, "present", (column,), sentence, severity, owner=owner, threshold=threshold)
        self._text_only(item, (*place, "arguments"), "a list of values or a pattern")
        arguments = quality.arguments or {}
        self.file.need(
            arguments.keys() in ({"validValues"}, {"pattern"}),
            (*place, "arguments"),
            f"the rule {name} needs the argument validValues or pattern, and no other",
        )
        if "pattern" in arguments:
            pattern = self._pattern(arguments["pattern"], (*place, "arguments", "pattern"))
            sentence = quality.description or sentences.of_form(title(item))
            return Rule(
                name,
                "pattern",
                (column,),
                sentence,
                severity,
                pattern=pattern,
                owner=owner,
                threshold=threshold,
            )
        listed = arguments["validValues"]
        self.file.need(
            isinstance(listed, list) and listed and all(isinstance(value, str) for value in listed),
            (*place, "arguments", "validValues"),
            f"the rule {name} lists {listed!r}; write a list of texts (yes, no and numbers between quotes)",
        )
        values = tuple(listed)
        sentence = quality.description or sentences.of_values(title(item), values)
        return Rule(name, "values", (column,), sentence, severity, values, owner=owner, threshold=threshold)

    def _cross_rule(self, item: DataQuality, place: Place) -> Rule:
        name, severity = self._name(item, place), self._severity(item, place)
        body, at = item.implementation, (*place, "implementation")
        if not isinstance(body, dict):
            self.file.refuse(at, f"the rule {name} has no type and kwargs")
        kind, options = str(body.get("type")), dict(body.get("kwargs") or {})
        self._only(body, {"type", "kwargs", "where", "slack_hours"}, at, name)
        self.file.need(
            kind in ARGUMENTS, (*at, "type"), f"the rule {name} uses {kind}; known are {', '.join(ARGUMENTS)}"
        )
        self._only(options, ARGUMENTS[kind], (*at, "kwargs"), name)
        where = tuple(
            self._condition(column, wanted, (*at, "where", column), name)
            for column, wanted in sorted((body.get("where") or {}).items())
        )
        rule = self._expectation(
            kind, options, (*at, "kwargs"), Rule(name, "present", (), "", severity, where=where)
        )
        rule = self._with_slack(rule, body.get("slack_hours"), (*at, "slack_hours"))
        return replace(
            rule,
            sentence=item.description or _fallback(name),
            owner=self._owner(item, place, self.defaults.owner),
            threshold=self._threshold(item, place),
        )

    def _with_slack(self, rule: Rule, hours: Any, place: Place) -> Rule:
        if hours is None:
            return rule
        kinds = {self.defaults.columns[column].physicalType for column in rule.columns}
        self.file.need(
            rule.check == "order" and kinds == {"TIMESTAMP"},
            place,
            f"the rule {rule.name} has slack_hours, which only two times in order may have",
        )
        whole = isinstance(hours, int) and not isinstance(hours, bool) and 0 < hours <= MOST_SLACK
        self.file.need(
            whole,
            place,
            f"the rule {rule.name} has slack_hours {hours!r}; write a whole number from 1 to {MOST_SLACK}",
        )
        return replace(rule, slack_hours=hours)

    def _expectation(self, kind: str, options: dict[str, Any], place: Place, blank: Rule) -> Rule:
        if kind == PAIR:
            strict = options.get("or_equal") is not True
            self.file.need(
                not strict, place, f"the rule {blank.name} compares strictly; only or_equal: true is known"
            )
            pair = [
                self._known(options.get(key), (*place, key), blank.name) for key in ("column_A", "column_B")
            ]
            return replace(blank, check="order", columns=tuple(str(column.name) for column in pair))
        column = self._known(options.get("column"), (*place, "column"), blank.name)
        blank = replace(blank, columns=(str(column.name),))
        if kind == NOT_NULL:
            return blank
        low, high = options.get("min_value"), options.get("max_value")
        given = low is not None or high is not None
        self.file.need(given, place, f"the rule {blank.name} names neither min_value nor max_value")
        bounds = {"min_value": low, "max_value": high}
        self._check_bounds(column, column.physicalType or "", bounds, place)
        return replace(blank, check="range", minimum=low, maximum=high)

    def _condition(self, column: str, wanted: Any, place: Place, rule: str) -> Condition:
        item = self._known(column, place, rule)
        if wanted in ("missing", "present"):
            return Condition(column, wanted)
        good = isinstance(wanted, list) and wanted and item.physicalType == "VARCHAR"
        self.file.need(
            good,
            place,
            f"the rule {rule} is limited by {column}: {wanted!r}; write a list of values, missing or present",
        )
        return Condition(column, "in", tuple(str(value) for value in wanted))

    def _set_rule(self, table: str, item: DataQuality, place: Place) -> SetRule:
        name, severity = self._name(item, place), self._severity(item, place)
        owner, threshold = self._owner(item, place, self.defaults.owner), self._threshold(item, place)
        sentence = item.description or _fallback(name)
        arguments = item.arguments or {}
        if item.metric == "duplicateValues" and item.type in {None, "library"}:
            self._only(arguments, {"properties"}, (*place, "arguments"), name)
            columns = self._columns(arguments.get("properties"), (*place, "arguments", "properties"), name)
            return SetRule(name, "unique", columns, sentence, severity, owner=owner, threshold=threshold)
        if item.metric == "rowCount" and item.mustBeGreaterThan is not None:
            minimum = int(item.mustBeGreaterThan)
            return SetRule(
                name, "volume", (), sentence, severity, minimum=minimum, owner=owner, threshold=threshold
            )
        body = item.implementation if isinstance(item.implementation, dict) else {}
        kind, at = body.get("type"), (*place, "implementation")
        self.file.need(
            item.engine == "rapport" and kind in {"reference", "freshness"},
            place,
            f"the rule {name} is none that a table can have; known are metric: duplicateValues and rowCount"
            " (mustBeGreaterThan), engine: rapport with type: reference or freshness, engine: greatExpectations",
        )
        if kind == "freshness":
            self._only(body, {"type", "column", "hours"}, at, name)
            hours = body.get("hours")
            good = isinstance(hours, int | float) and not isinstance(hours, bool) and hours > 0
            self.file.need(
                good, (*at, "hours"), f"the rule {name} allows {hours!r} hours; write a number above 0"
            )
            column = self._moment(body.get("column"), (*at, "column"), name)
            words = item.description or sentences.of_freshness(table, float(hours or 0))
            return SetRule(
                name, "freshness", (column,), words, severity,
                hours=float(hours or 0), owner=owner, threshold=threshold,
            )  # fmt: skip
        self._only(body, {"type", "columns", "table", "to"}, at, name)
        columns = self._columns(body.get("columns"), (*at, "columns"), name)
        to = tuple(body.get("to") or ())
        self.file.need(
            body.get("table") and len(to) == len(columns),
            at,
            f"the rule {name} needs a table, and as many names in `to` as in `columns`",
        )
        return SetRule(
            name, "reference", columns, sentence, severity,
            table=str(body.get("table")), to=to, owner=owner, threshold=threshold,
        )  # fmt: skip

    def _levels(self, table: str, levels: Sequence[ServiceLevelAgreementProperty]) -> Iterator[SetRule]:
        """Make freshness of how often rows come (frequency) and how long they take (latency)."""
        hours, said = 0.0, None
        for index, item in enumerate(levels):
            if item.property not in {"latency", "frequency"}:
                continue
            place = ("slaProperties", index)
            span = in_hours(iso_duration(item.value, item.unit) or "-")
            if span is None:
                self.file.refuse(
                    (*place, "value"),
                    f"the {item.property} {item.value!r} {item.unit or 'without a unit'} is no span of time;"
                    " write a whole number and the unit h, d or w",
                )
            hours, said = hours + span, said or (item, place)
        if said is None:
            return
        item, place = said
        column = (item.element or f"{table}.occurred_at").removeprefix(f"{table}.")
        severity, at = self.file.custom(item, place, "severity")
        self.file.need(
            severity in {None, "critical", "warning"},
            at,
            f"the severity of the {item.property} is {severity!r}; use critical or warning",
        )
        yield SetRule(
            "fresh", "freshness", (self._moment(column, (*place, "element"), "fresh"),),
            item.description or sentences.of_freshness(table, hours), severity or "warning",
            hours=hours, owner=self._owner(item, place, self.defaults.owner), threshold=self.defaults.threshold,
        )  # fmt: skip

    def _known(self, column: Any, place: Place, rule: str) -> SchemaProperty:
        self.file.need(
            column in self.defaults.columns, place, f"the rule {rule} is about unknown columns: {column}"
        )
        return self.defaults.columns[column]

    def _moment(self, column: Any, place: Place, rule: str) -> str:
        item = self._known(column, place, rule)
        self.file.need(
            item.physicalType in MOMENTS, place, f"the rule {rule} needs a time, and {column} is none"
        )
        return str(column)

    def _columns(self, names: Any, place: Place, rule: str) -> tuple[str, ...]:
        good = isinstance(names, list) and names
        self.file.need(good, place, f"the rule {rule} names no columns")
        return tuple(str(self._known(column, place, rule).name) for column in names)

    def _only(self, found: dict[str, Any], legal: set[str], place: Place, rule: str) -> None:
        for key in found:
            self.file.need(
                key in legal,
                (*place, key),
                f"the rule {rule} has an unknown key {key}; legal are {', '.join(sorted(legal))}",
            )

    def _text_only(self, item: SchemaProperty, place: Place, what: str) -> None:
        self.file.need(
            item.physicalType == "VARCHAR",
            place,
            f"only a text has {what}, and {item.name} is {item.physicalType}",
        )

    def _check_bounds(
        self, item: SchemaProperty, kind: str, bounds: dict[str, Bound | None], place: Place
    ) -> None:
        for key, bound in bounds.items():
            moment = kind in MOMENTS
            good = bound is None or (_is_moment(bound) if moment else _is_number(bound))
            self.file.need(
                good and kind != "BOOLEAN" and (kind != "VARCHAR" or bound is None),
                (*place, key),
                f"{item.name} ({item.physicalType}) is bounded by {bound!r}; "
                + ("write dates and times between quotes, in ISO form" if moment else "write a number"),
            )
            exact = moment or bound is None or not good or abs(bound) <= EXACT  # type: ignore[arg-type]
            self.file.need(
                exact, (*place, key), f"{item.name} is bounded by {bound}; engines agree up to {EXACT:,} only"
            )
        low, high = bounds.values()
        if low is not None and high is not None:
            ordered = str(low) <= str(high) if isinstance(low, str) else low <= high  # type: ignore[operator]
            self.file.need(ordered, place, f"{item.name} is bounded from {low} to {high}, which nothing is")

    def _pattern(self, text: Any, place: Place) -> str:
        pattern = str(text)
        anchored = pattern.startswith("^") and pattern.endswith("$")
        self.file.need(anchored, place, f"the pattern {pattern} lacks ^ or $")
        odd = UNPORTABLE.search(pattern)
        self.file.need(
            odd is None,
            place,
            f"the pattern {pattern} has {odd.group() if odd else ''}, which engines read differently",
        )
        try:
            re.compile(pattern)
        except re.error:
            self.file.refuse(place, f"the pattern {pattern} is no regular expression")
        return pattern[1:-1]

    def _name(self, item: DataQuality, place: Place) -> str:
        self.file.need(item.name, place, "there is a rule without a name")
        return str(item.name)

    def _severity(self, item: DataQuality, place: Place) -> Severity:
        severity = item.severity
        self.file.need(
            severity in {"critical", "warning"},
            (*place, "severity"),
            f"the rule {item.name} has the severity {severity!r}; use critical or warning",
        )
        return "critical" if severity == "critical" else "warning"

    def _owner(self, item: Extended, place: Place, default: str) -> str:
        owner, at = self.file.custom(item, place, "owner")
        self.file.need(owner is None or isinstance(owner, str), at, f"the owner is {owner!r}; write a name")
        return str(owner or default)

    def _threshold(self, item: DataQuality, place: Place) -> float:
        """Read the share of rows that may break a rule: mustBe: 0, so and so many percent, or a custom property."""
        number, at = self.file.custom(item, place, "threshold")
        if number is not None:
            return self.file.share(number, at, f"the threshold of {item.name}")
        if item.type == "custom" or item.metric == "rowCount":
            return self.defaults.threshold
        if item.mustBeLessOrEqualTo is None:
            self.file.need(
                item.mustBe == 0 and not isinstance(item.mustBe, bool),
                (*place, "mustBe"),
                f"the rule {item.name} says neither mustBe: 0 nor mustBeLessOrEqualTo with unit: percent",
            )
            return self.defaults.threshold
        percent = item.mustBeLessOrEqualTo
        self.file.need(
            item.unit == "percent" and 0 <= percent <= 100,
            (*place, "mustBeLessOrEqualTo"),
            f"the rule {item.name} allows {percent} {item.unit or 'without a unit'}; write 0 to 100 and unit: percent",
        )
        return percent / 100


def title(item: SchemaProperty) -> str:
    """Give the name of a column that people read."""
    return item.businessName or str(item.name).replace("_", " ").capitalize()


def _fallback(name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()}."


def _is_moment(bound: object) -> bool:
    try:
        return isinstance(bound, str) and bool(sentences.amount(bound))
    except ValueError:
        return False


def _is_number(bound: object) -> bool:
    return isinstance(bound, int | float) and not isinstance(bound, bool)
