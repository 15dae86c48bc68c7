"""Which scorer reads the mood of texts, and what weighs otherwise: `sentiment.yaml`.

A home's own file replaces the shipped one as a whole, so that what holds can be read in one place.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from data_contracts.yaml_files import home_rules_file, read_rules_file

SHIPPED = Path(__file__).with_name("sentiment.yaml")

Weight = Annotated[float, Field(ge=-4, le=4)]


class SentimentPolicy(BaseModel):
    """The whole file: the scorer's name, and words with another weight than the scorer's own, -4 to 4."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scorer: str = Field("vader", pattern=r"^(vader|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$")
    lexicon: dict[str, Weight] = {}

    @property
    def fingerprint(self) -> str:
        """Name what decides a score: under another fingerprint every text is scored anew."""
        rules = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(rules.encode()).hexdigest()[:12]


def load_sentiment_policy(path: Path = SHIPPED) -> SentimentPolicy:
    """Read a file of that kind; without one, the shipped one. Raises InputError that names what is wrong in it."""
    return read_rules_file(path, SentimentPolicy)


def home_sentiment_policy(home: Path) -> SentimentPolicy:
    """Read the file of an installation: its own where it has one, else the shipped one."""
    return load_sentiment_policy(home_rules_file(home, SHIPPED))
