"""Drift: how the columns of a file differ from those that were expected, and which of them were probably renamed."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from data_contracts.errors import BatchRefusedError

ALIKE = 0.72  # "E-Mail" and "Mail" are .89, "quantity" and "qty" .55, "City" and "Country" .55
NAMED = 12  # columns that an error names; a file may have hundreds
SHORTEST = 4  # a shorter name says nothing by standing at an end of another
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Drift:
    """Columns that are `missing`, columns that are `new`, and pairs (missing, new) that are probably one and the same.

    A renamed column stands in all three. Each is in the order in which it came. `there` are all columns that were found.
    """

    missing: tuple[str, ...]
    new: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    there: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.missing or self.new)

    def without(self, optional: Collection[str]) -> "Drift":
        """Give what differs beside columns that need not be there."""
        missing = tuple(column for column in self.missing if column not in optional)
        renamed = tuple(pair for pair in self.renamed if pair[0] in missing)
        return Drift(missing, self.new, renamed, self.there)

    def sentence(self) -> str:
        """Say what is missing, and what each missing column is probably called now; empty where nothing is missing."""
        return f"It has no column {self.missed()}." if self.missing else ""

    def missed(self) -> str:
        """Name what is missing, and what it is probably called now."""
        pairs = dict(self.renamed)
        return ", ".join(
            f"{column} (now {pairs[column]}?)" if column in pairs else column for column in self.missing
        )


def compare(expected: Iterable[str], found: Iterable[str]) -> Drift:
    """Compare the columns that were expected with those that are there."""
    known, there = list(dict.fromkeys(expected)), list(dict.fromkeys(found))
    missing = [column for column in known if column not in there]
    new = [column for column in there if column not in known]
    return Drift(tuple(missing), tuple(new), _pairs(missing, new), tuple(there))


def columns_changed(path: Path, mapping: str, drift: Drift, what: str = "") -> BatchRefusedError:
    """Refuse a file in which columns or keys are missing that its mapping reads."""
    what = what or f"has no column {drift.missed()}, which the mapping {mapping} reads"
    new = f" The mapping does not name {_some(drift.new)}." if drift.new else ""
    return BatchRefusedError(
        f"The file {path} {what}.",
        f"It has {_some(drift.there)}.{new} Export it again, or write a mapping of your own in which what was renamed has"
        " its new name (rapport ingest TABLE FILE --suggest-map).",
        mapping=mapping,
        missing=drift.missed(),
    )


def _some(columns: Sequence[str]) -> str:
    return f"{', '.join(columns[:NAMED])}{' ...' if len(columns) > NAMED else ''}"


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
