"""What the identity step calls to have pairs scored: of everybody, or of a part."""

import hashlib
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from data_contracts.errors import BuildError
from pipelines.identity.linking.blocking import Limits
from pipelines.identity.linking.model import LinkModel, load_model
from pipelines.identity.linking.rescoring import rescore_pairs
from pipelines.identity.linking.scoring import score_pairs
from pipelines.identity.linking.training import train

if TYPE_CHECKING:
    import duckdb

    from pipelines.identity.policy import Policy

# Whose answers are in what is kept of scored pairs.
JUDGES = ("splink", "nicknames")


@dataclass(frozen=True)
class PairScorer:
    """By what pairs are scored.

    Without a model it is learnt from the records themselves, as is due to anybody's labelled records; where they
    say too little for that, the shipped one is taken.
    """

    policy: "Policy"
    model: LinkModel | None = None
    limits: Limits = field(default_factory=Limits)

    def __call__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        """Score everybody in `resolved`, between the two resolutions of a build."""
        score_pairs(connection, self.model or self._learnt(connection), self.policy, limits=self.limits)

    def rescore(self, connection: "duckdb.DuckDBPyConnection") -> str:
        """Score a part (rescoring.py); give why everybody has to be scored instead, empty where that is not so."""
        if self.model is None:
            return "what pairs weigh is learnt from all records"
        return rescore_pairs(connection, self.model, self.policy, self.limits)

    @property
    def fingerprint(self) -> str:
        """Name what decides which pairs there are, beside the policy and how common names are."""
        said = (self.model.model_dump_json() if self.model else "learnt", str(self.limits))
        judges = (version(name) for name in JUDGES)
        return hashlib.sha256("|".join((*said, *judges)).encode()).hexdigest()[:16]

    def _learnt(self, connection: "duckdb.DuckDBPyConnection") -> LinkModel:
        try:
            return train(connection, hand_typed=self.policy.identifiers["external_id"].mistyped)
        except BuildError:
            return load_model()
