"""A person with many records is compared as the few ways in which they appear."""

from collections.abc import Callable

import duckdb
import pytest

from pipelines.identity.linking.profiles import MOST_PROFILES, write_profiles

Load = Callable[..., duckdb.DuckDBPyConnection]

ANNA = {"given_name": "Anna", "family_name": "Szczepaniak", "street": "12 High Street", "postcode": "AB1 2CD"}


def test_five_hundred_order_lines_are_one_profile(load: Load) -> None:
    connection = load([{**ANNA, "person": 1} for _ in range(500)])
    assert write_profiles(connection, "identifiers") == 1


def test_no_person_has_more_than_a_few_profiles(load: Load) -> None:
    connection = load([{**ANNA, "street": f"{number} High Street", "person": 1} for number in range(100)])
    assert write_profiles(connection, "identifiers") == MOST_PROFILES


def test_what_one_record_leaves_out_another_of_the_person_fills_in(load: Load) -> None:
    account = {"given_name": "Anna", "family_name": "Szczepaniak", "birth_date": "1980-02-03", "person": 1}
    connection = load([account, {**ANNA, "person": 1}, {"phone": "+441", "person": 1}])
    assert write_profiles(connection, "identifiers") == 1
    row = connection.execute("SELECT birth_date, house, postcode, phone FROM linking_profiles").fetchall()
    assert row == [("1980-02-03", "12", "AB12CD", "+441")]


def test_a_name_with_nothing_beside_it_and_a_home_without_a_name_are_no_profiles(load: Load) -> None:
    connection = load(
        [{"given_name": "Anna", "family_name": "Lee"}, {"street": "1 High Street", "postcode": "AB1"}]
    )
    assert write_profiles(connection, "identifiers") == 0


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("12 High Street", ("12", "high st")),
        ("12a, High St.", ("12a", "high st")),
        ("Bahnhofstraße 22", ("22", "bahnhofstr")),
        ("Flat", (None, "flat")),
        ("7 avenue Victor-Hugo", ("7", "ave victor hugo")),
    ],
)
def test_streets_are_cleaned_and_their_house_number_stands_apart(
    load: Load, written: str, cleaned: tuple[str | None, str]
) -> None:
    connection = load([{**ANNA, "street": written}])
    write_profiles(connection, "identifiers")
    assert connection.execute("SELECT house, street FROM linking_profiles").fetchall() == [cleaned]


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [("  O'Brien ", "obrien"), ("Ó'Murchú", "omurchu"), ("Jean-Luc", "jean luc"), ("МАРИЯ", "мария")],
)
def test_names_of_every_script_are_cleaned(load: Load, written: str, cleaned: str) -> None:
    connection = load([{**ANNA, "family_name": written}])
    write_profiles(connection, "identifiers")
    assert connection.execute("SELECT family_name FROM linking_profiles").fetchall() == [(cleaned,)]


def test_a_refused_identifier_is_no_evidence(load: Load) -> None:
    connection = load([{**ANNA, "phone": "+440"}])
    connection.execute(
        "CREATE VIEW refused AS SELECT * REPLACE ('placeholder' AS refused_reason) FROM identifiers"
    )
    write_profiles(connection, "refused")
    assert connection.execute("SELECT phone FROM linking_profiles").fetchall() == [(None,)]
