"""What next_best_actions.yaml may say, and who is told what is wrong in it."""

from pathlib import Path

import pytest

from data_contracts.errors import InputError
from pipelines.scoring.actions.rules import VARIABLE, home_actions, load_actions


def test_the_shipped_rules_can_be_used_and_end_with_a_rule_for_everybody() -> None:
    rules = load_actions()
    assert rules.actions[-1].when == ()
    assert len({rule.action for rule in rules.actions}) == len(rules.actions)


def test_a_homes_own_rules_replace_the_shipped_ones(tmp_path: Path) -> None:
    assert home_actions(tmp_path) == load_actions()
    (tmp_path / "next_best_actions.yaml").write_text(
        "version: 7\nactions: [{action: rest, title: Rest, reason: 'Seen {last_order_at}, {order_count:time}.'}]\n"
    )
    rules = home_actions(tmp_path)
    assert rules.version == 7
    (rest,) = rules.to_variables()[VARIABLE]
    assert rest["reason"] == [
        {"text": "Seen "},
        {"column": "last_order_at", "is_time": True, "noun": ""},
        {"text": ", "},
        {"column": "order_count", "is_time": False, "noun": "time"},
        {"text": "."},
    ]


RULE = "version: 1\nactions: [{{action: call, title: Call, reason: Call., when: [{}]}}]\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (RULE.format("{column: shoe_size, is: known}"), "shoe_size"),
        (RULE.format("{column: next_best_action, is: known}"), "next_best_action"),
        (RULE.format("{column: order_count, at_least: shoe_size}"), "shoe_size"),
        (RULE.format("{column: order_count}"), "one of is, in, at_least and at_most"),
        (RULE.format("{column: order_count, is: 1, at_most: 2}"), "one of is, in, at_least and at_most"),
        (RULE.format("{column: 'order_count; drop table x', is: 1}"), "column"),
        (RULE.format("{column: order_count, at_least: '1 or 1 = 1'}"), "at_least"),
        (RULE.format("{column: order_count, above: 1}"), "above"),
        (
            RULE.format("{column: order_count, at_least: .inf}"),
            "finite number of at most 16 digits or the name",
        ),
        (RULE.format("{column: order_count, is: .nan}"), "line 2: actions.0.when.0.is: needs a word"),
        (RULE.format("{column: order_count, at_least: true}"), "at_least: needs a finite number"),
        (
            RULE.format("{column: order_count, is: many}"),
            "call: order_count is a number, and so never 'many'",
        ),
        (RULE.format("{column: vip_tier, in: [gold, 3]}"), "vip_tier is a word, and so never 3"),
        (RULE.format("{column: vip_tier, at_least: 3}"), "vip_tier is a word, which has no more and no less"),
        (RULE.format("{column: profiling_objected, is: 1}"), "true or false, and so never 1"),
        (RULE.format("{column: last_order_at, is: '2026-01-01'}"), "last_order_at is a moment"),
        (RULE.format("{column: last_order_at, at_least: 30}"), "a moment.* and cannot be compared with 30"),
        (RULE.format("{column: order_count, at_least: vip_tier}"), "cannot be compared with vip_tier"),
        (RULE.format("{column: order_count, is: 1}, {column: order_count, is: }"), "line 2"),
        (
            "version: 1\nactions: [{action: call, title: Call, reason: '{vip_tier:tier}'}]",
            "such as {order_count:order}",
        ),
        (
            "version: 1\nactions: [{action: call, title: Call, reason: '{order_count:1 x}'}]",
            "a number's column and a noun",
        ),
        (
            "version: 1\nactions: [{action: call, title: Call, reason: '{order_count:}'}]",
            "a number's column and a noun",
        ),
        ("version: 1\nversion: 2\n", "line 2: the key version stands twice"),
        ("version: 1\nactions: []\n", "actions"),
        ("actions: [{action: call, title: Call, reason: Call.}]\n", "version"),
        ("version: 1\nactions: [{action: call, title: Call, reason: '{shoe_size}'}]\n", "shoe_size"),
        (
            "version: 1\nactions: [{action: a, title: A, reason: A.}, {action: b, title: B, reason: B.}]\n",
            "without conditions stands last",
        ),
        ("version: [\n", "line"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "next_best_actions.yaml").write_text(text)
    with pytest.raises(InputError, match=named):
        home_actions(tmp_path)
