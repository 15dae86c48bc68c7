"""What the last build resolved, kept in the warehouse, so that the next one reads again only what changed.

It can be derived again at any time: a full build, another policy or a warehouse that is new does without it,
and the people are the same.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from pipelines.identity.arrays import read_arrays, write_arrays
from pipelines.identity.graph import NO_LIMIT, Apart, Facts, Graph, Refused
from pipelines.identity.incremental import Change, extend
from pipelines.identity.nodes import Nodes
from pipelines.identity.numbers import Evidence
from pipelines.identity.resolve import Edges, Known, Resolution, Settled, resolve
from pipelines.warehouse.connection import has_table, leave_room
from pipelines.warehouse.state import transaction

if TYPE_CHECKING:
    import duckdb

LARGEST_CHANGE = 0.2  # of all edges: beyond that, reading everything again is as cheap

# Whose answers may change with their version: the same evidence would be judged by other rules.
JUDGES = ("rapport-cdp", "rapidfuzz", "nicknames")

_ADDED = """
    CREATE OR REPLACE TEMP TABLE edges_added AS
    SELECT one, other, counted, rank, strength FROM graph_edges
    ANTI JOIN identity.resolver_edges USING (one, other, counted, rank, strength)
"""
_REMOVED = """
    CREATE OR REPLACE TEMP TABLE edges_removed AS
    SELECT one, other FROM identity.resolver_edges
    ANTI JOIN graph_edges USING (one, other, counted, rank, strength)
"""
_CHANGED = "SELECT (SELECT count(*) FROM edges_added) + (SELECT count(*) FROM edges_removed)"
_UNSETTLED = """
    SELECT DISTINCT node FROM (
        (FROM graph_facts EXCEPT FROM identity.resolver_facts)
        UNION ALL (FROM identity.resolver_facts EXCEPT FROM graph_facts)
    )
"""
_FACTS_AGAIN = f"SELECT node, rule, value FROM graph_facts SEMI JOIN ({_UNSETTLED}) USING (node)"  # noqa: S608

_NODES = "SELECT node, limited, component, person FROM identity.resolver_nodes ORDER BY place"
_EDGES = "SELECT one_place, other_place, rank, strength FROM identity.resolver_edges"
_KNOWN = """
    SELECT nodes.place AS node, facts.rule, facts.value
    FROM identity.resolver_facts AS facts JOIN identity.resolver_nodes AS nodes USING (node)
"""


def resolve_again(
    connection: "duckdb.DuckDBPyConnection",
    evidence: Evidence,
    apart: Apart,
    policy: str,
    *,
    afresh: bool = False,
) -> Resolution:
    """Resolve what `read_graph` read, from what the last build knew where that is little different, and keep it.

    `policy` is the policy's fingerprint: under another one everything is resolved afresh, as with another
    version of what judges names, or with limits on another source.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS identity")
    fingerprint = "|".join((policy, *(version(name) for name in JUDGES), *evidence.limits))
    before = None if afresh else _recall(connection, fingerprint, evidence)
    with leave_room(connection):
        if before is None:
            resolution = resolve(evidence.graph, evidence.rules, evidence.facts, apart)
        else:
            resolution = extend(before, _change(connection, apart))
        with transaction(connection):
            _remember(connection, fingerprint, resolution)
    return resolution


