"""The measures of resolution, against counting pairs one by one."""

from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.evaluate import score, score_identity_map

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


@given(labels)
def test_pairs_and_clusters_are_those_that_one_would_count(rows: list[tuple[int, int]]) -> None:
    result = score(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
    pairs = list(combinations(rows, 2))
    assert result.found_pairs == sum(a[0] == b[0] for a, b in pairs)
    assert result.true_pairs == sum(a[1] == b[1] for a, b in pairs)
    assert result.right_pairs == sum(a == b for a, b in pairs)
    people_in = {cluster: {person for c, person in rows if c == cluster} for cluster, _ in rows}
    clusters_of = {person: {cluster for cluster, p in rows if p == person} for _, person in rows}
    assert result.merged_strangers == sum(len(people) > 1 for people in people_in.values())
    assert result.split_people == sum(len(clusters) > 1 for clusters in clusters_of.values())
    assert (result.clusters, result.people) == (len(people_in), len(clusters_of))


@given(labels)
def test_a_grouping_scores_perfectly_against_itself(rows: list[tuple[int, int]]) -> None:
    people = np.array([row[1] for row in rows])
    result = score(people * 7, people)
    assert (result.precision, result.recall, result.f1) == (1.0, 1.0, 1.0)
    assert result.merged_strangers == result.split_people == 0


def test_the_measures_of_a_small_case_by_hand() -> None:
    result = score(np.array(["x", "x", "x", "y"]), np.array(["a", "a", "b", "b"]))
    assert result.to_document() == {
        "records": 4,
        "people": 2,
        "clusters": 2,
        "largest_cluster": 3,
        "true_pairs": 2,
        "found_pairs": 3,
        "right_pairs": 1,
        "merged_strangers": 1,
        "split_people": 1,
        "precision": 0.333333,
        "recall": 0.5,
        "f1": 0.4,
    }


def test_one_cluster_of_a_million_records_has_half_a_trillion_pairs() -> None:
    n = 1_000_000
    one = np.zeros(n, dtype=np.int8)
    assert score(one, one).found_pairs == n * (n - 1) // 2


def test_strangers_all_in_one_heap_have_no_precision_to_speak_of() -> None:
    result = score(np.zeros(1000, dtype=int), np.arange(1000))
    assert result.precision == 0
    assert result.f1 == pytest.approx(0)


def test_a_release_is_scored_by_its_identity_map_and_stays_as_it_was(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("source,source_record_id,person_id\ns,1,ann\ns,2,ann\ns,3,bob\ns,guest,bob\n")
    release = tmp_path / "c360-1.duckdb"
    with duckdb.connect(str(release)) as connection:
        connection.execute("CREATE TABLE identity_map (source TEXT, source_record_id TEXT, customer_id TEXT)")
        connection.execute(
            "INSERT INTO identity_map VALUES ('s', '1', 'a'), ('s', '2', 'b'), ('s', '3', 'b')"
        )
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{release}' AS c360 (READ_ONLY)")
        connection.execute("USE c360")
        result = score_identity_map(connection, truth)
    assert (result.records, result.merged_strangers, result.split_people) == (3, 1, 1)
