"""Contract files: what the ODCS library lets pass and we do not, each with one sentence."""

import re
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


@pytest.mark.parametrize(
    ("later", "hours", "sentence"),
    [
        ("sent_at", 0, "has slack_hours 0; write a whole number from 1 to 8760"),
        ("sent_at", 1.5, "has slack_hours 1.5; write a whole number"),
        ("sent_at", True, "has slack_hours True; write a whole number"),
        ("price", 24, "has slack_hours, which only two times in order may have"),
    ],
)
def test_a_slack_is_of_two_times_and_of_whole_hours(
    tmp_path: Path, later: str, hours: object, sentence: str
) -> None:
    assert sentence in refused(tmp_path, in_order(later, hours))


def test_a_slack_that_can_be_judged_is_read(tmp_path: Path) -> None:
    (rule,) = read_contract(write(tmp_path, in_order("sent_at", 24))).cross_rules
    assert (rule.check, rule.columns, rule.slack_hours) == ("order", ("sent_at", "made_at"), 24)


def in_order(later: str, hours: object) -> dict[str, Any]:
    """Give a contract with a rule that holds one column against the moment at which the thing was made."""
    document = good()
    table(document)["properties"] += [
        column(name, "timestamp", "TIMESTAMP") for name in ("made_at", "sent_at")
    ]
    kwargs = {"column_A": later, "column_B": "made_at", "or_equal": True}
    kind = "expect_column_pair_values_a_to_be_greater_than_b"
    rule = {"name": "in_order", "type": "custom", "engine": "greatExpectations", "severity": "critical"}
    table(document)["quality"] = [
        rule | {"implementation": {"type": kind, "kwargs": kwargs, "slack_hours": hours}}
    ]
    return document


def test_a_threshold_is_a_share(tmp_path: Path) -> None:
    document = good() | {"customProperties": [{"property": "quarantineThreshold", "value": 5}]}
    assert "a share between 0 and 1" in refused(tmp_path, document)


def lines(path: Path, text: str) -> int:
    """Give the line of the file in which a text stands."""
    return next(index for index, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def told_at(path: Path) -> tuple[int, str]:
    """Give the line that a refusal names, and its words."""
    with pytest.raises(ContractError) as caught:
        read_contract(path)
    found = re.match(
        r"The contract things\.odcs\.yaml line (\d+): (.*)\. Mend that line\.", str(caught.value)
    )
    assert found, str(caught.value)
    return int(found[1]), found[2]


@pytest.mark.parametrize(
    ("place", "key", "sentence"),
    [
        ((), "descripton", "unknown key descripton in a contract; did you mean description?"),
        (("schema", 0), "relationships", "unknown key relationships in a table"),
        (("schema", 0, "properties", 1), "unique", "unknown key unique in a column"),
        (("schema", 0, "properties", 1), "requird", "did you mean required?"),
        (("description",), "audience", "ODCS 3.1 is broken at description.audience"),
    ],
)
def test_an_unknown_key_is_refused_with_its_line_wherever_it_stands(
    tmp_path: Path, place: tuple[str | int, ...], key: str, sentence: str
) -> None:
    document: Any = good()
    item = document
    for part in place:
        item = item[part]
    item[key] = "odd"
    path = write(tmp_path, document)
    line, words = told_at(path)
    assert sentence in words
    assert line == lines(path, f"{key}: odd")


@pytest.mark.parametrize(
    ("where", "name"), [("head", "quarantineTreshold"), ("column", "threshold"), ("rule", "thresholds")]
)
def test_an_unknown_custom_property_is_refused_with_its_line(tmp_path: Path, where: str, name: str) -> None:
    document = good()
    rule = {"name": "rows", "metric": "rowCount", "mustBeGreaterThan": 0, "severity": "warning"}
    table(document)["quality"] = [rule]
    item = {"head": document, "column": table(document)["properties"][1], "rule": rule}[where]
    item["customProperties"] = [{"property": name, "value": 0.5}]
    path = write(tmp_path, document)
    line, words = told_at(path)
    assert f"unknown custom property {name}" in words
    assert line == lines(path, f"property: {name}")


@pytest.mark.parametrize(
    ("rule", "sentence", "at"),
    [
        ({"metric": "invalidValues", "arguments": {"validValues": ["a"]}, "mustBe": 1}, "neither mustBe: 0", "mustBe: 1"),
        ({"metric": "invalidValues", "arguments": {"regex": "^a$"}, "mustBe": 0}, "validValues or pattern", "arguments:"),
        ({"metric": "medianValue", "mustBe": 0}, "none that a column can have", "metric: medianValue"),
        ({"metric": "nullValues", "mustBe": 0, "severity": "mild"}, "use critical or warning", "severity: mild"),
        ({"metric": "nullValues", "mustBeLessOrEqualTo": 5, "unit": "rows"}, "unit: percent", "mustBeLessOrEqualTo"),
        ({"metric": "invalidValues", "arguments": {"validValues": [True]}, "mustBe": 0}, "list of texts", "validValues:"),
    ],
)  # fmt: skip
def test_a_rule_that_we_cannot_judge_is_refused_with_its_line(
    tmp_path: Path, rule: dict[str, Any], sentence: str, at: str
) -> None:
    document = good()
    table(document)["properties"][0]["quality"] = [{"name": "odd", "severity": "critical"} | rule]
    path = write(tmp_path, document)
    line, words = told_at(path)
    assert sentence in words
    assert line == lines(path, at)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"minimum": 5, "maximum": 1}, "bounded from 5 to 1, which nothing is"),
        ({"maximum": 2**60}, "engines agree up to"),
        ({"maximum": "ten"}, "write a number"),
        ({"maxLength": 5}, "only a text has a length"),
    ],
)
def test_bounds_that_nothing_can_keep_or_engines_read_differently_are_refused(
    tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    document = good()
    table(document)["properties"][1]["logicalTypeOptions"] = options
    assert sentence in told_at(write(tmp_path, document))[1]


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        ({"property": "availability", "value": 1}, "none that we keep; known are retention, latency, frequency"),
        ({"property": "retention", "value": "long"}, "is no span of time"),
        ({"property": "retention", "value": 1, "unit": "y", "element": "things.colour"}, "unknown column things.colour"),
        ({"property": "latency", "value": 1, "unit": "y", "element": "things.price"}, "unit h, d or w"),
        ({"property": "latency", "value": 1, "unit": "d", "element": "things.price"}, "needs a time, and price is none"),
    ],
)  # fmt: skip
def test_a_service_level_that_nobody_keeps_is_refused(
    tmp_path: Path, level: dict[str, Any], sentence: str
) -> None:
    assert sentence in told_at(write(tmp_path, good() | {"slaProperties": [level]}))[1]


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, good())
    path.write_text(path.read_text() + "status: retired\n")
    line, words = told_at(path)
    assert "the key status stands twice" in words
    assert line == len(path.read_text().splitlines())


