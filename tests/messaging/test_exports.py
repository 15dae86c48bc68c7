"""A CSV that leaves us holds no formula, and says what it held."""

import csv
import io
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from messaging.exports import csv_text, safe_cell

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def read_cell(cell: str) -> str:
    """Take away the quote that an export puts before a formula, and no other."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell


@given(st.text(max_size=30))
def test_no_text_is_a_formula_and_none_is_lost(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(DANGEROUS)
    assert cell in {text.replace("\0", ""), f"'{text.replace(chr(0), '')}"}
    assert read_cell(cell) == text.replace("\0", "")


@given(st.text("'=+@\t \u2066\u3000\u00ada", max_size=6))
def test_a_text_that_looks_guarded_already_comes_back_as_it_was(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.lstrip(" \u2066\u3000\u00ad").startswith(DANGEROUS)
    assert read_cell(cell) == text


def test_formulas_become_texts_wherever_a_spreadsheet_would_find_them() -> None:
    for text in (
        "=1+1",
        "+44 20 7946 0000",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\u202e=1",
        " =1",
        "=HYPERLINK(1)",
    ):
        assert safe_cell(text) == f"'{text}"


def test_values_are_written_as_they_are() -> None:
    moment = datetime.fromisoformat("2026-10-30T06:00")
    assert [safe_cell(each) for each in (None, True, False, -3, 0.5, moment, "a,b", "a=b")] == [
        *("", "yes", "no", "-3", "0.5", "2026-10-30T06:00:00", "a,b", "a=b")
    ]


def test_rows_come_back_out_of_the_csv_with_their_quotes_lines_and_columns() -> None:
    text = csv_text(["id", "=name"], [["1", 'a "b",\nc'], ["2", "=x"]])
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [["id", "'=name"], ["1", 'a "b",\nc'], ["2", "'=x"]]
    assert text.startswith("id,'=name\r\n")
