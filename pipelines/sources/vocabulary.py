"""The small language in which a mapping file says how a column is made, taken apart. `expressions.py` compiles it.

A text is the name of a column of the file (spaces around values are dropped, empty text is missing). Otherwise a mapping
with one of these verbs:

column: X        with drop (a pattern that is taken away; put: what stands in its place), extract (a pattern; its first
                 group is kept), case (lower or upper), map (words to words, whatever their case) with otherwise
                 (refuse, keep or empty)
value: x         a constant                         company: x        the company's own currency or time_zone
empty: true      nothing                            arrival: true  when it came in, for what the file gives no date
first_of: [..]   the first that is there            template: "{A} {B}"   columns put together; missing if one of them is
json: {a: A}     those of these columns that are there, as one JSON text
time: x          with formats and zone, given as UTC                date: x   with formats
money: x         a decimal amount, in minor units   scaled: x         with digits: a decimal moved by so many digits
integer: x       a whole number                     flag: x           with true_if and false_if: lists of words
total: x         with currency: the decimal amounts of a list (tax_lines[].price) added up, in minor units
add, subtract, multiply: [..]    negate: x    absolute: x
cases: [{when: condition, then: x}]   with otherwise: x

A condition is one of {column: X} with is: [..], same_as: Y, starts_with, matches or empty: true|false; {number: x} with
above or below; {all: [..]}; {any: [..]}; {not: ..}. Patterns are RE2, so that none can run away.
All words in a mapping file are text: NO is Norway and 007 keeps its zeros.
What cannot be read becomes `unreadable: <text>`, which no column takes: the row is set aside with that reason.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_contracts.errors import ContractError

Expression = str | dict[str, Any]
NUMERIC = frozenset(
    {"money", "scaled", "total", "integer", "add", "subtract", "multiply", "negate", "absolute"}
)
OPTIONS = {
    "column": {"drop", "put", "extract", "case", "map", "otherwise"},
    "time": {"formats", "zone"},
    "date": {"formats"},
    "money": {"currency"},
    "total": {"currency"},
    "scaled": {"digits"},
    "flag": {"true_if", "false_if"},
    "cases": {"otherwise"},
}
CONSTANT = frozenset({"value", "company", "empty", "arrival"})
VERBS = NUMERIC | CONSTANT | {"column", "first_of", "template", "json", "time", "date", "flag", "cases"}
CONDITIONS = frozenset({"when", "then", "all", "any", "not", "number", "currency", "same_as"})
NESTED = (VERBS - CONSTANT - {"template"}) | CONDITIONS
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


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
                yield from (column for _, column in template_parts(str(part)) if column)
            elif key == "json" and isinstance(part, Mapping):
                yield from columns_in(list(part.values()))
            elif key in NESTED or (key == "otherwise" and "cases" in thing):
                yield from columns_in(part)


def sums(item: dict[str, Any]) -> bool:
    """Say whether a number has an addition or a subtraction in it."""
    verb = verb_of(item)
    if verb in {"add", "subtract"}:
        return True
    parts = item[verb] if isinstance(item[verb], list) else [item[verb]]
    return any(isinstance(part, dict) and verb_of(part) in NUMERIC and sums(part) for part in parts)


def leaves(expression: Expression) -> Iterator[dict[str, Any]]:
    """Give the parts of a number that are read from text."""
    item = {"integer": expression} if isinstance(expression, str) else expression
    verb = verb_of(item)
    if verb in {"money", "scaled", "integer", "total"}:
        yield item
    elif verb in {"negate", "absolute"}:
        yield from leaves(item[verb])
    elif verb in {"add", "subtract", "multiply"}:
        for part in item[verb]:
            yield from leaves(part)


def template_parts(template: str) -> Iterator[tuple[str, str]]:
    """Split "a {B} c" into (literal, column) pairs."""
    end = 0
    for match in PLACEHOLDER.finditer(template):
        yield template[end : match.start()], match.group(1)
        end = match.end()
    yield template[end:], ""


def listed(thing: Any) -> Sequence[Any]:
    """Give a list, also where one thing stands alone."""
    return thing if isinstance(thing, list | tuple) else [thing]
