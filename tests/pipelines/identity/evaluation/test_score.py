"""The measures of resolution, against counting pairs one by one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.evaluation.score import score

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
    assert result.clusters == result.exact_clusters + result.merged_strangers + result.part_clusters
    assert result.people == result.exact_clusters + result.swallowed_people + result.split_people
    members = [{at for at, row in enumerate(rows) if row[0] == cluster} for cluster in people_in]
    theirs = [{at for at, row in enumerate(rows) if row[1] == person} for person in clusters_of]
    assert result.exact_clusters == sum(each in theirs for each in members)
    pairs_of = [(cluster, person) for cluster in members for person in theirs]
    shared = [len(a & b) ** 2 / len(a) for a, b in pairs_of]
    assert result.b_cubed.precision == pytest.approx(sum(shared) / len(rows))
    shared = [len(a & b) ** 2 / len(b) for a, b in pairs_of]
    assert result.b_cubed.recall == pytest.approx(sum(shared) / len(rows))


@given(labels)
def test_a_grouping_scores_perfectly_against_itself(rows: list[tuple[int, int]]) -> None:
    people = np.array([row[1] for row in rows])
    result = score(people * 7, people)
    assert (result.precision, result.recall, result.f1) == (1.0, 1.0, 1.0)
    assert (result.whole.f1, result.b_cubed.f1) == (1.0, pytest.approx(1.0))
    assert result.merged_strangers == result.split_people == 0


def test_the_measures_of_a_small_case_by_hand() -> None:
    result = score(np.array(["x", "x", "x", "y"]), np.array(["a", "a", "b", "b"]))
    assert result.to_document() == {
        "records": 4,
        "people": 2,
        "clusters": 2,
        "largest_cluster": 3,
        "most_people": 2,
        "true_pairs": 2,
        "found_pairs": 3,
        "right_pairs": 1,
        "exact_clusters": 0,
        "merged_strangers": 1,
        "part_clusters": 1,
        "split_people": 1,
        "swallowed_people": 1,
        "precision": 0.333333,
        "recall": 0.5,
        "f1": 0.4,
        "exact": {"precision": 0.0, "recall": 0.0, "f1": 0.0},
        "b_cubed": {"precision": 0.666667, "recall": 0.75, "f1": 0.705882},
    }


def test_one_cluster_of_a_million_records_has_half_a_trillion_pairs() -> None:
    n = 1_000_000
    one = np.zeros(n, dtype=np.int8)
    assert score(one, one).found_pairs == n * (n - 1) // 2


def test_strangers_all_in_one_heap_have_no_precision_to_speak_of() -> None:
    result = score(np.zeros(1000, dtype=int), np.arange(1000))
    assert result.precision == 0
    assert result.f1 == pytest.approx(0)
