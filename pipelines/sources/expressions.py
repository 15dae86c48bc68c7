"""The small language in which a mapping file says how a column is made, compiled to SQL.

A text is the name of a column of the file (spaces around values are dropped, empty text is missing). Otherwise a mapping
with one of these verbs:

column: X        with drop (a pattern that is taken away), extract (a pattern; its first group is kept), case (lower or
                 upper), map (words to words, whatever their case) with otherwise (refuse, keep or empty)
value: x         a constant                         company: x        the company's own currency or time_zone
empty: true      nothing
first_of: [..]   the first that is there            template: "{A} {B}"   columns put together; missing if one of them is
time: x          with formats and zone, given as UTC                date: x   with formats
money: x         a decimal amount, in minor units   scaled: x         with digits: a decimal moved by so many digits
integer: x       a whole number                     flag: x           with true_if and false_if: lists of words
add, subtract, multiply: [..]    negate: x    absolute: x
cases: [{when: condition, then: x}]   with otherwise: x

A condition is one of {column: X} with is: [..], starts_with, matches or empty: true|false; {number: x} with above or below;
{all: [..]}; {any: [..]}. Patterns are RE2, so that none can run away.
All words in a mapping file are text: NO is Norway and 007 keeps its zeros.
What cannot be read becomes `unreadable: <text>`, which no column takes: the row is set aside with that reason.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_contracts.errors import ContractError
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.sources.money import minor_factor

Expression = str | dict[str, Any]
NUMERIC = frozenset({"money", "scaled", "integer", "add", "subtract", "multiply", "negate", "absolute"})
OPTIONS = {
    "column": {"drop", "extract", "case", "map", "otherwise"},
    "time": {"formats", "zone"},
    "date": {"formats"},
    "money": {"currency"},
    "scaled": {"digits"},
    "flag": {"true_if", "false_if"},
    "cases": {"otherwise"},
}
VERBS = NUMERIC | {
    "column",
    "value",
    "company",
    "empty",
    "first_of",
    "template",
    "time",
    "date",
    "flag",
    "cases",
}
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
OFFSET = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
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
            "first_of": lambda item: sql("coalesce({})", joined(", ", map(self.text, item["first_of"]))),
            "template": lambda item: self.template(str(item["template"])),
            "time": self._time,
            "date": self._date,
            "flag": self._flag,
            "cases": lambda item: self._cases(item, self.text, NOTHING),
        }
        self._numbers: dict[str, Callable[[dict[str, Any]], Sql]] = {
            "money": self._money,
            "scaled": lambda item: self._scaled(item["scaled"], Sql(str(10 ** int(item.get("digits", 0))))),
            "integer": lambda item: self._integer(item["integer"]),
            "add": lambda item: joined(" + ", map(self._or_zero, item["add"])),
            "subtract": lambda item: joined(" - ", map(self._or_zero, item["subtract"])),
            "multiply": lambda item: joined(" * ", map(self.number, item["multiply"])),
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
            return joined_coalesce([*complaints, number] if _sums(item) else [number, *complaints])
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
        if "all" in item:
            return sql("({})", joined(" AND ", map(self.condition, item["all"])))
        if "any" in item:
            return sql("({})", joined(" OR ", map(self.condition, item["any"])))
        if "number" in item:
            return self._number_condition(item)
        column = self.text(item["column"])
        if "empty" in item:
            return sql("({} IS NULL)" if item["empty"] == "true" else "({} IS NOT NULL)", column)
        if "is" in item:
            words = [value(str(word).lower()) for word in _listed(item["is"])]
            return sql("coalesce(lower({}) IN ({}), FALSE)", column, joined(", ", words))
        if "starts_with" in item:
            return sql("coalesce(starts_with({}, {}), FALSE)", column, value(str(item["starts_with"])))
        return sql("coalesce(regexp_matches({}, {}), FALSE)", column, value(str(item["matches"])))

    def template(self, template: str, extra: Mapping[str, Sql] | None = None) -> Sql:
        """Compile a text with {Column} in it; `extra` gives further names such as {ordinal}."""
        known = extra or {}
        parts: list[Sql] = []
        for literal, column in _template_parts(template):
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
            text = _filled(sql("regexp_replace({}, {}, '', 'g')", text, value(str(item["drop"]))))
        if "extract" in item:
            text = _filled(sql("regexp_extract({}, {}, 1)", text, value(str(item["extract"]))))
        if "case" in item:
            text = sql("upper({})" if item["case"] == "upper" else "lower({})", text)
        return self._mapped(text, item) if "map" in item else text

    def _mapped(self, text: Sql, item: dict[str, Any]) -> Sql:
        pairs = [
            sql("WHEN {} THEN {}", value(str(key).lower()), value(str(word)) if word else NOTHING)
            for key, word in item["map"].items()
        ]
        others = {"refuse": _unreadable(text), "keep": text, "empty": NOTHING}
        return sql(
            "CASE lower({}) {} ELSE {} END", text, joined(" ", pairs), others[item.get("otherwise", "refuse")]
        )

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
                joined(", ", (value(str(w).lower()) for w in listed)),
                value(flag),
            )
            for flag, listed in words.items()
        )
        return sql("CASE {} ELSE {} END", joined(" ", cases), _unreadable(text))

    def _time(self, item: dict[str, Any]) -> Sql:
        zone = value(str(item.get("zone", self.dialect.zone)))
        typed = self._typed(item["time"])
        if typed == "TIMESTAMP WITH TIME ZONE":
            return sql("CAST(({} AT TIME ZONE 'UTC') AS VARCHAR)", name(item["time"]))
        if typed.startswith(("TIMESTAMP", "DATE")):
            return sql("CAST({} AS VARCHAR)", _to_utc(sql("CAST({} AS TIMESTAMP)", name(item["time"])), zone))
        text = self.text(item["time"])
        formats = item.get("formats", self.dialect.time_formats)
        readings = joined(", ", (_reading(text, str(form), zone) for form in _listed(formats)))
        return sql("coalesce(CAST(coalesce({}) AS VARCHAR), {})", readings, _unreadable(text))

    def _date(self, item: dict[str, Any]) -> Sql:
        text = self.text(item["date"])
        formats = _listed(item.get("formats", self.dialect.date_formats))
        readings = joined(", ", (sql("try_strptime({}, {})", text, value(str(form))) for form in formats))
        return sql("coalesce(CAST(CAST(coalesce({}) AS DATE) AS VARCHAR), {})", readings, _unreadable(text))

    def _money(self, item: dict[str, Any]) -> Sql:
        currency = item.get("currency", self.dialect.currency)
        return self._scaled(item["money"], minor_factor(self.text(currency)))

    def _scaled(self, expression: Expression, factor: Sql) -> Sql:
        """Read a decimal and move its point; halves round away from zero, as a till does."""
        if self._typed(expression):
            decimal = sql("try_cast({} AS DECIMAL(25, 9))", name(str(expression)))
        else:
            decimal = _decimal(self.text(expression), self.dialect.decimal)
        return sql("CAST(round({} * {}) AS HUGEINT)", decimal, factor)

    def _typed(self, expression: Expression) -> str:
        """Give the type of a bare column that the file itself has as a number or a time."""
        return self.types.get(expression, "") if isinstance(expression, str) else ""

    def _integer(self, expression: Expression) -> Sql:
        if self._typed(expression) in {"BIGINT", "INTEGER", "SMALLINT", "TINYINT"}:
            return sql("CAST({} AS HUGEINT)", name(str(expression)))
        text = self.text(expression)
        whole = sql("regexp_extract({}, {}, 1)", text, value(r"^([+-]?[0-9]{1,18})(\.0+)?$"))
        return sql("try_cast({} AS HUGEINT)", _filled(whole))

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
        for leaf in _leaves(expression):
            text = self.text(leaf[verb_of(leaf)])
            yield sql("CASE WHEN {} IS NULL THEN {} END", self.number(leaf), _unreadable(text))


def normal(expression: Expression) -> dict[str, Any]:
    """Write a bare column name in its long form."""
    return {"column": expression} if isinstance(expression, str) else expression


def verb_of(item: Mapping[str, Any]) -> str:
    """Find what an expression does. Raises ContractError where that is not one known thing."""
    verbs = [key for key in item if key in VERBS]
    if len(verbs) != 1:
        raise ContractError(
            f"An expression has the verbs {', '.join(verbs) or 'none'} ({', '.join(map(str, item))}).",
            f"Give it one of {', '.join(sorted(VERBS))}.",
        )
    unknown = set(item) - {verbs[0]} - OPTIONS.get(verbs[0], set())
    if unknown:
        raise ContractError(
            f"{verbs[0]} does not know {', '.join(sorted(map(str, unknown)))}.", "Take it away."
        )
    return verbs[0]


def columns_in(thing: Any) -> Iterator[str]:
    """Name the columns of the file that an expression, a condition or a list of them reads."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, Sequence):
        for part in thing:
            yield from columns_in(part)
    elif isinstance(thing, Mapping):
        for key, part in thing.items():
            if key == "template":
                yield from (column for _, column in _template_parts(str(part)) if column)
            elif key in VERBS - {"value", "company", "empty"} | {
                "when",
                "then",
                "all",
                "any",
                "number",
                "currency",
            }:
                yield from columns_in(part)
            elif key == "otherwise" and verb_of(thing) == "cases":
                yield from columns_in(part)


