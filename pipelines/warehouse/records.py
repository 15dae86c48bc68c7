"""What a build writes down about itself in schema `warehouse`: contract results, lineage, sums."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.landing.results import RuleResult, TableState, table_state
from pipelines.warehouse.connection import CATALOG, open_warehouse


@dataclass(frozen=True)
class ContractState:
    """The verdict on one table: green, amber (some rows break a rule) or red (it must not be published)."""

    table: str
    rows_checked: int
    rows_quarantined: int
    results: tuple[RuleResult, ...]
    checked_at: datetime
    rows: int = 0  # of the table; Great Expectations looked at rows_checked of them

    @property
    def state(self) -> TableState:
        """Sum the rules up."""
        return table_state(self.results, self.rows_quarantined)

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """Give the rules that have to be told of."""
        return tuple(result for result in self.results if result.told)

    def to_document(self) -> dict[str, Any]:
        """Give the verdict as plain data."""
        return {
            "table": self.table,
            "state": self.state,
            "rows_checked": self.rows_checked,
            "rows_quarantined": self.rows_quarantined,
            "failed": self.rules(),
            "checked_at": self.checked_at.isoformat(),
        }

    def rules(self) -> list[dict[str, Any]]:
        """Give the broken rules as plain data."""
        return [{"rule": rule.rule, "failed": rule.failed, "severity": rule.severity} for rule in self.failed]


@dataclass(frozen=True)
class TableSum:
    """Rows of one landed table: every one is in staging, or an older version of one that is."""

    table: str
    landed: int
    staged: int
    superseded: int

    @property
    def closes(self) -> bool:
        """Say whether no row is lost or doubled."""
        return self.landed == self.staged + self.superseded


def write_contract_results(connection: duckdb.DuckDBPyConnection, states: Iterable[ContractState]) -> None:
    """Replace the standing verdict of each table: one row a rule, those that were kept too.

    `state` and `rows_checked` are the table's, `rule_state` and `rule_checked` the rule's; `share` is 0 to 1.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS warehouse")
    if _is_of_older_shape(connection):
        connection.execute("DROP TABLE warehouse.contract_results")  # every build writes it whole
    connection.execute(f"CREATE TABLE IF NOT EXISTS warehouse.contract_results ({_RESULT_COLUMNS})")
    for state in states:
        connection.execute("DELETE FROM warehouse.contract_results WHERE table_name = ?", [state.table])
        about = [state.table, state.state, state.rows_checked, state.rows_quarantined]
        rows = [
            (
                *about,
                result.rule,
                result.sentence,
                result.owner,
                result.severity,
                result.threshold,
                result.checked,
                result.failed,
                result.set_aside,
                result.share,
                result.state,
                state.checked_at,
            )
            for result in state.results
        ]
        if rows:  # in one statement: row by row takes ten times as long
            connection.execute(_INSERT_RESULTS, [list(column) for column in zip(*rows, strict=True)])


_INSERT_RESULTS = f"INSERT INTO warehouse.contract_results SELECT {', '.join(['unnest(?)'] * 15)}"
_RESULT_COLUMNS = (
    "table_name VARCHAR, state VARCHAR, rows_checked BIGINT, rows_quarantined BIGINT, rule VARCHAR, sentence VARCHAR,"
    " owner VARCHAR, severity VARCHAR, threshold DOUBLE, rule_checked BIGINT, failed BIGINT, set_aside BIGINT,"
    " share DOUBLE, rule_state VARCHAR, checked_at TIMESTAMP"
)


def _is_of_older_shape(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_catalog = current_database()"
        " AND table_schema = 'warehouse' AND table_name = 'contract_results'"
    ).fetchall()
    return bool(found) and ("rule_state",) not in found


def write_landed_files(connection: duckdb.DuckDBPyConnection) -> int:
    """Say for each landed file which table and model its rows went to; gives the number of files."""
    connection.execute(
        "CREATE OR REPLACE TABLE warehouse.landed_files AS"
        " SELECT source, table_name, landing_id, rows, 'stg_landing__' || table_name AS model"
        " FROM warehouse.loaded_landings ORDER BY table_name, source, landing_id"
    )
    return int(connection.execute("SELECT count(*) FROM warehouse.landed_files").fetchall()[0][0])


def model_rows(build_path: Path) -> dict[str, int]:
    """Count the rows of every table that dbt built, from DuckDB's own books; views hold none."""
    with open_warehouse(build_path, read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE database_name = ? AND schema_name <> 'slice'"
            " AND list_contains(['staging', 'intermediate', 'marts'], schema_name)",
            [CATALOG],
        ).fetchall()
    return dict(found)


def watermarks(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> dict[str, str]:
    """Give the newest `received_at` of each landed table that has rows, as ISO text in naive UTC."""
    query = "SELECT max(received_at) FROM query_table(?)"
    newest = {table: connection.execute(query, [f"landing.{table}"]).fetchall()[0][0] for table in tables}
    return {table: moment.isoformat() for table, moment in newest.items() if moment}


def table_sums(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> list[TableSum]:
    """Count each landed table against its staging model."""
    return [_table_sum(connection, table) for table in tables]


def _table_sum(connection: duckdb.DuckDBPyConnection, table: str) -> TableSum:
    landed, records = connection.execute(
        "SELECT count(*), count(DISTINCT (source, source_record_id)) FROM query_table(?)",
        [f"landing.{table}"],
    ).fetchall()[0]
    staged = connection.execute(
        "SELECT count(*) FROM query_table(?)", [f"staging.stg_landing__{table}"]
    ).fetchall()[0][0]
    return TableSum(table, landed, staged, landed - records)


def purchases_close(connection: duckdb.DuckDBPyConnection) -> bool:
    """Say whether the order lines that we publish are those that were landed: rows and money, by currency."""
    landed, published = (
        connection.execute(
            "SELECT currency, count(*), sum(net_amount_minor) FROM query_table(?) GROUP BY 1 ORDER BY 1",
            [table],
        ).fetchall()
        for table in ("staging.stg_landing__purchases", "marts.order_lines")
    )
    return bool(landed == published)


def count_people(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count customers, and the orders of guests apart: a purchase without any identifier is nobody's."""
    customers = connection.execute("SELECT count(*) FROM marts.customer_360").fetchall()[0][0]
    orders, guest_orders = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE customer_id IS NULL) FROM marts.orders"
    ).fetchall()[0]
    return {"customers": customers, "orders": orders, "guest_orders": guest_orders}
