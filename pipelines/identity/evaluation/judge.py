"""Judge what a build made of records whose people are known: the figures, and every error with what explains it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from pipelines.identity.evaluation.ceiling import Ceiling, recall_ceiling
from pipelines.identity.evaluation.labelled import load_truth
from pipelines.identity.evaluation.overmerges import OverMerge, find_overmerges
from pipelines.identity.evaluation.records import Coverage, judge_records
from pipelines.identity.evaluation.score import Score, score
from pipelines.identity.evaluation.undermerges import UnderMerge, find_undermerges
from pipelines.identity.policy import Policy

if TYPE_CHECKING:
    import duckdb


class Mistake(Protocol):
    """Two groups of records in the wrong relation: what caused it, and how many pairs it costs."""

    @property
    def cause(self) -> str:
        """Name the cause in a few words, the same for all of its kind."""

    @property
    def pairs(self) -> int:
        """Count the pairs of records that are wrong because of it."""

    def to_document(self, *, show_values: bool) -> dict[str, Any]:
        """Give it as plain data."""


AnyMistake = TypeVar("AnyMistake", bound=Mistake)


@dataclass(frozen=True)
class Evaluation:
    """All that is known about a resolution once the truth is laid beside it.

    `score` is over all records that could be judged; `identified` over those of them that have a customer.
    """

    coverage: Coverage
    score: Score
    identified: Score
    ceiling: Ceiling
    overmerges: Sequence[OverMerge]
    undermerges: Sequence[UnderMerge]

    def to_document(self, examples: int, *, show_values: bool) -> dict[str, Any]:
        """Give figures, causes and `examples` errors of each sort (0: all) as plain data, without values mostly."""
        sorts: dict[str, Sequence[Mistake]] = {
            "over_merges": self.overmerges,
            "under_merges": self.undermerges,
        }
        return {
            **self.score.to_document(),
            "coverage": asdict(self.coverage),
            "recall_ceiling": self.ceiling.to_document(),
            "recall_of_ceiling": self.recall_of_ceiling(),
        } | {
            name: {
                "count": len(mistakes),
                "pairs": sum(each.pairs for each in mistakes),
                "causes": causes(mistakes),
                "examples": [
                    each.to_document(show_values=show_values) for each in telling(mistakes, examples)
                ],
            }
            for name, mistakes in sorts.items()
        }

    def recall_of_ceiling(self) -> dict[str, float | None]:
        """Give the recall as a share of each ceiling; None where nothing could be found at all."""
        shares = self.ceiling.to_document().items()
        return {name: round(self.score.recall / share, 6) if share else None for name, share in shares}


_LABELS = "SELECT cluster, person, customer_id IS NOT NULL AS mapped FROM judged ORDER BY record"


def judge(connection: "duckdb.DuckDBPyConnection", truth: Path, policy: Policy) -> Evaluation:
    """Judge the schemas `identity` and `intermediate` that `connection` sees against a truth file.

    Nothing in them is changed; the truth and what is derived from it are temporary tables. A record without a
    customer is a cluster of its own. Raises InputError when the truth is no truth, or about other records.
    """
    load_truth(connection, truth, "truth")
    coverage = judge_records(connection)
    labels = connection.execute(_LABELS).fetchnumpy()
    cluster, person, mapped = (np.asarray(labels[name]) for name in ("cluster", "person", "mapped"))
    return Evaluation(
        coverage,
        score(cluster, person),
        score(cluster[mapped], person[mapped]),
        recall_ceiling(connection, policy),
        find_overmerges(connection),
        find_undermerges(connection, policy),
    )


def causes(mistakes: Sequence[Mistake]) -> list[dict[str, Any]]:
    """Count mistakes and the pairs that they cost by cause, the most costly first."""
    counted: dict[str, list[int]] = defaultdict(list)
    for each in mistakes:
        counted[each.cause].append(each.pairs)
    order = sorted(counted.items(), key=lambda item: (-sum(item[1]), -len(item[1]), item[0]))
    return [{"cause": cause, "count": len(pairs), "pairs": sum(pairs)} for cause, pairs in order]


def telling(mistakes: Sequence[AnyMistake], examples: int) -> list[AnyMistake]:
    """Choose `examples` mistakes (0: all): the most costly of each cause first, then the second of each, ..."""
    order = sorted(mistakes, key=lambda each: -each.pairs)
    seen: dict[str, int] = defaultdict(int)
    ranked = []
    for each in order:
        ranked.append((seen[each.cause], each))
        seen[each.cause] += 1
    chosen = [each for _, each in sorted(ranked, key=lambda item: item[0])]
    return chosen[:examples] if examples else chosen
