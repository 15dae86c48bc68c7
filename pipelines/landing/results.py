"""What was found about each rule of a contract, as plain data: counts, who answers for it, no rows."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from data_contracts.model import Rule, SetRule, Severity
from data_contracts.thresholds import over_threshold

RuleState = Literal["kept", "set_aside", "warning", "broken", "unjudged"]
TableState = Literal["green", "amber", "red"]


@dataclass(frozen=True)
class RuleResult:
    """One rule of one table: of `checked` rows `failed` break it, and `set_aside` of those wait in the quarantine.

    kept: no row breaks it. set_aside: rows break it and wait, fewer than its threshold. warning: rows break it and count
    all the same. broken: rows that break a critical rule stand in the table, or more wait than the threshold allows.
    unjudged: there was nothing to judge.
    """

    rule: str
    sentence: str
    owner: str
    severity: Severity
    threshold: float
    checked: int
    failed: int
    set_aside: int
    state: RuleState

    @property
    def share(self) -> float:
        """Give the share of the rows that break the rule, 0 to 1."""
        return self.failed / self.checked if self.checked else 0.0

    @property
    def told(self) -> bool:
        """Say whether the rule has to be told of: more than single rows break it, or rows that count."""
        return self.state in {"warning", "broken"}

    def to_document(self) -> dict[str, Any]:
        """Give the result as plain data."""
        return {**asdict(self), "share": round(self.share, 6)}


@dataclass(frozen=True)
class Count:
    """What was counted for a rule: rows judged, rows in the table that break it, and rows that wait because of it."""

    checked: int
    standing: int
    set_aside: int = 0


def rule_result(rule: Rule | SetRule, count: Count) -> RuleResult:
    """Weigh the counts of a rule by its severity and threshold."""
    return RuleResult(
        rule.name,
        rule.sentence,
        rule.owner,
        rule.severity,
        rule.threshold,
        count.checked,
        count.standing + count.set_aside,
        count.set_aside,
        _state(rule, count),
    )


def own_result(rule: str, sentence: str, owner: str, count: Count) -> RuleResult:
    """Weigh a promise that stands in no contract, such as that every file is whole: nothing may break it."""
    state: RuleState = "broken" if count.standing else "kept" if count.checked else "unjudged"
    return RuleResult(rule, sentence, owner, "critical", 0.0, count.checked, count.standing, 0, state)


def table_state(results: Iterable[RuleResult], rows_quarantined: int) -> TableState:
    """Sum the rules up: red is not published, amber is and has something to mend."""
    states = {result.state for result in results}
    if "broken" in states:
        return "red"
    return "amber" if states & {"warning", "set_aside"} or rows_quarantined else "green"


def _state(rule: Rule | SetRule, count: Count) -> RuleState:
    if not count.checked and not count.standing:
        return "unjudged"
    if rule.severity == "warning":
        return "warning" if count.standing else "kept"
    if count.standing or over_threshold(rule, count.set_aside, count.checked):
        return "broken"
    return "set_aside" if count.set_aside else "kept"
