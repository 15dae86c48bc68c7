"""Bring records together: evidence, rules, scored pairs and what people decided, as groups with a reason each.

What it leaves are temporary tables by number of person; `people.py` gives persons their ids and publishes.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from messaging.identity_decisions import Decision
from pipelines.identity.arrays import read_arrays, write_arrays
from pipelines.identity.decided import Said, merge_decided
from pipelines.identity.evidence import read_evidence
from pipelines.identity.graph import Apart, Graph, Refusal
from pipelines.identity.incremental import Change, extend
from pipelines.identity.policy import Policy
from pipelines.identity.remembered import resolve_again
from pipelines.identity.resolve import Resolution, resolve
from pipelines.warehouse.connection import leave_room

if TYPE_CHECKING:
    import duckdb

Linker = Callable[["duckdb.DuckDBPyConnection"], None]
"""Reads `resolved` and the records, and leaves `linked_pairs`: pairs of records that are probably one person."""

Reading = Literal["afresh", "further", "part"]

SCORED = 1000  # the rank of a scored pair: after everything that an identifier says
FINEST = 1000  # parts of a match weight that the order of scored pairs tells apart

_DECISIONS = """
    CREATE OR REPLACE TEMP TABLE decisions AS
    SELECT row_number() OVER () - 1 AS number, *,
        hash(source || chr(31) || source_record_id) AS record,
        hash(other_source || chr(31) || other_record_id) AS other
    FROM (
        SELECT unnest(?::VARCHAR[]) AS decision_id, unnest(?::VARCHAR[]) AS kind, unnest(?::VARCHAR[]) AS source,
            unnest(?::VARCHAR[]) AS source_record_id, unnest(?::VARCHAR[]) AS other_source,
            unnest(?::VARCHAR[]) AS other_record_id, unnest(?::VARCHAR[]) AS author, unnest(?::VARCHAR[]) AS reason
    )
"""

_APPLICABLE = """
    SELECT decisions.number, decisions.kind, one.profile AS one, other.profile AS other
    FROM decisions
    JOIN evidence_of AS one ON one.record = decisions.record
    JOIN evidence_of AS other ON other.record = decisions.other
    ORDER BY decisions.number
"""

# The key of highest priority that was followed: the record hangs by it.
_ANCHORS = """
    CREATE OR REPLACE TEMP TABLE anchors AS
    SELECT edges.profile, arg_min((edges.identifier_type, edges.match_key), (rank, -edges.records, match_key)) AS best
    FROM evidence_edges AS edges
    JOIN node_person AS mine ON mine.node = edges.profile
    JOIN node_person AS theirs ON theirs.node = edges.node AND theirs.person = mine.person
    GROUP BY edges.profile
"""

_RESOLVED = """
    CREATE OR REPLACE TEMP TABLE resolved AS
    WITH somebody AS (
        SELECT DISTINCT node_person.person FROM node_person
        JOIN evidence_edges AS edges ON edges.profile = node_person.node AND edges.names_a_person
        UNION SELECT person FROM node_person JOIN tied_profiles ON tied_profiles.profile = node_person.node
    )
    SELECT evidence_of.source, evidence_of.source_record_id, evidence_of.occurred_at,
        node_person.person AS component, evidence_of.profile,
        person IN (SELECT person FROM somebody) AS is_somebody,
        coalesce(anchors.best[1], 'record') AS identifier_type,
        coalesce(anchors.best[2], evidence_of.source || '/' || evidence_of.source_record_id) AS match_key
    FROM evidence_of
    JOIN node_person ON node_person.node = evidence_of.profile
    LEFT JOIN anchors ON anchors.profile = evidence_of.profile
"""

_LINKS = """
    SELECT one.profile AS one, other.profile AS other, max(pairs.weight) AS weight
    FROM linked_pairs AS pairs
    JOIN evidence_of AS one ON one.source = pairs.one_source AND one.source_record_id = pairs.one_record
    JOIN evidence_of AS other ON other.source = pairs.other_source AND other.source_record_id = pairs.other_record
    WHERE pairs.merges
    GROUP BY ALL
"""

_REFUSED = """
    CREATE OR REPLACE TEMP TABLE refused AS
    SELECT unnest(?::UBIGINT[]) AS one, unnest(?::UBIGINT[]) AS other, unnest(?::VARCHAR[]) AS rule,
        unnest(?::VARCHAR[]) AS limited, unnest(?::BIGINT[]) AS which, unnest(?::BIGINT[]) AS would_be,
        unnest(?::BIGINT[]) AS allowed
