"""Hash chains over what may only be added to: a change, an insertion or a gap shows.

Each entry commits to H(salt, payload), and the chain goes over these commitments. An erasure may therefore drop a
payload with its salt, and the chain still verifies.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

GENESIS = "0" * 64  # what the first entry follows


@dataclass(frozen=True)
class ChainVerdict:
    """What a check of a chain found: how many entries, and the sequence of the first that is wrong."""

    events: int
    broken_at: int | None


def commit(salt: str, payload: Mapping[str, Any]) -> str:
    """Give the commitment to a payload of plain values and naive UTC times, whatever the order of its keys."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, default=datetime.isoformat)
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def link(previous: str, commitment: str) -> str:
    """Give the hash of an entry: it stands for all that came before."""
    return hashlib.sha256(f"{previous}{commitment}".encode()).hexdigest()


def verify(
    rows: Iterable[Mapping[Any, Any]],
    whole: Callable[[Mapping[Any, Any]], bool],
    linked_by: Callable[[Mapping[Any, Any], str], str] = lambda row, previous: link(
        previous, row["commitment"]
    ),
) -> ChainVerdict:
    """Go over a chain's rows in their order; `whole` says whether an entry's payload is what it commits to.

    `linked_by` gives the hash that an entry should have after the one before.
    """
    previous, count = GENESIS, 0
    for row in rows:
        count += 1
        linked = row["previous_hash"] == previous and row["hash"] == linked_by(row, previous)
        if not (linked and whole(row)):
            return ChainVerdict(count, row["sequence"])
        previous = row["hash"]
    return ChainVerdict(count, None)
