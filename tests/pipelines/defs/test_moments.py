"""A moment that a build tells of is read from what a person wrote, or refused with what is legal."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import UsageError
from pipelines.defs.moments import EARLIEST, parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-30", "2026-10-30T00:00"),
        ("2026-10-30T12:00:00", "2026-10-30T12:00"),
        ("2026-10-30T14:00+02:00", "2026-10-30T12:00"),
    ],
)
def test_a_moment_is_utc_unless_it_says(text: str, moment: str) -> None:
    assert parse_moment(text) == datetime.fromisoformat(moment)


def test_a_moment_that_is_none_is_wrong_usage_with_an_example() -> None:
    with pytest.raises(UsageError, match="'yesterday', which is no moment"):
        parse_moment("yesterday")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0001-01-01", "lies before 1970. Give a moment from 1970-01-01 until now"),
        ("1969-12-31T23:59:59", "lies before 1970"),
        ("1970-01-01T00:00+01:00", "lies before 1970"),
        ("0001-01-01T00:00+14:00", "which is no moment"),
        ("9999-12-31T23:59-12:00", "which is no moment"),
        ("10000-01-01", "which is no moment"),
        ("2026-02-30", "which is no moment"),
        ("", "which is no moment"),
    ],
)
def test_a_moment_that_no_build_can_tell_of_is_refused_with_what_is_legal(text: str, said: str) -> None:
    with pytest.raises(UsageError, match="The run's as_of is ") as refused:
        parse_moment(text, "The run's as_of")
    assert said in str(refused.value)


@given(text=st.one_of(st.text(max_size=30), st.datetimes(timezones=st.none() | st.timezones()).map(str)))
def test_any_text_is_a_moment_or_is_refused(text: str) -> None:
    try:
        moment = parse_moment(text)
    except UsageError:
        return
    assert moment.tzinfo is None
    assert moment >= EARLIEST
