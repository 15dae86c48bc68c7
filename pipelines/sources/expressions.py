"""Compiles the language of mapping files (`vocabulary.py` says what its words mean) to SQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_contracts.errors import ContractError
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.landing.staging import ARRIVAL
from pipelines.sources.money import minor_factor
from pipelines.sources.readings import decimal, filled, reading, to_utc, unreadable
from pipelines.sources.vocabulary import (
    NUMERIC,
    Expression,
    leaves,
    listed,
    normal,
    sums,
    template_parts,
    verb_of,
)

NOTHING = Sql("CAST(NULL AS VARCHAR)")


@dataclass(frozen=True)
class Dialect:
    """How the file writes things: the zone of times without one, formats, the decimal sign, the currency."""

    zone: str = "UTC"
    time_formats: tuple[str, ...] = ("iso",)
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    decimal: str = "."
    currency: Expression = ""
    company: tuple[
        tuple[str, str], ...
    ] = ()  # settings of the company that a mapping may name: currency, time_zone


class Compiler:
    """Compiles expressions against the columns of a table; `types` gives those that are not text."""

    def __init__(self, dialect: Dialect, types: Mapping[str, str]) -> None:
        self.dialect = dialect
        self.types = types
        self._texts: dict[str, Callable[[dict[str, Any]], Sql]] = {
            "column": self._column,
            "value": lambda item: value(str(item["value"])),
            "company": lambda item: value(dict(dialect.company)[str(item["company"])]),
            "empty": lambda _: NOTHING,
            "arrival": lambda _: value(ARRIVAL),
            "first_of": lambda item: sql("coalesce({})", joined(", ", map(self.text, item["first_of"]))),
            "template": lambda item: self.template(str(item["template"])),
            "json": self._json,
            "time": self._time,
            "date": self._date,
            "flag": self._flag,
            "cases": lambda item: self._cases(item, self.text, NOTHING),
        }
        self._numbers: dict[str, Callable[[dict[str, Any]], Sql]] = {
            "money": self._money,
            "scaled": lambda item: self._scaled(item["scaled"], Sql(str(10 ** int(item.get("digits", 0))))),
            "integer": lambda item: self._integer(item["integer"]),
            "total": self._total,
            "add": lambda item: joined(" + ", map(self._or_zero, item["add"])),
            "subtract": lambda item: joined(" - ", map(self._or_zero, item["subtract"])),
            "multiply": lambda item: self._product(item["multiply"]),
            "negate": lambda item: sql("-({})", self.number(item["negate"])),
            "absolute": lambda item: sql("abs({})", self.number(item["absolute"])),
            "cases": lambda item: self._cases(item, self.number, Sql("CAST(NULL AS HUGEINT)")),
            "value": lambda item: sql("CAST({} AS HUGEINT)", value(int(item["value"]))),
        }

    def text(self, expression: Expression) -> Sql:
        """Compile to text in canonical form."""
        item = normal(expression)
        verb = verb_of(item)
        if verb in NUMERIC:
            number = sql("CAST({} AS VARCHAR)", self.number(expression))
            complaints = list(self._complaints(expression))
            # a sum takes a missing part for nothing, so it has to be asked first whether a part is unreadable
            return _first([*complaints, number] if sums(item) else [number, *complaints])
        return self._texts[verb](item)

    def number(self, expression: Expression) -> Sql:
        """Compile to a whole number (HUGEINT, so that no product overflows); NULL where it is missing or unreadable."""
        item = {"integer": expression} if isinstance(expression, str) else expression
        verb = verb_of(item)
        if verb not in self._numbers:
            raise ContractError(
                f"{verb} gives text where a number is needed.", "Wrap it in integer or money."
            )
        return sql("({})", self._numbers[verb](item))

    def condition(self, item: dict[str, Any]) -> Sql:
        """Compile a condition to a boolean that is never NULL."""
        for word, between in (("all", " AND "), ("any", " OR ")):
            if word in item:
                return sql("({})", joined(between, map(self.condition, item[word])))
        if "not" in item:
            return sql("(NOT {})", self.condition(item["not"]))
        if "number" in item:
            return self._number_condition(item)
        column = self.text(item["column"])
        if "empty" in item:
            return sql("({} IS NULL)" if item["empty"] == "true" else "({} IS NOT NULL)", column)
        return sql("coalesce({}, FALSE)", self._word_condition(column, item))

    def _word_condition(self, column: Sql, item: dict[str, Any]) -> Sql:
        if "is" in item:
            words = [value(str(word).lower()) for word in listed(item["is"])]
            return sql("lower({}) IN ({})", column, joined(", ", words))
        if "same_as" in item:
            return sql("{} = {}", column, self.text(item["same_as"]))
        if "starts_with" in item:
            return sql("starts_with({}, {})", column, value(str(item["starts_with"])))
        return sql("regexp_matches({}, {})", column, value(str(item["matches"])))

    def template(self, template: str, extra: Mapping[str, Sql] | None = None) -> Sql:
        """Compile a text with {Column} in it; `extra` gives further names such as {ordinal}."""
        known = extra or {}
        parts: list[Sql] = []
        for literal, column in template_parts(template):
            if literal:
                parts.append(value(literal))
            if column:
                parts.append(known[column] if column in known else self.text(column))
        return sql("({})", joined(" || ", parts))

    def _number_condition(self, item: dict[str, Any]) -> Sql:
        number = self.number(item["number"])
        above = [sql("{} > {}", number, value(int(item["above"])))] if "above" in item else []
        below = [sql("{} < {}", number, value(int(item["below"])))] if "below" in item else []
        return sql("coalesce({}, FALSE)", joined(" AND ", above + below))

    def _column(self, item: dict[str, Any]) -> Sql:
        text = name(str(item["column"]))
        if self.types.get(str(item["column"])):
            text = sql("CAST({} AS VARCHAR)", text)
        if "drop" in item:
            put = value(str(item.get("put", "")))
            text = filled(sql("regexp_replace({}, {}, {}, 'g')", text, value(str(item["drop"])), put))
        if "extract" in item:
            text = filled(sql("regexp_extract({}, {}, 1)", text, value(str(item["extract"]))))
        if "case" in item:
            text = sql("upper({})" if item["case"] == "upper" else "lower({})", text)
        return self._mapped(text, item) if "map" in item else text

    def _mapped(self, text: Sql, item: dict[str, Any]) -> Sql:
        pairs = [
            sql("WHEN {} THEN {}", value(str(key).lower()), value(str(word)) if word else NOTHING)
            for key, word in item["map"].items()
        ]
        others = {"refuse": unreadable(text), "keep": text, "empty": NOTHING}
        return sql(
            "CASE lower({}) {} ELSE {} END", text, joined(" ", pairs), others[item.get("otherwise", "refuse")]
        )

    def _json(self, item: dict[str, Any]) -> Sql:
        pairs = [sql("{}, {}", value(str(key)), self.text(part)) for key, part in item["json"].items()]
        whole = sql(
            "json_merge_patch('{{}}', json_object({}))", joined(", ", pairs)
        )  # takes away what is missing
        return sql("nullif(CAST({} AS VARCHAR), '{{}}')", whole)

    def _flag(self, item: dict[str, Any]) -> Sql:
        text = self.text(item["flag"])
        words = {
            "true": item.get("true_if", ["true", "yes", "1"]),
            "false": item.get("false_if", ["false", "no", "0"]),
        }
        cases = (
            sql(
                "WHEN lower({}) IN ({}) THEN {}",
                text,
                joined(", ", (value(str(w).lower()) for w in among)),
                value(flag),
            )
            for flag, among in words.items()
        )
        return sql("CASE {} ELSE {} END", joined(" ", cases), unreadable(text))

    def _time(self, item: dict[str, Any]) -> Sql:
        zone = value(str(item.get("zone", self.dialect.zone)))
        typed = self._typed(item["time"])
        if typed == "TIMESTAMP WITH TIME ZONE":
            return sql("CAST(({} AT TIME ZONE 'UTC') AS VARCHAR)", name(item["time"]))
        if typed.startswith(("TIMESTAMP", "DATE")):
            return sql("CAST({} AS VARCHAR)", to_utc(sql("CAST({} AS TIMESTAMP)", name(item["time"])), zone))
        text = self.text(item["time"])
        formats = item.get("formats", self.dialect.time_formats)
        readings = joined(", ", (reading(text, str(form), zone) for form in listed(formats)))
        return sql("coalesce(CAST(coalesce({}) AS VARCHAR), {})", readings, unreadable(text))

    def _date(self, item: dict[str, Any]) -> Sql:
        text = self.text(item["date"])
        formats = listed(item.get("formats", self.dialect.date_formats))
        readings = joined(", ", (sql("try_strptime({}, {})", text, value(str(form))) for form in formats))
        return sql("coalesce(CAST(CAST(coalesce({}) AS DATE) AS VARCHAR), {})", readings, unreadable(text))

    def _money(self, item: dict[str, Any]) -> Sql:
        currency = item.get("currency", self.dialect.currency)
        return self._scaled(item["money"], minor_factor(self.text(currency)))

    def _total(self, item: dict[str, Any]) -> Sql:
        """Add up a list of decimals that stands as JSON text; NULL where one of them cannot be read."""
        factor = minor_factor(self.text(item.get("currency", self.dialect.currency)))
        part = sql("CAST(round({} * {}) AS HUGEINT)", decimal(Sql("part"), self.dialect.decimal), factor)
        amounts = sql(
            """list_transform(TRY(from_json({}, '["VARCHAR"]')), lambda part: {})""",
            self.text(item["total"]),
            part,
        )
        return sql(
            "CASE WHEN len(list_filter({}, lambda one: one IS NULL)) = 0 THEN list_sum({}) END",
            amounts,
            amounts,
        )

    def _scaled(self, expression: Expression, factor: Sql) -> Sql:
        """Read a decimal and move its point; halves round away from zero, as a till does."""
        if self._typed(expression):
            number = sql("try_cast({} AS DECIMAL(25, 9))", name(str(expression)))
        else:
            number = decimal(self.text(expression), self.dialect.decimal)
        return sql("CAST(round({} * {}) AS HUGEINT)", number, factor)

    def _typed(self, expression: Expression) -> str:
        """Give the type of a bare column that the file itself has as a number or a time."""
        return self.types.get(expression, "") if isinstance(expression, str) else ""

    def _integer(self, expression: Expression) -> Sql:
        if self._typed(expression) in {"BIGINT", "INTEGER", "SMALLINT", "TINYINT"}:
            return sql("CAST({} AS HUGEINT)", name(str(expression)))
        text = self.text(expression)
        whole = sql("regexp_extract({}, {}, 1)", text, value(r"^([+-]?[0-9]{1,18})(\.0+)?$"))
        return sql("try_cast({} AS HUGEINT)", filled(whole))

    def _product(self, parts: Sequence[Expression]) -> Sql:
        """Multiply. Two numbers always fit (see `_scaled` and `_integer`); of more the product is NULL where it does not."""
        product = joined(" * ", map(self.number, parts))
        return product if len(parts) <= 2 else sql("TRY({})", product)

    def _or_zero(self, expression: Expression) -> Sql:
        return sql("coalesce({}, 0)", self.number(expression))

    def _cases(self, item: dict[str, Any], compiled: Callable[[Expression], Sql], nothing: Sql) -> Sql:
        whens = (
            sql("WHEN {} THEN {}", self.condition(case["when"]), compiled(case["then"]))
            for case in item["cases"]
        )
        other = compiled(item["otherwise"]) if "otherwise" in item else nothing
        return sql("CASE {} ELSE {} END", joined(" ", whens), other)

    def _complaints(self, expression: Expression) -> Iterator[Sql]:
        """Give, for each text inside a number, what to say where the text is there and cannot be read."""
        for leaf in leaves(expression):
            text = self.text(leaf[verb_of(leaf)])
            yield sql("CASE WHEN {} IS NULL THEN {} END", self.number(leaf), unreadable(text))
        if verb_of(normal(expression)) == "multiply":
            there = joined(" AND ", (sql("{} IS NOT NULL", self.number(leaf)) for leaf in leaves(expression)))
            yield sql("CASE WHEN {} THEN {} END", there, unreadable(value("a product that is too large")))


def _first(parts: Sequence[Sql]) -> Sql:
    return sql("coalesce({})", joined(", ", parts))
