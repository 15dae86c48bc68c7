"""How well resolution does on records whose people are known.

Pairwise: of the pairs of records that we called one person, how many are (precision); of those that are,
how many we found (recall). Pairs weigh a big cluster by its square, so clusters are counted beside them.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.errors import InputError
from pipelines.identity.keys import read_evidence
from pipelines.identity.labelled import load_records, load_truth
from pipelines.identity.normalising import land_as_contacts, run_identity_models
from pipelines.identity.people import name_records
from pipelines.identity.resolve import resolve
from pipelines.warehouse.connection import open_warehouse

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Score:
    """Found clusters against true people, over the records that have both."""

    records: int
    people: int
    clusters: int
    largest_cluster: int
    true_pairs: int
    found_pairs: int
    right_pairs: int
    merged_strangers: int  # clusters that hold records of more than one person
    split_people: int  # people whose records lie in more than one cluster

    @property
    def precision(self) -> float:
        """Share of found pairs that are right; 1 when none was found."""
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        """Share of true pairs that were found; 1 when there is none."""
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def to_document(self) -> dict[str, Any]:
        """Give the counts and measures as plain data."""
        measures = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {**asdict(self), **{name: round(value, 6) for name, value in measures.items()}}


def score(cluster: NDArray[Any], person: NDArray[Any]) -> Score:
    """Compare two groupings of the same records, each given as one label a record."""
    cluster_names, found = np.unique(cluster, return_inverse=True)
    person_names, true = np.unique(person, return_inverse=True)
    cells, sizes = np.unique(found * len(person_names) + true, return_counts=True)
    cell_cluster, cell_person = np.divmod(cells, max(len(person_names), 1))
    found_sizes, true_sizes = np.bincount(found), np.bincount(true)
    return Score(
        records=len(found),
        people=len(person_names),
        clusters=len(cluster_names),
        largest_cluster=int(found_sizes.max(initial=0)),
        true_pairs=_pairs(true_sizes),
        found_pairs=_pairs(found_sizes),
        right_pairs=_pairs(sizes),
        merged_strangers=int((np.bincount(cell_cluster) > 1).sum()),
        split_people=int((np.bincount(cell_person) > 1).sum()),
    )


def _pairs(sizes: NDArray[Any]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


# A record without any usable key is a cluster of its own.
_LABELLED = """
    SELECT
        dense_rank() OVER (
            ORDER BY coalesce(resolved.component::VARCHAR, 'alone/' || source || '/' || source_record_id)
        ) AS cluster,
        dense_rank() OVER (ORDER BY truth.person_id) AS person
    FROM landing.contacts
    JOIN truth USING (source, source_record_id)
    LEFT JOIN resolved USING (source, source_record_id)
"""

_MAPPED = """
    SELECT
        dense_rank() OVER (ORDER BY identity_map.customer_id) AS cluster,
        dense_rank() OVER (ORDER BY truth.person_id) AS person
    FROM identity_map JOIN truth USING (source, source_record_id)
"""


def evaluate_records(records: Path, truth: Path, default_region: str = "GB") -> Score:
    """Resolve a file of records from scratch and score the result against a truth file; no build is needed.

    Raises InputError when a file is not what it should be, or the two have no record in common.
    """
    with TemporaryDirectory(prefix="rapport-identity-") as folder:
        build_path = Path(folder) / "build.duckdb"
        with open_warehouse(build_path) as connection:
            load_records(connection, records, "records")
            load_truth(connection, truth, "truth")
            land_as_contacts(connection)
        run_identity_models(build_path, default_region)
        with open_warehouse(build_path) as connection:
            load_truth(connection, truth, "truth")
            name_records(connection, resolve(read_evidence(connection)))
            return _score_query(connection, _LABELLED)


def score_identity_map(connection: "duckdb.DuckDBPyConnection", truth: Path) -> Score:
    """Score the table `identity_map` that `connection` sees, a release's or a build's, against a truth file.

    The truth is loaded beside it as a temporary table. Guests' records are in no map, so they do not count.
    """
    load_truth(connection, truth, "truth")
    return _score_query(connection, _MAPPED)


def _score_query(connection: "duckdb.DuckDBPyConnection", query: str) -> Score:
    columns = connection.execute(query).fetchnumpy()
    cluster, person = (np.asarray(columns[name], dtype=np.int64) for name in ("cluster", "person"))
    if not len(cluster):
        raise InputError(
            "The truth file and the records have no record in common.",
            "Both have to name a record by the same source and source_record_id.",
        )
    return score(cluster, person)
