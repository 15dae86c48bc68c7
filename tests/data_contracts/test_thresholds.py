"""When broken rows refuse a whole batch: more than a person can look at, and more than the rule allows."""

from dataclasses import replace

import pytest

from data_contracts.model import Rule
from data_contracts.thresholds import SINGLE_ROWS, over_threshold

RULE = Rule("price_known", "present", ("price",), "", threshold=0.1)


@pytest.mark.parametrize(
    ("failed", "rows", "over"),
    [
        (0, 0, False),
        (20, 20, False),
        (21, 21, True),
        (21, 210, False),
        (22, 210, True),
        (1_000, 10_000, False),
    ],
)
def test_a_batch_is_refused_above_the_share_and_above_twenty_rows(
    failed: int, rows: int, *, over: bool
) -> None:
    assert over_threshold(RULE, failed, rows) is over


def test_a_warning_never_refuses_a_batch() -> None:
    assert not over_threshold(replace(RULE, severity="warning"), 1_000, 1_000)


def test_a_rule_without_any_tolerance_still_leaves_single_rows_to_people() -> None:
    strict = replace(RULE, threshold=0.0)
    assert not over_threshold(strict, SINGLE_ROWS, 1_000_000)
    assert over_threshold(strict, SINGLE_ROWS + 1, 1_000_000)
