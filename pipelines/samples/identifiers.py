"""The identifiers that are truly people's: addresses and phone numbers, own, shared and recycled."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Ints,
    Random,
    Strings,
    Times,
    blank,
    chance,
    choose,
    days,
    digits,
    join,
    ordinals,
    pick,
    take,
    weighted,
)
from pipelines.samples.noise import Noise
from pipelines.samples.phones import hand_out
from pipelines.samples.times import END, START

SHOP = "shopify:"  # names the system that a customer number comes from

DOMAINS = {
    "gmail.example.com": 0.38,
    "outlook.example.com": 0.16,
    "mail.example.org": 0.14,
    "icloud.example.net": 0.1,
    "example.com": 0.06,
    "example.org": 0.06,
    "post.example.org": 0.06,
    "example.net": 0.04,
}
FIRMS = ("northwind", "acme", "globex", "initech")
WORKPLACES = tuple(f"{firm}.example.{end}" for firm in FIRMS for end in ("com", "net"))


class Members(NamedTuple):
    """What identifiers depend on, a row a person; `second` marks those with a second self."""

    number: Ints
    place: Ints
    household: Ints
    second: Flags

    @property
    def head(self) -> Ints:
        """Give the position of the first member of each person's household."""
        return np.searchsorted(self.household, self.household).astype(np.int64)


class Phones(NamedTuple):
    """Numbers of both selves, one behind the other, and from when until when the person has the number."""

    numbers: Ints
    since: Times
    until: Times


def write_emails(rng: Random, members: Members, given: Strings, family: Strings, noise: Noise) -> Strings:
    """Write both addresses of everybody out of their spelt names: a private one and a second self's."""
    count = len(given)
    style = rng.integers(0, 4, count)
    initial = pc.utf8_slice_codeunits(given, 0, 1)
    local = choose(style == 0, join(initial, family), join(given, ".", family))
    local = choose(style == 1, join(given, digits(rng.integers(60, 100, count))), local)
    domain = weighted(rng, count, list(DOMAINS.values()))
    private = join(local, "{}@", pick(list(DOMAINS), domain))
    other = join(given, ".", family, "{}@", pick(WORKPLACES, rng.integers(0, len(WORKPLACES), count)))
    elsewhere = (domain + 1 + rng.integers(0, 3, count)) % len(DOMAINS)
    spare = join(family, ".", given, "{}@", pick(list(DOMAINS), elsewhere))
    second = blank(choose(chance(rng, count, 0.6), other, spare), ~members.second)
    written = _made_unique(pa.concat_arrays([private, second]), int(members.number[0]))
    shares = chance(rng, count, noise.household_email)[members.head]
    return take(written, np.r_[np.where(shares, members.head, np.arange(count)), count + np.arange(count)])


def hand_out_phones(rng: Random, members: Members, noise: Noise) -> Phones:
    """Hand out numbers for both selves, share some within households, and let some change hands."""
    count = len(members.number)
    own = hand_out(members.place, ordinals(members.place), members.number)
    own = np.where(chance(rng, count, noise.household_phone)[members.head], own[members.head], own)
    own[chance(rng, count, noise.no_phone)] = 0
    since, until = np.full(count, START), np.full(count, END + DAY)
    givers = np.flatnonzero(chance(rng, count, noise.recycled_phone) & (own > 0))
    takers = np.flatnonzero(own > 0)[rng.integers(0, max(int((own > 0).sum()), 1), len(givers))]
    apart = members.household[givers] != members.household[takers]
    givers, takers = givers[apart], takers[apart]
    swap = START + days(rng.uniform(0.3, 0.7, len(givers)) * ((END - START) / DAY))
    own[takers], until[givers], since[takers] = own[givers], swap, swap
    same = members.second & chance(rng, count, noise.second_self_same_phone)
    return Phones(np.r_[own, np.where(same, own, 0)], since, until)


def _made_unique(patterns: Strings, first: int) -> Strings:
    """Put a number where an address would stand twice (at the `{}`), or everywhere in later chunks."""
    groups = np.asarray(
        pc.fill_null(pc.dictionary_encode(patterns).indices, -1).to_numpy(zero_copy_only=False)
    )
    rank = ordinals(groups.astype(np.int64)) + first
    numbered = pc.if_else(pa.array(rank > 0), digits(rank + (rank > 0)), "")
    parts = pc.split_pattern(patterns, "{}")
    return join(pc.list_element(parts, 0), numbered, pc.list_element(parts, 1))


def of_the_shop(numbers: Strings) -> Strings:
    """Say of customer numbers in another system's records that they are the shop's: shopify:7100030218911."""
    return join(SHOP, numbers)