def test_a_file_that_is_no_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "things.odcs.yaml"
    path.write_text("kind: DataContract\nname: [things\n")
    assert told_at(path)[0] == 3


def test_rules_take_owner_and_threshold_from_their_contract_unless_they_have_their_own(
    tmp_path: Path,
) -> None:
    document = good() | {
        "team": {"name": "Shop"},
        "slaProperties": [{"property": "retention", "value": 90, "unit": "d"}],
    }
    price = table(document)["properties"][1]
    price["required"] = True
    price["customProperties"] = [{"property": "thresholds", "value": {"present": 0.5}}]
    half = {"property": "threshold", "value": 0.4}, {"property": "owner", "value": "Finance"}
    table(document)["quality"] = [
        {"name": "many", "metric": "rowCount", "mustBeGreaterThan": 9, "severity": "warning", "customProperties": [*half]}
    ]  # fmt: skip
    contract = read_contract(write(tmp_path, document))
    rules = {rule.name: (rule.owner, rule.threshold) for rule in contract.rules}
    assert rules == {"price_type": ("Shop", 0.05), "price_present": ("Shop", 0.5), "many": ("Finance", 0.4)}
    assert (contract.owner, contract.retention, contract.column("name").retention) == ("Shop", "P90D", "P90D")


def test_frequency_and_latency_together_say_how_old_the_newest_row_may_be(tmp_path: Path) -> None:
    document = good()
    table(document)["properties"].append(column("came", "timestamp", "TIMESTAMP"))
    spans = (("frequency", 1, "d"), ("latency", 12, "h"))
    document["slaProperties"] = [
        {"property": name, "value": value, "unit": unit, "element": "things.came"}
        for name, value, unit in spans
    ]
    (fresh,) = read_contract(write(tmp_path, document)).set_rules
    assert (fresh.check, fresh.columns, fresh.hours, fresh.severity) == (
        "freshness",
        ("came",),
        36,
        "warning",
    )
    assert fresh.sentence == "The newest row of things is at most 36 hours old."
