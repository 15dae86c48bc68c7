"""Landed files become tables: each once, only whole ones, and afresh when one has gone."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.landing.manifest import Landing, file_sha256
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.load import TableLoad, load_tables

COLUMNS = {
    "products": {
        "source": "VARCHAR",
        "source_record_id": "VARCHAR",
        "received_at": "TIMESTAMP",
        "price_minor": "BIGINT",
    }
}


def land(folder: Path, name: str, prices: list[int], table: str = "products") -> Landing:
    path = folder / f"{name}.parquet"
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "COPY (SELECT 'shop' AS source, 'product/' || price AS source_record_id, TIMESTAMP '2026-10-01'"
            " AS received_at, price::BIGINT AS price_minor, 'h' AS row_hash, $name AS landing_id FROM"
            " (SELECT unnest($prices) AS price)) TO $path (FORMAT parquet)",
            {"name": name, "prices": prices, "path": str(path)},
        )
    return Landing(
        landing_id=name,
        source="shop",
        table=table,
        file_name=f"{name}.csv",
        file_sha256="",
        contract_hash="",
        mapping_hash="",
        received_at=datetime.fromisoformat("2026-10-01"),
        rows_in=len(prices),
        accepted=len(prices),
        quarantined=0,
        already_landed=0,
        changed=0,
        parquet=path.name,
        parquet_sha256=file_sha256(path),
        columns=(),
        path=path,
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "build.duckdb"


def load(warehouse: Path, *landings: Landing, full: bool = False) -> TableLoad:
    with open_warehouse(warehouse) as connection:
        return load_tables(connection, COLUMNS, landings, full=full)[0]


def prices(warehouse: Path) -> list[int]:
    with open_warehouse(warehouse, read_only=True) as connection:
        rows = connection.execute("SELECT price_minor FROM landing.products ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def test_a_table_is_there_even_when_nothing_has_landed(warehouse: Path) -> None:
    assert load(warehouse) == TableLoad("products", 0, 0, 0, rebuilt=True, refused=())
    assert prices(warehouse) == []


def test_a_landing_is_loaded_once_and_the_next_one_added(tmp_path: Path, warehouse: Path) -> None:
    one, two = land(tmp_path, "one", [1, 2]), land(tmp_path, "two", [3])
    load(warehouse, one)
    assert load(warehouse, one) == TableLoad("products", 2, 0, 1, rebuilt=False, refused=())
    assert load(warehouse, one, two) == TableLoad("products", 3, 1, 2, rebuilt=False, refused=())
    assert prices(warehouse) == [1, 2, 3]


def test_rows_of_a_landing_that_has_gone_go_too(tmp_path: Path, warehouse: Path) -> None:
    one, two = land(tmp_path, "one", [1, 2]), land(tmp_path, "two", [3])
    load(warehouse, one, two)
    assert load(warehouse, two).rebuilt
    assert prices(warehouse) == [3]


def test_a_landing_that_was_written_again_replaces_what_it_had(tmp_path: Path, warehouse: Path) -> None:
    load(warehouse, land(tmp_path, "one", [1, 2]))
    assert load(warehouse, land(tmp_path, "one", [7])).rebuilt
    assert prices(warehouse) == [7]


def test_a_full_build_loads_everything_again(tmp_path: Path, warehouse: Path) -> None:
    one = land(tmp_path, "one", [1, 2])
    load(warehouse, one)
    assert load(warehouse, one, full=True).new_rows == 2
    assert prices(warehouse) == [1, 2]


def test_a_file_with_one_flipped_bit_is_refused_and_none_of_its_rows_loaded(
    tmp_path: Path, warehouse: Path
) -> None:
    one, two = land(tmp_path, "one", [1, 2]), land(tmp_path, "two", [3])
    content = bytearray(two.path.read_bytes())
    content[len(content) // 3] ^= 1
    two.path.write_bytes(content)
    assert load(warehouse, one, two).refused == ("shop/two",)
    assert prices(warehouse) == [1, 2]


def test_a_file_that_is_mended_is_loaded_by_the_next_build(tmp_path: Path, warehouse: Path) -> None:
    one = land(tmp_path, "one", [1, 2])
    content = one.path.read_bytes()
    one.path.unlink()
    assert load(warehouse, one).refused == ("shop/one",)
    one.path.write_bytes(content)
    assert load(warehouse, one).new_rows == 2


def test_a_table_whose_contract_gained_a_column_is_built_afresh_with_the_column_empty(
    tmp_path: Path, warehouse: Path
) -> None:
    one = land(tmp_path, "one", [1])
    load(warehouse, one)
    wider = {"products": {**COLUMNS["products"], "colour": "VARCHAR"}}
    with open_warehouse(warehouse) as connection:
        assert load_tables(connection, wider, [one])[0].rebuilt
        assert connection.execute("SELECT price_minor, colour FROM landing.products").fetchall() == [
            (1, None)
        ]
