"""Reads the rules of an ODCS 3.1 file across columns, and those about all rows of a table together.

Where one stands (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/data-quality/):
- `quality` with `type: library`: duplicateValues and rowCount;
- `quality` with `type: custom, engine: greatExpectations`: an expectation across columns, limited by `where`;
- `quality` with `type: custom, engine: rapport`: a reference to another table, or freshness;
- `slaProperties` latency and frequency: freshness.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from open_data_contract_standard.model import (
    DataQuality,
    SchemaObject,
    ServiceLevelAgreementProperty,
)

from data_contracts import sentences
from data_contracts.durations import in_hours, iso_duration
from data_contracts.model import Condition, Rule, SetRule
from data_contracts.odcs_parts import PartReader, fallback
from data_contracts.places import Place

PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
ARGUMENTS = {
    PAIR: {"column_A", "column_B", "or_equal", "ignore_row_if"},
    BETWEEN: {"column", "min_value", "max_value"},
    NOT_NULL: {"column"},
}
MOST_SLACK = 8_760  # a year


class TableRuleReader(PartReader):
    """Reads the rules of the table of one contract."""

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

    def _cross_rule(self, item: DataQuality, place: Place) -> Rule:
        name, severity = self.name(item, place), self.severity(item, place)
        body, at = item.implementation, (*place, "implementation")
        if not isinstance(body, dict):
            self.file.refuse(at, f"the rule {name} has no type and kwargs")
        kind, options = str(body.get("type")), dict(body.get("kwargs") or {})
        self.only(body, {"type", "kwargs", "where", "slack_hours"}, at, name)
        self.file.need(
            kind in ARGUMENTS, (*at, "type"), f"the rule {name} uses {kind}; known are {', '.join(ARGUMENTS)}"
        )
        self.only(options, ARGUMENTS[kind], (*at, "kwargs"), name)
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
            sentence=item.description or fallback(name),
            owner=self.owner(item, place, self.defaults.owner),
            threshold=self.threshold(item, place),
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
                self.known(options.get(key), (*place, key), blank.name) for key in ("column_A", "column_B")
            ]
            return replace(blank, check="order", columns=tuple(str(column.name) for column in pair))
        column = self.known(options.get("column"), (*place, "column"), blank.name)
        blank = replace(blank, columns=(str(column.name),))
        if kind == NOT_NULL:
            return blank
        low, high = options.get("min_value"), options.get("max_value")
        given = low is not None or high is not None
        self.file.need(given, place, f"the rule {blank.name} names neither min_value nor max_value")
        bounds = {"min_value": low, "max_value": high}
        self.check_bounds(column, column.physicalType or "", bounds, place)
        return replace(blank, check="range", minimum=low, maximum=high)

    def _condition(self, column: str, wanted: Any, place: Place, rule: str) -> Condition:
        item = self.known(column, place, rule)
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
        name, severity = self.name(item, place), self.severity(item, place)
        owner, threshold = self.owner(item, place, self.defaults.owner), self.threshold(item, place)
        sentence = item.description or fallback(name)
        arguments = item.arguments or {}
        if item.metric == "duplicateValues" and item.type in {None, "library"}:
            self.only(arguments, {"properties"}, (*place, "arguments"), name)
            columns = self.columns(arguments.get("properties"), (*place, "arguments", "properties"), name)
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
            self.only(body, {"type", "column", "hours"}, at, name)
            hours = body.get("hours")
            good = isinstance(hours, int | float) and not isinstance(hours, bool) and hours > 0
            self.file.need(
                good, (*at, "hours"), f"the rule {name} allows {hours!r} hours; write a number above 0"
            )
            column = self.moment(body.get("column"), (*at, "column"), name)
            words = item.description or sentences.of_freshness(table, float(hours or 0))
            return SetRule(
                name, "freshness", (column,), words, severity,
                hours=float(hours or 0), owner=owner, threshold=threshold,
            )  # fmt: skip
        self.only(body, {"type", "columns", "table", "to"}, at, name)
        columns = self.columns(body.get("columns"), (*at, "columns"), name)
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
            "fresh", "freshness", (self.moment(column, (*place, "element"), "fresh"),),
            item.description or sentences.of_freshness(table, hours), severity or "warning",
            hours=hours, owner=self.owner(item, place, self.defaults.owner), threshold=self.defaults.threshold,
        )  # fmt: skip
