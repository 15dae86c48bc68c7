"""Over-merges: strangers in one customer, and the evidence by which they came there.

In a customer that holds records of several people, the one with most records is taken for its owner, and each
of the others for a stranger. What made them one is found on the shortest way of followed evidence from the
owner's records to the stranger's: an identifier on records of both, else the scored or decided edge at which
the people change.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.identity.evaluation.paths import Hop, Node, Way, shortest_way
from pipelines.identity.evaluation.records import LEARNED, Record

if TYPE_CHECKING:
    import duckdb

DETERMINISTIC = "deterministic"
UNEXPLAINED = "no way of evidence"
BY_UNKNOWN = "a record without truth"


class Evidence(NamedTuple):
    """An edge that was followed: between which nodes, and the records that show it."""

    kind: str
    one: Node
    other: Node
    record: Record
    other_record: Record | None
    weight: float | None


@dataclass(frozen=True)
class Owner:
    """What one person has in a customer: how many records, the nodes by which they hang there, and one for each."""

    person: int
    person_id: str
    records: int
    anchors: Mapping[Node, Record]


@dataclass(frozen=True)
class OverMerge:
    """One stranger in a customer. `pairs` are the false pairs that the stranger adds to it."""

    customer_id: str
    people: tuple[str, str]  # person_id of the owner and the stranger
    records: tuple[int, int]
    one: Record
    other: Record
    pairs: int
    cause: str
    start: Node | None
    path: tuple[tuple[Evidence, Node], ...] = field(default=())  # each edge, and the node it leads to

    def to_document(self, *, show_values: bool) -> dict[str, Any]:
        """Give it as plain data; values of identifiers only where the reader asked for them."""
        return {
            "customer_id": self.customer_id,
            "people": list(self.people),
            "records": list(self.records),
            "one": str(self.one),
            "other": str(self.other),
            "false_pairs": self.pairs,
            "cause": self.cause,
            "begins_with": told_node(self.start, show_values=show_values) if self.start else None,
            "path": [_edge(edge, to, show_values=show_values) for edge, to in self.path],
        }


def _edge(edge: Evidence, to: Node, *, show_values: bool) -> dict[str, Any]:
    return {
        "kind": edge.kind,
        "leads_to": told_node(to, show_values=show_values),
        "record": str(edge.record),
        "other_record": str(edge.other_record) if edge.other_record else None,
        "weight": edge.weight,
    }


def told_node(node: Node, *, show_values: bool) -> str:
    """Name a node: a record by its id, a key by its type, and by its value only where the reader asked for it."""
    named = show_values or node.identifier_type == "record"
    return f"{node.identifier_type} {node.match_key}" if named else node.identifier_type


# One row per customer, person and node by which records of theirs hang in it, the owner first.
_ANCHORS = """
    WITH found AS (
        SELECT customer_id, person, person_id, count(*) AS records
        FROM judged WHERE customer_id IS NOT NULL GROUP BY ALL
    )
    SELECT
        judged.customer_id, judged.person, judged.person_id, found.records,
        anchors.identifier_type, anchors.match_key, min((source, source_record_id)) AS record
    FROM judged
    JOIN found USING (customer_id, person, person_id)
    JOIN identity.identity_map AS anchors USING (source, source_record_id)
    WHERE judged.customer_id IN (SELECT customer_id FROM found GROUP BY customer_id HAVING count(*) > 1)
    GROUP BY ALL
    ORDER BY judged.customer_id, found.records DESC, judged.person, anchors.identifier_type, anchors.match_key
"""

_EVIDENCE = """
    SELECT
        customer_id, kind, identifier_type, match_key, other_type, other_key,
        min((source, source_record_id)), min((other_source, other_record_id)), max(weight)
    FROM identity.identity_evidence WHERE list_contains(?, customer_id)
    GROUP BY ALL ORDER BY ALL
"""

# Whose records carry each identifier, within a customer.
_CARRIERS = """
    SELECT DISTINCT customer_id, identifier_type, match_key, person
    FROM carried
    WHERE list_contains(?, customer_id) AND (reason IS NULL OR list_contains(?, reason))
"""


def find_overmerges(connection: "duckdb.DuckDBPyConnection") -> list[OverMerge]:
    """Find every stranger in a customer of the table `judged`, with the evidence that brought them there."""
    anchors = connection.execute(_ANCHORS).fetchall()
    customers = sorted({row[0] for row in anchors})
    edges = defaultdict(list)
    for customer_id, kind, *ends, record, other, weight in connection.execute(
        _EVIDENCE, [customers]
    ).fetchall():
        second = Record(*other) if other and other[0] else None
        evidence = Evidence(kind, Node(*ends[:2]), Node(*ends[2:]), Record(*record), second, weight)
        edges[customer_id].append(evidence)
    carriers: dict[str, dict[Node, set[int]]] = defaultdict(lambda: defaultdict(set))
    for customer_id, identifier_type, match_key, person in connection.execute(
        _CARRIERS, [customers, list(LEARNED)]
    ).fetchall():
        carriers[customer_id][Node(identifier_type, match_key)].add(person)
    return [
        found
        for customer_id, rows in groupby(anchors, key=itemgetter(0))
        for found in explain(customer_id, _owners(rows), edges[customer_id], carriers[customer_id])
    ]


def _owners(rows: Iterator[tuple[Any, ...]]) -> list[Owner]:
    return [
        Owner(person, person_id, records, {Node(*row[4:6]): Record(*row[6]) for row in theirs})
        for (person, person_id, records), theirs in groupby(rows, key=itemgetter(1, 2, 3))
    ]


def explain(
    customer_id: str,
    owners: Sequence[Owner],
    edges: Sequence[Evidence],
    carriers: Mapping[Node, set[int]],
) -> Iterator[OverMerge]:
    """Explain each stranger of one customer; `owners` begins with the owner, `carriers` say whose a key is."""
    hops: dict[Node, list[Hop]] = defaultdict(list)
    for place, edge in enumerate(edges):
        hops[edge.one].append(Hop(place, edge.other))
        hops[edge.other].append(Hop(place, edge.one))
    owner, before = owners[0], owners[0].records
    for stranger in owners[1:]:
        way = shortest_way(owner.anchors, stranger.anchors, hops)
        end = way.hops[-1].to if way and way.hops else way.start if way else None
        yield OverMerge(
            customer_id=customer_id,
            people=(owner.person_id, stranger.person_id),
            records=(owner.records, stranger.records),
            one=owner.anchors[way.start] if way else min(owner.anchors.values()),
            other=stranger.anchors[end] if end else min(stranger.anchors.values()),
            pairs=before * stranger.records,
            cause=_cause(way, edges, carriers, owner.person) if way else UNEXPLAINED,
            start=way.start if way else None,
            path=tuple((edges[hop.edge], hop.to) for hop in way.hops) if way else (),
        )
        before += stranger.records


def _cause(way: Way, edges: Sequence[Evidence], carriers: Mapping[Node, set[int]], owner: int) -> str:
    """Name what made two people one: the first thing on the way that is not the owner's alone."""
    if not way.hops or len(carriers.get(way.start, {owner})) > 1:
        return f"shared {way.start.identifier_type}"
    for hop in way.hops:
        if edges[hop.edge].kind != DETERMINISTIC and carriers.get(hop.to) != {owner}:
            return edges[hop.edge].kind
        if len(carriers.get(hop.to, {owner})) > 1:
            return f"shared {hop.to.identifier_type}"
    return BY_UNKNOWN
