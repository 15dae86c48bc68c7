"""A register that clerks typed is linked as well as plain Splink at .95 links it (measured 2026-11-22)."""

import os
from pathlib import Path

import pytest

from benchmarks.linking import linked_febrl

pytestmark = pytest.mark.real_data
DATA = Path(os.environ.get("RAPPORT_REAL_DATA", Path(__file__).parents[5] / "shared" / "data"))
FILE = DATA / "identity_febrl3" / "dataset3.csv"


@pytest.mark.parametrize(("numbered", "splink"), [(True, 0.9998), (False, 0.9956)])
def test_febrl3_is_not_linked_worse_than_by_plain_splink(numbered: bool, splink: float) -> None:  # noqa: FBT001
    if not FILE.is_file():
        pytest.skip(f"the real data sets are not at {DATA}; RAPPORT_REAL_DATA names another place")
    assert linked_febrl(FILE, numbered=numbered)["f1"] >= splink - 0.002
