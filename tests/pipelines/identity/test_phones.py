"""What the numbering plans say of phone numbers, and that they are asked once about each."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity import phones
from pipelines.identity.phones import check_new_phones, check_phone
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.state import attached_state

# numbers of all lengths behind the codes of countries of all sizes
e164 = st.builds(
    "+{}{}".format,
    st.sampled_from(["1", "44", "49", "353", "39", "54", "52", "7", "683", "800", "999"]),
    st.text("0123456789", min_size=1, max_size=13),
)


@pytest.mark.parametrize(
    ("phone", "validity", "kind"),
    [
        ("+447911123456", "valid", "mobile"),
        ("+442079460000", "valid", "fixed_line"),
        ("+12125550123", "valid", "fixed_line_or_mobile"),
        ("+18003569377", "valid", "toll_free"),
        ("+80012345678", "valid", "toll_free"),
        ("+449098790123", "valid", "premium"),
        ("+443055550157", "valid", "company"),
        ("+353209103757", "possible", "unknown"),
        ("+447700900123", "possible", "unknown"),
        ("+44123456", "impossible", "unknown"),
        ("+12530000", "impossible", "unknown"),
        ("+11111111111111", "impossible", "unknown"),
        ("+999123456789", "impossible", "unknown"),
    ],
)
def test_a_number_is_given_out_or_of_the_right_length_or_none(phone: str, validity: str, kind: str) -> None:
    verdict = check_phone(phone)
    assert (verdict.validity, verdict.kind) == (validity, kind)


def test_an_older_spelling_of_a_number_is_the_number_of_today() -> None:
    assert (
        check_phone("+54111523456789").canonical
        == check_phone("+5491123456789").canonical
        == "+5491123456789"
    )


@given(e164)
def test_a_number_is_valid_exactly_where_the_library_says_so(phone: str) -> None:
    try:
        valid = phonenumbers.is_valid_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        valid = False
    assert (check_phone(phone).validity == "valid") == valid


@given(e164)
def test_todays_spelling_stays_as_it_is(phone: str) -> None:
    verdict = check_phone(phone)
    again = check_phone(verdict.canonical)
    assert again.canonical == verdict.canonical
    assert again.validity == verdict.validity


class Warehouse:
    """A warehouse whose records carry the phones that are given, and its state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self, *match_keys: str) -> int:
        """Check the phones of a build that has these."""
        with open_warehouse(self.folder / "build.duckdb") as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS intermediate")
            connection.execute(
                "CREATE OR REPLACE TABLE intermediate.int_identity__identifiers AS"
                " SELECT 'phone' AS identifier_type, unnest(?::VARCHAR[]) AS match_key"
                " UNION ALL SELECT 'email', '+447700900999'",
                [list(match_keys)],
            )
            with attached_state(connection, self.folder / "state.duckdb"):
                return check_new_phones(connection)

    def found(self) -> dict[str, str]:
        """Give the validity of each phone."""
        with open_warehouse(self.folder / "build.duckdb", read_only=True) as connection:
            return dict(connection.execute("SELECT phone, validity FROM identity.identity_phones").fetchall())

    def remembered(self) -> list[str]:
        """Give the phones that the state knows."""
        with duckdb.connect(str(self.folder / "state.duckdb"), read_only=True) as connection:
            return [
                phone for (phone,) in connection.execute("SELECT phone FROM phones ORDER BY 1").fetchall()
            ]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    return Warehouse(tmp_path)


ANN, BEA, CARL = "+447911123001", "+447911123002", "+353209103757"


def test_only_new_numbers_are_asked_about_also_by_a_warehouse_built_afresh(warehouse: Warehouse) -> None:
    assert warehouse.check(ANN, ANN, BEA) == 2
    assert warehouse.check(ANN, BEA, CARL) == 1
    (warehouse.folder / "build.duckdb").unlink()
    assert warehouse.check(ANN, BEA, CARL) == 0
    assert warehouse.found() == {ANN: "valid", BEA: "valid", CARL: "possible"}


def test_an_extension_is_no_part_of_the_number_that_is_asked_about(warehouse: Warehouse) -> None:
    assert warehouse.check("+442079460000;ext=12", "+442079460000;ext=13", "+442079460000") == 1
    assert warehouse.found() == {"+442079460000": "valid"}


def test_a_number_that_no_record_has_any_more_is_forgotten(warehouse: Warehouse) -> None:
    warehouse.check(ANN, BEA)
    assert warehouse.check(BEA) == 0
    assert warehouse.remembered() == [BEA]
    assert warehouse.check() == 0
    assert warehouse.remembered() == []


def test_a_newer_library_is_asked_again_about_what_was_not_valid(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.check(ANN, CARL)
    monkeypatch.setattr(phonenumbers, "__version__", "99.0.0")
    assert warehouse.check(ANN, CARL) == 1
    assert warehouse.check(ANN, CARL) == 0


def test_many_numbers_are_remembered_batch_by_batch(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phones, "BATCH", 2)
    numbers = [f"+4477009000{n:02}" for n in range(7)]
    assert warehouse.check(*numbers) == 7
    assert warehouse.remembered() == numbers


def test_a_check_that_dies_in_the_middle_keeps_what_it_has_found(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_until(phone: str) -> phones.Verdict:
        if phone == CARL:
            raise KeyboardInterrupt
        return check_phone(phone)

    monkeypatch.setattr(phones, "BATCH", 1)
    monkeypatch.setattr(phones, "check_phone", check_until)
    with pytest.raises(KeyboardInterrupt):
        warehouse.check(BEA, CARL)  # +353 comes before +44
    monkeypatch.setattr(phones, "check_phone", check_phone)
    assert warehouse.check(BEA, CARL) == 2
