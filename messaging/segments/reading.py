"""Segments as they are written in YAML: checked word by word against what is published of a customer.

A rule is one of

    {column: order_count, test: ">=", value: 2}
    {did: {kind: order}, within_days: 90, at_least: 2}
    {sequence: [{kind: event, says: checkout}, {kind: order}], within_days: 7, without: {kind: refund}}
    {segment: lapsed_customers}    {list: trade_fair}    {percent: 10, salt: spring}

or several, joined by `all`, `any` and `not`. A segment may name what the contracts publish, and nothing else.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, NoReturn

from data_contracts.contracts import published_contract
from data_contracts.errors import NotFoundError, RefusedError, SegmentError
from data_contracts.model import Column, Contract
from data_contracts.places import Place
from data_contracts.yaml_files import YamlFile, shown
from messaging.segments.rules import (
    DEEPEST,
    LARGEST,
    LONGEST_SEQUENCE,
    MOST_RULES,
    ORDERED,
    TESTS,
    Ago,
    Comparison,
    Did,
    Goal,
    Joined,
    Listed,
    Named,
    Rule,
    Sample,
    Segment,
    Sequence,
    Touches,
    Value,
)
from messaging.segments.words import say_touches

Others = Callable[[str], Segment]

TIMELINE = "customer_timeline"
TOUCH_COLUMNS = ("kind", "channel", "direction", "state", "campaign", "source")
MOST_DAYS = 36_500
MOST_GOAL_DAYS = 365
LONGEST_TEXT = 200
KINDS: dict[
    str, tuple[tuple[str, ...], tuple[str, ...]]
] = {  # the keys that a rule needs, and those that it may have
    "column": (("column", "test"), ("value",)),
    "did": (("did",), ("within_days", "days_ago", "at_least", "at_most")),
    "sequence": (("sequence", "within_days"), ("without", "days_ago")),
    "segment": (("segment",), ()),
    "list": (("list",), ()),
    "percent": (("percent",), ("salt",)),
    "all": (("all",), ()),
    "any": (("any",), ()),
    "not": (("not",), ()),
}
WRITTEN = (
    "Write it with one of `column`, `did`, `sequence`, `segment`, `list`, `percent`, `all`, `any` and `not`."
)


def read_segment(
    name: str,
    document: Any,
    contract: Contract,
    others: Others | None = None,
    *,
    file: YamlFile | None = None,
) -> Segment:
    """Check a segment that was read from YAML.

    `others` reads the segments that it names, and `file` knows the lines of the document. Raises SegmentError, which names
    the rule that is wrong, its line where there is a file, and what would be legal.
    """
    if not isinstance(document, dict) or not isinstance(document.get("where"), dict):
        raise SegmentError(
            f"Segment {name!r} holds no rules.", "Give it a `where:` with `all`, `any`, `not` or one rule."
        )
    reader = _Reader(f"Segment {name!r}", contract, others, file, salt=name)
    unknown = set(document) - {"title", "description", "where"}
    if unknown:
        key = min(map(str, unknown))
        reader.refuse((key,), f"it has an unknown key {shown(repr(key))}", "Remove it.")
    return Segment(
        name=name,
        title=str(document.get("title") or name.replace("_", " ").capitalize()),
        description=str(document.get("description") or "").strip(),
        rule=reader.rule(document["where"], ("where",), 0),
    )


def read_goal(document: dict[str, Any], file: YamlFile) -> Goal:
    """Check a campaign's goal, such as {did: {kind: order}, within_days: 14}.

    Raises the file's error with the line of what is wrong.
    """
    if not {"did"} <= set(document) <= {"did", "within_days", "title"}:
        file.refuse(("goal",), "a goal holds `did`, and perhaps `within_days` and `title`")
    reader = _Reader(file.name, published_contract(TIMELINE), None, file)
    try:
        touches = reader.touches(document["did"], ("goal", "did"))
        days = reader.number(document, "within_days", ("goal",), 1, MOST_GOAL_DAYS)
    except SegmentError as error:
        raise file.error(error.message, error.mend or file.mend) from None
    title = document.get("title")
    return Goal(str(title) if title else say_touches(touches), touches, days or ORDERED.within_days)


class _Reader:
    def __init__(
        self,
        name: str,
        contract: Contract,
        others: Others | None,
        file: YamlFile | None,
        salt: str = "",
    ) -> None:
        self.name, self.contract, self.others, self.file, self.salt = name, contract, others, file, salt
        self.left = iter(range(MOST_RULES))

    def refuse(self, place: Place, what: str, mend: str) -> NoReturn:
        """Refuse the segment; `what` is a clause about a place."""
        line = f" line {self.file.line(place)}:" if self.file else ""
        raise SegmentError(f"{self.name}:{line} {shown(what)}.", mend)

    def rule(self, document: Any, place: Place, depth: int) -> Rule:
        if depth > DEEPEST or next(self.left, None) is None:
            self.refuse(
                place,
                f"a segment may hold {MOST_RULES} rules, {DEEPEST} deep; this one holds more",
                "Split it.",
            )
        if not isinstance(document, dict):
            self.refuse(place, f"{document!r} is no rule", "Write it as {column: …, test: …, value: …}.")
        kinds = [kind for kind in KINDS if kind in document]
        if len(kinds) != 1:
            keys = ", ".join(sorted(map(str, document))) or "no key"
            self.refuse(place, f"a rule holds the keys {keys}", WRITTEN)
        needed, optional = KINDS[kinds[0]]
        if not set(needed) <= set(document) <= {*needed, *optional}:
            legal = ", ".join(f"`{key}`" for key in (*needed, *optional))
            keys = ", ".join(sorted(map(str, document)))
            self.refuse(place, f"a rule holds the keys {keys}", f"One with `{kinds[0]}` may hold {legal}.")
        return self._of_kind(kinds[0], document, place, depth)

    def _of_kind(self, kind: str, document: dict[str, Any], place: Place, depth: int) -> Rule:
        if kind in {"all", "any", "not"}:
            return self._joined(kind, document[kind], (*place, kind), depth)
        read: dict[str, Callable[[dict[str, Any], Place], Rule]] = {
            "column": self._comparison,
            "did": self._did,
            "sequence": self._sequence,
            "segment": self._named,
            "list": self._listed,
            "percent": self._sample,
        }
        return read[kind](document, place)

    def _joined(self, word: str, body: Any, place: Place, depth: int) -> Joined:
        if word == "not":
            return Joined(word, (self.rule(body, place, depth + 1),))
        if not isinstance(body, list) or not body:
            self.refuse(place, f"`{word}` needs a list of at least one rule", "Add one, or remove it.")
        return Joined(word, tuple(self.rule(each, (*place, at), depth + 1) for at, each in enumerate(body)))

    # --- columns

    def _comparison(self, document: dict[str, Any], place: Place) -> Comparison:
        name = str(document["column"])
        known = [column.name for column in self.contract.columns]
        if name not in known:
            what = f"customer_360 has no column {name!r}{_near(name, known)}"
            self.refuse((*place, "column"), what, "See the dictionary for all columns.")
        column, test = self.contract.column(name), str(document["test"])
        if test not in TESTS:
            self.refuse(
                (*place, "test"), f"{test!r} is no test{_near(test, TESTS)}", f"Tests are {', '.join(TESTS)}."
            )
        at = (*place, "value") if "value" in document else place
        values = tuple(
            self._value(each, column, test, at)
            for each in self._values(document.get("value"), column, test, at)
        )
        if test == "between" and list(values) != sorted(values, key=_in_order):
            what = f"{column.name}: `between` needs the smaller value first"
            self.refuse(at, what, "Turn the two round: as they stand nobody is between them.")
        if test in {"=", "!=", "in", "not in"}:
            self._require_possible(column, values, at)
        return Comparison(column.name, test, values)

    def _values(self, value: Any, column: Column, test: str, place: Place) -> list[Any]:
        if test in {"is null", "is not null"}:
            if value is not None:
                self.refuse(place, f"{column.name}: `{test}` takes no value", "Remove the value.")
            return []
        if test in {"in", "not in", "between"}:
            if not isinstance(value, list) or not value or (test == "between" and len(value) != 2):
                wanted = "two values, the lowest and the highest" if test == "between" else "a list of values"
                self.refuse(place, f"{column.name}: `{test}` needs {wanted}", "Write them as [a, b].")
            return value
        return [value]

    def _value(self, value: Any, column: Column, test: str, place: Place) -> Value:
        kind = "number" if test.endswith("than days") else kind_of(column)
        if test.endswith("than days") and kind_of(column) != "moment":
            self.refuse(
                place, f"{column.name} is no date, so it has no age", "Use a column such as last_order_at."
            )
        if test == "contains" and kind_of(column) != "text":
            self.refuse(place, f"{column.name} is no text, so it contains nothing", "Compare it instead.")
        if kind == "text" and isinstance(value, str):
            return value
        if kind == "truth" and isinstance(value, bool):
            return value
        if kind == "number" and _is_whole(value) and abs(value) <= LARGEST:
            return int(value)
        if kind == "moment" and (moment := _moment(value)) is not None:
            return moment
        words = {"text": "a text", "truth": "true or false", "number": "a whole number", "moment": "a date"}
        return self.refuse(place, f"{column.name}: {value!r} should be {words[kind]}", "Correct the value.")

    def _require_possible(self, column: Column, values: tuple[Value, ...], place: Place) -> None:
        possible = possible_values(column)
        for value in values:
            if possible and value not in possible:
                near = _near(str(value), sorted(possible))
                mend = f"It is one of {', '.join(sorted(possible))}."
                self.refuse(place, f"{column.name} is never {value!r}{near}", mend)

    # --- what they did

    def _did(self, document: dict[str, Any], place: Place) -> Did:
        if "within_days" in document and "days_ago" in document:
            self.refuse(place, "`within_days` and `days_ago` both say when", "Keep one of them.")
        most = self.number(document, "at_most", place, 0, LARGEST)
        least = self.number(document, "at_least", place, 0, LARGEST)
        if least is None:
            least = 1 if most is None else 0
        if (least, most) == (0, None):
            what = "`at_least` 0 holds for everybody"
            self.refuse(place, what, "Write `at_most: 0` for those who never did it.")
        if most is not None and most < least:
            what = f"`at_least` {least} and `at_most` {most} say nothing"
            self.refuse(place, what, "`at_most` is the larger one.")
        touches = self.touches(document["did"], (*place, "did"))
        within = self.number(document, "within_days", place, 1, MOST_DAYS)
        return Did(touches, Ago(0, within) if within else self._ago(document, place), least, most)

    def _sequence(self, document: dict[str, Any], place: Place) -> Sequence:
        steps, at = document["sequence"], (*place, "sequence")
        if not isinstance(steps, list) or not 1 <= len(steps) <= LONGEST_SEQUENCE:
            self.refuse(
                at, f"a sequence is a list of 1 to {LONGEST_SEQUENCE} steps", "Write [{kind: …}, {kind: …}]."
            )
        if len(steps) == 1 and "without" not in document:
            self.refuse(at, "one step is no sequence", "Add a second one, `without`, or write it as `did`.")
        within = self.number(document, "within_days", place, 1, MOST_DAYS)
        assert within is not None
        without = self.touches(document["without"], (*place, "without")) if "without" in document else None
        found = tuple(self.touches(each, (*at, number)) for number, each in enumerate(steps))
        return Sequence(found, within, without, self._ago(document, place))

    def touches(self, document: Any, place: Place) -> Touches:
        legal = (*TOUCH_COLUMNS, "says", "amount_at_least", "amount_at_most")
        if not isinstance(document, dict) or not document:
            self.refuse(place, f"{document!r} names no touches", "Write it as {kind: order}.")
        if unknown := sorted(map(str, set(document) - set(legal))):
            mend = f"It may hold {', '.join(legal)}."
            self.refuse(
                (*place, unknown[0]), f"{unknown[0]!r} is nothing of a touch{_near(unknown[0], legal)}", mend
            )
        columns = tuple(
            (name, self._touch_values(name, document[name], (*place, name)))
            for name in TOUCH_COLUMNS
            if name in document
        )
        says = document.get("says")
        if "says" in document and (not isinstance(says, str) or not 0 < len(says) <= LONGEST_TEXT):
            self.refuse((*place, "says"), "`says` is a part of the touch's title", "Put a text in quotes.")
        least = self.number(document, "amount_at_least", place, -LARGEST, LARGEST)
        most = self.number(document, "amount_at_most", place, -LARGEST, LARGEST)
        return Touches(columns, says, least, most)

    def _touch_values(self, name: str, value: Any, place: Place) -> tuple[str, ...]:
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(each, str) and each for each in values):
            self.refuse(place, f"{name}: {value!r} should be a text or a list of texts", "Correct the value.")
        possible = possible_values(published_contract(TIMELINE).column(name))
        for each in values:
            if possible and each not in possible:
                mend = f"It is one of {', '.join(sorted(possible))}."
                self.refuse(place, f"{name} is never {each!r}{_near(each, sorted(possible))}", mend)
        return tuple(values)

    def _ago(self, document: dict[str, Any], place: Place) -> Ago:
        if "days_ago" not in document:
            return Ago()
        days = document["days_ago"]
        if not (
            isinstance(days, list)
            and len(days) == 2
            and all(map(_is_whole, days))
            and 0 <= days[0] < days[1] <= MOST_DAYS
        ):
            what = "`days_ago` needs two numbers of days, the nearer one first"
            self.refuse((*place, "days_ago"), what, "Write [1, 30] for one to thirty days ago.")
        return Ago(days[0], days[1])

    def number(self, document: dict[str, Any], key: str, place: Place, least: int, most: int) -> int | None:
        if key not in document:
            return None
        value = document[key]
        if not _is_whole(value) or not least <= value <= most:
            wanted = (
                f"from {least} to {most}"
                if most < LARGEST
                else (f"of at least {least}" if least == 0 else "")
            )
            self.refuse(
                (*place, key),
                f"`{key}` is {value!r} and should be a whole number {wanted}".rstrip(),
                "Correct it.",
            )
        return int(value)

    # --- others, lists, lots

    def _named(self, document: dict[str, Any], place: Place) -> Named:
        name = document["segment"]
        if not isinstance(name, str) or self.others is None:
            self.refuse(
                (*place, "segment"), f"{name!r} names no segment of the library", "Write its file's name."
            )
        try:
            other = self.others(name)
        except (NotFoundError, RefusedError) as error:  # there is none, or it stands on this one
            self.refuse((*place, "segment"), error.message.rstrip("."), error.mend)
        for _ in _rules(other.rule):
            if next(self.left, None) is None:
                self.refuse(
                    place, f"with “{other.title}” there are more than {MOST_RULES} rules", "Split it."
                )
        return Named(other.name, other.title, other.rule)

    def _listed(self, document: dict[str, Any], place: Place) -> Listed:
        name = document["list"]
        if not isinstance(name, str) or not name:
            self.refuse((*place, "list"), f"{name!r} names no list", "See `rapport segment lists`.")
        return Listed(name)

    def _sample(self, document: dict[str, Any], place: Place) -> Sample:
        percent, salt = document["percent"], document.get("salt", self.salt)
        if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 < percent < 100:
            self.refuse(
                (*place, "percent"), f"{percent!r} should be a number between 0 and 100", "Correct it."
            )
        if not isinstance(salt, str) or not 0 < len(salt) <= LONGEST_TEXT:
            self.refuse((*place, "salt"), f"{salt!r} should be a text", "Put it in quotes, or leave it out.")
        return Sample(float(percent), salt)


def _in_order(value: Value) -> Any:
    """Give a value as what values of its column are ordered by: they are of one kind."""
    return value


def _rules(rule: Rule) -> Iterator[Rule]:
    """Count a rule and whatever it is joined of."""
    yield rule
    for each in rule.rules if isinstance(rule, Joined) else [rule.rule] if isinstance(rule, Named) else []:
        yield from _rules(each)


def _near(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = get_close_matches(name, known, 3, 0.5)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def possible_values(column: Column) -> set[Any]:
    """Give the values that a column may have by its contract; none where that is open."""
    return {
        each for rule in column.rules if rule.check == "values" and not rule.where for each in rule.values
    }


def kind_of(column: Column) -> str:
    """Say what a column holds: moment, truth, text or number."""
    if column.type in {"TIMESTAMP", "DATE"}:
        return "moment"
    if column.type == "BOOLEAN":
        return "truth"
    return "text" if column.type == "VARCHAR" else "number"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is None else None
