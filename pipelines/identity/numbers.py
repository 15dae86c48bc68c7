"""Evidence and policy as numbers: the graph, the facts and the rules that the resolver works with."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.identity.arrays import read_arrays
from pipelines.identity.birthdays import may_be_one_birthday
from pipelines.identity.graph import NO_LIMIT, FactRule, Facts, Graph, Rules
from pipelines.identity.names import Alike
from pipelines.identity.policy import Policy

if TYPE_CHECKING:
    import duckdb

BIRTH_DATE, GIVEN_NAME = 0, 1  # the fact rules


@dataclass(frozen=True)
class Evidence:
    """The graph of a build, the rules as numbers, and what each number stands for.

    `limits` names each limit of the rules: a type, or `type@source`.
    """

    graph: Graph
    facts: Facts
    rules: Rules
    limits: tuple[str, ...]


def read_graph(connection: "duckdb.DuckDBPyConnection", policy: Policy, alike: Alike) -> Evidence:
    """Read `evidence_edges` and `evidence_profiles` into arrays. Every profile is a node.

    Leaves the temporary tables `graph_edges` and `graph_facts`, which hold the same.
    """
    limits = [
        row[0]
        for row in connection.execute(
            "SELECT DISTINCT counted_as FROM evidence_edges ORDER BY counted_as"
        ).fetchall()
        if policy.identifiers[row[0].split("@")[0]].per_person
    ]
    connection.execute(_GRAPH, [limits])
    columns = read_arrays(connection, "SELECT one, other, counted, rank, strength FROM graph_edges")
    none = np.full(len(columns["one"]), NO_LIMIT, dtype=np.int16)
    graph = Graph.of(
        columns["one"], columns["other"], (none, columns["counted"]), columns["rank"], columns["strength"]
    )
    facts, names = _facts(connection)
    return Evidence(graph, facts, _rules(policy, tuple(limits), alike, names), tuple(limits))


_NAMES = """
    CREATE OR REPLACE TEMP TABLE evidence_names AS
    SELECT DISTINCT given, (hash(given) >> 1)::BIGINT AS code FROM evidence_profiles WHERE given IS NOT NULL
"""

_FACTS = """
    CREATE OR REPLACE TEMP TABLE graph_facts AS
    SELECT profile AS node, ?::BIGINT AS rule, date_diff('day', DATE '1970-01-01', birth_date) AS value
    FROM evidence_profiles WHERE birth_date IS NOT NULL
    UNION ALL
    SELECT profile, ?, code FROM evidence_profiles JOIN evidence_names USING (given)
"""

# A profile's edge to itself makes it known, with or without a key.
_GRAPH = """
    CREATE OR REPLACE TEMP TABLE graph_edges AS
    SELECT profile AS one, node AS other, (coalesce(list_position(?, counted_as), 0) - 1)::SMALLINT AS counted,
        rank::SMALLINT AS rank, records AS strength
    FROM evidence_edges
    UNION ALL SELECT profile, profile, -1, 0, 0 FROM evidence_profiles
"""


def _facts(connection: "duckdb.DuckDBPyConnection") -> tuple[Facts, dict[int, str]]:
    connection.execute(_NAMES)
    names = dict(connection.execute("SELECT code, given FROM evidence_names").fetchall())
    connection.execute(_FACTS, [BIRTH_DATE, GIVEN_NAME])
    columns = read_arrays(connection, "SELECT node, rule, value FROM graph_facts")
    return Facts(columns["node"], columns["rule"], columns["value"]), names


def _rules(policy: Policy, limits: tuple[str, ...], alike: Alike, names: Mapping[int, str]) -> Rules:
    rank = {name: each.priority for name, each in policy.identifiers.items()}
    birth, given = policy.conflicts.birth_date, policy.conflicts.given_name

    def spelled_alike(one: int, other: int) -> bool:
        return alike(names[one], names[other])

    facts = (
        FactRule(may_be_one_birthday, frozenset(rank[name] for name in birth.refuses), operator.eq),
        FactRule(spelled_alike, frozenset(rank[name] for name in given.refuses), spelled_alike),
    )
    of_type = [policy.identifiers[name.split("@")[0]] for name in limits]  # type: ignore[index]
    codes = {"birth_date": BIRTH_DATE, "given_name": GIVEN_NAME}
    lifted = {
        at: tuple(codes[name] for name in each.unless_same)
        for at, each in enumerate(of_type)
        if each.unless_same
    }
    return Rules(tuple(each.per_person or 0 for each in of_type), facts, lifted)