"""


def match_records(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    decisions: Sequence[Decision] = (),
    link: Linker | None = None,
    *,
    reading: Reading = "afresh",
) -> int:
    """Group the records of the view `identity_records` by the view `identifiers`; give how many pairs a score linked.

    Read `further` than the last build, evidence that it read too is not read again; the people are the same. What is
    read of a `part` of the records (gathering.py) is not remembered as what a build read. Leaves,
    beside the tables of `read_evidence`: `resolved` (each record's person by number, whether that is somebody,
    and the key it hangs by), `node_person`, `refused` (edges that a rule refused), `decisions`.
    """
    limits, said, resolution = _by_evidence(connection, policy, decisions, reading)
    links = Graph.of(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.uint64))
    if link is not None:
        _name_nodes(connection, resolution, said.nodes)
        link(connection)
        links = _scored(connection)
        with leave_room(connection):
            resolution = (
                extend(resolution, Change(added=links, apart=said.apart)) if len(links) else resolution
            )
    resolution, overruled = merge_decided(resolution, said)
    followed = links.one[resolution.persons(links.one) == resolution.persons(links.other)]
    _name_nodes(connection, resolution, np.concatenate([said.nodes, followed]))
    _name_refused(connection, limits, resolution, overruled)
    return len(links)


def match_by_evidence(
    connection: "duckdb.DuckDBPyConnection", policy: Policy, decisions: Sequence[Decision]
) -> None:
    """Leave `resolved` of a part as it is where pairs are scored: by identifiers and splits, without scores and merges."""
    _, said, resolution = _by_evidence(connection, policy, decisions, "part")
    _name_nodes(connection, resolution, said.nodes)


def _by_evidence(
    connection: "duckdb.DuckDBPyConnection", policy: Policy, decisions: Sequence[Decision], reading: Reading
) -> tuple[tuple[str, ...], Said, Resolution]:
    """Give the names of the limits, what people said, and who is whom by evidence; its graph, which is large, is let go."""
    decided = _read_decisions(connection, decisions)
    evidence = read_evidence(connection, policy, decided)
    said = _read_applicable(connection)
    if reading == "part":
        resolution = resolve(evidence.graph, evidence.rules, evidence.facts, said.apart)
    else:
        afresh = reading == "afresh"
        resolution = resolve_again(connection, evidence, said.apart, policy.fingerprint, afresh=afresh)
    return evidence.limits, said, resolution


def _read_decisions(
    connection: "duckdb.DuckDBPyConnection", decisions: Sequence[Decision]
) -> NDArray[np.uint64]:
    """Name the records that people said are somebody else's."""
    columns = [
        [each.decision_id for each in decisions],
        [each.kind for each in decisions],
        [each.source for each in decisions],
        [each.source_record_id for each in decisions],
        [each.other_source for each in decisions],
        [each.other_record_id for each in decisions],
        [each.author for each in decisions],
        [each.reason for each in decisions],
    ]
    connection.execute(_DECISIONS, columns)
    found = connection.execute(
        "SELECT record FROM decisions WHERE kind = 'split' UNION SELECT other FROM decisions WHERE kind = 'split'"
    ).fetchnumpy()
    return np.asarray(found["record"], dtype=np.uint64)


def _read_applicable(connection: "duckdb.DuckDBPyConnection") -> Said:
    """Give what people decided, by nodes; a decision about a record that is not in this build waits."""
    columns = read_arrays(connection, _APPLICABLE)
    merge = columns["kind"] == "merge"
    one, other = columns["one"].astype(np.uint64), columns["other"].astype(np.uint64)
    return Said(Apart(one[merge], other[merge]), Apart(one[~merge], other[~merge]))


def _scored(connection: "duckdb.DuckDBPyConnection") -> Graph:
    columns = read_arrays(connection, _LINKS)
    strength = np.round(columns["weight"].astype(np.float64) * FINEST).astype(np.int64)
    return Graph.of(columns["one"], columns["other"], rank=np.full(len(strength), SCORED), strength=strength)


def _name_nodes(
    connection: "duckdb.DuckDBPyConnection", resolution: Resolution, tied: NDArray[np.uint64]
) -> None:
    """Write who each node is; `tied` are nodes that are somebody without an identifier of a person."""
    person = resolution.settled.person.astype(np.int64)
    write_arrays(connection, "node_person", node=resolution.nodes.hashes, person=person)
    write_arrays(connection, "tied_profiles", profile=tied)
    connection.execute(_ANCHORS)
    connection.execute(_RESOLVED)


def _name_refused(
    connection: "duckdb.DuckDBPyConnection",
    limits: tuple[str, ...],
    resolution: Resolution,
    overruled: list[tuple[int, int, int]],
) -> None:
    """Write what was not followed: evidence that a rule refused, and merges that a split refused."""
    refused, hashes = resolution.settled.refused, resolution.nodes.hashes
    limited: list[str | None] = [None] * len(refused)
    allowed = np.zeros(len(refused), dtype=np.int64)
    for row in np.flatnonzero(refused.rule == Refusal.LIMIT).tolist():
        limited[row] = limits[int(refused.which[row])]
        allowed[row] = resolution.rules.limits[int(refused.which[row])]
    rules: list[Any] = [Refusal(rule).name.lower() for rule in refused.rule.tolist()]
    connection.execute(
        _REFUSED,
        [
            hashes[refused.one],
            hashes[refused.other],
            rules,
            limited,
            refused.which,
            refused.would_be,
            allowed,
        ],
    )
    for merge in overruled:
        connection.execute("INSERT INTO refused VALUES (?, ?, 'decided', NULL, ?, 0, 0)", merge)
