"""Models are to run on other engines: what is an engine's own, or silently differs, stays in dialect.sql."""

import re
from pathlib import Path
from statistics import median, quantiles

import pytest

PROJECT = Path(__file__).parents[2] / "dbt_project"
DIALECT = PROJECT / "macros" / "dialect.sql"
SQL_FILES = sorted(path for path in PROJECT.rglob("*.sql") if "target" not in path.parts)
MODELS = sorted((PROJECT / "models").rglob("*.sql"))

OURS = "belongs into dialect.sql"
ORDER = "the order of an aggregate is not given: row_number"
FORBIDDEN = {
    r"\bconcat(_ws)?\s*\(": "skips NULL on one engine and not on another: write ||",
    r"\[\s*\d+\s*\]": "lists begin at 1 on one engine and at 0 on another",
    r"\bqualify\b": "not everywhere: row_number in a subquery",
    r"\bround\s*\(": "ties differ: keep integers, round on the screen",
    r"\b(list|array_agg|string_agg|listagg|group_concat)\s*\(": ORDER,
    r"\b(first|last|any_value|arg_max|arg_min|max_by|min_by)\s*\(": ORDER,
    r"\b(now|today|current_timestamp|current_date|localtimestamp)\b": "a build speaks of as_of",
    r"\bregexp_\w+\s*\(": OURS,
    r"\b(date_diff|datediff|date_trunc|date_part|strftime)\s*\(": OURS,
    r"::|//|\bilike\b|\bexclude\s*\(|\bgroup\s+by\s+all\b|\bunnest\b|\bsemi\s+join\b": OURS,
    r"\brandom\s*\(|\buuid\w*\s*\(": "the same rows give the same tables",
}


def bare(path: Path) -> str:
    """Give a file's SQL without comments and without what its Jinja says between {% %}."""
    text = re.sub(r"\{#.*?#\}", " ", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}", " ", text, flags=re.DOTALL)
    return re.sub(r"--[^\n]*", " ", text).lower()


@pytest.mark.parametrize("path", [path for path in SQL_FILES if path != DIALECT], ids=lambda path: path.stem)
def test_sql_means_the_same_on_every_engine(path: Path) -> None:
    found = {match.group(): why for rule, why in FORBIDDEN.items() if (match := re.search(rule, bare(path)))}
    assert not found


def test_models_stay_short() -> None:
    lengths = [len(path.read_text().splitlines()) for path in MODELS]
    assert median(lengths) <= 40
    assert quantiles(lengths, n=10)[-1] <= 100
