"""A contract as plain data: what a table promises, column by column and rule by rule.

Types are DuckDB's. Times are naive UTC, money is integer minor units.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["critical", "warning"]
DEFAULT_THRESHOLD = 0.05  # of a batch: one broken row in twenty points to the file, fewer point to the rows
Bound = int | float | str  # a str is a date or a timestamp in ISO form


@dataclass(frozen=True)
class Condition:
    """Limits a rule to the rows where `column` holds one of `values`, or is missing, or is present."""

    column: str
    state: Literal["in", "missing", "present"]
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One promise about single rows; `check` says which of the other fields count.

    present: the column has a value (a missing one passes all other checks). values: it is one of `values`.
    pattern: all of the text matches `pattern`. range: `minimum` <= value <= `maximum`. length: the same for
    the number of characters. order: the first column is not before the second one, or by no more than `slack_hours`, which
    two times alone may have. type: the text reads as the column's type, which is judged while a file lands and holds by
    construction afterwards.

    `owner` answers for the rule. `threshold` is the share of a batch's rows that may break it before the whole batch is
    refused; a row that breaks a critical rule is set aside in any case.
    """

    name: str
    check: Literal["type", "present", "values", "pattern", "range", "length", "order"]
    columns: tuple[str, ...]
    sentence: str
    severity: Severity = "critical"
    values: tuple[str, ...] = ()
    pattern: str = ""
    minimum: Bound | None = None
    maximum: Bound | None = None
    where: tuple[Condition, ...] = ()
    slack_hours: int = 0
    owner: str = ""
    threshold: float = DEFAULT_THRESHOLD


@dataclass(frozen=True)
class SetRule:
    """One promise about the rows together.

    unique: `columns` name a row once. volume: more than `minimum` rows. reference: `columns` stand in `table`
    under the names `to`. freshness: the newest moment in the one column is at most `hours` old when the table is judged.
    `owner` and `threshold` are as in a Rule.
    """

    name: str
    check: Literal["unique", "volume", "reference", "freshness"]
    columns: tuple[str, ...]
    sentence: str
    severity: Severity = "critical"
    minimum: int = 0
    table: str = ""
    to: tuple[str, ...] = ()
    hours: float = 0
    owner: str = ""
    threshold: float = DEFAULT_THRESHOLD


@dataclass(frozen=True)
class Column:
    """A column: its DuckDB type, whether it may be missing, and what it means in human words.

    `retention` is how long we keep what stands in it, an ISO 8601 duration such as P7Y: its own, or that of its table.
    `trait` says that the company added it with a model of its own (traits.py), `history` that each change of it is kept,
    `profiling` that it concludes something of a person, and so nothing of who objected to that.
    """

    name: str
    type: str
    description: str
    required: bool
    classification: Literal["internal", "personal", "sensitive"]
    title: str
    rules: tuple[Rule, ...]
    retention: str = ""
    trait: bool = False
    history: bool = False
    profiling: bool = False

    @property
    def personal(self) -> bool:
        """Say whether the column holds data about a person."""
        return self.classification != "internal"


@dataclass(frozen=True)
class Contract:
    """What a table promises, who answers for it (`owner`), and how long its rows are kept (`retention`, ISO 8601)."""

    name: str
    version: str
    purpose: str
    usage: str
    limitations: str
    grain: str
    quarantine_threshold: float
    columns: tuple[Column, ...]
    cross_rules: tuple[Rule, ...]
    set_rules: tuple[SetRule, ...]
    owner: str = ""
    retention: str = ""

    @property
    def row_rules(self) -> tuple[Rule, ...]:
        """All rules about single rows: each column's own, then those across columns."""
        return tuple(rule for column in self.columns for rule in column.rules) + self.cross_rules

    @property
    def table_rules(self) -> tuple[Rule | SetRule, ...]:
        """The rules of no single column: those across columns, then those about the rows together."""
        return (*self.cross_rules, *self.set_rules)

    @property
    def rules(self) -> tuple[Rule | SetRule, ...]:
        """All rules: those about single rows, then those about the rows together."""
        return (*self.row_rules, *self.set_rules)

    @property
    def hash(self) -> str:
        """Name what is judged (columns, types, rules, thresholds) in 16 hex digits; wording and owners do not count."""
        judged = [
            [(column.name, column.type) for column in self.columns],
            [_judged(rule) for rule in self.rules],
            self.quarantine_threshold,
        ]
        return hashlib.sha256(json.dumps(judged).encode()).hexdigest()[:16]

    def duckdb_columns(self) -> dict[str, str]:
        """Give the DuckDB type of each column, in order."""
        return {column.name: column.type for column in self.columns}

    def column(self, name: str) -> Column:
        """Find a column; KeyError where the contract has none of that name."""
        return next(column for column in self.columns if column.name == name)


def _judged(rule: Rule | SetRule) -> dict[str, object]:
    return {key: value for key, value in asdict(rule).items() if key not in {"sentence", "owner"}}
