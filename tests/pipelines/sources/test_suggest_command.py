"""`rapport ingest --suggest-map`, `--rows` and `rapport sources`, as people and scripts use them."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from data_contracts.errors import InputError, UsageError
from pipelines.sources.commands import app

ORDERS = "Order,Date,Email,Product,Qty,Price\n1,2026-10-01,ann@example.com,Lamp,2,9.50\n2,2026-10-02,bo@example.com,Stool,1,20.00\n"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path / "home"))
    (tmp_path / "orders.csv").write_text(ORDERS)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_the_mapping_goes_to_standard_output_and_the_rows_to_standard_error(tmp_path: Path) -> None:
    result = run("ingest", "purchases", "orders.csv", "--suggest-map")
    assert result.exit_code == 0
    assert yaml.safe_load(result.stdout)["table"] == "purchases"
    assert "would be accepted" not in result.stdout
    assert "Of the first 2 of 2 rows 2 would be accepted, 0 set aside" in " ".join(result.stderr.split())
    assert "order_id" in result.stderr
    assert not (tmp_path / "home" / "landing").exists()


def test_as_json_it_is_one_document() -> None:
    document = json.loads(run("ingest", "purchases", "orders.csv", "--suggest-map", "--json").stdout)
    assert (document["accepted"], document["quarantined"], document["reasons"]) == (2, 0, {})
    assert yaml.safe_load(document["yaml"])["columns"]["email"] == "Email"
    assert document["shown"][0]["net_amount_minor"] == "1900"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["orders.csv", "--map", "online_retail"], "takes none"),
        (["orders.csv", "orders.csv"], "looks at one file"),
    ],
)
def test_a_wrong_call_is_refused(words: list[str], sentence: str) -> None:
    result = run("ingest", "purchases", *words, "--suggest-map")
    assert isinstance(result.exception, UsageError)
    assert sentence in str(result.exception)


def test_a_file_with_another_number_of_records_than_was_announced_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(run("ingest", "purchases", "orders.csv", "--suggest-map").stdout)
    refused = run("ingest", "purchases", "orders.csv", "--map", "own.yaml", "--rows", "3")
    assert isinstance(refused.exception, InputError)
    assert "orders.csv holds 2 records where 3 were announced" in str(refused.exception)
    taken = run("ingest", "purchases", "orders.csv", "--map", "own.yaml", "--rows", "2", "--json")
    assert json.loads(taken.stdout)["accepted"] == 2


def test_sources_are_listed_for_people_and_for_scripts() -> None:
    listed = json.loads(run("sources", "--json").stdout)["sources"]
    shopify = next(item for item in listed if item["name"] == "shopify_orders")
    assert (shopify["source"], shopify["table"]) == ("shopify", "purchases")
    assert shopify["command"] == "rapport ingest shopify FILE"
    retail = next(item for item in listed if item["name"] == "online_retail")
    assert retail["command"] == "rapport ingest purchases FILE --map online_retail"
    told = run("sources").output
    assert "shopify_orders -> purchases" in told
    assert "rapport ingest purchases FILE --map online_retail" in told
