"""`rapport identity why`: the answer of a published release in words, bars and JSON."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from data_contracts.errors import NotFoundError, RefusedError
from messaging.clock import pin_clock
from messaging.store.ids import new_id
from pipelines.identity.commands import app
from pipelines.publishing.release import ReleaseFacts, publish
from pipelines.warehouse.connection import open_warehouse

NOON = datetime.fromisoformat("2026-10-30T12:00")
ANN, BOB = "cus_ann", "cus_bob"
TIES = """kind VARCHAR, identifier_type VARCHAR, match_key VARCHAR, other_type VARCHAR, other_key VARCHAR,
    source VARCHAR, source_record_id VARCHAR, origin_table VARCHAR, other_source VARCHAR, other_record_id VARCHAR,
    records BIGINT, first_seen_at TIMESTAMP, last_seen_at TIMESTAMP, weight DOUBLE, detail JSON"""
SCHEMAS = {
    "customer_360": """customer_id VARCHAR, display_name VARCHAR, given_name VARCHAR, family_name VARCHAR,
        email VARCHAR, phone VARCHAR, country VARCHAR, lifecycle_stage VARCHAR, last_seen_at TIMESTAMP,
        net_revenue_minor BIGINT""",
    "orders": "order_id VARCHAR, source VARCHAR, customer_id VARCHAR",
    "order_lines": "customer_id VARCHAR, source VARCHAR, source_record_id VARCHAR, order_id VARCHAR",
    "customer_identifiers": "customer_id VARCHAR, identifier_type VARCHAR, value VARCHAR",
    "identity_map": """customer_id VARCHAR, source VARCHAR, source_record_id VARCHAR, identifier_type VARCHAR,
        match_key VARCHAR""",
    "identity_alias": "old_customer_id VARCHAR, customer_id VARCHAR",
    "identity_evidence": f"customer_id VARCHAR, {TIES}",
    "identity_refused": f"customer_id VARCHAR, other_customer_id VARCHAR, rule VARCHAR, {TIES}",
    "identity_review": """review_id VARCHAR, customer_id VARCHAR, other_customer_id VARCHAR, source VARCHAR,
        source_record_id VARCHAR, other_source VARCHAR, other_record_id VARCHAR, weight DOUBLE, probability DOUBLE,
        detail JSON""",
    "identity_journal": """"at" TIMESTAMP, build_id VARCHAR, kind VARCHAR, customer_id VARCHAR,
        other_customer_id VARCHAR, records BIGINT, cause VARCHAR, detail JSON""",
}
LIKENESS = json.dumps(
    {
        "probability": 0.96,
        "prior_weight": -9.0,
        "comparisons": [{"name": "street", "label": "Same", "weight": 13.6, "left": "[b]", "right": "[b]"}],
    }
)
SHARED = ("phone", "+442079460001")
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "customer_360": [
        (ANN, "Ann [b]\x1b[31m Lee", "Ann", "Lee", None, None, None, "new", NOON, 0),
        (BOB, "Bob Lee", "Bob", "Lee", None, None, None, "new", NOON, 0),
    ],
    "customer_identifiers": [
        (ANN, "email", "ann@x.example"), (ANN, "external_id", "shop:1042"), (BOB, "external_id", "shop:2077"),
    ],
    "identity_map": [
        (ANN, "shop", "line/1", "external_id", "shop:1042"),
        (ANN, "web", "form/7", "record", "web/form/7"),
        (BOB, "shop", "line/2", "external_id", "shop:2077"),
    ],
    "order_lines": [(ANN, "shop", "line/1", "#1017")],
    "identity_evidence": [
        (ANN, "deterministic", "external_id", "shop:1042", "email", "ann@x.example", "shop", "line/1", "purchases",
         None, None, 1, NOON, NOON, None, None),
        (ANN, "probabilistic", "email", "ann@x.example", "record", "web/form/7", "crm", "contact/3", None, "web",
         "form/7", 2, None, None, 4.6, LIKENESS),
    ],
    "identity_refused": [
        (BOB, ANN, "limit", "deterministic", "external_id", "shop:2077", *SHARED, "shop", "line/2", "purchases", None,
         None, 1, NOON, NOON, None, '{"type": "external_id", "source": "shop", "allowed": 1, "would_be": 2}'),
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("RAPPORT_HOME", str(home))
    monkeypatch.delenv("RAPPORT_STORE_URL", raising=False)
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    pin_clock(home, NOON)
    with open_warehouse(home / "warehouse" / "build.duckdb") as connection:
        connection.execute("CREATE SCHEMA marts")
        for table, columns in SCHEMAS.items():
            connection.execute(f"CREATE TABLE marts.{table} ({columns})")
            for row in ROWS.get(table, []):
                connection.execute(f"INSERT INTO marts.{table} VALUES ({', '.join('?' for _ in row)})", row)
    facts = ReleaseFacts(NOON, NOON, new_id("bld"), "run", {})
    publish(home / "warehouse" / "build.duckdb", home / "releases", facts, list(SCHEMAS))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["why", *words])


def test_two_of_one_customer_are_told_by_their_evidence_and_nothing_commands_the_terminal() -> None:
    result = run("shop:1042", "ann@x.example")
    assert result.exit_code == 0, result.output
    assert "order #1017 of 30 October 2026 carries both." in result.stdout
    assert "\x1b" not in result.stdout
    assert "Ann [b]" in result.stdout


def test_a_likeness_is_drawn_as_bars() -> None:
    lines = run("ann@x.example", "web/form/7").stdout.splitlines()
    drawn = [line.strip() for line in lines if "│" in line or "█" in line]
    assert [line.split("  ")[0] for line in drawn] == ["any two records", "street: Same", "together"]
    assert drawn[-1].endswith("96.0 %")


def test_two_customers_are_told_what_keeps_them_apart() -> None:
    shown = " ".join(run("ann@x.example", "shop:2077").stdout.split())
    assert "They are two customers" in shown
    assert (
        "2 accounts of shop (1042 and 2077), and one person has only one; so it counts for 1042 alone."
        in shown
    )


def test_json_is_one_document_and_one_side_gives_the_whole_story() -> None:
    found = json.loads(run("ann@x.example", "--json").stdout)
    assert (found["same"], found["other"], found["missing"]) == (True, None, [])
    assert found["one"]["customer_id"] == ANN
    assert {step["evidence"][0]["kind"] for step in found["steps"]} == {"deterministic", "probabilistic"}
    assert found["refused"][0]["rule"] == "limit"


@pytest.mark.parametrize(("asked", "error"), [("nobody@x.example", NotFoundError), ("Lee", RefusedError)])
def test_a_side_that_names_nobody_or_several_is_refused_in_one_sentence(asked: str, error: type) -> None:
    result = run("ann@x.example", asked)
    assert result.exit_code == 1
    assert isinstance(result.exception, error)
