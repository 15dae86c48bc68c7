"""VADER against people: the mean of 20 raters for each of 3,708 sentences of reviews and 4,200 tweets."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from scipy.stats import pearsonr

from pipelines.scoring.sentiment.scorer import Scorer

pytestmark = pytest.mark.real_data
DATA = Path(os.environ.get("RAPPORT_REAL_DATA", Path(__file__).parents[5] / "shared" / "data"))
LABELLED = DATA / "reviews" / "vader_ground_truth"


@pytest.mark.parametrize(
    ("name", "rows", "floor"),
    [("amazonReviewSnippets", 3708, 0.59), ("tweets", 4200, 0.87)],
)
def test_the_scorer_agrees_with_people_as_vader_does(
    scorer: Scorer, name: str, rows: int, floor: float, record_property: Callable[[str, object], None]
) -> None:
    path = LABELLED / f"{name}_GroundTruth.txt"
    if not path.exists():
        pytest.skip(f"no labelled texts in {LABELLED}")
    lines = [line.split("\t") for line in path.read_text(errors="replace").splitlines()]
    people = [float(line[1]) for line in lines]
    found = [scorer.score(line[2].strip()).sentiment for line in lines]
    read = [(mood, rated) for mood, rated in zip(found, people, strict=True) if mood is not None]
    agreement = pearsonr(*zip(*read, strict=True)).statistic
    of_all = pearsonr([mood or 0 for mood in found], people).statistic
    record_property("agreement", f"{agreement:.4f} of {len(read)} read, {of_all:.4f} of all {len(found)}")
    assert len(found) == rows
    assert len(read) / rows >= 0.985
    assert agreement >= floor
    assert round(of_all, 2) >= floor
