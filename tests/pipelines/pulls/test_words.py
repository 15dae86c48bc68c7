"""The words of a schedule, and cursor values as moments."""

from datetime import datetime, timedelta

import pytest

from pipelines.pulls.marks import (
    Form,
    mark_document,
    newest,
    read_document,
    read_mark,
    stepped_back,
    write_mark,
)
from pipelines.pulls.words import cron_of, span_of


@pytest.mark.parametrize(
    ("words", "cron"),
    [
        ("minute", "* * * * *"),
        ("5 minutes", "*/5 * * * *"),
        ("hour", "0 * * * *"),
        ("2 hours", "0 */2 * * *"),
        ("day", "0 3 * * *"),
        ("Day at 6:30", "30 6 * * *"),
        ("monday at 07:00", "0 7 * * 1"),
        ("*/15 8-18 * * 1-5", "*/15 8-18 * * 1-5"),
        ("0 4,16 1 * *", "0 4,16 1 * *"),
    ],
)
def test_words_become_a_cron_line(words: str, cron: str) -> None:
    assert cron_of(words) == cron


@pytest.mark.parametrize(
    "words",
    ["7 minutes", "0 minutes", "5 hours", "day at 25:00", "often", "61 * * * *", "* * * *", "*/0 * * * *"],
)
def test_words_that_mean_no_even_rhythm_are_refused(words: str) -> None:
    with pytest.raises(ValueError, match="write words such as"):
        cron_of(words)


def test_a_length_of_time_is_read() -> None:
    assert (span_of("2 days"), span_of("hour")) == (timedelta(days=2), timedelta(hours=1))


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-30T12:00:00Z",
        "2026-10-30T13:00:00+01:00",
        "2026-10-30 12:00:00",
        "Fri, 30 Oct 2026 12:00:00 +0000",
        "1793361600",
        1793361600,
        1793361600.0,
        1793361600000,
    ],
)
def test_a_moment_is_read_however_it_is_written(text: object) -> None:
    assert read_mark(text) == datetime(2026, 10, 30, 12)


def test_the_newest_is_told_by_the_moment_and_not_by_the_text() -> None:
    marks = [read_mark("2026-10-30T12:30:00+02:00"), read_mark("2026-10-30T11:00:00Z"), None]
    assert newest(marks) == datetime(2026, 10, 30, 11)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "2026-10-30T12:00:00Z"),
        ("iso_seconds", "2026-10-30T12:00:00Z"),
        ("date", "2026-10-30"),
        ("unix", "1793361600"),
    ],
)
def test_a_moment_is_written_as_the_api_asks(form: Form, text: str) -> None:
    assert write_mark(datetime(2026, 10, 30, 12), form) == text


def test_numbers_and_texts_are_cursors_too() -> None:
    assert (read_mark("0042", "number"), read_mark(42, "text")) == (42, "42")
    assert (stepped_back(42, 10), stepped_back("b", timedelta(1))) == (32, "b")


@pytest.mark.parametrize("mark", [datetime(2026, 10, 30, 12, 0, 0, 5), 42, "0000000007/0000000001"])
def test_a_mark_survives_being_written_down(mark: datetime | int | str) -> None:
    assert read_document(mark_document(mark)) == mark