def joined_coalesce(parts: Sequence[Sql]) -> Sql:
    """Take the first part that is there."""
    return sql("coalesce({})", joined(", ", parts))


def _sums(item: dict[str, Any]) -> bool:
    verb = verb_of(item)
    if verb in {"add", "subtract"}:
        return True
    parts = item[verb] if isinstance(item[verb], list) else [item[verb]]
    return any(isinstance(part, dict) and verb_of(part) in NUMERIC and _sums(part) for part in parts)


def _leaves(expression: Expression) -> Iterator[dict[str, Any]]:
    item = {"integer": expression} if isinstance(expression, str) else expression
    verb = verb_of(item)
    if verb in {"money", "scaled", "integer"}:
        yield item
    elif verb in {"negate", "absolute"}:
        yield from _leaves(item[verb])
    elif verb in {"add", "subtract", "multiply"}:
        for part in item[verb]:
            yield from _leaves(part)


def _decimal(text: Sql, decimal: str) -> Sql:
    """Read a decimal; NULL where it is none of that style. Signs of currency and of thousands are taken away."""
    rest = sql("try_cast({} AS DECIMAL(25, 9))", _plain_decimal(text, decimal))
    if decimal == ",":
        return rest
    return sql(
        "coalesce(try_cast({} AS DECIMAL(25, 9)), {})", text, rest
    )  # most are plain: five times as fast


