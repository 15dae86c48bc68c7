"""The sample company is as hard to resolve as it says: joining on an address alone is not enough."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.samples.world import World, make_world

IDENTIFIERS = ("email", "phone", "external_id", "device_id", "handle")
PRECISION, RECALL, MARGIN = 0.89, 0.75, 0.04


def column(world: World, name: str) -> pa.Array:
    parts = []
    for table in world.owners:
        rows = world.tables[table]
        there = name in rows.column_names
        parts.append(rows[name].combine_chunks() if there else pa.nulls(rows.num_rows, pa.string()))
    return pa.concat_arrays(parts)


def normal_emails(world: World) -> pa.Array:
    lowered = pc.utf8_trim_whitespace(pc.utf8_lower(column(world, "email")))
    return pc.if_else(pc.fill_null(pc.match_substring(lowered, "@"), False), lowered, None)


def normal_phones(world: World) -> pa.Array:
    digits = pc.replace_substring_regex(column(world, "phone"), "[^0-9+]", "")
    digits = pc.replace_substring_regex(digits, r"^(\+|00)", "")
    long_enough = pc.and_(
        pc.greater_equal(pc.utf8_length(digits), 8), pc.invert(pc.match_substring_regex(digits, "^0+$"))
    )
    return pc.if_else(pc.fill_null(long_enough, False), digits, None)


def codes(values: pa.Array) -> NDArray[np.int64]:
    indices = pc.fill_null(pc.dictionary_encode(values).indices, -1)
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def joined_on(*keys: NDArray[np.int64]) -> NDArray[Any]:
    """Label records that hang together by any key with the same number."""
    count = len(keys[0])
    records, targets, base = [], [], count
    for key in keys:
        there = np.flatnonzero(key >= 0)
        records.append(there)
        targets.append(base + key[there])
        base += int(key.max(initial=-1)) + 1
    rows, columns = np.concatenate(records), np.concatenate(targets)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(base, base))
    return connected_components(graph, directed=False)[1][:count]


def pairs(labels: NDArray[Any]) -> float:
    sizes = np.unique(labels, return_counts=True)[1].astype(float)
    return float((sizes * (sizes - 1) / 2).sum())


def score(world: World) -> tuple[float, float]:
    """Give pairwise precision and recall over the records that carry any identifier."""
    known = np.any(
        [column(world, name).is_valid().to_numpy(zero_copy_only=False) for name in IDENTIFIERS], axis=0
    )
    person = np.concatenate(list(world.owners.values()))[known]
    found = joined_on(codes(normal_emails(world)), codes(normal_phones(world)))[known]
    right = pairs(found.astype(np.int64) * len(world.history.people) + person)
    return right / pairs(found), right / pairs(person)


@pytest.mark.parametrize(("people", "seed"), [(2_000, 7), (2_000, 2), (5_000, 7)])
def test_joining_on_email_or_phone_alone_finds_some_and_merges_strangers(people: int, seed: int) -> None:
    precision, recall = score(make_world(people, seed))
    assert precision == pytest.approx(PRECISION, abs=MARGIN)
    assert recall == pytest.approx(RECALL, abs=MARGIN)
