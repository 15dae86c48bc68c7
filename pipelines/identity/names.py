"""Given names: whether two of them can be one person's."""

from functools import cache

from nicknames import NickNamer
from rapidfuzz.distance import JaroWinkler

# A given name as it is compared, from the column `given_name`: without accents and titles, its first word.
FOLDED = r"""
    nullif(split_part(trim(regexp_replace(regexp_replace(
        strip_accents(lower(trim(given_name))),
        '^(mr|mrs|ms|miss|mx|dr|prof|herr|frau|mme|mlle|mag)[. ]+', ''),
        '[^\p{L}]+', ' ', 'g')), ' ', 1), '')
"""

# A family name as it is compared: letters alone.
FOLDED_FAMILY = r"nullif(regexp_replace(strip_accents(lower(family_name)), '[^\p{L}]+', '', 'g'), '')"


class Alike:
    """Says whether two folded names may be one person's: spellings, short forms, nicknames, initials.

    `above` is the Jaro-Winkler similarity from which two spellings are one name. Not transitive: Al is Albert
    and Alexander. Remembers what it was asked.
    """

    def __init__(self, above: float) -> None:
        self._above = above
        self._names = NickNamer()
        self._answer = cache(self._compare)

    def __call__(self, one: str, other: str) -> bool:
        """Compare two names; the order makes no difference."""
        return one == other or self._answer(*sorted((one, other)))

    def _compare(self, one: str, other: str) -> bool:
        shorter, longer = sorted((one, other), key=len)
        if longer.startswith(shorter) and len(shorter) != 2:  # an initial or a short form; Jo is not Jonas
            return True
        if ({one} | self._names.canonicals_of(one)) & ({other} | self._names.canonicals_of(other)):
            return True
        return bool(JaroWinkler.similarity(one, other) >= self._above)


def groups(names: list[str], alike: Alike) -> list[int]:
    """Put names together that are alike, directly or through others; give each name the number of its group."""
    number = list(range(len(names)))
    for later in range(len(names)):
        for earlier in range(later):
            if number[earlier] != number[later] and alike(names[earlier], names[later]):
                old, new = number[later], number[earlier]
                number = [new if each == old else each for each in number]
    return number
