"""A file of coupon codes: a CSV with a column `code`. What is wrong is told by its line, and a code never."""

import csv
import io
import re
from pathlib import Path

from data_contracts.errors import InputError

COLUMNS = ("code", "coupon")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
FORMULA = ("=", "+", "-", "@")  # how one begins to a spreadsheet
MOST_ROWS = 1_000_000
MOST_TOLD = 5
MEND = "Nothing was changed. Save it as a CSV with a column `code`, one code a line."


def read_codes(path: Path) -> list[tuple[int, str]]:
    """Read the codes of a file, each with its line. Raises InputError with the lines of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text in UTF-8.", MEND) from None
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, str]] = []
    try:
        column = next((each for each in rows.fieldnames or () if each.strip().lower() in COLUMNS), None)
        if column is None:
            raise InputError(f"{path} has no column `code`.", MEND)
        for row in rows:
            if len(found) >= MOST_ROWS:
                raise InputError(f"{path} has more than {MOST_ROWS:,} codes.", "Split it.")
            if code := (row.get(column) or "").strip():
                found.append((rows.line_num, code))
    except csv.Error as error:
        raise InputError(f"{path}: line {rows.line_num} is no CSV ({error}).", MEND) from None
    if not found:
        raise InputError(f"{path} holds no codes.", MEND)
    refuse_lines(str(path), _wrong(found))
    return found


def refuse_lines(where: str, wrong: list[str]) -> None:
    """Raise InputError with the first lines that are wrong, where some are."""
    if wrong:
        more = f"; and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise InputError(f"{where}: {'; '.join(wrong[:MOST_TOLD])}{more}.", MEND)


def _wrong(found: list[tuple[int, str]]) -> list[str]:
    wrong: list[str] = []
    lines: dict[str, int] = {}
    for line, code in found:
        first = lines.setdefault(code.lower(), line)
        if code.startswith(FORMULA):
            wrong.append(f"line {line}: it begins as a formula does")
        elif not CODE.fullmatch(code):
            wrong.append(f"line {line}: a code holds 1 to 60 letters, digits, dots, - and _")
        elif first != line:
            wrong.append(f"line {line}: it is the code of line {first} again")
    return wrong
