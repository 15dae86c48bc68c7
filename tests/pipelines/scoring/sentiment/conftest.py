"""One scorer for all tests: its model of languages takes 0.6 CPU s to unpack."""

import pytest

from pipelines.scoring.sentiment.policy import load_sentiment_policy
from pipelines.scoring.sentiment.scorer import Scorer, choose_scorer


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return choose_scorer(load_sentiment_policy())
