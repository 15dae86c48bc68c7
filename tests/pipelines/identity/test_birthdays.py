"""Which birth dates contradict each other."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.birthdays import EPOCH, may_be_one_birthday


def days(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1978-12-11", "1978-11-12"),  # day and month
        ("1978-12-11", "1978-12-17"),  # one digit
        ("1978-12-11", "1987-12-11"),  # two digits changed places
        ("1978-12-11", "1978-12-11"),
    ],
)
def test_a_typing_error_is_no_contradiction(one: str, other: str) -> None:
    assert may_be_one_birthday(days(one), days(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("1978-12-11", "1979-11-12"), ("1950-03-01", "1982-07-19"), ("1978-12-11", "1978-10-30")],
)
def test_two_dates_that_differ_in_more_are_two_people(one: str, other: str) -> None:
    assert not may_be_one_birthday(days(one), days(other))


@given(st.dates(), st.dates())
def test_it_does_not_matter_which_date_is_named_first(one: date, other: date) -> None:
    first, second = (one - EPOCH).days, (other - EPOCH).days
    assert may_be_one_birthday(first, second) == may_be_one_birthday(second, first)
