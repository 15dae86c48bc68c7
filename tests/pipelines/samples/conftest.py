"""Worlds of the sample company, made once for all tests of this folder."""

from pathlib import Path

import pytest

from pipelines.samples.shapes import WrittenFile, write_company
from pipelines.samples.truth import write_truth
from pipelines.samples.world import World, make_world


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(2_000, 7)


@pytest.fixture(scope="session")
def big_world() -> World:
    """Give a world whose planted effects stand out of the noise."""
    return make_world(24_000, 11)


@pytest.fixture(scope="session")
def small_world() -> World:
    return make_world(300, 3)


@pytest.fixture(scope="session")
def written(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> list[WrittenFile]:
    return write_company(small_world, tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="session")
def company(small_world: World, written: list[WrittenFile]) -> Path:
    """Give the folder of the small world's files, with its truth."""
    out = written[0].path.parent
    write_truth(small_world, out / "truth")
    return out
