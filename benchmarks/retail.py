"""A real shop's order lines, from the file to the release, in a warm process; and the same sums in plain SQL."""

import os
from pathlib import Path

import duckdb

from benchmarks.measure import Measured, measure
from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from pipelines.defs.build import run_build
from pipelines.sources.intake import ingest

FILE = Path("online_retail") / "online_retail_2010-12_2011-10.parquet"
MAPPING = "online_retail"

# What customer_360 says about money and time, and nothing else: no landing, no contract, no identity, no release.
FLOOR = """
    CREATE TABLE floor AS
    WITH lines AS (
        SELECT
            CustomerID AS customer_id, InvoiceNo AS order_id, InvoiceDate AS ordered_at, StockCode AS product_id,
            round(UnitPrice * 100)::BIGINT * Quantity AS net_amount_minor
        FROM read_parquet(?)
    ),
    orders AS (
        SELECT customer_id, order_id, min(ordered_at) AS ordered_at, sum(net_amount_minor) AS net, count(*) AS lines
        FROM lines GROUP BY ALL
    )
    SELECT
        customer_id, count(*) AS order_count, sum(net) AS net_revenue_minor, min(ordered_at) AS first_order_at,
        max(ordered_at) AS last_order_at, sum(lines) AS line_count
    FROM orders GROUP BY customer_id ORDER BY customer_id
"""


def real_data() -> Path | None:
    """Find the folder of real data sets: RAPPORT_REAL_DATA, or ../shared/data beside the repository."""
    named = os.environ.get("RAPPORT_REAL_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    return folder if (folder / FILE).exists() else None


def retail_rows(data: Path, home: Path) -> list[Measured]:
    """Ingest, build, build again with nothing new, and the floor."""
    settings, clock = read_settings(home=home), Clock()
    landed, _ = measure(
        "ingest",
        "land and check",
        lambda: ingest(settings, clock, "purchases", [data / FILE], MAPPING),
        lambda report: report.accepted,
    )
    again, _ = measure(
        "ingest",
        "the same file again",
        lambda: ingest(settings, clock, "purchases", [data / FILE], MAPPING),
        lambda report: report.already_landed,
    )
    return [
        landed,
        again,
        *build_rows("build", settings, clock),
        *build_rows("build again", settings, clock),
        floor_row(data),
    ]


def build_rows(group: str, settings: Settings, clock: Clock) -> list[Measured]:
    """Build once; a row for each stage, and one for the whole with what Dagster adds."""
    whole, report = measure(
        group,
        "whole build",
        lambda: run_build(settings, clock),
        lambda built: built.row_counts["order_lines"],
    )
    stages = [
        Measured(group, stage.name, stage.cpu_seconds, stage.seconds, stage.rows, stage.peak_mb)
        for stage in report.stages
    ]
    inside = sum(stage.cpu_seconds for stage in report.stages)
    around = Measured(group, "Dagster, lock and store", max(whole.cpu_seconds - inside, 0.0), 0.0)
    return [*stages, around, whole]


def floor_row(data: Path) -> Measured:
    """Measure plain SQL over the same file."""
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"}) as connection:
        row, _ = measure(
            "floor",
            "the same sums in plain SQL",
            lambda: connection.execute(FLOOR, [str(data / FILE)]).fetchall(),
            lambda _: _lines(connection),
        )
    return row


def _lines(connection: duckdb.DuckDBPyConnection) -> int:
    return int(connection.execute("SELECT sum(line_count) FROM floor").fetchall()[0][0])
