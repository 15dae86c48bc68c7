"""A real shop's ten months, from its file to the release: every figure is the file's own."""

import os
from datetime import date
from pathlib import Path

import duckdb
import pytest

from messaging.clock import Clock
from messaging.release import ReleaseReader
from messaging.settings import Settings
from pipelines.defs.build import run_build
from pipelines.sources.intake import ingest

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]

FILE = Path("online_retail") / "online_retail_2010-12_2011-10.parquet"
CUSTOMER = """
    SELECT count(DISTINCT order_id) AS orders, sum(net_amount_minor) AS net
    FROM c360.order_lines
    JOIN c360.identity_map USING (source, source_record_id, customer_id)
    JOIN c360.customer_identifiers AS known USING (customer_id)
    WHERE known.identifier_type = 'external_id' AND known.value LIKE '%14646'
"""
# In plain SQL on the file: who ordered first in a month, and how many of them ordered in each month since.
COHORTS = """
    WITH orders AS (
        SELECT DISTINCT CustomerID AS customer, date_trunc('month', InvoiceDate)::DATE AS month
        FROM read_parquet(?)
        WHERE CustomerID IS NOT NULL AND InvoiceNo NOT LIKE 'C%' AND InvoiceNo NOT LIKE 'A%'
    ),
    firsts AS (SELECT customer, min(month) AS cohort FROM orders GROUP BY customer)
    SELECT cohort, month, count(*) AS active FROM orders JOIN firsts USING (customer) GROUP BY ALL ORDER BY ALL
"""
COHORTS_FOUND = """
    SELECT cohort_month, month, active_count FROM c360.metric_revenue_cohort_monthly
    WHERE active_count > 0 ORDER BY ALL
"""
MONEY = """
    SELECT
        (SELECT sum(net_amount_minor) FROM c360.order_lines) AS lines,
        (SELECT sum(net_amount_minor) FROM c360.orders) AS orders,
        (SELECT sum(net_amount_minor) FROM c360.metric_revenue_weekly) AS weeks,
        (SELECT sum(net_amount_minor) FROM c360.customer_value)
            + (SELECT sum(net_amount_minor) FROM c360.orders WHERE customer_id IS NULL) AS people_and_guests
"""


@pytest.fixture
def data() -> Path:
    folder = Path(os.environ.get("RAPPORT_REAL_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (folder / FILE).exists():
        pytest.skip(f"the real data sets are not at {folder} (RAPPORT_REAL_DATA names another place)")
    return folder


def test_ten_months_of_a_real_shop_come_out_to_the_penny(data: Path, settings: Settings) -> None:
    clock = Clock()
    ingest(settings, clock, "purchases", [data / FILE], "online_retail")
    report = run_build(settings, clock)
    assert report.people == {"customers": 4010, "orders": 21423, "guest_orders": 3240}
    assert report.row_counts["order_lines"] == 431673
    reader = ReleaseReader(settings.releases_dir)
    try:
        with reader.snapshot() as snapshot:
            assert snapshot.row("SELECT sum(net_amount_minor) AS net FROM c360.order_lines") == {
                "net": 785232367
            }
            assert snapshot.row(CUSTOMER) == {"orders": 62, "net": 24238559}
            assert snapshot.row(MONEY) == dict.fromkeys(
                ("lines", "orders", "weeks", "people_and_guests"), 785232367
            )
            cohorts = [tuple(row.values()) for row in snapshot.rows(COHORTS_FOUND)]
    finally:
        reader.close()
    with duckdb.connect() as connection:
        assert cohorts == connection.execute(COHORTS, [str(data / FILE)]).fetchall()
    december = [active for cohort, _, active in cohorts if cohort == date(2010, 12, 1)]
    # the figures that everybody who has drawn this shop's cohorts knows: 37 % come back in the first month
    assert december[:4] == [885, 324, 286, 340]
