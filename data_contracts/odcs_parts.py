"""Parts that the rules of an ODCS 3.1 file are made of, wherever a rule stands: names, bounds, patterns, thresholds.

A pattern is anchored (`^...$`) and keeps to what RE2 and Python's `re` read alike.
"""

import re
from dataclasses import dataclass
from typing import Any

from open_data_contract_standard.model import DataQuality, SchemaProperty

from data_contracts import sentences
from data_contracts.faults import Extended, File
from data_contracts.model import Bound, Severity
from data_contracts.places import Place

UNPORTABLE = re.compile(
    r"\(\?|\\[1-9dDwWsSbBAzZpP]"
)  # look-around, back references, classes that differ on unicode
MOMENTS = {"TIMESTAMP", "DATE"}
EXACT = (
    2**53 - 1
)  # beyond it pandas compares a whole number as a fraction where a rule has a condition (2026-11-22)


@dataclass(frozen=True)
class Defaults:
    """What a rule takes over from its contract: who answers for it, its threshold, and the columns there are."""

    owner: str
    threshold: float
    columns: dict[str | None, SchemaProperty]


class PartReader:
    """Reads the parts of one contract's rules."""

    def __init__(self, file: File, defaults: Defaults) -> None:
        self.file, self.defaults = file, defaults

    def known(self, column: Any, place: Place, rule: str) -> SchemaProperty:
        """Give the column of that name."""
        self.file.need(
            column in self.defaults.columns, place, f"the rule {rule} is about unknown columns: {column}"
        )
        return self.defaults.columns[column]

    def moment(self, column: Any, place: Place, rule: str) -> str:
        """Read the name of a column that holds times."""
        item = self.known(column, place, rule)
        self.file.need(
            item.physicalType in MOMENTS, place, f"the rule {rule} needs a time, and {column} is none"
        )
        return str(column)

    def columns(self, names: Any, place: Place, rule: str) -> tuple[str, ...]:
        """Read a list of names of columns."""
        good = isinstance(names, list) and names
        self.file.need(good, place, f"the rule {rule} names no columns")
        return tuple(str(self.known(column, place, rule).name) for column in names)

    def only(self, found: dict[str, Any], legal: set[str], place: Place, rule: str) -> None:
        """Refuse keys that a rule cannot have."""
        for key in found:
            self.file.need(
                key in legal,
                (*place, key),
                f"the rule {rule} has an unknown key {key}; legal are {', '.join(sorted(legal))}",
            )

    def text_only(self, item: SchemaProperty, place: Place, what: str) -> None:
        """Refuse what only a text can have on a column of another type."""
        self.file.need(
            item.physicalType == "VARCHAR",
            place,
            f"only a text has {what}, and {item.name} is {item.physicalType}",
        )

    def check_bounds(
        self, item: SchemaProperty, kind: str, bounds: dict[str, Bound | None], place: Place
    ) -> None:
        """Refuse bounds that no value lies between, or that no engine compares exactly."""
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

    def pattern(self, text: Any, place: Place) -> str:
        """Read a pattern that all engines read alike; give it without its anchors."""
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

    def name(self, item: DataQuality, place: Place) -> str:
        """Read the name of a rule."""
        self.file.need(item.name, place, "there is a rule without a name")
        return str(item.name)

    def severity(self, item: DataQuality, place: Place) -> Severity:
        """Read how bad it is to break a rule."""
        severity = item.severity
        self.file.need(
            severity in {"critical", "warning"},
            (*place, "severity"),
            f"the rule {item.name} has the severity {severity!r}; use critical or warning",
        )
        return "critical" if severity == "critical" else "warning"

    def owner(self, item: Extended, place: Place, default: str) -> str:
        """Read who answers for a rule or a column."""
        owner, at = self.file.custom(item, place, "owner")
        self.file.need(owner is None or isinstance(owner, str), at, f"the owner is {owner!r}; write a name")
        return str(owner or default)

    def threshold(self, item: DataQuality, place: Place) -> float:
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


def fallback(name: str) -> str:
    """Make a sentence of a rule's name, where nobody wrote one."""
    return f"{name.replace('_', ' ').capitalize()}."


def _is_moment(bound: object) -> bool:
    try:
        return isinstance(bound, str) and bool(sentences.amount(bound))
    except ValueError:
        return False


def _is_number(bound: object) -> bool:
    return isinstance(bound, int | float) and not isinstance(bound, bool)
