"""The people of the sample company: households, names, addresses and true identifiers."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Floats,
    Ints,
    Random,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    days,
    digits,
    hex_ids,
    join,
    pick,
    weighted,
)
from pipelines.samples.homes import write_postcodes, write_streets
from pipelines.samples.identifiers import Members, hand_out_phones, write_emails
from pipelines.samples.names import CULTURES, CULTURES_OF, Names, read_names
from pipelines.samples.noise import Noise
from pipelines.samples.places import COUNTRIES, LANGUAGES_OF, PLACES
from pipelines.samples.times import END, START

HOUSEHOLD_SIZES = (0.58, 0.24, 0.11, 0.07)  # of one, two, three and four


@dataclass(frozen=True)
class People:
    """Everybody, one row a person, in columns; `number` counts on over all chunks of a world.

    Two *selves* stand side by side: the identifiers a person mostly uses, and those of a second self (a work
    address, an old account) that some people have. `emails`, `accounts` and `phones` hold the first selves of
    everybody, then the second ones, so that row `person + self * len(people)` is what that self uses. A phone
    counts from `phone_from` until `phone_until`: recycled numbers change hands.
    """

    number: Ints
    place: Ints
    country: Ints
    language: Ints
    household: Ints
    given: Strings
    family: Strings
    birth_date: Strings
    street: Strings
    city: Strings
    postcode: Strings
    joined: Times
    has_account: Flags
    second_self: Flags
    second_account: Flags
    plus_habit: Flags
    dots_habit: Flags
    emails: Strings
    accounts: Strings
    phones: Ints
    phone_from: Times
    phone_until: Times
    device: Strings
    handle: Strings

    def __len__(self) -> int:
        """Count the people."""
        return len(self.number)


def make_people(streams: Streams, count: int, noise: Noise) -> People:
    """Make `count` people who joined between the start and the end of the world."""
    rng = streams("people")
    number = streams.first + np.arange(count)
    household = np.repeat(np.arange(count), 1 + weighted(rng, count, HOUSEHOLD_SIZES))[:count]
    place = weighted(rng, count, [place.weight for place in PLACES])[household]
    country = np.asarray([COUNTRIES.index(place.country) for place in PLACES])[place]
    cultures = [tuple(CULTURES_OF[name].get(culture, 0.0) for culture in CULTURES) for name in COUNTRIES]
    culture = _drawn(cultures, country, rng.random(count)[household])
    given, given_spelt = _names(rng, read_names("given"), culture, np.arange(count))
    shared_name = np.where(chance(rng, count, 0.8), household, np.arange(count))
    family, family_spelt = _names(rng, read_names("family"), culture, shared_name)
    language = _drawn([LANGUAGES_OF[name] for name in COUNTRIES], country, rng.random(count)[household])
    second = chance(rng, count, noise.second_self)
    members = Members(number, place, household, second)
    emails = write_emails(rng, members, given_spelt, family_spelt, noise)
    phones = hand_out_phones(streams("phones"), members, noise)
    accounts = digits(7_100_000_000_000 + (np.r_[number * 2, number * 2 + 1]) * 7919 + streams.seed % 1000)
    local = pc.list_element(pc.split_pattern(emails.slice(0, count), "@"), 0)
    return People(
        number=number,
        place=place,
        country=country,
        language=language,
        household=household + streams.first,
        given=given,
        family=family,
        birth_date=_birth_dates(rng, count),
        street=write_streets(rng, country, household),
        city=pick([place.city for place in PLACES], place),
        postcode=write_postcodes(rng, place, household),
        joined=_joined(rng, count),
        has_account=~chance(rng, count, noise.no_account),
        second_self=second,
        second_account=second & chance(rng, count, noise.second_account),
        plus_habit=chance(rng, count, noise.plus_habit),
        dots_habit=chance(rng, count, noise.dots_habit),
        emails=emails,
        accounts=accounts,
        phones=phones.numbers,
        phone_from=phones.since,
        phone_until=phones.until,
        device=join("dv_", hex_ids("device", streams.seed, number, 16)),
        handle=join(pc.utf8_slice_codeunits(pc.replace_substring(local, ".", ""), 0, 6), "_", digits(number)),
    )


def _drawn(matrix: list[tuple[float, ...]], row: Ints, draws: Floats) -> Ints:
    """Draw a column of `matrix` for each person, by the weights in their row."""
    edges = np.cumsum(np.asarray(matrix), axis=1)
    column: Ints = (draws[:, None] >= (edges / edges[:, -1:])[row]).sum(axis=1)
    return column.clip(0, edges.shape[1] - 1)


def _names(rng: Random, names: Names, culture: Ints, owner: Ints) -> tuple[Strings, Strings]:
    """Draw a name of the culture, the same one for people with the same `owner`; and its spelling."""
    starts, sizes = (np.asarray([names.span[name][part] for name in CULTURES]) for part in (0, 1))
    draws = rng.random(len(culture))[owner]
    index = starts[culture] + (draws * sizes[culture]).astype(np.int64)
    return pick(names.words, index), pick(names.spellings, index)


def _birth_dates(rng: Random, count: int) -> Strings:
    born = np.datetime64("1942-01-01") + rng.integers(0, 365 * 64, count)
    return blank(pa.array(born).cast(pa.string()), ~chance(rng, count, 0.35))


def _joined(rng: Random, count: int) -> Times:
    """Draw when each person first meets the company: a little more often as it grows."""
    span = ((END - START) / DAY) - 4
    return START + days((rng.random(count) ** 0.85) * span)
