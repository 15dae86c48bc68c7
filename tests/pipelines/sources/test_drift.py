"""Columns that went, came or were renamed."""

import pytest

from pipelines.sources.drift import compare, similarity, words_of


def test_the_same_columns_in_another_order_are_no_drift() -> None:
    drift = compare(["a", "b"], ["b", "a"])
    assert not drift
    assert drift.sentence() == ""


def test_a_new_column_is_drift_that_misses_nothing() -> None:
    drift = compare(["a"], ["a", "loyalty points"])
    assert drift
    assert (drift.missing, drift.new, drift.renamed) == ((), ("loyalty points",), ())


def test_a_renamed_column_is_paired_with_its_new_name() -> None:
    drift = compare(["Order", "E-Mail", "City"], ["Order", "customer_email", "Country"])
    assert drift.missing == ("E-Mail", "City")
    assert drift.new == ("customer_email", "Country")
    assert drift.renamed == (("E-Mail", "customer_email"),)
    assert drift.sentence() == "It has no column E-Mail (now customer_email?), City."


def test_every_column_stands_in_one_pair_at_most() -> None:
    drift = compare(["Mail 1", "Mail 2"], ["Mail 3"])
    assert len(drift.renamed) == 1


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("CustomerID", "customer_id", True),
        ("Straße", "STRASSE", True),
        ("Prénom", "prenom", True),
        ("Email", "E-Mail", True),
        ("Price", "Unit price", True),
        ("City", "Country", False),
        ("姓名", "电话", False),
    ],
)
def test_case_accents_and_separators_do_not_make_a_name_another(one: str, other: str, alike: bool) -> None:  # noqa: FBT001 - a table of cases
    assert (similarity(one, other) >= 0.72) is alike


def test_a_name_is_taken_apart_at_capitals_and_separators() -> None:
    assert words_of("customerE-Mail_2") == ["customer", "e", "mail", "2"]
