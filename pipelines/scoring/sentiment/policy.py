"""Which scorer reads the mood of texts, and what weighs otherwise: `sentiment.yaml`.

A home's own file replaces the shipped one as a whole, so that what holds can be read in one place.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_contracts.errors import InputError

SHIPPED = Path(__file__).with_name("sentiment.yaml")
OWN = "sentiment.yaml"  # in RAPPORT_HOME

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


def load_sentiment_policy(path: Path | None = None) -> SentimentPolicy:
    """Read a file of that kind; without one, the shipped one. Raises InputError that names what is wrong in it."""
    path = path or SHIPPED
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        raise InputError(f"{path} cannot be read as YAML{where}.", "Mend it there.") from None
    try:
        return SentimentPolicy.model_validate(document)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    raise InputError(f"{path}: {wrong}.", "Mend the file, or remove it and the shipped one holds.")


def home_sentiment_policy(home: Path) -> SentimentPolicy:
    """Read the file of an installation: its own where it has one, else the shipped one."""
    own = home / OWN
    return load_sentiment_policy(own if own.exists() else None)
