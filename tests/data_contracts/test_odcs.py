"""Contract files: what the ODCS library lets pass and we do not, each with one sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts.errors import ContractError
from data_contracts.odcs import read_contract


def good() -> dict[str, Any]:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "urn:test",
        "name": "things",
        "version": "1.0.0",
        "status": "active",
        "description": {"purpose": "Things for tests."},
        "schema": [
            {
                "name": "things",
                "properties": [column("name", "string", "VARCHAR"), column("price", "integer", "BIGINT")],
                "quality": [],
            }
        ],
    }


def column(name: str, logical: str, physical: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "logicalType": logical,
        "physicalType": physical,
        "classification": "internal",
        "description": f"The {name} of the thing.",
        **more,
    }


def write(tmp_path: Path, document: object) -> Path:
    path = tmp_path / "things.odcs.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def refused(tmp_path: Path, document: object) -> str:
    with pytest.raises(ContractError) as caught:
        read_contract(write(tmp_path, document))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def table(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["schema"][0]
    return found


def test_a_plain_contract_loads(tmp_path: Path) -> None:
    contract = read_contract(write(tmp_path, good()))
    assert contract.duckdb_columns() == {"name": "VARCHAR", "price": "BIGINT"}
    assert [rule.name for rule in contract.row_rules] == ["price_type"]
    assert contract.quarantine_threshold == 0.05


@pytest.mark.parametrize("key", ["kind", "apiVersion", "id", "version", "status", "name"])
def test_a_head_that_lacks_a_required_key_is_refused(tmp_path: Path, key: str) -> None:
    document = good()
    del document[key]
    assert key in refused(tmp_path, document)


def test_an_older_standard_is_refused(tmp_path: Path) -> None:
    assert "of ODCS v2.2.2, not of v3.1" in refused(tmp_path, good() | {"apiVersion": "v2.2.2"})


def test_an_unknown_key_is_refused_with_its_place(tmp_path: Path) -> None:
    assert "unknown key colour in a contract" in refused(tmp_path, good() | {"colour": "red"})


def test_a_file_that_is_no_yaml_mapping_is_refused(tmp_path: Path) -> None:
    assert "no YAML mapping" in refused(tmp_path, ["a", "list"])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot be read"):
        read_contract(tmp_path / "nowhere.odcs.yaml")


def test_the_table_is_called_as_its_file_is(tmp_path: Path) -> None:
    document = good()
    table(document)["name"] = "stuff"
    assert "should be named things, as its file is" in refused(tmp_path, document)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"description": None}, "the column price has no description"),
        (
            {"classification": "secret"},
            "price is classified as 'secret'; legal are internal, personal, sensitive",
        ),
        ({"physicalType": "MONEY"}, "the physicalType 'MONEY'; legal are VARCHAR"),
        ({"logicalType": "string"}, "the logicalType string, which is not BIGINT"),
        ({"name": "Unit Price"}, "use lower_snake_case"),
        ({"name": "name", "logicalType": "string", "physicalType": "VARCHAR"}, "columns twice: name"),
        ({"logicalTypeOptions": {"multipleOf": 5}}, "unknown key multipleOf in options"),
    ],
)
def test_a_column_that_says_too_little_or_something_unknown_is_refused(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    document = good()
    table(document)["properties"][1] |= change
    assert sentence in refused(tmp_path, document).replace("logicalTypeOptions", "options")


@pytest.mark.parametrize("pattern", [r"^\d+$", "^(?=a)b$", r"^(a)\1$", "[a-z]+", "^[a-z+$"])
def test_a_pattern_that_engines_read_differently_is_refused(tmp_path: Path, pattern: str) -> None:
    document = good()
    table(document)["properties"][0]["logicalTypeOptions"] = {"pattern": pattern}
    assert "pattern" in refused(tmp_path, document)


def test_a_date_without_quotes_is_refused_as_a_bound(tmp_path: Path) -> None:
    document = good()
    day = column("day", "date", "DATE")
    table(document)["properties"].append(day)
    path = write(tmp_path, document)
    path.write_text(
        path.read_text().replace("name: day", "name: day\n    logicalTypeOptions: {minimum: 1900-01-01}")
    )
    with pytest.raises(ContractError, match="write dates and times between quotes"):
        read_contract(path)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            {"name": "odd", "type": "sql", "query": "SELECT 1", "mustBe": 0, "severity": "critical"},
            "unknown key query",
        ),
        (
            {"name": "mild", "metric": "rowCount", "mustBeGreaterThan": 0, "severity": "mild"},
            "use critical or warning",
        ),
        ({"metric": "rowCount", "mustBeGreaterThan": 0, "severity": "warning"}, "a rule without a name"),
        (
            {
                "name": "lost",
                "metric": "duplicateValues",
                "arguments": {"properties": ["colour"]},
                "mustBe": 0,
                "severity": "critical",
            },
            "about unknown columns: colour",
        ),
    ],
)
def test_a_table_rule_that_we_cannot_judge_is_refused(
    tmp_path: Path, rule: dict[str, Any], sentence: str
) -> None:
    document = good()
    table(document)["quality"] = [rule]
    assert sentence in refused(tmp_path, document)


def test_an_expectation_that_we_do_not_know_is_refused(tmp_path: Path) -> None:
    document = good()
    table(document)["quality"] = [
        {
            "name": "mean",
            "type": "custom",
            "engine": "greatExpectations",
            "severity": "warning",
            "implementation": {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "price"}},
        }
    ]
    assert "uses expect_column_mean_to_be_between; known are" in refused(tmp_path, document)


def test_a_threshold_is_a_share(tmp_path: Path) -> None:
    document = good() | {"customProperties": [{"property": "quarantineThreshold", "value": 5}]}
    assert "a share between 0 and 1" in refused(tmp_path, document)
