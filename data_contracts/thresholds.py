"""When broken rows are no longer single rows but a broken delivery."""

from data_contracts.model import Rule, SetRule

SINGLE_ROWS = (
    20  # so many broken rows refuse nothing, however small the batch: a person can look at each of them
)


def over_threshold(rule: Rule | SetRule, failed: int, rows: int) -> bool:
    """Say whether a critical rule that `failed` of `rows` rows break refuses the whole batch, or turns its table red.

    A warning never does.
    """
    if rule.severity != "critical" or failed <= SINGLE_ROWS:
        return False
    return failed > rule.threshold * rows
