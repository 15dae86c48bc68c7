"""What reading the mood of texts costs, beside bare VADER over the same texts, and how well it agrees with people.

The texts are the 7,900 that people have rated (3,708 sentences of reviews, 4,200 tweets) where they are there, else what
the customers of a sample company wrote.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
from scipy.stats import pearsonr

from benchmarks.measure import Measured, measure
from pipelines.samples.world import World
from pipelines.scoring.sentiment.policy import load_sentiment_policy
from pipelines.scoring.sentiment.scorer import Scorer, choose_scorer
from pipelines.scoring.sentiment.texts import SentimentReport, score_texts

GROUP = "sentiment"
STEP, BARE = "the whole step, each distinct text once", "bare VADER over the same texts"
RATED = {"Amazon": "amazonReviewSnippets", "tweets": "tweets"}
WRITTEN = ("reviews", "sms_messages", "chat_messages", "email_messages")
_TEXTS = """
    CREATE TABLE intermediate.int_texts__texts AS
    SELECT DISTINCT md5(body) AS text_key, body FROM (SELECT unnest(?) AS body)
"""


def sentiment_rows(texts: Sequence[str], scorer: Scorer) -> list[Measured]:
    """Measure the step of a build over texts that it has not read before, and VADER by itself over the same."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    distinct, bare = sorted(set(texts)), SentimentIntensityAnalyzer()
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA intermediate")
        connection.execute(_TEXTS, [distinct])
        step, _ = measure(GROUP, STEP, lambda: score_texts(connection, scorer), _scored)
    plain, _ = measure(GROUP, BARE, lambda: [bare.polarity_scores(each) for each in distinct], len)
    return [step, plain]


def _scored(report: SentimentReport) -> int:
    return report.scored


def rated_texts(data: Path | None) -> dict[str, list[tuple[str, float]]]:
    """Read the texts that people have rated, -4 to 4, by where they stood; nothing where they are not there."""
    found = {}
    for place, stem in RATED.items():
        path = data / "reviews" / "vader_ground_truth" / f"{stem}_GroundTruth.txt" if data else None
        if path and path.exists():
            lines = (line.split("\t") for line in path.read_text(errors="replace").splitlines())
            found[place] = [(text.strip(), float(mean)) for _, mean, text in lines]
    return found


def written_texts(world: World) -> list[str]:
    """Give what the customers of a sample company wrote."""
    return [
        text
        for table in WRITTEN
        for column in ("body", "body_text")
        if column in world.tables[table].column_names
        for text in world.tables[table][column].to_pylist()
        if text
    ]


def bench_sentiment(data: Path | None, people: int) -> tuple[list[Measured], str]:
    """Give both rows and what they say: CPU a thousand texts, how many times VADER, and how well people agree."""
    from pipelines.samples.world import make_world

    rated, scorer = rated_texts(data), choose_scorer(load_sentiment_policy())
    texts = [text for pairs in rated.values() for text, _ in pairs] or written_texts(make_world(people, 7))
    scorer.score(texts[0])  # the model of languages is loaded with the first text
    rows = sentiment_rows(texts, scorer)
    return rows, sentence(rows, {place: agreement(pairs, scorer) for place, pairs in rated.items()})


def agreement(pairs: Sequence[tuple[str, float]], scorer: Scorer) -> float:
    """Correlate (Pearson) our moods with what people said; what we cannot read counts as neither good nor bad."""
    found = [scorer.score(text).sentiment or 0.0 for text, _ in pairs]
    return float(pearsonr(np.array(found), np.array([rated for _, rated in pairs])).statistic)


def sentence(rows: Sequence[Measured], agreements: Mapping[str, float]) -> str:
    """Say what reading a thousand texts costs, against VADER in the same run, and how well people agree."""
    step, plain = (next(row for row in rows if row.name == name) for name in (STEP, BARE))
    told = ", ".join(f".{round(100 * found):02d} {place}" for place, found in agreements.items())
    return (
        f"Sentiment: {1000 * step.cpu_seconds / step.rows:.3f} CPU s for 1,000 distinct texts,"
        f" {step.cpu_seconds / plain.cpu_seconds:.2f} times bare VADER over the same {step.rows:,}"
        + (f"; Pearson with people {told}." if told else "; no rated texts are there to compare with.")
    )
