"""From identifiers to evidence: which keys stand on which records, which of them prove nothing, and the graph of it.

Records that carry the same linking keys, given name and birth date are one *profile*: a person's five hundred
order lines are a handful. A profile's edges lead to its keys, so two records share a person where a path of
keys leads from one to the other. Values that stand beside too many others are learned to be nobody's; a key
that people with different names use (a family's mailbox) is one key per name, and nobody's where no name
says whose.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data_contracts.errors import BuildError
from pipelines.identity.contested import divide_contested
from pipelines.identity.names import FOLDED, FOLDED_FAMILY, Alike
from pipelines.identity.numbers import Evidence, read_graph
from pipelines.identity.policy import Policy
from pipelines.identity.reuse import divide_reused

if TYPE_CHECKING:
    import duckdb

# One row per type: what the policy says, for the queries below.
_TYPES = """
    CREATE OR REPLACE TEMP TABLE identity_types AS
    SELECT unnest(?::VARCHAR[]) AS identifier_type, unnest(?::SMALLINT[]) AS priority,
        unnest(?::BOOLEAN[]) AS names_a_person, unnest(?::BOOLEAN[]) AS per_source,
        unnest(?::BIGINT[]) AS most_neighbours
"""

_BESIDE = """
    CREATE OR REPLACE TEMP TABLE identity_beside AS
    SELECT unnest(?::VARCHAR[]) AS identifier_type, unnest(?::VARCHAR[]) AS beside, unnest(?::BIGINT[]) AS most
"""

_LISTED = """
    CREATE OR REPLACE TEMP TABLE identity_listed AS
    SELECT unnest(?::VARCHAR[]) AS identifier_type, unnest(?::VARCHAR[]) AS value,
        unnest(?::VARCHAR[]) AS pattern, unnest(?::VARCHAR[]) AS reason
"""

# Whoever gathered nothing reads all records.
ALL_RECORDS = "CREATE TEMP VIEW IF NOT EXISTS identity_records AS FROM intermediate.int_identity__records"

_RECORDS = f"""
    CREATE OR REPLACE TEMP TABLE evidence_records AS
    SELECT hash(source || chr(31) || source_record_id) AS record, origin_table, source, source_record_id,
        occurred_at, {FOLDED} AS given, {FOLDED_FAMILY} AS family,
        CASE WHEN birth_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN birth_date END AS birth_date
    FROM identity_records
"""  # noqa: S608 - our own text

# A handle that is an @ and nothing else has no key: a hash of nothing would be one key for all such records.
_SEEN = """
    CREATE OR REPLACE TEMP TABLE evidence_seen AS
    SELECT hash(seen.source || chr(31) || seen.source_record_id) AS record,
        hash(seen.identifier_type || ':' || seen.match_key) AS key,
        seen.identifier_type, seen.match_key, seen.refused_reason AS reason
    FROM identifiers AS seen
    JOIN identity_types USING (identifier_type)
    WHERE seen.match_key IS NOT NULL
"""

# By the key or by the spelling that people write to: who lists `an.n@gmail.com` means the mailbox.
_APPLY_LISTED = """
    UPDATE evidence_seen SET reason = found.reason
    FROM (
        SELECT key, min(reason) AS reason
        FROM (
            SELECT hash(seen.identifier_type || ':' || seen.match_key) AS key, listed.reason
            FROM identifiers AS seen JOIN identity_listed AS listed
                ON listed.identifier_type = seen.identifier_type AND lower(listed.value) = lower(seen.match_key)
            UNION ALL
            SELECT hash(seen.identifier_type || ':' || seen.match_key), listed.reason
            FROM identifiers AS seen JOIN identity_listed AS listed
                ON listed.identifier_type = seen.identifier_type AND lower(listed.value) = lower(seen.value)
            UNION ALL
            SELECT seen.key, listed.reason
            FROM (SELECT DISTINCT key, identifier_type, match_key FROM evidence_seen WHERE reason IS NULL) AS seen
            JOIN identity_listed AS listed
                ON listed.identifier_type = seen.identifier_type
                AND regexp_matches(seen.match_key, listed.pattern)
        )
        GROUP BY key
    ) AS found
    WHERE found.key = evidence_seen.key AND evidence_seen.reason IS NULL
"""

# What stands on records by itself, before numbers and names divide it: what the next build follows (gathering.py).
_CARRIED = """
    CREATE OR REPLACE TEMP TABLE evidence_carried AS
    SELECT record, key FROM evidence_seen WHERE reason IS NULL
"""

_TWICE = """
    SELECT source, source_record_id FROM identity_records
    GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1
