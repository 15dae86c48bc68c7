"""The identifiers that evidence is read from: what is refused, brought together, and left alone."""

from pathlib import Path
from typing import Literal

import pytest

from pipelines.identity.identifiers import check_identifiers
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.state import attached_state

Found = dict[str, tuple[str, str | None]]


def checked(
    folder: Path,
    *identifiers: tuple[str, str, str | None],
    require: Literal["possible", "valid"] = "possible",
) -> Found:
    """Give match_key and refused_reason of each identifier (type, match_key, refused by dbt), by its match_key."""
    with open_warehouse(folder / "build.duckdb") as connection:
        connection.execute("CREATE SCHEMA intermediate")
        connection.execute(
            "CREATE TABLE intermediate.int_identity__identifiers (origin_table VARCHAR, source VARCHAR,"
            " source_record_id VARCHAR, occurred_at TIMESTAMP, identifier_type VARCHAR, value VARCHAR,"
            " match_key VARCHAR, refused_reason VARCHAR)"
        )
        connection.executemany(
            "INSERT INTO intermediate.int_identity__identifiers VALUES"
            " ('contacts', 'shop', 'r', NULL, ?, ?, ?, ?)",
            [(kind, key, key, reason) for kind, key, reason in identifiers],
        )
        with attached_state(connection, folder / "state.duckdb"):
            check_identifiers(connection, require)
        rows = connection.execute("SELECT value, match_key, refused_reason FROM identifiers").fetchall()
        columns = [row[0] for row in connection.execute("DESCRIBE identifiers").fetchall()]
        before = connection.execute("DESCRIBE intermediate.int_identity__identifiers").fetchall()
    assert columns == [row[0] for row in before]
    assert len(rows) == len(identifiers)
    return {value: (key, reason) for value, key, reason in rows}


def test_numbers_that_cannot_be_a_persons_are_refused_and_possible_ones_are_kept(tmp_path: Path) -> None:
    numbers = ["+447700900123", "+353209103757", "+44123456", "+18003569377", "+443055550157"]
    found = checked(tmp_path, *(("phone", number, None) for number in numbers))
    assert [found[number] for number in numbers] == [
        ("+447700900123", None),
        ("+353209103757", None),
        ("+44123456", "impossible"),
        ("+18003569377", "not_personal"),
        ("+443055550157", "not_personal"),
    ]


def test_a_stricter_policy_refuses_what_is_merely_possible(tmp_path: Path) -> None:
    found = checked(
        tmp_path, ("phone", "+447911123456", None), ("phone", "+353209103757", None), require="valid"
    )
    assert found["+447911123456"][1] is None
    assert found["+353209103757"][1] == "impossible"


def test_extensions_stay_apart_from_one_another_and_from_the_switchboard(tmp_path: Path) -> None:
    keys = ["+442079460000", "+442079460000;ext=12", "+442079460000;ext=13"]
    found = checked(tmp_path, *(("phone", key, None) for key in keys))
    assert [found[key] for key in keys] == [(key, None) for key in keys]


def test_an_extension_of_a_number_that_is_refused_is_refused(tmp_path: Path) -> None:
    found = checked(tmp_path, ("phone", "+18003569377;ext=12", None))
    assert found["+18003569377;ext=12"] == ("+18003569377;ext=12", "not_personal")


def test_two_spellings_of_a_number_are_one_key_and_keep_their_extensions(tmp_path: Path) -> None:
    found = checked(
        tmp_path,
        ("phone", "+54111523456789", None),
        ("phone", "+5491123456789", None),
        ("phone", "+54111523456789;ext=7", None),
    )
    assert found["+54111523456789"] == found["+5491123456789"] == ("+5491123456789", None)
    assert found["+54111523456789;ext=7"] == ("+5491123456789;ext=7", None)


def test_two_scripts_of_a_domain_are_one_key(tmp_path: Path) -> None:
    unicode, ascii_ = "ann@bücher.example", "ann@xn--bcher-kva.example"
    found = checked(
        tmp_path, ("email", unicode, None), ("email", ascii_, None), ("email", "bob@x.example", None)
    )
    assert found[unicode] == found[ascii_] == (ascii_, None)
    assert found["bob@x.example"] == ("bob@x.example", None)


@pytest.mark.parametrize("kind", ["external_id", "handle", "order", "device_id"])
def test_other_identifiers_are_as_dbt_left_them(tmp_path: Path, kind: str) -> None:
    found = checked(tmp_path, (kind, "shop:ü@+44123456", None), (kind, "shop:0", "placeholder"))
    assert found == {"shop:ü@+44123456": ("shop:ü@+44123456", None), "shop:0": ("shop:0", "placeholder")}


def test_what_dbt_refused_keeps_its_reason(tmp_path: Path) -> None:
    found = checked(tmp_path, ("phone", "+44123456", "placeholder"))
    assert found["+44123456"][1] == "placeholder"
