"""A real shop's first nine months: how often and how lately each customer bought, against its authors' own figures."""

import csv
import os
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.identity.people import resolve_people
from pipelines.warehouse.connection import open_warehouse

if TYPE_CHECKING:
    from conftest import Company

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]

Rows = list[dict[str, Any]]

END = date(1997, 9, 30)  # of the 39 weeks on which the models of the literature are fitted
AS_OF = f"{END} 23:59:59"
LANDED = """
    INSERT INTO landing.purchases BY NAME
    SELECT
        'cdnow' AS source, 'line/' || number AS source_record_id, number::VARCHAR AS order_id, 'sale' AS line_kind,
        strptime(day, '%Y%m%d') AS occurred_at, strptime(day, '%Y%m%d') AS received_at, customer AS external_id,
        discs AS quantity, (dollars * 100)::BIGINT AS net_amount_minor, 'USD' AS currency,
        '{}' AS raw_record, 'cdnow' AS landing_id
    FROM (
        SELECT
            row_number() OVER () AS number, words[2] AS customer, words[3] AS day, words[4]::BIGINT AS discs,
            words[5]::DECIMAL(12, 2) AS dollars
        FROM (
            SELECT string_split_regex(trim(line), '\\s+') AS words
            FROM read_csv(?, columns = {'line': 'VARCHAR'}, header = false, delim = '|', quote = '')
        )
    )
    WHERE day <= strftime(?::DATE, '%Y%m%d')
"""
FOUND = """
    SELECT
        split_part(known.value, ':', 2)::INTEGER AS customer,
        rhythm.order_day_count - 1 AS frequency,
        rhythm.first_ordered_on AS first_day,
        rhythm.last_ordered_on AS last_day,
        bought.order_count,
        bought.net_revenue_minor,
        rfm.rfm_recency, rfm.rfm_frequency, rfm.rfm_monetary, rfm.rfm_segment
    FROM intermediate.int_purchases__rhythm AS rhythm
    JOIN intermediate.int_purchases__customers AS bought USING (customer_id)
    JOIN intermediate.int_purchases__rfm AS rfm USING (customer_id)
    JOIN staging.stg_identity__identifiers AS known USING (customer_id)
    WHERE known.identifier_type = 'external_id'
    ORDER BY customer
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    data = Path(os.environ.get("RAPPORT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (data / "cdnow").exists():
        pytest.skip(f"the real data sets are not at {data} (RAPPORT_REAL_DATA names another place)")
    return data / "cdnow"


@pytest.fixture(scope="module")
def buyers(found_company: Callable[[str], "Company"], folder: Path) -> Rows:
    company = found_company("cdnow")
    company.land({})
    with open_warehouse(company.build_path) as connection:
        connection.execute(LANDED, [str(folder / "CDNOW_sample.txt"), END])
    company.part("before_identity", as_of=AS_OF)
    resolve_people(company.build_path, company.folder / "state.duckdb", datetime.fromisoformat(AS_OF))
    models = ["+int_purchases__rhythm", "+int_purchases__rfm", "stg_identity__identifiers"]
    company.dbt(
        "build", "--select", *models, "--exclude", "tag:before_identity", "--exclude-resource-type", "unit_test",
        as_of=AS_OF, currency="USD",
    )  # fmt: skip
    return company.rows(FOUND)


def test_frequency_recency_and_age_are_those_of_the_authors_for_every_customer(
    buyers: Rows, folder: Path
) -> None:
    with (folder / "cdnow_customers_summary.csv").open() as file:
        published = {
            int(row["ID"]): (int(row["frequency"]), float(row["recency"]), float(row["T"]))
            for row in csv.DictReader(file)
        }
    found = {
        row["customer"]: (
            row["frequency"],
            weeks(row["last_day"] - row["first_day"]),
            weeks(END - row["first_day"]),
        )
        for row in buyers
    }
    assert len(published) == 2357
    assert found == published


def weeks(span: timedelta) -> float:
    """Give a time span in weeks as the summary does, to two places."""
    return round(span.days / 7, 2)


def test_orders_and_money_of_every_customer_are_those_of_the_file(buyers: Rows, folder: Path) -> None:
    orders: Counter[int] = Counter()
    cents: Counter[int] = Counter()
    for text in (folder / "CDNOW_sample.txt").read_text().splitlines():
        _, customer, day, _, dollars = text.split()
        if day <= END.strftime("%Y%m%d"):
            orders[int(customer)] += 1
            cents[int(customer)] += int(Decimal(dollars) * 100)
    assert {row["customer"]: row["order_count"] for row in buyers} == orders
    assert {row["customer"]: row["net_revenue_minor"] for row in buyers} == cents


def test_everybody_is_scored_and_nobody_above_who_did_better(buyers: Rows) -> None:
    for score, figure in [
        ("rfm_recency", "last_day"),
        ("rfm_frequency", "order_count"),
        ("rfm_monetary", "net_revenue_minor"),
    ]:
        ranked = sorted(buyers, key=lambda row: (row[figure], row[score]))
        scores = [row[score] for row in ranked]
        assert scores == sorted(scores)
        assert set(scores) <= {1, 2, 3, 4, 5}
        assert {1, 5} <= set(scores)
        for before, after in pairwise(ranked):
            assert before[figure] != after[figure] or before[score] == after[score]
    assert all(row["rfm_segment"] for row in buyers)