"""

_COLLISIONS = """
    SELECT
        (SELECT count(*) - count(DISTINCT record) FROM evidence_records),
        (SELECT count(*) FROM (SELECT DISTINCT identifier_type, match_key FROM evidence_seen))
        - (SELECT count(DISTINCT key) FROM evidence_seen)
"""

# Records that write the same keys, given name and birth date are one appearance. The set of keys is told by
# sums that do not depend on their order; an order and a conversation are no part of how somebody appears.
_APPEARANCES = """
    CREATE OR REPLACE TEMP TABLE evidence_appearances AS
    SELECT records.*, hash(keyed.mixed, keyed.added, records.given, records.birth_date) AS appearance
    FROM evidence_records AS records
    JOIN (
        SELECT record, bit_xor(key) AS mixed, sum(key::HUGEINT) AS added
        FROM evidence_seen JOIN identity_types USING (identifier_type)
        WHERE reason IS NULL AND names_a_person
        GROUP BY record
    ) AS keyed USING (record)
"""

_WRITTEN = """
    CREATE OR REPLACE TEMP TABLE evidence_written AS
    SELECT appearance, key, identifier_type, match_key, any_value(given) AS given, count(*) AS records,
        bool_or(origin_table = 'contacts') AS is_registered
    FROM evidence_seen JOIN evidence_appearances USING (record)
    WHERE reason IS NULL
    GROUP BY appearance, key, identifier_type, match_key
"""

_NODES = """
    CREATE OR REPLACE TEMP TABLE evidence_nodes AS
    WITH contested AS (SELECT DISTINCT key FROM evidence_shards)
    SELECT written.appearance, written.key, written.identifier_type, written.match_key,
        CASE WHEN contested.key IS NULL THEN written.key ELSE hash(written.key, shards.share) END AS node,
        CASE WHEN contested.key IS NOT NULL AND shards.share IS NULL THEN 'contested' END AS reason
    FROM evidence_written AS written
    LEFT JOIN contested ON contested.key = written.key
    LEFT JOIN evidence_shards AS shards
        ON shards.key = written.key AND shards.given IS NOT DISTINCT FROM written.given
"""

# How many different keys of each type stand beside a node, in appearances that carry both; of external ids, in
# the source that has most. Only types that the policy counts are looked for: the account of all who pay at a till
# has 100,000 orders, and one by one beside each other they are 10 billion pairs.
_LEARNED = """
    CREATE OR REPLACE TEMP TABLE evidence_learned AS
    WITH several AS (
        SELECT appearance FROM evidence_nodes WHERE reason IS NULL GROUP BY appearance HAVING count(*) > 1
    ),
    together AS (
        SELECT appearance, node, identifier_type,
            CASE WHEN per_source THEN split_part(match_key, ':', 1) ELSE '' END AS space
        FROM evidence_nodes JOIN identity_types USING (identifier_type) JOIN several USING (appearance)
        WHERE reason IS NULL
    ),
    counted AS (
        SELECT identifier_type, beside FROM identity_beside
        UNION
        SELECT mine.identifier_type, theirs.identifier_type
        FROM identity_types AS mine, identity_types AS theirs
        WHERE mine.most_neighbours IS NOT NULL AND theirs.names_a_person
    ),
    looking AS MATERIALIZED (
        SELECT appearance, node, identifier_type, beside FROM together JOIN counted USING (identifier_type)
    ),
    beside AS (
        SELECT one.node, one.identifier_type, one.beside, other.space, count(DISTINCT other.node) AS others
        FROM looking AS one
        JOIN together AS other
            ON other.appearance = one.appearance AND other.identifier_type = one.beside AND other.node <> one.node
        GROUP BY ALL
    ),
    judged AS (
        SELECT beside.node, 'shared' AS reason, max(beside.others) AS beside
        FROM beside JOIN identity_beside AS allowed
            ON allowed.identifier_type = beside.identifier_type AND allowed.beside = beside.beside
        WHERE beside.others > allowed.most
        GROUP BY beside.node
        UNION ALL
        SELECT beside.node, 'crowded', sum(beside.others)
        FROM beside
        JOIN identity_types AS mine ON mine.identifier_type = beside.identifier_type
        JOIN identity_types AS theirs ON theirs.identifier_type = beside.beside
        WHERE theirs.names_a_person
        GROUP BY beside.node, mine.most_neighbours
        HAVING sum(beside.others) > mine.most_neighbours
    )
    SELECT node, CASE WHEN bool_or(reason = 'crowded') THEN 'crowded' ELSE 'shared' END AS reason,
        max(beside)::BIGINT AS beside
    FROM judged GROUP BY node
