"""Drift: how the columns of a file differ from those that were expected, and which of them were probably renamed."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

ALIKE = 0.72  # "E-Mail" and "Mail" are .89, "quantity" and "qty" .55, "City" and "Country" .55
SHORTEST = 4  # a shorter name says nothing by standing at an end of another
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Drift:
    """Columns that are `missing`, columns that are `new`, and pairs (missing, new) that are probably one and the same.

    A renamed column stands in all three. Each is in the order in which it came.
    """

    missing: tuple[str, ...]
    new: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.missing or self.new)

    def sentence(self) -> str:
        """Say what is missing, and what each missing column is probably called now; empty where nothing is missing."""
        pairs = dict(self.renamed)
        parts = [f"{column} (now {pairs[column]}?)" if column in pairs else column for column in self.missing]
        return f"It has no column {', '.join(parts)}." if parts else ""


def compare(expected: Iterable[str], found: Iterable[str]) -> Drift:
    """Compare the columns that were expected with those that are there."""
    known, there = list(dict.fromkeys(expected)), list(dict.fromkeys(found))
    missing = [column for column in known if column not in there]
    new = [column for column in there if column not in known]
    return Drift(tuple(missing), tuple(new), _pairs(missing, new))


def similarity(one: str, other: str) -> float:
    """Say how alike two names are, from 0 to 1; case, accents and separators do not count."""
    first, second = words_of(one), words_of(other)
    short, long = sorted(("".join(first), "".join(second)), key=len)
    if len(short) >= SHORTEST and (long.startswith(short) or long.endswith(short)):
        return 0.9
    words = set(first) & set(second)
    return 0.9 if words and words in (set(first), set(second)) else SequenceMatcher(None, short, long).ratio()


def words_of(name: str) -> list[str]:
    """Take a column's name apart: customerE-Mail and CUSTOMER_E_MAIL are both customer, e, mail."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", spaced.replace("ß", "ss"))
    return WORD.findall("".join(sign for sign in plain if not unicodedata.combining(sign)).lower())


def _pairs(missing: list[str], new: list[str]) -> tuple[tuple[str, str], ...]:
    """Pair each missing column with the new one that is most like it; every column stands in one pair at most."""
    scored = [(similarity(old, other), old, other) for old in missing for other in new]
    pairs: dict[str, str] = {}
    for score, old, other in sorted(scored, key=lambda item: -item[0]):
        if score >= ALIKE and old not in pairs and other not in pairs.values():
            pairs[old] = other
    return tuple((old, pairs[old]) for old in missing if old in pairs)
