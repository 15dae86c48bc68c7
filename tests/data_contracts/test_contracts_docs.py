"""docs/contracts.md promises what the code does: every check, every key, and its examples load."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import yaml

from data_contracts.contracts import inbound_contracts
from data_contracts.keys import OPTIONS, OWN_COLUMN, OWN_HEAD, OWN_RULE
from data_contracts.model import Rule, SetRule
from data_contracts.odcs import CLASSIFICATIONS, LOGICAL_TYPES, SLA, read_contract
from data_contracts.odcs_tables import ARGUMENTS
from data_contracts.thresholds import SINGLE_ROWS

TEXT = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")
CHECKS = {check for kind in (Rule, SetRule) for check in get_args(get_type_hints(kind)["check"])}


def test_every_kind_of_check_stands_in_the_table_and_no_other() -> None:
    assert set(re.findall(r"^\| `([a-z]+)` \|", TEXT, re.MULTILINE)) == CHECKS


@pytest.mark.parametrize(
    "word",
    sorted({*OWN_HEAD, *OWN_COLUMN, *OWN_RULE, *OPTIONS, *SLA, *LOGICAL_TYPES, *CLASSIFICATIONS, *ARGUMENTS}),
)
def test_every_word_that_a_contract_may_use_is_explained(word: str) -> None:
    assert word in TEXT


def test_the_number_of_rows_that_a_person_can_look_at_is_the_real_one() -> None:
    assert f"more than {SINGLE_ROWS} rows" in TEXT


def test_the_examples_make_a_contract(tmp_path: Path) -> None:
    whole, quality = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    document = yaml.safe_load(whole)
    names = {"raw_record": "VARCHAR", "occurred_at": "TIMESTAMP", "country": "VARCHAR"}
    columns = document["schema"][0]["properties"]
    for name, kind in names.items():
        logical = LOGICAL_TYPES[kind]
        columns.append({
            "name": name, "physicalType": kind, "logicalType": logical, "classification": "personal", "description": "A column."
        })  # fmt: skip
    columns[-1] |= yaml.safe_load(quality)
    path = tmp_path / "purchases.odcs.yaml"
    path.write_text(yaml.safe_dump(document))
    contract = read_contract(path)
    rules = {rule.name: rule for rule in contract.rules}
    assert (contract.owner, contract.retention, contract.column("raw_record").retention) == (
        "Shop",
        "P10Y",
        "P2Y",
    )
    assert (rules["currency_present"].threshold, rules["currency_present"].owner) == (0.01, "Finance")
    assert rules["currency_form"].sentence == "A currency is written as three capital letters."
    assert rules["country_known"].threshold == 0.1
    fresh = rules["fresh"]
    assert isinstance(fresh, SetRule)
    assert (fresh.hours, fresh.severity) == (48, "warning")


def test_no_rule_that_we_ship_speaks_of_columns_and_patterns() -> None:
    for contract in inbound_contracts().values():
        for rule in contract.rules:
            if rule.check != "values":  # which quotes them as they stand in the data
                assert not re.search(r"\^|\[|[a-z]_[a-z]", rule.sentence), rule.sentence


def test_every_table_that_we_ship_has_somebody_who_answers_and_an_end() -> None:
    for contract in inbound_contracts().values():
        assert contract.owner, contract.name
        assert all(column.retention for column in contract.columns), contract.name
        assert all(rule.owner for rule in contract.rules), contract.name


def test_currencies_and_countries_are_the_same_in_every_contract_and_real() -> None:
    lists: dict[str, set[tuple[str, ...]]] = {"currency_known": set(), "country_known": set()}
    for contract in inbound_contracts().values():
        for rule in contract.row_rules:
            if rule.name in lists:  # a country is a code or, spelt out, a name
                codes = rule.pattern.removeprefix("(").partition("|[^")[0].split("|")
                lists[rule.name].add(rule.values or tuple(codes))
    (currencies,), (countries,) = lists["currency_known"], lists["country_known"]
    assert {"GBP", "EUR", "JPY"} <= set(currencies)
    assert not {"XXX", "XXQ", "XTS", "AAA"} & set(currencies)
    assert {"GB", "NO", "XK"} <= set(countries)
    assert len(countries) == 250  # ISO 3166, and Kosovo