"""

# A profile is an appearance without what proved nothing. Records with no usable key of a person are a profile
# by the orders and conversations that they belong to, or each one alone. A record that people said is somebody
# else's is a profile of its own, with what of its order or conversation looks the same.
_PROFILES = """
    CREATE OR REPLACE TEMP TABLE evidence_of AS
    WITH decided AS (
        -- a record that was decided about goes by itself, others of its order by it
        SELECT record, arg_min(decided, (distance, decided)) AS decided
        FROM (
            SELECT record, record AS decided, 0 AS distance FROM evidence_decided
            UNION ALL
            SELECT theirs.record, mine.record, 1
            FROM evidence_decided
            JOIN evidence_seen AS mine USING (record)
            JOIN identity_types USING (identifier_type)
            JOIN evidence_seen AS theirs ON theirs.key = mine.key
            JOIN evidence_appearances AS my_looks ON my_looks.record = mine.record
            JOIN evidence_appearances AS their_looks ON their_looks.record = theirs.record
            WHERE NOT names_a_person AND mine.reason IS NULL AND my_looks.appearance = their_looks.appearance
        )
        GROUP BY record
    ),
    usable AS (
        SELECT appearance, bit_xor(node) AS mixed, sum(node::HUGEINT) AS added
        FROM evidence_nodes
        LEFT JOIN evidence_learned AS learned USING (node)
        JOIN identity_types USING (identifier_type)
        WHERE evidence_nodes.reason IS NULL AND learned.node IS NULL AND names_a_person
        GROUP BY appearance
    ),
    tied AS (
        SELECT record, bit_xor(key) AS mixed, sum(key::HUGEINT) AS added
        FROM evidence_seen
        JOIN identity_types USING (identifier_type)
        LEFT JOIN evidence_learned AS learned ON learned.node = evidence_seen.key
        WHERE evidence_seen.reason IS NULL AND learned.node IS NULL AND NOT names_a_person
        GROUP BY record
    )
    SELECT records.*, appearances.appearance,
        CASE
            WHEN decided.record IS NOT NULL THEN hash('decided', decided.decided)
            WHEN usable.appearance IS NOT NULL
                THEN hash(usable.mixed, usable.added, records.given, records.birth_date)
            WHEN tied.record IS NOT NULL
                THEN hash('tied', tied.mixed, tied.added, records.given, records.birth_date)
            ELSE records.record
        END AS profile
    FROM evidence_records AS records
    LEFT JOIN decided USING (record)
    LEFT JOIN (SELECT record, appearance FROM evidence_appearances) AS appearances USING (record)
    LEFT JOIN usable USING (appearance)
    LEFT JOIN tied USING (record)
"""

_FACTS_OF_PROFILES = """
    CREATE OR REPLACE TEMP TABLE evidence_profiles AS
    SELECT profile, any_value(given) AS given, any_value(birth_date) AS birth_date, count(*) AS records
    FROM evidence_of GROUP BY profile
"""

# The evidence, one row per profile, node and source, with a record that shows it. A key is grouped by its number, and
# gets its words back afterwards: that is 1.7 instead of 2.1 CPU s for 1.6M identifiers (2026-11-22).
_HELD = """
    CREATE OR REPLACE TEMP TABLE evidence_held AS
    WITH counted AS (
        SELECT evidence_of.profile, seen.key, evidence_of.source, coalesce(nodes.node, seen.key) AS node,
            arg_min(
                (evidence_of.source_record_id, evidence_of.origin_table),
                (evidence_of.occurred_at, evidence_of.source_record_id)
            ) AS example,
            count(*) AS records, min(evidence_of.occurred_at) AS first_seen_at,
            max(evidence_of.occurred_at) AS last_seen_at
        FROM evidence_seen AS seen
        JOIN evidence_of USING (record)
        LEFT JOIN evidence_nodes AS nodes
            ON nodes.appearance = evidence_of.appearance AND nodes.key = seen.key
        LEFT JOIN evidence_learned AS learned ON learned.node = coalesce(nodes.node, seen.key)
        WHERE seen.reason IS NULL AND nodes.reason IS NULL AND learned.node IS NULL
        GROUP BY ALL
    ),
    worded AS (
        SELECT key, any_value(identifier_type) AS identifier_type, any_value(match_key) AS match_key
        FROM evidence_seen WHERE reason IS NULL GROUP BY key
    )
    SELECT counted.profile, key, worded.identifier_type, worded.match_key, counted.source, counted.node,
        counted.example[1] AS source_record_id, counted.example[2] AS origin_table, counted.records,
        counted.first_seen_at, counted.last_seen_at
    FROM counted JOIN worded USING (key)
