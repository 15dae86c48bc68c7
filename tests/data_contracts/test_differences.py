"""Two versions of a contract: what breaks those who use the table, and what does not."""

from dataclasses import replace

import pytest

from data_contracts.contracts import load_contract
from data_contracts.differences import Difference, diff
from data_contracts.model import Column, Contract, Rule, SetRule


@pytest.fixture
def consents() -> Contract:
    return load_contract("consents")


def changed(contract: Contract, name: str, **fields: object) -> Contract:
    columns = tuple(
        replace(column, **fields) if column.name == name else column  # type: ignore[arg-type]
        for column in contract.columns
    )
    return replace(contract, columns=columns)


def one(old: Contract, new: Contract) -> Difference:
    found = diff(old, new)
    assert len(found) == 1, found
    return found[0]


def test_equal_contracts_differ_in_nothing(consents: Contract) -> None:
    assert diff(consents, replace(consents, purpose="Other words.")) == []


def test_a_column_that_goes_breaks(consents: Contract) -> None:
    kept = tuple(column for column in consents.columns if column.name != "wording")
    assert one(consents, replace(consents, columns=kept)) == Difference(
        "breaking", "the column wording is gone", ("wording",), "everybody"
    )


@pytest.mark.parametrize(("required", "kind"), [(True, "breaking"), (False, "compatible")])
def test_a_new_column_breaks_only_where_it_has_to_be_given(
    consents: Contract,
    required: bool,  # noqa: FBT001 - pytest gives it
    kind: str,
) -> None:
    column = Column("note", "VARCHAR", "A note.", required, "internal", "Note", ())
    assert one(consents, replace(consents, columns=(*consents.columns, column))).kind == kind


def test_another_type_breaks(consents: Contract) -> None:
    assert (
        one(consents, changed(consents, "wording", type="BIGINT")).what
        == "the column wording was VARCHAR and is BIGINT"
    )


def test_a_value_that_may_be_missing_now_breaks(consents: Contract) -> None:
    assert (
        one(consents, changed(consents, "channel", required=False)).what
        == "the column channel may be missing now"
    )


def test_another_classification_breaks(consents: Contract) -> None:
    assert one(consents, changed(consents, "method", classification="personal")).kind == "breaking"


@pytest.mark.parametrize(("severity", "kind"), [("critical", "breaking"), ("warning", "compatible")])
def test_a_new_rule_breaks_where_it_sets_rows_aside(consents: Contract, severity: str, kind: str) -> None:
    rule = Rule("method_short", "length", ("method",), "A method is short.", severity, maximum=5)  # type: ignore[arg-type]
    assert one(consents, replace(consents, cross_rules=(*consents.cross_rules, rule))).kind == kind


def test_a_rule_that_goes_or_a_looser_threshold_breaks_nobody(consents: Contract) -> None:
    looser = replace(consents, cross_rules=consents.cross_rules[1:], quarantine_threshold=0.5)
    assert {difference.kind for difference in diff(consents, looser)} == {"compatible"}


def test_breaking_differences_come_first(consents: Contract) -> None:
    looser = replace(changed(consents, "wording", type="BIGINT"), quarantine_threshold=0.5)
    assert [difference.kind for difference in diff(consents, looser)] == ["breaking", "compatible"]


def changed_rule(contract: Contract, name: str, **fields: object) -> Contract:
    def rules(known: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(replace(rule, **fields) if rule.name == name else rule for rule in known)  # type: ignore[arg-type]

    columns = tuple(replace(column, rules=rules(column.rules)) for column in contract.columns)
    return replace(contract, columns=columns, cross_rules=rules(contract.cross_rules))


@pytest.mark.parametrize(
    ("fields", "kind", "what"),
    [
        ({"threshold": 0.5}, "compatible", "allowed 2.0% of a batch and allows 50.0%"),
        ({"threshold": 0.0}, "breaking", "allowed 2.0% of a batch and allows 0.0%"),
        (
            {"owner": "Legal"},
            "compatible",
            "Legal answers for the rule channel_allowed, which was Data protection's",
        ),
        ({"sentence": "Other words."}, "compatible", "reads differently (Other words.)"),
        ({"values": ("email",)}, "breaking", "the rule channel_allowed changed"),
        (
            {"values": ("email", "sms", "whatsapp", "voice", "fax")},
            "compatible",
            "the rule channel_allowed changed",
        ),
        ({"severity": "warning"}, "compatible", "the rule channel_allowed changed"),
    ],
)
def test_of_a_rule_its_threshold_owner_words_and_check_are_told_apart(
    consents: Contract, fields: dict[str, object], kind: str, what: str
) -> None:
    found = one(consents, changed_rule(consents, "channel_allowed", **fields))
    assert (found.kind, what in found.what) == (kind, True), found


@pytest.mark.parametrize(("maximum", "kind"), [(500, "compatible"), (100, "breaking")])
def test_a_bound_that_gives_more_room_breaks_nobody(consents: Contract, maximum: int, kind: str) -> None:
    assert one(consents, changed_rule(consents, "method_length", maximum=maximum)).kind == kind


def test_the_tables_owner_and_threshold_are_told_once_and_not_for_each_rule(consents: Contract) -> None:
    def other(rule: Rule) -> Rule:
        return replace(rule, owner="Legal", threshold=0.01)

    columns = tuple(replace(column, rules=tuple(map(other, column.rules))) for column in consents.columns)
    new = replace(
        consents, owner="Legal", quarantine_threshold=0.01, columns=columns,
        cross_rules=tuple(map(other, consents.cross_rules)),
        set_rules=tuple(replace(rule, owner="Legal", threshold=0.01) for rule in consents.set_rules),
    )  # fmt: skip
    assert [(found.kind, found.what) for found in diff(consents, new)] == [
        ("breaking", "the share that may be set aside was 2.0% and is 1.0%"),
        ("compatible", "Legal answers for the table, which was Data protection's"),
    ]


@pytest.mark.parametrize(
    ("retention", "kind"), [("P5Y", "breaking"), ("P11Y", "compatible"), ("", "compatible")]
)
def test_a_shorter_retention_breaks_whoever_looks_further_back(
    consents: Contract, retention: str, kind: str
) -> None:
    columns = tuple(replace(column, retention=retention) for column in consents.columns)
    found = diff(consents, replace(consents, retention=retention, columns=columns))
    assert {difference.kind for difference in found} == {kind}
    assert found[0].what.startswith("the table was kept 10 years and is kept") or found[0].columns


def test_freshness_that_asks_for_more_is_told_in_days(consents: Contract) -> None:
    fresh = SetRule(
        "fresh",
        "freshness",
        ("occurred_at",),
        "",
        "warning",
        hours=48,
        owner="Data protection",
        threshold=0.02,
    )
    old = replace(consents, set_rules=(*consents.set_rules, fresh))
    new = replace(consents, set_rules=(*consents.set_rules, replace(fresh, hours=12)))
    assert one(old, new).what == "the newest row might be 2 days old and may be 12 hours old now"
    assert one(old, new).kind == "compatible"  # a warning sets nothing aside
