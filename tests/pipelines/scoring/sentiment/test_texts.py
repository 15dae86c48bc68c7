"""That each distinct text is read once, by the scorer of today, and forgotten when nobody has said it."""

from pathlib import Path

import pytest

from pipelines.scoring.sentiment import texts
from pipelines.scoring.sentiment.scorer import Scorer, Sentiment
from pipelines.scoring.sentiment.texts import score_texts
from pipelines.warehouse.connection import open_warehouse


class Listener:
    """A scorer that notes what it was asked; who shouts is happy."""

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.asked: list[str] = []

    def score(self, text: str) -> Sentiment:
        """Read one text."""
        self.asked.append(text)
        return Sentiment("en", 1.0 if text.isupper() else None)


def said(path: Path, *bodies: str) -> None:
    with open_warehouse(path) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS intermediate")
        connection.execute(
            "CREATE OR REPLACE TABLE intermediate.int_texts__texts AS"
            " SELECT md5(body) AS text_key, body FROM (SELECT unnest(?::VARCHAR[]) AS body)",
            [list(bodies)],
        )


def known(path: Path) -> list[tuple[str, float | None, str]]:
    with open_warehouse(path, read_only=True) as connection:
        return connection.execute(
            "SELECT language, sentiment, label FROM scoring.sentiments ORDER BY label"
        ).fetchall()


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return tmp_path / "build.duckdb"


def test_only_texts_that_are_new_are_read(build: Path) -> None:
    listener = Listener()
    said(build, "YES", "no")
    first = score_texts(build, listener)
    said(build, "YES", "no", "maybe")
    second = score_texts(build, listener)
    assert (first.texts, first.scored, second.texts, second.scored) == (2, 2, 3, 1)
    assert sorted(listener.asked) == ["YES", "maybe", "no"]
    assert known(build) == [("en", 1.0, "positive"), ("en", None, "unknown"), ("en", None, "unknown")]


def test_what_nobody_has_said_any_more_is_forgotten(build: Path) -> None:
    said(build, "YES", "no")
    score_texts(build, Listener())
    said(build, "no")
    assert score_texts(build, Listener()).labels == {"unknown": 1}


def test_another_scorer_reads_everything_anew(build: Path) -> None:
    said(build, "YES", "no")
    score_texts(build, Listener("1"))
    other = Listener("2")
    assert score_texts(build, other).scored == 2


def test_a_full_build_reads_everything_anew_and_finds_the_same(build: Path) -> None:
    said(build, "YES", "no")
    score_texts(build, Listener())
    before = known(build)
    assert score_texts(build, Listener(), afresh=True).scored == 2
    assert known(build) == before


def test_nothing_said_is_nothing_read(build: Path) -> None:
    said(build)
    report = score_texts(build, Listener())
    assert (report.texts, report.scored, report.labels) == (0, 0, {})


def test_a_build_that_dies_has_not_read_in_vain(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fragile(Listener):
        def score(self, text: str) -> Sentiment:
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().score(text)

    monkeypatch.setattr(texts, "BATCH", 2)
    said(build, "A", "B", "C", "D", "E")
    with pytest.raises(KeyboardInterrupt):
        score_texts(build, Fragile())
    assert score_texts(build, Listener()).scored == 3


def test_the_shipped_scorer_reads_what_is_there(build: Path, scorer: Scorer) -> None:
    said(build, "I love it, it is wonderful", "This is awful, I am angry", "Das ist sehr schade, finde ich")
    assert score_texts(build, scorer).labels == {"negative": 1, "positive": 1, "unknown": 1}
