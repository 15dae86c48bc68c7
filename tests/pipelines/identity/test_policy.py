"""The policy file: what it refuses, and that whatever it lets pass a build can work with."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts.errors import InputError
from pipelines.identity.matching import SCORED
from pipelines.identity.policy import SHIPPED, Policy, load_policy


def changed(folder: Path, *place: str, value: Any) -> Path:
    """Write the shipped policy with one word changed."""
    document = part = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    path = folder / "identity.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_a_word_that_it_does_not_know_is_named_with_the_words_that_are_legal_there(tmp_path: Path) -> None:
    path = changed(tmp_path, "identifiers", "phone", "per_persn", value=3)
    with pytest.raises(InputError) as refused:
        load_policy(path)
    for word in (str(path), "identifiers.phone.per_persn", "per_person", "reuse_after_days"):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("word", "value"),
    [("priority", SCORED), ("reuse_after_days", 10**12), ("most_neighbours", 10**30), ("per_person", 0)],
)
def test_a_number_that_the_build_could_not_hold_is_refused(tmp_path: Path, word: str, value: int) -> None:
    path = changed(tmp_path, "identifiers", "phone", word, value=value)
    with pytest.raises(InputError, match=f"identifiers.phone.{word}: input should be"):
        load_policy(path)


@pytest.mark.parametrize("pattern", ["(?!x)", r"(a)\1", "("])
def test_a_pattern_that_the_build_could_not_search_with_is_refused(tmp_path: Path, pattern: str) -> None:
    path = changed(tmp_path, "blocked", value=[{"type": "email", "pattern": pattern, "reason": "ours"}])
    with pytest.raises(InputError, match="the pattern cannot be read: "):
        load_policy(path)


def test_another_rule_is_another_policy_and_another_order_of_shown_values_is_not(tmp_path: Path) -> None:
    shipped = load_policy()
    stricter = load_policy(changed(tmp_path, "identifiers", "email", "per_person", value=2))
    reordered = load_policy(changed(tmp_path, "survivorship", "default", value=["recency"]))
    assert isinstance(stricter, Policy)
    assert stricter.fingerprint != shipped.fingerprint == reordered.fingerprint
