"""The shortest way between two nodes of one customer's evidence, by breadth, a level at a time.

Nodes are 64-bit hashes, so that a customer of 100,000 edges is read and searched in tens of milliseconds. The
way is bounded: nobody reads an explanation of more than `MOST_STEPS` steps.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

MOST_STEPS = 1000


def shortest(one: Hashes, other: Hashes, start: int, goal: int, most: int = MOST_STEPS) -> list[int] | None:
    """Give the nodes of a shortest way from `start` to `goal`, both included, or None where there is none.

    `one` and `other` are the two ends of each edge. The order of the edges makes no difference.
    """
    nodes, ends = np.unique(np.concatenate([one, other]), return_inverse=True)
    begin, end = _place(nodes, start), _place(nodes, goal)
    if begin is None or end is None:
        return [start] if start == goal else None
    offsets, targets = _neighbours(ends, len(nodes))
    before = _search(offsets, targets, begin, end, most)
    if before[end] < 0:
        return None
    way = [end]
    while way[-1] != begin:
        way.append(int(before[way[-1]]))
    return [int(nodes[place]) for place in reversed(way)]


def _place(nodes: Hashes, node: int) -> int | None:
    place = int(np.searchsorted(nodes, np.uint64(node)))
    return place if place < len(nodes) and int(nodes[place]) == node else None


def _neighbours(ends: Places, number: int) -> tuple[Places, Places]:
    """Give each node's neighbours one after the other, rising, and where those of each node begin."""
    half = len(ends) // 2
    turned = np.concatenate([ends[half:], ends[:half]])
    pairs = np.unique(ends * number + turned)  # one number a pair: sorted at once, and each pair once
    offsets = np.zeros(number + 1, dtype=np.int64)
    np.cumsum(np.bincount(pairs // number, minlength=number), out=offsets[1:])
    return offsets, pairs % number


def _search(offsets: Places, targets: Places, begin: int, end: int, most: int) -> Places:
    """Give from where each node was reached first; -1 for one that was not, the start for itself."""
    before = np.full(len(offsets) - 1, -1, dtype=np.int64)
    before[begin] = begin
    level = np.array([begin], dtype=np.int64)
    for _ in range(most):
        counts = np.subtract(offsets[level + 1], offsets[level])
        skipped = np.cumsum(counts) - counts  # what came before each of the level's own
        starts = np.repeat(offsets[level] - skipped, counts)
        reached = targets[starts + np.arange(int(counts.sum()))]
        origins = np.repeat(level, counts)
        new = before[reached] < 0
        level, first = np.unique(reached[new], return_index=True)
        before[level] = origins[new][first]
        if not len(level) or before[end] >= 0:
            break
    return cast("Places", before)
