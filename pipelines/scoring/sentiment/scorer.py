"""What a scorer of texts is, and which one an installation has chosen."""

from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol, runtime_checkable

from data_contracts.errors import InputError
from pipelines.scoring.sentiment.policy import SentimentPolicy

Label = Literal["positive", "neutral", "negative", "unknown"]

# "typical threshold values" of VADER's authors (https://github.com/cjhutto/vaderSentiment, About the Scoring)
POSITIVE, NEGATIVE = 0.05, -0.05
UNKNOWN: Literal["unknown"] = "unknown"
WORDLESS = "zxx"  # ISO 639-2 for what is in no language: a smiley, a number


@dataclass(frozen=True)
class Sentiment:
    """The mood of one text: -1 (bitter) to 1 (delighted), None where the scorer cannot read it.

    `language` is an ISO 639 code, `zxx` where there are no words, `unknown` where it cannot be told.
    """

    language: str
    sentiment: float | None

    @property
    def label(self) -> Label:
        """Name the mood."""
        if self.sentiment is None:
            return UNKNOWN
        if self.sentiment >= POSITIVE:
            return "positive"
        return "negative" if self.sentiment <= NEGATIVE else "neutral"


@runtime_checkable
class Scorer(Protocol):
    """Reads texts, one at a time. Another `version` makes the next build read every text again."""

    @property
    def version(self) -> str:
        """Name the scorer and all that its answers depend on."""

    def score(self, text: str) -> Sentiment:
        """Say what mood a text is in; it never raises on any text."""


def choose_scorer(policy: SentimentPolicy) -> Scorer:
    """Make the scorer that a policy names: our own, or what the named function of a company's module makes.

    Raises InputError when there is no such function, or what it makes is no scorer.
    """
    if policy.scorer == "vader":
        from pipelines.scoring.sentiment.vader import VaderScorer  # 0.6 CPU s for the model of languages

        return VaderScorer(policy)
    module, _, name = policy.scorer.partition(":")
    try:
        made = getattr(import_module(module), name)(policy)
    except (ImportError, AttributeError, TypeError) as error:
        raise InputError(
            f"The scorer {policy.scorer} of sentiment.yaml cannot be used ({type(error).__name__}).",
            "Name a function that takes the policy, in a module that Rapport's Python can import.",
        ) from None
    if not isinstance(made, Scorer):
        raise InputError(
            f"What {policy.scorer} of sentiment.yaml makes is no scorer.",
            "It needs a property `version` and a method `score(text)`.",
        )
    return made
