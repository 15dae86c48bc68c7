"""The shortest way from one group of nodes to others, over evidence that was followed."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Node(NamedTuple):
    """A key, or a record that has none: what evidence ties together."""

    identifier_type: str
    match_key: str


class Hop(NamedTuple):
    """One step of a way: over which edge (its place in the caller's list), to which node."""

    edge: int
    to: Node


class Way(NamedTuple):
    """Where a way begins, and its hops; none where the goal is the start."""

    start: Node
    hops: tuple[Hop, ...]


def shortest_way(
    starts: Iterable[Node], goals: Iterable[Node], hops: Mapping[Node, Sequence[Hop]]
) -> Way | None:
    """Give the shortest way from any start to any goal; None where none leads there.

    Breadth first, without recursion; of equally short ways the first by the order of `starts` and hops.
    """
    wanted = set(goals)
    came: dict[Node, tuple[Node, Hop] | None] = dict.fromkeys(starts)
    waiting = deque(came)
    while waiting:
        at = waiting.popleft()
        if at in wanted:
            return _way(at, came)
        for hop in hops.get(at, ()):
            if hop.to not in came:
                came[hop.to] = (at, hop)
                waiting.append(hop.to)
    return None


def _way(node: Node, came: Mapping[Node, tuple[Node, Hop] | None]) -> Way:
    hops: list[Hop] = []
    while (step := came[node]) is not None:
        node, hop = step
        hops.append(hop)
    return Way(node, tuple(reversed(hops)))
