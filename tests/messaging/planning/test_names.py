"""A misspelt name finds its person, and an address with a slip in it does too."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from messaging.customers import Customers
from messaging.customers.names import MOST_WORDS, plain_name, readings

NAMES = (
    ("Zoë", "Großmann"),
    ("Siobhán", "O'Brien"),
    ("Maria", "de la Cruz"),
    ("Priya", "Raghunathan"),
    ("Wolfgang", "Lindqvist"),
    ("Anna Maria", "Kowalczyk"),
)
LETTERS = "aeiourstln"


@pytest.fixture
def people(
    customers: Customers, publish: Callable[..., Any], make_person: Callable[..., dict[str, Any]]
) -> Customers:
    """Give a search over a few people with names that are easily misspelt."""
    known = [
        make_person(number, given_name=given, family_name=family, display_name=f"{given} {family}")
        for number, (given, family) in enumerate(NAMES, 1)
    ]
    known.append(make_person(90, given_name=None, family_name=None, display_name="lamp_lover"))
    held = [
        {
            "customer_id": known[3]["customer_id"],
            "identifier_type": "email",
            "value": "priya.raghunathan@example.com",
        }
    ]
    known[3]["email"] = "priya.raghunathan@example.com"
    publish(customer_360=known, customer_identifiers=held)
    return customers


def slip(word: str, dice: random.Random) -> str:
    """Misspell a word as fingers do: a letter is lost, doubled, wrong, or changes places with the next."""
    at = dice.randrange(1, len(word) - 1)
    wrong = dice.choice(LETTERS)
    kinds = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + wrong + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    return dice.choice(kinds)


def test_a_name_with_a_slip_in_both_its_parts_finds_its_person_first(people: Customers) -> None:
    dice = random.Random(20261123)
    for _ in range(10):
        for given, family in NAMES:
            asked = f"{slip(given, dice)} {slip(family, dice)}"
            hits = people.find(asked)
            assert hits, asked
            assert hits[0].display_name == f"{given} {family}", asked


def test_a_name_is_found_by_its_beginning_either_part_and_with_more_words_around_it(
    people: Customers,
) -> None:
    for asked, name in (
        ("kowal", "Anna Maria Kowalczyk"),
        ("Lindquist", "Wolfgang Lindqvist"),
        ("cruz de la maria", "Maria de la Cruz"),
        ("de la cruz maria", "Maria de la Cruz"),
        ("Mrs Priya Ragunathan", "Priya Raghunathan"),
        ("lamp_lover", "lamp_lover"),
    ):
        assert people.find(asked)[0].display_name == name


def test_an_address_with_a_slip_finds_its_person_and_one_that_is_known_nobody_else(people: Customers) -> None:
    (hit,) = people.find("priya.ragunathan@example.com")
    assert (hit.display_name, hit.matched_by) == ("Priya Raghunathan", "similar email")
    assert hit.score < 0.95, "it is a guess: the page asks whether it is meant"
    (exact,) = people.find("priya.raghunathan@example.com")
    assert (exact.matched_by, exact.score) == ("email", 1.0)


def test_a_name_reads_both_ways_round_at_every_split_and_a_long_one_does_not_explode() -> None:
    read = readings("maria de la cruz")
    pairs = set(zip(read["givens"], read["families"], strict=True))
    assert {("maria", "de la cruz"), ("de la cruz", "maria"), ("maria", "cruz")} <= pairs
    many = readings(" ".join("abcdefghij"))
    assert len(many["givens"]) <= 2 * 9 + MOST_WORDS * (MOST_WORDS - 1)


@pytest.mark.parametrize("text", ["a", "x" * 101, "ada@example.com", "07700 900123", "\u0301\u0301"])
def test_what_cannot_be_a_name_is_not_compared_with_any(text: str) -> None:
    assert plain_name(text) is None
