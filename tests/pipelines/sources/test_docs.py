"""The mapping that docs/mappings.md shows lands the file that it shows."""

import re
from pathlib import Path

from data_contracts.contracts import load_contract
from messaging.clock import Clock
from messaging.settings import read_settings
from pipelines.sources import vocabulary
from pipelines.sources.intake import ingest
from pipelines.warehouse.connection import open_warehouse

DOCUMENT = Path(__file__).parents[3] / "docs" / "mappings.md"


def block(kind: str) -> str:
    """Give the document's code block of one kind."""
    found = re.search(rf"```{kind}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    return found.group(1)


def test_the_documented_mapping_lands_the_documented_file(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(block("csv"))
    (tmp_path / "my_shop.yaml").write_text(block("yaml"))
    settings = read_settings(home=tmp_path / "home")
    report = ingest(settings, Clock(), "purchases", [tmp_path / "orders.csv"], str(tmp_path / "my_shop.yaml"))
    assert (report.rows_in, report.accepted) == (2, 2)
    landed = next(iter((settings.landing_dir / "my_shop" / "purchases").glob("*.parquet")))
    with open_warehouse(tmp_path / "look.duckdb") as connection:
        rows = connection.execute(
            "SELECT source_record_id, occurred_at::VARCHAR, external_id, net_amount_minor FROM read_parquet(?) ORDER BY 1",
            [str(landed)],
        ).fetchall()
    assert rows == [
        ("line/1001/1", "2026-10-03 12:05:00", "K-7", 9980),
        ("line/1002/1", "2026-10-04 07:30:00", None, 112000),
    ]


def test_every_verb_of_the_language_is_documented() -> None:
    text = DOCUMENT.read_text()
    assert [
        verb for verb in vocabulary.VERBS - {"empty"} if f"{verb}:" not in text and f"{verb}`" not in text
    ] == []


def test_the_documented_columns_stand_in_the_contract() -> None:
    named = re.findall(r"^  (\w+):", block("yaml"), re.MULTILINE)
    assert set(named) <= {column.name for column in load_contract("purchases").columns}
