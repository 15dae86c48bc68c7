"""How a person signs one record: which of their identifiers stand on it, and how carefully they were typed."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    Flags,
    Ints,
    Random,
    Strings,
    Times,
    blank,
    chance,
    choose,
    join,
    pick,
    take,
    weighted,
)
from pipelines.samples.noise import PLACEHOLDER_EMAILS, PLACEHOLDER_PHONES, Noise, mistype
from pipelines.samples.people import People
from pipelines.samples.phones import as_people_write, e164
from pipelines.samples.places import COUNTRIES

PHONE_STYLES = (0.5, 0.24, 0.08, 0.14, 0.04)


@dataclass(frozen=True)
class Signatures:
    """The identifiers on each record, as typed."""

    email: Strings
    phone: Strings
    given: Strings
    family: Strings


def choose_selves(rng: Random, people: People, person: Ints, share: float) -> Ints:
    """Decide which self (0 or 1) acts, the second one in `share` of the cases of those who have one."""
    return (people.second_self[person] & chance(rng, len(person), share)).astype(np.int64)


def phone_numbers(people: People, person: Ints, selves: Ints, at: Times) -> Ints:
    """Give the number that a self uses at a time, 0 for none; recycled numbers only while they are theirs."""
    theirs = (at >= people.phone_from[person]) & (at < people.phone_until[person])
    return np.where(theirs, people.phones[person + selves * len(people)], 0)


def clean_emails(people: People, person: Ints, selves: Ints) -> Strings:
    """Give the address of a self as a machine would pass it on."""
    return take(people.emails, person + selves * len(people))


def sign(rng: Random, people: People, person: Ints, selves: Ints, at: Times, noise: Noise) -> Signatures:
    """Write the identifiers that people type into forms, with all the noise of typing."""
    count = len(person)
    email = _habits(rng, people, person, clean_emails(people, person, selves))
    email = mistype(email, np.flatnonzero(chance(rng, count, noise.typo_email)), rng)
    capital = join(pc.utf8_upper(pc.utf8_slice_codeunits(email, 0, 1)), pc.utf8_slice_codeunits(email, 1))
    loud = chance(rng, count, noise.upper_email)
    email = choose(loud, choose(chance(rng, count, 0.3), pc.utf8_upper(email), capital), email)
    email = _placeholders(rng, email, noise.placeholder_email, PLACEHOLDER_EMAILS)
    written = as_people_write(
        e164(phone_numbers(people, person, selves, at)),
        people.country[person],
        COUNTRIES,
        weighted(rng, count, PHONE_STYLES),
    )
    phone = _placeholders(rng, written, noise.placeholder_phone, PLACEHOLDER_PHONES)
    given, family = (
        mistype(take(names, person), np.flatnonzero(chance(rng, count, noise.typo_name / 2)), rng)
        for names in (people.given, people.family)
    )
    return Signatures(email, phone, given, family)


def _habits(rng: Random, people: People, person: Ints, email: Strings) -> Strings:
    """Let some people tag their address (anna+shop@) and others leave the dots out of a gmail-like one."""
    parts = pc.split_pattern(pc.fill_null(email, "@"), "@")
    local, domain = pc.list_element(parts, 0), pc.list_element(parts, 1)
    there = np.asarray(email.is_valid().to_numpy(zero_copy_only=False))
    gmail = np.asarray(pc.equal(domain, "gmail.example.com").to_numpy(zero_copy_only=False))
    count = len(person)
    tags = pick(("+shop", "+harbour", "+orders"), rng.integers(0, 3, count))
    tagged: Flags = there & people.plus_habit[person] & chance(rng, count, 0.6)
    undotted: Flags = there & gmail & people.dots_habit[person] & chance(rng, count, 0.5) & ~tagged
    email = choose(tagged, join(local, tags, "@", domain), email)
    return choose(undotted, join(pc.replace_substring(local, ".", ""), "@", domain), email)


def _placeholders(rng: Random, values: Strings, share: float, words: tuple[str, ...]) -> Strings:
    """Put a made-up value in place of a few."""
    rows = chance(rng, len(values), share)
    return choose(rows, pick(words, rng.integers(0, len(words), len(values))), values)


def without(strings: Strings, where: Flags) -> Strings:
    """Leave a value out of the marked records."""
    return blank(strings, where)


def countries_of(people: People, person: Ints) -> pa.Array:
    """Give the ISO country code of people."""
    return pick(COUNTRIES, people.country[person])
