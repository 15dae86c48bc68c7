"""Rows as a CSV that people open in a spreadsheet: whatever a cell holds stays text there.

A spreadsheet takes a cell that begins with one of a few characters for a formula, which could fetch an address or start
a program (OWASP, "CSV Injection"). An apostrophe before it is what spreadsheets themselves write for "this is text".
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import takewhile
from unicodedata import category

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read the wide ones too
QUOTE = "'"
UNSEEN = frozenset({"Cc", "Cf", "Mn", "Zl", "Zp", "Zs"})  # categories of Unicode (UAX 44)


def safe_cell(value: object) -> str:
    """Write a value for a cell: nothing of None, yes or no of a truth, ISO 8601 of a moment, and no formula of a text.

    Numbers stay numbers, negative ones too; a text that looks like one is a text.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    text = str(value).replace("\0", "")
    return QUOTE + text if _opening(text).startswith(FORMULA) else text


def _opening(text: str) -> str:
    """Leave out what a spreadsheet skips, or does not draw, before a formula: spaces, marks, and our own quotes."""
    skipped = takewhile(lambda letter: letter == QUOTE or _is_unseen(letter), text)
    return text[sum(1 for _ in skipped) :]


def _is_unseen(letter: str) -> bool:
    return letter not in FORMULA and category(letter) in UNSEEN


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows under their columns, each cell safe, with the line ends of RFC 4180."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([safe_cell(each) for each in columns])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return written.getvalue()
