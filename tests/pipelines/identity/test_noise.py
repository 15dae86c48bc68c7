"""Noise that makes one person of thousands, and what the shipped rules make of it."""

import secrets

import numpy as np
import pytest

from benchmarks.identity.merging import Labels, devices_tie, plain, resolved_by
from benchmarks.identity.noise import KINDS, NONE, VALUES, Records, noisy_records
from pipelines.identity.evaluation.score import score
from pipelines.identity.policy import BlockedValue, load_policy

PEOPLE = 3_000
SEED = secrets.randbelow(2**31)
TOLD = f"noise of seed {SEED}"


@pytest.fixture(scope="module")
def records() -> Records:
    return noisy_records(PEOPLE, SEED)


@pytest.fixture(scope="module")
def found(records: Records) -> Labels:
    return resolved_by(devices_tie(load_policy()), records)[0]


def test_the_noise_is_real_plain_components_make_one_person_of_hundreds(records: Records) -> None:
    judged = score(plain(records), records.person)
    assert judged.precision < 0.1, TOLD
    assert judged.most_people > PEOPLE / 20, TOLD


def test_the_rules_keep_strangers_apart_and_people_together(records: Records, found: Labels) -> None:
    judged = score(found, records.person)
    assert judged.precision >= 0.97, TOLD
    assert judged.most_people <= 5, TOLD
    assert judged.recall >= 0.985 * score(plain(records), records.person).recall, TOLD


def test_records_that_carry_only_what_everybody_carries_are_alone(records: Records, found: Labels) -> None:
    own = (records.keys != NONE) & (records.keys < PEOPLE * np.array(VALUES))
    everybodys = (records.keys != NONE).any(axis=1) & ~own.any(axis=1)
    sizes = np.bincount(found)
    assert everybodys.sum() > 10, TOLD
    assert (sizes[found[everybodys]] == 1).all(), TOLD


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_a_value_that_people_blocked_ties_no_more_than_if_no_record_had_it(kind: int) -> None:
    records, policy = noisy_records(200, SEED), devices_tie(load_policy())
    values, counts = np.unique(records.keys[:, kind], return_counts=True)
    value = int(values[1:][counts[1:].argmax()])
    listed = BlockedValue(type=KINDS[kind], value=f"noise:{value}", reason="ours")
    blocked = resolved_by(policy.model_copy(update={"blocked": (listed,)}), records)[0]
    assert same(blocked, resolved_by(policy, records.without(kind, value))[0]), TOLD


def test_the_order_of_records_changes_nothing() -> None:
    records, policy = noisy_records(500, SEED), devices_tie(load_policy())
    order = np.random.default_rng(SEED).permutation(len(records))
    shuffled = resolved_by(policy, Records(records.person[order], records.keys[order]))[0]
    assert same(resolved_by(policy, records)[0][order], shuffled), TOLD


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_number_of_threads_changes_nothing(records: Records, found: Labels, threads: int) -> None:
    assert same(resolved_by(devices_tie(load_policy()), records, threads)[0], found), TOLD


def same(one: Labels, other: Labels) -> bool:
    """Say whether two labellings group the same records."""
    together = np.unique(np.stack([one, other]), axis=1).shape[1]
    return together == len(np.unique(one)) == len(np.unique(other))
