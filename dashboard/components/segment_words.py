"""How the form of a segment names what a condition is about, and how it is tested. Pure."""

from collections.abc import Mapping

from data_contracts.model import Contract
from messaging.segments import Segment
from messaging.segments.words import KINDS

OPERATORS: Mapping[str, str] = {
    "=": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
    "in": "is one of",
    "not in": "is none of",
    "between": "is between",
    "is null": "is not known",
    "is not null": "is known",
    "contains": "contains",
    "older than days": "longer ago than",
    "newer than days": "in the last",
}
OF_MOMENTS: Mapping[str, str] = {  # in their place, of days
    "=": "was on",
    "!=": "was not on",
    "<": "was before",
    "<=": "was by",
    ">": "was after",
    ">=": "was on or after",
    "between": "was between",
}
OFTEN: Mapping[str, str] = {"least": "at least", "most": "at most", "exactly": "exactly", "never": "never"}
WHEN: Mapping[int, str] = {  # 0 is without end
    0: "ever",
    7: "in 7 days",
    30: "in 30 days",
    90: "in 90 days",
    180: "in 180 days",
    365: "in a year",
}


def operator(test: str, shape: str, *, negated: bool) -> str:
    """Say how a column is tested; whom a test does not hold for are also those of whom nothing is known."""
    word = OF_MOMENTS.get(test, OPERATORS[test]) if shape == "moment" else OPERATORS[test]
    return f"not {word}" if negated else word


def subject(name: str, contract: Contract, others: Mapping[str, Segment]) -> str:
    """Name what a condition is about."""
    kind, _, rest = name.partition(":")
    if kind == "column":
        return contract.column(rest).title
    if kind == "did":
        return f"Did: {KINDS[rest][1] if rest in KINDS else rest}"
    if kind == "segment":
        return f"Segment: {others[rest].title if rest in others else rest}"
    return f"List: {rest}"


def choice(value: object) -> str:
    """Write one of the values that a column may have: in_transit becomes In transit."""
    return str(value).replace("_", " ").capitalize() or "(empty)"


def when(days: int) -> str:
    """Say within which time something was done."""
    return WHEN.get(days, f"in {days} days")
