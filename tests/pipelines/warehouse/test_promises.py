"""A table that is published keeps its contract, or the rule that it broke is named and counted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from data_contracts.model import Column, Contract, Rule, SetRule
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.promises import judge_table
from pipelines.warehouse.records import ContractState, TableSum, table_sums, write_contract_results

NOON = datetime.fromisoformat("2026-10-30T12:00")


def column(name: str, kind: str, *rules: Rule) -> Column:
    return Column(name, kind, "", required=False, classification="internal", title="", rules=rules)


CONTRACT = Contract(
    name="people",
    version="1",
    purpose="",
    usage="",
    limitations="",
    grain="",
    quarantine_threshold=0,
    columns=(
        column("customer_id", "VARCHAR", Rule("id_present", "present", ("customer_id",), "")),
        column("age", "BIGINT", Rule("age_range", "range", ("age",), "", "warning", minimum=0, maximum=120)),
    ),
    cross_rules=(),
    set_rules=(SetRule("id_unique", "unique", ("customer_id",), ""),),
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(tmp_path / "build.duckdb") as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.people (customer_id VARCHAR, age BIGINT)")
        yield connection


def judge(warehouse: duckdb.DuckDBPyConnection, *rows: tuple[str | None, int]) -> ContractState:
    for row in rows:
        warehouse.execute("INSERT INTO marts.people VALUES (?, ?)", row)
    return judge_table(warehouse, "marts", CONTRACT, NOON)


def broken(state: ContractState) -> dict[str, int]:
    return {rule.rule: rule.failed for rule in state.failed}


def test_a_table_that_keeps_every_rule_is_green(warehouse: duckdb.DuckDBPyConnection) -> None:
    state = judge(warehouse, ("a", 30), ("b", 40))
    assert (state.state, state.rows_checked, state.failed) == ("green", 2, ())


def test_a_broken_warning_is_amber(warehouse: duckdb.DuckDBPyConnection) -> None:
    state = judge(warehouse, ("a", 30), ("b", 400))
    assert (state.state, broken(state)) == ("amber", {"age_range": 1})


@pytest.mark.parametrize(
    ("people", "rule"), [([("a", 30), (None, 30)], "id_present"), ([("a", 30), ("a", 31)], "id_unique")]
)
def test_a_missing_id_or_a_doubled_one_is_red(
    warehouse: duckdb.DuckDBPyConnection, people: list[tuple[str | None, int]], rule: str
) -> None:
    state = judge(warehouse, *people)
    assert (state.state, broken(state)) == ("red", {rule: 1})


def test_a_changed_type_a_missing_column_and_a_new_one_are_red_by_name(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("ALTER TABLE marts.people ALTER age TYPE VARCHAR")
    warehouse.execute("ALTER TABLE marts.people RENAME customer_id TO id")
    state = judge(warehouse)
    assert state.state == "red"
    assert set(broken(state)) == {
        "column_age_as_promised",
        "column_customer_id_as_promised",
        "column_id_not_in_contract",
    }


def test_a_table_that_is_not_there_is_red(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("DROP TABLE marts.people")
    assert broken(judge(warehouse)) == {"table_exists": 1}


def test_the_newest_results_of_a_table_replace_its_older_ones(warehouse: duckdb.DuckDBPyConnection) -> None:
    write_contract_results(warehouse, [judge(warehouse, ("a", 400), ("a", 30))])
    warehouse.execute("DELETE FROM marts.people")
    write_contract_results(warehouse, [judge(warehouse, ("a", 30))])
    found = warehouse.execute(
        "SELECT table_name, state, rule, rule_checked, failed, share, rule_state FROM warehouse.contract_results"
    ).fetchall()
    kept = (1, 0, 0.0, "kept")
    assert found == [("people", "green", rule, *kept) for rule in ("id_present", "age_range", "id_unique")]


def test_a_warehouse_of_an_older_version_takes_the_results_of_every_rule(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("CREATE SCHEMA warehouse")
    warehouse.execute("CREATE TABLE warehouse.contract_results (table_name VARCHAR, state VARCHAR)")
    write_contract_results(warehouse, [judge(warehouse, ("a", 400), ("a", 30))])
    shares = warehouse.execute("SELECT rule, share, rule_state FROM warehouse.contract_results").fetchall()
    assert shares == [
        ("id_present", 0.0, "kept"),
        ("age_range", 0.5, "warning"),
        ("id_unique", 0.5, "broken"),
    ]


def test_what_is_published_has_to_be_fresh_as_of_the_day_that_is_told(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("CREATE TABLE marts.news (came DATE)")
    warehouse.execute("INSERT INTO marts.news VALUES ('2026-10-28')")
    fresh = SetRule("fresh", "freshness", ("came",), "", "warning", hours=48)
    news = replace(CONTRACT, name="news", columns=(column("came", "DATE"),), set_rules=(fresh,))
    at = datetime.fromisoformat("2026-10-30T00:00")
    assert judge_table(warehouse, "marts", news, NOON, as_of=at).state == "green"
    assert broken(judge_table(warehouse, "marts", news, NOON)) == {"fresh": 1}


def test_a_row_that_staging_lost_does_not_close(warehouse: duckdb.DuckDBPyConnection) -> None:
    for schema, table in (("landing", "products"), ("staging", "stg_landing__products")):
        warehouse.execute(f"CREATE SCHEMA {schema}")
        warehouse.execute(f"CREATE TABLE {schema}.{table} (source VARCHAR, source_record_id VARCHAR)")
    rows = [("shop", "product/1"), ("shop", "product/1"), ("shop", "product/2")]
    for row in rows:
        warehouse.execute("INSERT INTO landing.products VALUES (?, ?)", row)
    warehouse.execute("INSERT INTO staging.stg_landing__products VALUES ('shop', 'product/1')")
    (item,) = table_sums(warehouse, ["products"])
    assert item == TableSum("products", landed=3, staged=1, superseded=1)
    assert not item.closes
