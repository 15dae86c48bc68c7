"""What sentiment.yaml may say, and whose scorer it chooses."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from data_contracts.errors import InputError
from pipelines.scoring.sentiment.policy import SentimentPolicy, home_sentiment_policy, load_sentiment_policy
from pipelines.scoring.sentiment.scorer import Sentiment, choose_scorer


def test_a_home_without_a_file_of_its_own_has_the_shipped_one(tmp_path: Path) -> None:
    assert home_sentiment_policy(tmp_path) == load_sentiment_policy()


def test_a_homes_own_file_replaces_the_shipped_one_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "sentiment.yaml").write_text("lexicon: {tardy: -3}\n")
    assert home_sentiment_policy(tmp_path) == SentimentPolicy(scorer="vader", lexicon={"tardy": -3})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("lexicon: {late: -5}\n", "lexicon.late"),
        ("lexikon: {}\n", "lexikon"),
        ("scorer: two words\n", "scorer"),
        ("scorer: [\n", "line"),
        ("- vader\n", "sentiment.yaml"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "sentiment.yaml").write_text(text)
    with pytest.raises(InputError, match=named):
        home_sentiment_policy(tmp_path)


class Optimist:
    """A scorer of a company's own."""

    def __init__(self, policy: SentimentPolicy) -> None:
        self.version = f"optimist-{policy.fingerprint}"

    def score(self, text: str) -> Sentiment:
        """See the good in everything that is said."""
        return Sentiment("en", 1.0 if text else None)


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("acme_moods")
    module.__dict__.update(make=Optimist, no_scorer=lambda _: object(), no_function=3)
    monkeypatch.setitem(sys.modules, "acme_moods", module)
    return module


def test_a_company_may_bring_a_scorer_of_its_own(company: ModuleType) -> None:
    scorer = choose_scorer(SentimentPolicy(scorer="acme_moods:make"))
    assert scorer.score("It broke.") == Sentiment("en", 1.0)


@pytest.mark.parametrize(
    "name", ["acme_moods:nothing", "nowhere_at_all:make", "acme_moods:no_scorer", "acme_moods:no_function"]
)
def test_what_is_no_scorer_is_refused_by_name(company: ModuleType, name: str) -> None:
    with pytest.raises(InputError, match=name):
        choose_scorer(SentimentPolicy(scorer=name))
