"""`rapport contract show` and `contract diff`: what is promised, what changes, and whom it breaks by name."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from data_contracts.contracts import FOLDER, load_contract
from data_contracts.errors import UsageError
from pipelines.contracts.commands import app

Change = Callable[[dict[str, Any]], None]
Changed = Callable[[str, Change], Path]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home that is kept for the module: the models are compiled once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAPPORT_HOME", str(home))


@pytest.fixture
def changed(tmp_path: Path) -> Changed:
    def write(table: str, change: Change) -> Path:
        (source,) = FOLDER.glob(f"*/{table}.odcs.yaml")
        document = yaml.safe_load(source.read_text())
        change(document)
        path = tmp_path / source.name
        path.write_text(yaml.safe_dump(document))
        return path

    return write


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def without(column: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        table = document["schema"][0]
        table["properties"] = [item for item in table["properties"] if item["name"] != column]

    return change


def test_a_contract_against_itself_has_no_difference() -> None:
    result = run("diff", "consents", "consents")
    assert (result.exit_code, result.output) == (0, "The contracts promise the same.\n")


def test_a_column_that_goes_breaks_models_mappings_templates_and_campaigns_by_name(changed: Changed) -> None:
    result = run("diff", "purchases", changed("purchases", without("product_category")), "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)["differences"]
    assert (found["kind"], found["what"]) == ("breaking", "the column product_category is gone")
    breaks = found["breaks"]
    assert breaks["models"] == ["models/staging/landing/stg_landing__purchases.sql"]
    assert "customer_360.favourite_category" in breaks["feeds"]
    assert "templates/email/win_back.j2" in breaks["templates"]
    assert "campaigns/win_back.yaml" in breaks["campaigns"]
    assert "segments/lapsed_customers.yaml" not in breaks.get("segments", [])


def test_a_published_column_that_goes_breaks_the_segments_that_name_it(changed: Changed) -> None:
    result = run("diff", "customer_360", changed("customer_360", without("lifecycle_stage")))
    assert result.exit_code == 1
    assert "breaking: the column lifecycle_stage is gone" in result.output
    assert "segments: segments/lapsed_customers.yaml" in result.output
    assert "campaigns: campaigns/win_back.yaml" in result.output


def test_a_column_that_has_to_be_given_breaks_the_mappings_that_do_not_fill_it(
    changed: Changed, home: Path
) -> None:
    def require_city(document: dict[str, Any]) -> None:
        columns = document["schema"][0]["properties"]
        next(column for column in columns if column["name"] == "city")["required"] = True

    own = home / "mappings" / "till.yaml"
    own.parent.mkdir(exist_ok=True)
    shipped = FOLDER.parent / "pipelines/sources/mappings/generic/online_retail.yaml"
    own.write_text(shipped.read_text().replace("name: online_retail", "name: till"))
    try:
        result = run("diff", "purchases", changed("purchases", require_city), "--json")
    finally:
        own.unlink()
    (found,) = [item for item in json.loads(result.stdout)["differences"] if item["kind"] == "breaking"]
    assert found["what"] == "the column city has to be given now"
    assert {"mappings/till.yaml", "generic/online_retail.yaml"} <= set(found["breaks"]["mappings"])
    assert "shopify/shopify_orders.yaml" not in found["breaks"]["mappings"]
    assert "models" not in found["breaks"]


def test_a_column_of_who_somebody_is_breaks_identity_too(changed: Changed) -> None:
    result = run("diff", "chat_messages", changed("chat_messages", without("handle")), "--json")
    assert "who is whom (identity)" in json.loads(result.stdout)["differences"][0]["breaks"]["feeds"]


def test_what_breaks_nobody_ends_with_exit_code_0(changed: Changed) -> None:
    def rename_owner(document: dict[str, Any]) -> None:
        document["team"]["name"] = "Web shop"

    result = run("diff", "purchases", changed("purchases", rename_owner))
    assert (result.exit_code, result.output) == (
        0,
        "compatible: Web shop answers for the table, which was Shop's\n",
    )


def test_two_tables_are_no_two_versions() -> None:
    result = run("diff", "consents", "contacts")
    assert isinstance(result.exception, UsageError)
    assert "two tables, not two versions" in str(result.exception)


def test_a_contract_is_shown_as_sentences_with_owner_severity_and_threshold() -> None:
    output = run("show", "chat_messages").output
    for words in (
        "Customer service answers for it, kept 3 years.",
        "kept 13 months",
        "“Time of the message” is never missing.",
        "occurred_at_present, critical, at most 50% of a batch",
        "The newest row of chat messages is at most 7 days old.",
        "not_from_the_future, warning",
    ):
        assert words in " ".join(output.split()), words


def test_a_contract_as_a_document_has_every_column_and_rule() -> None:
    document, contract = json.loads(run("show", "purchases", "--json").stdout), load_contract("purchases")
    rules = [rule["name"] for column in document["columns"] for rule in column["rules"]]
    rules += [rule["name"] for rule in document["rules"]]
    assert rules == [rule.name for rule in contract.rules]
    assert (document["owner"], document["retention"]) == ("Shop", "P10Y")


def test_the_commands_are_listed_without_loading_what_they_need() -> None:
    code = (
        "import sys; from pipelines.contracts.commands import app; "
        "print([name for name in ('dbt', 'duckdb', 'sqlglot', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parent
    )
    assert done.stdout == "[]\n"
