"""What is said in the sample company: the scripts of wording.yaml, laid out for whole columns."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml

from pipelines.samples.arrays import Ints, Random
from pipelines.samples.places import LANGUAGES

AGENTS = ("Priya", "Tom", "Ingrid", "Marek", "Chloé", "Sam")
SPEAKERS = {"c": "customer", "a": "agent", "b": "bot", "s": "system", "n": "note"}
MOODS = {"c": "neutral", "c+": "positive", "c-": "negative"}
MARKED = re.compile("([cabsn][+-]?): ")


@dataclass(frozen=True)
class Scripts:
    """Every script of one topic, its turns one behind the other.

    Script `s` has the turns `starts[s]` to `starts[s] + lengths[s] - 1` of `texts` and `speakers`; the
    scripts of language `l` are `first_of[l]` and the `count_of[l] - 1` after it. `moods` says of each turn of a
    customer whether it is positive, neutral or negative; of what the company says it is None.
    """

    texts: tuple[str, ...]
    speakers: tuple[str, ...]
    moods: tuple[str | None, ...]
    starts: Ints
    lengths: Ints
    first_of: Ints
    count_of: Ints

    def draw(self, rng: Random, language: Ints) -> Ints:
        """Choose a script for each row in the row's language."""
        return self.first_of[language] + (rng.random(len(language)) * self.count_of[language]).astype(
            np.int64
        )


@cache
def read_scripts(kind: str, topic: str) -> Scripts:
    """Read the scripts of a topic: `kind` is chat, mail and so on; an SMS is a script of one turn."""
    by_language = _document()[kind][topic]
    scripts = [script for language in LANGUAGES for script in by_language[language]]
    turns = [script if isinstance(script, list) else [_marked(script)] for script in scripts]
    lengths = np.asarray([len(turn) for turn in turns])
    counts = np.asarray([len(by_language[language]) for language in LANGUAGES])
    flat = [turn.split(": ", 1) for script in turns for turn in script]
    return Scripts(
        texts=tuple(text for _, text in flat),
        speakers=tuple(SPEAKERS.get(speaker[0], "") for speaker, _ in flat),
        moods=tuple(MOODS.get(speaker) for speaker, _ in flat),
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        first_of=np.cumsum(counts) - counts,
        count_of=counts,
    )


@cache
def read_campaign(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the subjects and bodies of a past campaign, one a language."""
    pairs = [_document()["outreach"][name][language].split("|", 1) for language in LANGUAGES]
    return tuple(subject for subject, _ in pairs), tuple(body for _, body in pairs)


def _marked(script: str) -> str:
    """Say x of a single text whose speaker goes without saying."""
    return script if MARKED.match(script) else f"x: {script}"


@cache
def _document() -> Any:
    text = files("pipelines.samples").joinpath("wording.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)
