"""How right a grouping of records is, where it is known whose each record is.

Pairwise: of the pairs of records that were called one person, how many are (precision); of those that are, how
many were found (recall). Pairs weigh a big cluster by its square, so clusters are counted beside them: those
that are exactly a person, no record more and none fewer, over all that were found (precision) and over all
people (recall). B-cubed stands between both: the average record's share of its cluster that is its own
person's, and of its person that is in its cluster (Bagga and Baldwin 1998).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.generic]
DIGITS = 6


@dataclass(frozen=True)
class Measure:
    """Precision, recall and their harmonic mean, each from 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Give the harmonic mean; 0 when both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def to_document(self) -> dict[str, float]:
        """Give the three figures as plain data."""
        figures = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {name: round(value, DIGITS) for name, value in figures.items()}


@dataclass(frozen=True)
class Score:
    """Found clusters against true people, over the records that have both."""

    records: int
    people: int
    clusters: int
    largest_cluster: int  # records of the largest cluster
    most_people: int  # people whose records lie in one cluster
    true_pairs: int
    found_pairs: int
    right_pairs: int
    exact_clusters: int  # clusters that are a person's records, all of them and no other
    merged_strangers: int  # clusters that hold records of more than one person
    part_clusters: int  # clusters of one person who has more records elsewhere
    split_people: int  # people whose records lie in more than one cluster
    swallowed_people: int  # people whose records lie in one cluster, with others' among them
    b_cubed: Measure

    @property
    def pairs(self) -> Measure:
        """Measure by pairs of records; precision is 1 when none was found, recall when there is none."""
        return Measure(_share(self.right_pairs, self.found_pairs), _share(self.right_pairs, self.true_pairs))

    @property
    def whole(self) -> Measure:
        """Measure by clusters that are exactly right."""
        return Measure(_share(self.exact_clusters, self.clusters), _share(self.exact_clusters, self.people))

    @property
    def precision(self) -> float:
        """Give the share of found pairs that are right."""
        return self.pairs.precision

    @property
    def recall(self) -> float:
        """Give the share of true pairs that were found."""
        return self.pairs.recall

    @property
    def f1(self) -> float:
        """Give the harmonic mean of both."""
        return self.pairs.f1

    def to_document(self) -> dict[str, Any]:
        """Give the counts and measures as plain data; the pairwise ones stand for themselves."""
        measures = {"exact": self.whole.to_document(), "b_cubed": self.b_cubed.to_document()}
        return asdict(self) | self.pairs.to_document() | measures


def score(cluster: Labels, person: Labels) -> Score:
    """Compare two groupings of the same records, each given as one label a record."""
    cluster_names, found = np.unique(cluster, return_inverse=True)
    person_names, true = np.unique(person, return_inverse=True)
    cells, sizes = np.unique(found * len(person_names) + true, return_counts=True)
    cell_cluster, cell_person = np.divmod(cells, max(len(person_names), 1))
    found_sizes, true_sizes = np.bincount(found), np.bincount(true)
    people_in, clusters_of = np.bincount(cell_cluster), np.bincount(cell_person)
    alone, in_one = people_in[cell_cluster] == 1, clusters_of[cell_person] == 1
    exact = (sizes == found_sizes[cell_cluster]) & (sizes == true_sizes[cell_person])
    return Score(
        records=len(found),
        people=len(person_names),
        clusters=len(cluster_names),
        largest_cluster=int(found_sizes.max(initial=0)),
        most_people=int(people_in.max(initial=0)),
        true_pairs=_pairs(true_sizes),
        found_pairs=_pairs(found_sizes),
        right_pairs=_pairs(sizes),
        exact_clusters=int(exact.sum()),
        merged_strangers=int((people_in > 1).sum()),
        part_clusters=int((alone & (sizes < true_sizes[cell_person])).sum()),
        split_people=int((clusters_of > 1).sum()),
        swallowed_people=int((in_one & (sizes < found_sizes[cell_cluster])).sum()),
        b_cubed=Measure(
            _share(float((sizes**2 / found_sizes[cell_cluster]).sum()), len(found)),
            _share(float((sizes**2 / true_sizes[cell_person]).sum()), len(found)),
        ),
    )


def _pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