def _plain_decimal(text: Sql, decimal: str) -> Sql:
    bare = sql("regexp_replace({}, {}, '', 'g')", text, value("[\\s\u00a0\u202f'£$€]"))
    thousands, point = (",", r"\.") if decimal == "." else (r"\.", ",")
    style = (
        rf"[+-]?([0-9]{{1,15}}|[0-9]{{1,3}}({thousands}[0-9]{{3}})+|)({point}[0-9]+)?([eE][+-]?[0-9]{{1,2}})?"
    )
    number = sql("replace({}, ',', '')", bare)
    if decimal == ",":
        number = sql("replace(replace({}, '.', ''), ',', '.')", bare)
    return sql("CASE WHEN regexp_full_match({}, {}) THEN {} END", bare, value(style), number)


def _reading(text: Sql, form: str, zone: Sql) -> Sql:
    """Read a time in one format, as naive UTC; NULL where the text has another."""
    if form == "unix":
        seconds = sql(
            "CASE WHEN regexp_full_match({}, '[0-9]{{1,11}}') THEN try_cast({} AS BIGINT) END", text, text
        )
        return sql("(to_timestamp({}) AT TIME ZONE 'UTC')", seconds)
    if form == "iso":
        fixed = sql(
            "regexp_replace({}, {}, {})", text, value(r"([+-][0-9]{2}):?([0-9]{2})$"), value(r"\1:\2")
        )
        tight = sql("regexp_replace({}, {}, {})", fixed, value(r" ([+-][0-9:]+)$"), value(r"\1"))
        zoned = sql("regexp_matches({}, {})", text, value(rf"[0-9]{{2}}:[0-9.:]+ ?{OFFSET}$"))
        aware = sql("(try_cast({} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')", tight)
        looks = sql("regexp_matches({}, {})", text, value("^[0-9]{4}-[0-9]{2}-[0-9]{2}"))
        naive = _to_utc(sql("try_cast({} AS TIMESTAMP)", text), zone)
        return sql("CASE WHEN NOT {} THEN NULL WHEN {} THEN {} ELSE {} END", looks, zoned, aware, naive)
    parsed = sql("try_strptime({}, {})", text, value(form))
    return sql("({} AT TIME ZONE 'UTC')", parsed) if "%z" in form else _to_utc(parsed, zone)


def _to_utc(local: Sql, zone: Sql) -> Sql:
    """Move a local time to UTC. An hour that the clocks skip or repeat is read in winter time, as ICU does."""
    return sql("(timezone({}, {}) AT TIME ZONE 'UTC')", zone, local)


def _unreadable(text: Sql) -> Sql:
    return sql("'unreadable: ' || {}", text)


def _filled(text: Sql) -> Sql:
    return sql("nullif({}, '')", text)


def _template_parts(template: str) -> Iterator[tuple[str, str]]:
    """Split "a {B} c" into (literal, column) pairs."""
    end = 0
    for match in PLACEHOLDER.finditer(template):
        yield template[end : match.start()], match.group(1)
        end = match.end()
    yield template[end:], ""


def _listed(thing: Any) -> Sequence[Any]:
    return thing if isinstance(thing, list | tuple) else [thing]
