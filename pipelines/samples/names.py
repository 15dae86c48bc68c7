"""Names of people by culture, each with the Latin spelling that ends up in e-mail addresses and handles."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

# The share of households of each country by the culture their names come from.
CULTURES_OF: dict[str, dict[str, float]] = {
    "GB": {"en": 0.76, "in": 0.08, "pl": 0.05, "ga": 0.03, "world": 0.04, "pt": 0.02, "fr": 0.02},
    "US": {"en": 0.66, "es": 0.16, "in": 0.05, "world": 0.06, "de": 0.04, "ga": 0.03},
    "DE": {"de": 0.84, "pl": 0.07, "world": 0.06, "en": 0.03},
    "FR": {"fr": 0.86, "pt": 0.06, "world": 0.05, "en": 0.03},
    "ES": {"es": 0.92, "en": 0.04, "world": 0.04},
    "SE": {"sv": 0.88, "world": 0.06, "pl": 0.06},
    "IE": {"ga": 0.72, "en": 0.16, "pl": 0.12},
    "AU": {"en": 0.76, "world": 0.12, "in": 0.08, "ga": 0.04},
    "CA": {"en": 0.56, "fr": 0.24, "in": 0.10, "world": 0.10},
    "PT": {"pt": 0.94, "en": 0.06},
}
CULTURES = ("en", "ga", "fr", "de", "es", "pt", "sv", "pl", "in", "world")
LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "'": None, "-": None})
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@dataclass(frozen=True)
class Names:
    """All names in one list, with the slice of it that each culture uses.

    `words` are as a person writes them, `spellings` in lower-case ASCII; `span[culture]` is (start, length).
    """

    words: tuple[str, ...]
    spellings: tuple[str, ...]
    span: dict[str, tuple[int, int]]


def spell(word: str, culture: str = "en") -> str:
    """Spell a name in lower-case ASCII letters, as people do in e-mail addresses (Müller -> mueller)."""
    lowered = word.lower()
    if culture == "de":
        lowered = lowered.translate(UMLAUTS)
    plain = unicodedata.normalize("NFKD", lowered.translate(LETTERS))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())


@cache
def read_names(part: str) -> Names:
    """Read the `given` or `family` names of every culture from names.yaml."""
    document = yaml.safe_load(files("pipelines.samples").joinpath("names.yaml").read_text(encoding="utf-8"))
    words: list[str] = []
    spellings: list[str] = []
    span = {}
    for culture, parts in document.items():
        entries = [entry.partition("=") for entry in parts[part].split()]
        span[culture] = (len(words), len(entries))
        words += [word for word, _, _ in entries]
        spellings += [latin or spell(word, culture) for word, _, latin in entries]
    return Names(tuple(words), tuple(spellings), span)