def _recall(
    connection: "duckdb.DuckDBPyConnection", fingerprint: str, evidence: Evidence
) -> Resolution | None:
    """Read what the last build left; None where there is nothing, or too much has changed since."""
    if not has_table(connection, "identity", "resolver_info"):
        return None
    if connection.execute("SELECT fingerprint FROM identity.resolver_info").fetchall() != [(fingerprint,)]:
        return None
    for query in (_ADDED, _REMOVED):
        connection.execute(query)
    if connection.execute(_CHANGED).fetchall()[0][0] > LARGEST_CHANGE * len(evidence.graph):
        return None
    nodes, edges = read_arrays(connection, _NODES), read_arrays(connection, _EDGES)
    known, refused = (
        read_arrays(connection, _KNOWN),
        read_arrays(connection, "FROM identity.resolver_refused"),
    )
    decided = read_arrays(connection, "SELECT one, other FROM identity.resolver_apart ORDER BY pair")
    broken = np.zeros(
        max(int(nodes["person"].max(initial=-1)), int(nodes["component"].max(initial=-1))) + 1, bool
    )
    broken[read_arrays(connection, "SELECT number FROM identity.resolver_broken")["number"]] = True
    return Resolution(
        Nodes((nodes["node"],)),
        nodes["limited"],
        (Edges(edges["one_place"], edges["other_place"], edges["rank"], edges["strength"]),),
        Known(known["node"], known["rule"], known["value"]),
        Apart(decided["one"], decided["other"]),
        evidence.rules,
        Settled(
            nodes["component"],
            nodes["person"],
            broken,
            Refused(*(refused[name] for name in ("one", "other", "rank", "rule", "which", "would_be"))),
        ),
    )


def _change(connection: "duckdb.DuckDBPyConnection", apart: Apart) -> Change:
    added, removed = (read_arrays(connection, f"FROM {table}") for table in ("edges_added", "edges_removed"))
    facts, unsettled = read_arrays(connection, _FACTS_AGAIN), read_arrays(connection, _UNSETTLED)
    none = np.full(len(added["one"]), NO_LIMIT, dtype=np.int16)
    return Change(
        Graph.of(added["one"], added["other"], (none, added["counted"]), added["rank"], added["strength"]),
        (removed["one"], removed["other"]),
        Facts(facts["node"], facts["rule"], facts["value"]),
        unsettled["node"],
        apart,
    )


def _remember(connection: "duckdb.DuckDBPyConnection", fingerprint: str, resolution: Resolution) -> None:
    """Keep the resolution by rising hashes, so that one segment of nodes is enough to read it.

    Nodes that no evidence names any more are alone, and forgotten.
    """
    hashes, settled, edges = resolution.nodes.hashes, resolution.settled, resolution.edges
    named = np.zeros(len(hashes), dtype=np.bool_)
    named[edges.one] = named[edges.other] = True
    order = np.argsort(hashes)
    order = order[named[order]]
    place = np.full(len(hashes), -1, dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    component, refused = settled.component[order], settled.refused
    broken = np.unique(component[settled.broken[component]])
    write_arrays(
        connection,
        "identity.resolver_nodes",
        kept=True,
        place=np.arange(len(order), dtype=np.int32),
        node=hashes[order],
        limited=resolution.limit[order],
        component=component,
        person=settled.person[order],
    )
    write_arrays(
        connection,
        "identity.resolver_edges",
        kept=True,
        one=hashes[edges.one],
        other=hashes[edges.other],
        counted=resolution.limit[edges.other],
        rank=edges.rank,
        strength=edges.strength,
        one_place=place[edges.one],
        other_place=place[edges.other],
    )
    write_arrays(
        connection,
        "identity.resolver_refused",
        kept=True,
        one=place[refused.one],
        other=place[refused.other],
        rank=refused.rank,
        rule=refused.rule,
        which=refused.which,
        would_be=refused.would_be,
    )
    write_arrays(connection, "identity.resolver_broken", kept=True, number=broken)
    pairs = np.arange(len(resolution.apart.one))
    write_arrays(
        connection,
        "identity.resolver_apart",
        kept=True,
        pair=pairs,
        one=resolution.apart.one,
        other=resolution.apart.other,
    )
    connection.execute("CREATE OR REPLACE TABLE identity.resolver_facts AS FROM graph_facts")
    connection.execute(
        "CREATE OR REPLACE TABLE identity.resolver_info AS SELECT ?::VARCHAR AS fingerprint", [fingerprint]
    )
