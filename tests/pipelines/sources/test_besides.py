"""Tables whose rows belong together lie in several files of one folder, as databases and pipelines export them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts.errors import ContractError, InputError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.sources.mapping import load_mapping
from pipelines.sources.replay import replay
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
MAPPING = """
table: purchases
source: erp
recognise: {columns: [order_no, sku, pieces, price]}
beside:
  order: {file: "*orders*", key: no, is: order_no}
  customer: {file: "*customers*", key: id, is: order.customer_id}
  tax: {file: "*taxes*", key: line, is: id, total: [amount], optional: true}
  stage: {file: "*stages*", key: order_no, is: order_no, newest: at, only: {column: kind, is: paid}, optional: true}
currency: EUR
record_id: line/{id}
columns:
  order_id: order_no
  occurred_at: {time: order.placed_at}
  email: customer.email
  line_kind: {value: sale}
  product_id: sku
  product_name: stage.at
  quantity: {integer: pieces}
  net_amount_minor: {subtract: [{multiply: [{money: price}, {integer: pieces}]}, {money: tax.amount}]}
  currency: {value: EUR}
"""
LINES = "id,order_no,sku,pieces,price\n1,A1,stool,2,10.00\n2,A1,lamp,1,5.50\n3,A2,lamp,1,5.50\n"
ORDERS = "no,customer_id,placed_at\nA1,7,2026-10-03 12:00:00\nA2,8,2026-10-04 12:00:00\n"
CUSTOMERS = "id,email\n7,jane@example.com\n9,joe@example.com\n"


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.mappings_dir.mkdir(parents=True)
    (settings.mappings_dir / "erp_lines.yaml").write_text(MAPPING)
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "lines.csv").write_text(LINES)
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "customers.csv").write_text(CUSTOMERS)
    return folder


def test_a_line_takes_the_day_from_its_order_and_the_address_from_the_orders_customer(
    folder: Path, take: Take, landed: Landed
) -> None:
    report = take("erp", folder)
    assert (report.rows_in, report.accepted, report.unread) == (3, 3, ())
    assert landed(
        "purchases", "source_record_id, CAST(occurred_at AS DATE)::VARCHAR, email, net_amount_minor"
    ) == [
        ("line/1", "2026-10-03", "jane@example.com", 2000),
        ("line/2", "2026-10-03", "jane@example.com", 550),
        ("line/3", "2026-10-04", None, 550),  # its customer is not in the export
    ]


def test_a_line_whose_order_is_not_there_is_set_aside(folder: Path, take: Take) -> None:
    (folder / "orders.csv").write_text("no,customer_id,placed_at\nA1,7,2026-10-03 12:00:00\n")
    report = take("erp", folder)
    assert (report.accepted, report.reasons) == (2, {"occurred_at_present": 1})


def test_a_file_that_is_named_alone_finds_those_in_its_folder(folder: Path, take: Take) -> None:
    assert take("erp", folder / "lines.csv").accepted == 3


def test_a_named_mapping_joins_as_well(folder: Path, take: Take) -> None:
    assert take("purchases", folder / "lines.csv", mapping="erp_lines").accepted == 3


def test_a_corrected_order_reads_its_lines_anew(folder: Path, take: Take) -> None:
    take("erp", folder)
    (folder / "orders.csv").write_text(ORDERS.replace("2026-10-04", "2026-10-05"))
    report = take("erp", folder)
    assert (report.accepted, report.changed, report.already_landed) == (1, 1, 2)


def test_a_mended_mapping_joins_again_what_was_kept(
    folder: Path, take: Take, settings: Settings, clock: Clock, landed: Landed
) -> None:
    own = settings.mappings_dir / "erp_lines.yaml"
    own.write_text(MAPPING.replace("currency: {value: EUR}", "currency: {value: euros}"))
    assert take("erp", folder).quarantined == 3
    for path in folder.iterdir():
        path.unlink()
    own.write_text(MAPPING)
    assert [done.landed for done in replay(settings, clock)] == [3]
    assert landed("purchases", "email, currency") == [
        ("jane@example.com", "EUR"), ("jane@example.com", "EUR"), (None, "EUR"),
    ]  # fmt: skip


def test_several_rows_of_a_key_are_added_up_or_the_newest_counts(
    folder: Path, take: Take, landed: Landed
) -> None:
    (folder / "taxes.csv").write_text("line,amount\n1,3.10\n1,0.20\n2,0.50\n")
    (folder / "stages.csv").write_text(
        "order_no,kind,at\nA1,paid,2026-10-03\nA1,paid,2026-10-05\nA1,sent,2026-10-09\n"
    )
    take("erp", folder)
    assert landed("purchases", "net_amount_minor, product_name") == [
        (1670, "2026-10-05"), (500, "2026-10-05"), (550, None),
    ]  # fmt: skip


def test_a_sum_with_a_part_that_is_no_number_sets_the_row_aside(folder: Path, take: Take) -> None:
    (folder / "taxes.csv").write_text("line,amount\n1,3.10\n1,soon\n")
    assert take("erp", folder).reasons == {"net_amount_minor_type": 1}


def test_the_others_may_be_parquet_or_a_json_list(folder: Path, take: Take) -> None:
    (folder / "orders.csv").unlink()
    (folder / "customers.csv").unlink()
    duckdb.sql(
        "SELECT * FROM (VALUES ('A1', 7, TIMESTAMP '2026-10-03 12:00'), ('A2', 8, TIMESTAMP '2026-10-04 12:00'))"
        " AS orders(no, customer_id, placed_at)"
    ).write_parquet(str(folder / "orders.parquet"))
    (folder / "customers.json").write_text(json.dumps([{"id": 7, "email": "jane@example.com"}]))
    report = take("purchases", folder / "lines.csv", mapping="erp_lines")
    assert report.accepted == 3


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "orders.csv").unlink(), "needs a file *orders* beside it"),
        (
            lambda folder: (folder / "orders.csv").write_text("no,placed_at\nA1,2026-10-03 12:00:00\n"),
            "with the columns no, placed_at, customer_id",
        ),
        (
            lambda folder: (folder / "orders-old.csv").write_text(ORDERS),
            "lie 2 files that may be its order: orders-old.csv, orders.csv",
        ),
        (
            lambda folder: (folder / "orders.csv").write_text(ORDERS + "A2,8,2026-10-05 12:00:00\n"),
            "has 1 value of no on more than one row",
        ),
    ],
)
def test_a_missing_or_ambiguous_file_is_refused_with_what_it_needs(
    folder: Path, take: Take, spoil: Callable[[Path], object], sentence: str
) -> None:
    spoil(folder)
    with pytest.raises(InputError) as caught:
        take("erp", folder)
    assert sentence in caught.value.message


def test_a_mapping_that_takes_nothing_of_a_file_beside_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "erp.yaml"
    path.write_text(MAPPING.replace("stage.at", "sku"))
    with pytest.raises(ContractError, match="names stage beside it and takes nothing of it"):
        load_mapping(path)


def test_what_is_written_in_a_key_cannot_tell_tables_apart(tmp_path: Path) -> None:
    path = tmp_path / "erp.yaml"
    path.write_text(MAPPING.replace("price]}\nbeside", "price], where: {sku: stool}}\nbeside"))
    with pytest.raises(ContractError, match="where, which only JSON objects can keep"):
        load_mapping(path)


def test_a_mapping_that_does_not_say_what_the_key_is_equal_to_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "erp.yaml"
    path.write_text(MAPPING.replace(", is: order_no}\n  customer", "}\n  customer"))
    with pytest.raises(ContractError, match="has a beside order without is"):
        load_mapping(path)
