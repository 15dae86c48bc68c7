"""The identity step where memory is small: large tables are written part by part, and say the same."""

from pathlib import Path
from random import Random

import pytest

from pipelines.identity.linking.model import load_model
from pipelines.identity.linking.scorer import PairScorer
from pipelines.identity.people import IdentityOrder
from pipelines.identity.policy import load_policy
from pipelines.warehouse import parts

from .worlds import Home, World

POLICY = load_policy()


@pytest.mark.parametrize("seed", range(2))
def test_people_are_the_same_in_however_many_parts_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    world = World.draw(Random(seed), size=80, values=30)
    order = IdentityOrder(POLICY, link=PairScorer(POLICY, load_model()))
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = Home(tmp_path / "whole").resolve(world.records, order)
    monkeypatch.setattr(parts, "most_megabytes", lambda: 0.005)  # as many parts as if there were 5,000 bytes
    assert parts.parts_of(80) > 5
    found = Home(tmp_path / "parts").resolve(world.records, order)
    assert found.rows == whole.rows
    assert set(found.groups.values()) == set(whole.groups.values())
    assert found.report.to_document() == whole.report.to_document()
    assert whole.rows["identity_evidence"]
    assert whole.report.linked_pairs + whole.report.to_review > 0
