"""The step of a build that reads texts: each distinct one once, and again only when the scorer is another.

Scores are kept in build.duckdb by the text's key (`text_key` in dialect.sql). What nobody has said any more is
forgotten with the next build, so that an erased text leaves no score behind. The order of texts makes no
difference, nor does the number of builds: a full build reads all of them anew and finds the same.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.scoring.sentiment.scorer import Scorer
from pipelines.warehouse.connection import open_warehouse

if TYPE_CHECKING:
    import duckdb

BATCH = 20_000  # texts in memory at a time, which are remembered together


@dataclass(frozen=True)
class SentimentReport:
    """How many distinct texts there are, how many of them were new, and how many have which label."""

    texts: int
    scored: int
    labels: Mapping[str, int]

    def to_document(self) -> dict[str, Any]:
        """Give the counts as plain data."""
        return asdict(self)


_TABLE = """
    CREATE TABLE IF NOT EXISTS scoring.sentiments
    (text_key VARCHAR, language VARCHAR, sentiment DOUBLE, label VARCHAR, scored_with VARCHAR)
"""
_FORGET = """
    DELETE FROM scoring.sentiments
    WHERE scored_with <> ? OR text_key NOT IN (SELECT text_key FROM intermediate.int_texts__texts)
"""
_NEW = """
    CREATE OR REPLACE TEMP TABLE new_texts AS
    SELECT row_number() OVER (ORDER BY text_key) AS place, text_key, body
    FROM intermediate.int_texts__texts ANTI JOIN scoring.sentiments USING (text_key)
"""
_BATCH = "SELECT text_key, body FROM new_texts WHERE place > ? AND place <= ? ORDER BY place"
_REMEMBER = "INSERT INTO scoring.sentiments SELECT unnest(?), unnest(?), unnest(?), unnest(?), ?"
_LABELS = "SELECT label, count(*) FROM scoring.sentiments GROUP BY label ORDER BY label"


def score_texts(
    build: "duckdb.DuckDBPyConnection | Path", scorer: Scorer, *, afresh: bool = False
) -> SentimentReport:
    """Bring `scoring.sentiments` up to date with int_texts__texts: a row a distinct text.

    `build` is build.duckdb, or a connection whose current catalog it is. Each batch is kept as it is done, so a
    build that dies in the middle has not read in vain.
    """
    with open_warehouse(build) if isinstance(build, Path) else nullcontext(build) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS scoring")
        connection.execute(_TABLE)
        if afresh:
            connection.execute("TRUNCATE scoring.sentiments")
        connection.execute(_FORGET, [scorer.version])
        connection.execute(_NEW)
        scored = Counter(
            label for batch in _batches(connection) for label in _read(connection, scorer, batch)
        )
        connection.execute("DROP TABLE new_texts")
        labels = dict(connection.execute(_LABELS).fetchall())
    return SentimentReport(sum(labels.values()), scored.total(), labels)


def _batches(connection: "duckdb.DuckDBPyConnection") -> Iterator[list[tuple[str, str]]]:
    count = connection.execute("SELECT count(*) FROM new_texts").fetchall()[0][0]
    for start in range(0, count, BATCH):
        yield connection.execute(_BATCH, [start, start + BATCH]).fetchall()


def _read(connection: "duckdb.DuckDBPyConnection", scorer: Scorer, batch: list[tuple[str, str]]) -> list[str]:
    found = [scorer.score(text) for _, text in batch]
    labels = [str(each.label) for each in found]
    columns = [key for key, _ in batch], [each.language for each in found], [each.sentiment for each in found]
    connection.execute(_REMEMBER, [*columns, labels, scorer.version])
    return labels
