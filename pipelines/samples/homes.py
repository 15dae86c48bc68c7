"""Where each household lives: streets and postcodes in the way of the country."""

from functools import cache

import numpy as np

from pipelines.samples.arrays import Ints, Random, Strings, choose, digits, join, pick
from pipelines.samples.places import COUNTRIES, PLACES, STREETS


def write_streets(rng: Random, country: Ints, household: Ints) -> Strings:
    """Write street and number, the number behind the street where the country does so."""
    names = [name for code in COUNTRIES for name in STREETS[code].split("|")]
    sizes = np.asarray([len(STREETS[code].split("|")) for code in COUNTRIES])
    starts = np.cumsum(sizes) - sizes
    street = starts[country] + (rng.random(len(country))[household] * sizes[country]).astype(np.int64)
    houses = digits(rng.integers(1, 180, len(country))[household])
    behind = np.isin(country, [COUNTRIES.index(code) for code in ("DE", "ES", "SE", "PT")])
    words = pick(names, street)
    return choose(behind, join(words, " ", houses), join(houses, " ", words))


@cache
def _postcodes_of(place: int) -> tuple[str, ...]:
    """Write 64 postcodes of a place; the same in every world."""
    rng = np.random.default_rng(place)
    pattern = PLACES[place].postcode
    marks = {"#": "0123456789", "@": "ABDEFGHJLNPQRSTUWXYZ"}
    return tuple(
        "".join(marks[mark][rng.integers(0, len(marks[mark]))] if mark in marks else mark for mark in pattern)
        for _ in range(64)
    )


def write_postcodes(rng: Random, place: Ints, household: Ints) -> Strings:
    """Give each household a postcode of its place."""
    words = [code for index in range(len(PLACES)) for code in _postcodes_of(index)]
    return pick(words, place * 64 + rng.integers(0, 64, len(place))[household])
