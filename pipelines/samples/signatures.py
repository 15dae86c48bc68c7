"""How people sign a record: which of their identifiers stand on it, and how carefully typed."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    Ints,
    Random,
    Strings,
    Times,
    chance,
    choose,
    join,
    marked,
    pick,
    present,
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


class Acts(NamedTuple):
    """Who does something, under which self (0 or 1) and when; a row an act."""

    person: Ints
    selves: Ints
    at: Times


def act(rng: Random, people: People, person: Ints, at: Times, noise: Noise) -> Acts:
    """Decide which self acts: the second one now and then, of those who have one."""
    second = people.second_self[person] & chance(rng, len(person), noise.second_self_acts)
    return Acts(person, second.astype(np.int64), at)


def phone_numbers(people: People, acts: Acts) -> Ints:
    """Give the number that a self uses at the time, 0 for none; recycled ones only while theirs."""
    theirs = (acts.at >= people.phone_from[acts.person]) & (acts.at < people.phone_until[acts.person])
    return np.where(theirs, people.phones[acts.person + acts.selves * len(people)], 0)


def clean_emails(people: People, person: Ints, selves: Ints) -> Strings:
    """Give the address of a self as a machine would pass it on."""
    return take(people.emails, person + selves * len(people))


def sign(rng: Random, people: People, acts: Acts, noise: Noise) -> Signatures:
    """Write the identifiers that people type into forms, with all the noise of typing."""
    count = len(acts.person)
    email = _habits(rng, people, acts.person, clean_emails(people, acts.person, acts.selves))
    email = mistype(email, np.flatnonzero(chance(rng, count, noise.typo_email)), rng)
    email = _loudly(rng, email, noise.upper_email)
    numbers = e164(phone_numbers(people, acts))
    styles = weighted(rng, count, PHONE_STYLES)
    written = as_people_write(numbers, people.country[acts.person], styles)
    given, family = (
        mistype(take(names, acts.person), np.flatnonzero(chance(rng, count, noise.typo_name / 2)), rng)
        for names in (people.given, people.family)
    )
    return Signatures(
        email=_placeholders(rng, email, noise.placeholder_email, PLACEHOLDER_EMAILS),
        phone=_placeholders(rng, written, noise.placeholder_phone, PLACEHOLDER_PHONES),
        given=given,
        family=family,
    )


def countries_of(people: People, person: Ints) -> Strings:
    """Give the ISO country code of people."""
    return pick(COUNTRIES, people.country[person])


def _loudly(rng: Random, email: Strings, share: float) -> Strings:
    """Let a few begin with a capital, and a few of those shout all of it."""
    capital = join(pc.utf8_upper(pc.utf8_slice_codeunits(email, 0, 1)), pc.utf8_slice_codeunits(email, 1))
    loud = choose(chance(rng, len(email), 0.3), pc.utf8_upper(email), capital)
    return choose(chance(rng, len(email), share), loud, email)


def _habits(rng: Random, people: People, person: Ints, email: Strings) -> Strings:
    """Let some people tag their address (anna+shop@) and others leave the dots out of a gmail-like one."""
    parts = pc.split_pattern(pc.fill_null(email, "@"), "@")
    local, domain = pc.list_element(parts, 0), pc.list_element(parts, 1)
    there = present(email)
    gmail = marked(pc.equal(domain, "gmail.example.com"))
    count = len(person)
    tags = pick(("+shop", "+harbour", "+orders"), rng.integers(0, 3, count))
    tagged = there & people.plus_habit[person] & chance(rng, count, 0.6)
    undotted = there & gmail & people.dots_habit[person] & chance(rng, count, 0.5) & ~tagged
    email = choose(tagged, join(local, tags, "@", domain), email)
    return choose(undotted, join(pc.replace_substring(local, ".", ""), "@", domain), email)


def _placeholders(rng: Random, values: Strings, share: float, words: tuple[str, ...]) -> Strings:
    """Put a made-up value in place of a few."""
    rows = chance(rng, len(values), share)
    return choose(rows, pick(words, rng.integers(0, len(words), len(values))), values)
