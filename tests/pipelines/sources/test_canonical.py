"""Parquet files that have a table's own columns land without a mapping, typed as they are."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts.errors import InputError, UsageError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.landing.quarantine import list_quarantine, show_quarantine
from pipelines.sources.canonical import stage_canonical
from pipelines.sources.intake import ingest
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
PRODUCT = {
    "source": "'shop'",
    "source_record_id": "'product/' || n",
    "occurred_at": "TIMESTAMP '2026-10-01 09:00:00'",
    "product_id": "'p' || n",
    "name": "'Bell ' || n",
    "price_minor": "n * 100",
    "currency": "'GBP'",
    "raw_record": "'{}'",
}


def canonical(path: Path, changes: Mapping[str, str | None] = PRODUCT, rows: int = 3) -> Path:
    """Write a file whose columns are these expressions over n = 1, 2 ...; None leaves a column out."""
    wanted = {name: sql for name, sql in (PRODUCT | dict(changes)).items() if sql is not None}
    picked = ", ".join(f'{expression} AS "{name}"' for name, expression in wanted.items())
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        connection.execute(
            f"COPY (SELECT {picked} FROM range(1, {rows + 1}) AS r(n)) TO ? (FORMAT parquet)", [str(path)]
        )
    return path


def test_a_file_in_our_own_columns_lands_without_a_mapping(
    tmp_path: Path, take: Take, landed: Landed, settings: Settings
) -> None:
    report = take("products", canonical(tmp_path / "products.parquet"))
    assert (report.rows_in, report.accepted) == (3, 3)
    assert landed("products", "source_record_id, price_minor, occurred_at")[0] == (
        "product/1",
        100,
        datetime(2026, 10, 1, 9),
    )
    assert list_landings(settings)[0].source == "shop"
    assert take("products", tmp_path / "products.parquet").files[0].repeated


def test_its_rows_are_those_that_came_by_a_mapping_in_another_format(tmp_path: Path, take: Take) -> None:
    mapping = tmp_path / "bells.yaml"
    mapping.write_text(
        "table: products\nsource: shop\nrecord_id: product/{id}\ncolumns:\n  occurred_at: {time: at}\n"
        "  product_id: {template: 'p{id}'}\n  name: {template: 'Bell {id}'}\n  price_minor: {integer: price}\n"
        "  currency: {value: GBP}\n"
    )
    csv = tmp_path / "bells.csv"
    csv.write_text("id,at,price\n" + "".join(f"{n},2026-10-01 09:00:00,{n}00\n" for n in (1, 2, 3)))
    take("products", csv, mapping=mapping)
    report = take("products", canonical(tmp_path / "products.parquet", rows=4))
    assert (report.accepted, report.already_landed, report.changed) == (1, 3, 0)


def test_a_landed_file_can_be_taken_in_again_by_another_installation(
    tmp_path: Path, take: Take, settings: Settings, clock: Clock
) -> None:
    take("products", canonical(tmp_path / "products.parquet"))
    other = settings.model_copy(update={"home": tmp_path / "other"})
    report = ingest(other, clock, "products", [list_landings(settings)[0].path])
    assert report.accepted == 3


def test_the_rows_of_several_systems_land_apart(tmp_path: Path, take: Take, settings: Settings) -> None:
    sources = "CASE n WHEN 1 THEN 'till' WHEN 2 THEN 'shop' WHEN 3 THEN 'My Shop' END"
    report = take("products", canonical(tmp_path / "products.parquet", {"source": sources}, rows=4))
    assert {item.source: item.accepted for item in list_landings(settings)} == {"shop": 1, "till": 1}
    assert (report.rows_in, report.quarantined) == (4, 2)
    assert report.reasons == {"source_form": 1, "source_present": 1}


@pytest.mark.parametrize(
    ("changes", "column", "expected"),
    [
        ({"price_minor": "CAST(n AS TINYINT)"}, "price_minor", 1),
        ({"price_minor": "CAST(n AS VARCHAR)"}, "price_minor", 1),
        ({"price_minor": "CAST(n AS DOUBLE)"}, "price_minor", 1),
        ({"price_minor": "'nan'::DOUBLE"}, "price_minor", None),
        ({"price_minor": "''"}, "price_minor", None),
        ({"price_minor": None}, "price_minor", None),
        ({"product_id": "CAST(7 AS BIGINT)"}, "product_id", "7"),
        (
            {"occurred_at": "TIMESTAMPTZ '2026-10-01 09:00:00+02:00'"},
            "occurred_at",
            datetime(2026, 10, 1, 7),
        ),
        ({"occurred_at": "TIMESTAMP_NS '2026-10-01 09:00:00'"}, "occurred_at", datetime(2026, 10, 1, 9)),
        ({"occurred_at": "'2026-10-01 09:00:00'"}, "occurred_at", datetime(2026, 10, 1, 9)),
    ],
)
def test_types_that_fit_are_taken_and_text_is_read(
    tmp_path: Path,
    take: Take,
    landed: Landed,
    changes: dict[str, str | None],
    column: str,
    expected: object,
) -> None:
    assert take("products", canonical(tmp_path / "p.parquet", changes, rows=1)).accepted == 1
    assert landed("products", column) == [(expected,)]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"price_minor": "1.5::DOUBLE"}, ["price_minor_type"]),
        ({"price_minor": "'1.5'"}, ["price_minor_type"]),
        ({"occurred_at": "TIMESTAMP '30000-01-01 00:00:00'"}, ["occurred_at_type", "not_a_day_ahead"]),
        ({"occurred_at": "'infinity'::TIMESTAMP"}, ["occurred_at_type", "not_a_day_ahead"]),
        ({"occurred_at": "TIMESTAMP '1900-01-01 00:00:00'"}, ["occurred_at_range"]),
        ({"product_id": "''"}, ["product_id_present"]),
    ],
)
def test_a_row_that_breaks_a_rule_is_set_aside_as_text(
    tmp_path: Path, take: Take, settings: Settings, changes: dict[str, str | None], reasons: list[str]
) -> None:
    wrong = {
        name: f"CASE WHEN n = 2 THEN {sql} ELSE {PRODUCT[name]} END" for name, sql in changes.items() if sql
    }
    if "'" in wrong.get("price_minor", ""):
        wrong["price_minor"] = f"CASE WHEN n = 2 THEN {changes['price_minor']} ELSE '100' END"
    report = take("products", canonical(tmp_path / "p.parquet", wrong))
    assert (report.accepted, report.quarantined, report.reasons) == (2, 1, dict.fromkeys(reasons, 1))
    (row,) = show_quarantine(list_quarantine(settings)[0])
    assert row.source_record_id == "product/2"


def test_a_record_is_kept_whole_where_the_file_does_not_bring_the_vendors_own(
    tmp_path: Path, take: Take, landed: Landed
) -> None:
    take("products", canonical(tmp_path / "p.parquet", {"raw_record": None, "colour": "'red'"}, rows=1))
    ((raw,),) = landed("products", "raw_record")
    assert '"colour":"red"' in raw


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"name": None, "product_id": None},
            "has no column product_id, name, which products needs. It has source, ",
        ),
        ({"source": "NULL::VARCHAR"}, "The column source of "),
        ({"source": "'s' || n"}, "names more than 20 systems. It should name where each record comes from"),
    ],
)
def test_a_file_of_another_shape_is_refused(
    tmp_path: Path, take: Take, changes: dict[str, str | None], sentence: str
) -> None:
    with pytest.raises(InputError) as error:
        take("products", canonical(tmp_path / "p.parquet", changes, rows=30))
    assert sentence in str(error.value)


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, take: Take) -> None:
    path = canonical(tmp_path / "p.parquet")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="no complete parquet file"):
        take("products", path)


def test_a_csv_needs_a_mapping_though_its_header_is_ours(tmp_path: Path, take: Take) -> None:
    path = tmp_path / "p.csv"
    path.write_text("source,source_record_id\nshop,product/1\n")
    with pytest.raises(UsageError, match="products needs a mapping"):
        take("products", path)


def test_a_file_that_changes_while_it_is_read_lands_nothing(
    tmp_path: Path, take: Take, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = canonical(tmp_path / "p.parquet")
    stage = stage_canonical

    def changing(*arguments: Any, **options: Any) -> None:
        stage(*arguments, **options)
        canonical(path, rows=5)

    monkeypatch.setattr("pipelines.sources.loading.stage_canonical", changing)
    with pytest.raises(InputError, match="changed while it was read"):
        take("products", path)
    assert list_landings(settings) == []
    monkeypatch.undo()
    assert take("products", path).accepted == 5
