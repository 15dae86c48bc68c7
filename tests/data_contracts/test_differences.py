"""Two versions of a contract: what breaks those who use the table, and what does not."""

from dataclasses import replace

import pytest

from data_contracts.contracts import load_contract
from data_contracts.differences import Difference, diff
from data_contracts.model import Column, Contract, Rule


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
        "breaking", "the column wording is gone"
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
