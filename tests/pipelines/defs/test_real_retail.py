"""A real shop's ten months, from its file to the release: every figure is the file's own."""

import os
from pathlib import Path

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
    finally:
        reader.close()
