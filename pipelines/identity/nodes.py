"""Where each node stands in the resolver's arrays: found by its hash, and never moved when more nodes come."""

from dataclasses import dataclass

import numpy as np

from pipelines.identity.graph import Hashes, Places


@dataclass(frozen=True)
class Nodes:
    """All nodes' hashes by place, in segments that are each rising: one for every batch that brought new ones."""

    segments: tuple[Hashes, ...]

    def __len__(self) -> int:
        return sum(len(each) for each in self.segments)

    @property
    def hashes(self) -> Hashes:
        """Give every node's hash, by place."""
        return self.segments[0] if len(self.segments) == 1 else np.concatenate(self.segments)

    def places(self, hashes: Hashes) -> Places:
        """Give the place of each node; -1 for one that is not here."""
        found = np.full(len(hashes), -1, dtype=np.int64)
        begins = 0
        for segment in self.segments:
            if len(segment):
                place = np.minimum(np.searchsorted(segment, hashes), len(segment) - 1)
                here = segment[place] == hashes
                found[here] = place[here] + begins
            begins += len(segment)
        return found

    def with_new(self, hashes: Hashes) -> "Nodes":
        """Give these nodes and, behind them, those of `hashes` that are not among them yet."""
        new = np.unique(hashes[self.places(hashes) < 0])
        return Nodes((*self.segments, new)) if len(new) else self