"""

# Profile to node. Of one rank, what more records say is followed first. An order or a conversation that ties
# nothing is left out.
_EDGES = """
    CREATE OR REPLACE TEMP TABLE evidence_edges AS
    WITH held AS (
        SELECT profile, node, key, identifier_type, match_key, priority AS rank, names_a_person,
            sum(records)::BIGINT AS records, min(first_seen_at) AS first_seen_at,
            max(last_seen_at) AS last_seen_at,
            CASE WHEN per_source THEN identifier_type || '@' || split_part(match_key, ':', 1)
                ELSE identifier_type END AS counted_as
        FROM evidence_held JOIN identity_types USING (identifier_type)
        GROUP BY profile, node, key, identifier_type, match_key, priority, names_a_person, per_source
    ),
    ties AS (SELECT node FROM held WHERE NOT names_a_person GROUP BY node HAVING count(*) > 1)
    SELECT held.* FROM held LEFT JOIN ties USING (node) WHERE names_a_person OR ties.node IS NOT NULL
"""


# A quarter of the memory: 0.6 of 2.6 GB for 2M records with 5M identifiers (2026-11-22).
_USED_UP = ("reuse_eras", "evidence_written", "evidence_appearances", "evidence_records")


def read_evidence(
    connection: "duckdb.DuckDBPyConnection", policy: Policy, decided: NDArray[np.uint64] | None = None
) -> Evidence:
    """Make the graph of the view `identifiers` and of the view `identity_records` or, without one, of all records.

    `decided` are records (hashes) that people decided about. Leaves temporary tables that name everything again:
    evidence_carried (each identifier that is not refused, as it stands on its record), evidence_seen (each identifier,
    with the reason if it is refused), evidence_of (a record's profile), evidence_profiles, evidence_nodes (contested
    keys divided), evidence_learned (nodes that were learned to be nobody's), evidence_held (who carries what, by
    source), evidence_edges. Raises BuildError when two records have one name, or two texts one hash.
    """
    _state_policy(connection, policy)
    connection.execute(ALL_RECORDS)
    connection.execute(_RECORDS)
    connection.execute(_SEEN)
    if policy.blocked:
        connection.execute(_APPLY_LISTED)
    _hold_hashes_apart(connection)
    connection.execute(_CARRIED)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE evidence_decided AS SELECT unnest(?) AS record",
        [np.zeros(0, dtype=np.uint64) if decided is None else decided],
    )
    alike = Alike(policy.conflicts.given_name.alike_above)
    divide_reused(connection, policy, alike)
    for query in (_APPEARANCES, _WRITTEN):
        connection.execute(query)
    divide_contested(connection, policy.conflicts.given_name, alike)
    for query in (_NODES, _LEARNED, _PROFILES, _FACTS_OF_PROFILES, _HELD, _EDGES):
        connection.execute(query)
    for table in _USED_UP:
        connection.execute(f"DROP TABLE {table}")
    return read_graph(connection, policy, alike)


def _hold_hashes_apart(connection: "duckdb.DuckDBPyConnection") -> None:
    """Raise BuildError where two records, or two keys, could not be told apart."""
    if not any(connection.execute(_COLLISIONS).fetchall()[0]):
        return
    twice = connection.execute(_TWICE).fetchone()
    if twice:
        raise BuildError(
            f"Two records of {twice[0]} are called {twice[1]}, so it cannot be said who either belongs to.",
            "Give each record of a source an id of its own in the mapping, over all its tables.",
        )
    raise BuildError(
        "Two identifiers have the same 64-bit hash, so people cannot be told apart.",
        "Report this; until then, leave out the source that was added last.",
    )


def _state_policy(connection: "duckdb.DuckDBPyConnection", policy: Policy) -> None:
    types = [(name, policy.identifiers[name]) for name in policy.linking()]
    connection.execute(
        _TYPES,
        [
            [name for name, _ in types],
            [each.priority for _, each in types],
            [each.names_a_person for _, each in types],
            [each.per_source for _, each in types],
            [each.most_neighbours for _, each in types],
        ],
    )
    beside = [(name, *row) for name, each in types for row in each.beside.items()]
    connection.execute(_BESIDE, [[row[at] for row in beside] for at in range(3)])
    listed = [(each.type, each.value, each.pattern, each.reason) for each in policy.blocked]
    connection.execute(_LISTED, [[row[at] for row in listed] for at in range(4)])
