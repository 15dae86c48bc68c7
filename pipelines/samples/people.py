"""The people of the sample company: households, names, addresses, and the identifiers that are truly theirs."""

from dataclasses import dataclass
from functools import cache

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
    choose,
    digits,
    hex_ids,
    join,
    ordinals,
    pick,
    take,
    weighted,
)
from pipelines.samples.names import CULTURES, CULTURES_OF, Names, read_names
from pipelines.samples.noise import Noise
from pipelines.samples.phones import hand_out
from pipelines.samples.places import COUNTRIES, LANGUAGES_OF, PLACES, STREETS

START = np.datetime64("2025-04-28T00:00:00", "us")
END = np.datetime64("2026-10-30T12:00:00", "us")  # the demo clock's noon; nothing happens later
HOUSEHOLD_SIZES = (0.58, 0.24, 0.11, 0.07)  # of one, two, three and four
DOMAINS = {
    "gmail.example.com": 0.38, "outlook.example.com": 0.16, "mail.example.org": 0.14, "icloud.example.net": 0.1,
    "example.com": 0.06, "example.org": 0.06, "example.net": 0.04, "post.example.org": 0.06,
}  # fmt: skip
WORKPLACES = tuple(
    f"{firm}.example.{end}" for firm in ("northwind", "acme", "globex", "initech") for end in ("com", "net")
)


@dataclass(frozen=True)
class People:
    """Everybody, one row a person, in columns; `number` counts on over all chunks of a world.

    Two *selves* stand side by side: the identifiers a person mostly uses, and those of a second self (a work address,
    an old account) that some people have. `emails`, `accounts` and `phones` hold the first selves of everybody, then
    the second ones, so that row `person + self * len(people)` is what that self uses. A phone counts from
    `phone_from` until `phone_until`: recycled numbers change hands.
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
    emails = _emails(rng, streams.first, given_spelt, family_spelt, household, second, noise)
    phones, since, until = _phones(streams("phones"), number, place, household, second, noise)
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
        street=_streets(rng, country, household),
        city=pick([place.city for place in PLACES], place),
        postcode=_postcodes(rng, place, household),
        joined=_joined(rng, count),
        has_account=~chance(rng, count, noise.no_account),
        second_self=second,
        second_account=second & chance(rng, count, noise.second_account),
        plus_habit=chance(rng, count, noise.plus_habit),
        dots_habit=chance(rng, count, noise.dots_habit),
        emails=emails,
        accounts=accounts,
        phones=phones,
        phone_from=since,
        phone_until=until,
        device=join("dv_", hex_ids("device", streams.seed, number, 16)),
        handle=join(pc.utf8_slice_codeunits(pc.replace_substring(local, ".", ""), 0, 6), "_", digits(number)),
    )


def _drawn(matrix: list[tuple[float, ...]], row: Ints, draws: Floats) -> Ints:
    """Draw a column of `matrix` for each person, by the weights in their row."""
    edges = np.cumsum(np.asarray(matrix), axis=1)
    return (draws[:, None] >= (edges / edges[:, -1:])[row]).sum(axis=1).clip(0, edges.shape[1] - 1)


def _names(rng: Random, names: Names, culture: Ints, owner: Ints) -> tuple[Strings, Strings]:
    """Draw a name of the culture, the same one for people with the same `owner`; and its spelling."""
    starts, sizes = (np.asarray([names.span[name][part] for name in CULTURES]) for part in (0, 1))
    draws = rng.random(len(culture))[owner]
    index = starts[culture] + (draws * sizes[culture]).astype(np.int64)
    return pick(names.words, index), pick(names.spellings, index)


def _emails(
    rng: Random, first: int, given: Strings, family: Strings, household: Ints, second: Flags, noise: Noise
) -> Strings:
    """Write both addresses of everybody: a private one, and for those with a second self another."""
    count = len(given)
    style = rng.integers(0, 4, count)
    initial = pc.utf8_slice_codeunits(given, 0, 1)
    local = choose(style == 0, join(initial, family), join(given, ".", family))
    local = choose(style == 1, join(given, digits(rng.integers(60, 100, count))), local)
    domain = weighted(rng, count, list(DOMAINS.values()))
    private = join(local, "{}@", pick(list(DOMAINS), domain))
    at_work = chance(rng, count, 0.6)
    other = join(given, ".", family, "{}@", pick(WORKPLACES, rng.integers(0, len(WORKPLACES), count)))
    spare = join(
        family,
        ".",
        given,
        "{}@",
        pick(list(DOMAINS), (domain + 1 + rng.integers(0, 3, count)) % len(DOMAINS)),
    )
    written = _made_unique(pa.concat_arrays([private, blank(choose(at_work, other, spare), ~second)]), first)
    head = np.searchsorted(household, household)
    shares = chance(rng, count, noise.household_email)[head]
    return take(written, np.r_[np.where(shares, head, np.arange(count)), count + np.arange(count)])


def _made_unique(patterns: Strings, first: int) -> Strings:
    """Put a number where an address would stand twice (`{}` marks the place), or everywhere in later chunks."""
    groups = np.asarray(
        pc.fill_null(pc.dictionary_encode(patterns).indices, -1).to_numpy(zero_copy_only=False)
    )
    rank = ordinals(groups.astype(np.int64)) + first
    numbered = pc.if_else(pa.array(rank > 0), digits(rank + (rank > 0)), "")
    parts = pc.split_pattern(patterns, "{}")
    return join(pc.list_element(parts, 0), numbered, pc.list_element(parts, 1))


def _phones(
    rng: Random, number: Ints, place: Ints, household: Ints, second: Flags, noise: Noise
) -> tuple[Ints, Times, Times]:
    """Hand out phone numbers for both selves, share some within households, and let some change hands."""
    count = len(number)
    own = hand_out(place, ordinals(place), number)
    head = np.searchsorted(household, household)
    own = np.where(chance(rng, count, noise.household_phone)[head], own[head], own)
    own[chance(rng, count, noise.no_phone)] = 0
    since, until = np.full(count, START), np.full(count, END + DAY)
    givers = np.flatnonzero(chance(rng, count, noise.recycled_phone) & (own > 0))
    takers = np.flatnonzero(own > 0)[rng.integers(0, max(int((own > 0).sum()), 1), len(givers))]
    apart = household[givers] != household[takers]
    givers, takers = givers[apart], takers[apart]
    swap = START + (rng.uniform(0.3, 0.7, len(givers)) * ((END - START) / DAY) * DAY.astype(np.int64)).astype(
        "m8[us]"
    )
    own[takers], until[givers], since[takers] = own[givers], swap, swap
    same = second & chance(rng, count, noise.second_self_same_phone)
    return np.r_[own, np.where(same, own, 0)], since, until


def _birth_dates(rng: Random, count: int) -> Strings:
    days = np.datetime64("1942-01-01") + rng.integers(0, 365 * 64, count)
    return blank(pa.array(days).cast(pa.string()), ~chance(rng, count, 0.35))


def _streets(rng: Random, country: Ints, household: Ints) -> Strings:
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


def _postcodes(rng: Random, place: Ints, household: Ints) -> Strings:
    words = [code for index in range(len(PLACES)) for code in _postcodes_of(index)]
    return pick(words, place * 64 + rng.integers(0, 64, len(place))[household])


def _joined(rng: Random, count: int) -> Times:
    """Draw when each person first meets the company: a little more often as it grows."""
    span = ((END - START) / DAY) - 4
    return START + ((rng.random(count) ** 0.85) * span * DAY.astype(np.int64)).astype("m8[us]")
