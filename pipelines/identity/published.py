"""The tables that a release carries of who is whom, and why: schema `identity` of build.duckdb.

Read from what matching left, once persons have their ids in the temporary table `assigned`. A part's customers are
replaced, row by row; everybody else's rows stay where they are.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.identity.policy import Policy
from pipelines.warehouse.parts import count_rows, parts_of, write_by_parts

if TYPE_CHECKING:
    import duckdb

MANY_WORDS = 5  # names or dates shown of one side of a conflict

# In no order: to sort it costs as much as to write it, and a release sorts what it publishes.
_MAP = """
    SELECT resolved.source, resolved.source_record_id, assigned.customer_id,
        resolved.identifier_type, resolved.match_key
    FROM resolved JOIN assigned USING (component)
    WHERE resolved.is_somebody
"""

# The best of a type is the one that a contact record states, then the newest, then the most frequent.
_IDENTIFIERS = """
    WITH seen AS (
        SELECT
            found.component, seen.identifier_type, seen.value,
            count(DISTINCT seen.source) AS source_count,
            min(seen.occurred_at) AS first_seen_at,
            max(seen.occurred_at) AS last_seen_at,
            max(seen.occurred_at) FILTER (WHERE seen.origin_table = 'contacts') AS stated_at,
            count(*) AS records
        FROM identifiers AS seen
        JOIN evidence_of ON evidence_of.record = hash(seen.source || chr(31) || seen.source_record_id)
        JOIN (SELECT node, person AS component FROM node_person) AS found ON found.node = evidence_of.profile
        SEMI JOIN assigned ON assigned.component = found.component
        WHERE refused_reason IS NULL AND list_contains(?, seen.identifier_type)
            AND (seen.identifier_type, seen.match_key) NOT IN (
                SELECT (identifier_type, match_key) FROM unproving WHERE reason = 'crowded')
        GROUP BY ALL
    )
    SELECT
        customer_id, identifier_type, value, source_count, first_seen_at, last_seen_at,
        row_number() OVER (
            PARTITION BY seen.component, identifier_type
            ORDER BY stated_at DESC NULLS LAST, last_seen_at DESC, seen.records DESC, value
        ) = 1 AS is_best
    FROM seen JOIN assigned USING (component)
    ORDER BY customer_id, identifier_type, value
"""

# Persons by number, with their ids; guests have none.
_PERSON_IDS = """
    CREATE OR REPLACE TEMP TABLE person_ids AS
    SELECT component AS person, customer_id FROM assigned
"""

_SIDES = """
    SELECT node_person.node AS profile, node_person.person,
        coalesce(any_value(anchors.best[1]), 'record') AS identifier_type,
        coalesce(any_value(anchors.best[2]), min(evidence_of.source || '/' || evidence_of.source_record_id))
            AS match_key,
        min(evidence_of.source || chr(31) || evidence_of.source_record_id) AS first_record
    FROM node_person
    JOIN evidence_of ON evidence_of.profile = node_person.node
    LEFT JOIN anchors ON anchors.profile = node_person.node
    WHERE evidence_of.profile % $parts::UBIGINT = $part
    GROUP BY ALL
"""

# Key to key, as the records of a source carry them together.
_TIED = """
    SELECT person_ids.customer_id, sides.identifier_type, sides.match_key,
        held.identifier_type AS other_type, held.match_key AS other_key, held.source,
        arg_min(held.source_record_id, (held.first_seen_at, held.source_record_id)) AS source_record_id,
        arg_min(held.origin_table, (held.first_seen_at, held.source_record_id)) AS origin_table,
        sum(held.records)::BIGINT AS records,
        min(held.first_seen_at) AS first_seen_at, max(held.last_seen_at) AS last_seen_at
    FROM evidence_held AS held
    JOIN profile_sides AS sides USING (profile)
    JOIN node_person AS theirs ON theirs.node = held.node AND theirs.person = sides.person
    JOIN person_ids ON person_ids.person = sides.person
    WHERE sides.identifier_type <> 'record'
        AND (held.identifier_type, held.match_key) <> (sides.identifier_type, sides.match_key)
        AND sides.person % $parts::BIGINT = $part
    GROUP BY ALL
"""

# Then what people and scores tied.
_EVIDENCE = """
    WITH said AS (
        SELECT decisions.*, one.profile AS one, other.profile AS other_profile
        FROM decisions
        JOIN evidence_of AS one ON one.record = decisions.record
        JOIN evidence_of AS other ON other.record = decisions.other
        WHERE decisions.kind = 'merge'
    )
    SELECT customer_id, 'deterministic' AS kind, identifier_type, match_key, other_type, other_key, source,
        source_record_id, origin_table, NULL::VARCHAR AS other_source, NULL::VARCHAR AS other_record_id,
        records, first_seen_at, last_seen_at, NULL::DOUBLE AS weight, NULL::JSON AS detail
    FROM published_ties
    UNION ALL
    SELECT person_ids.customer_id, 'human', mine.identifier_type, mine.match_key, theirs.identifier_type,
        theirs.match_key, said.source, said.source_record_id, NULL, said.other_source, said.other_record_id,
        2, NULL, NULL, NULL,
        json_object('decision_id', said.decision_id, 'author', said.author, 'reason', said.reason)
    FROM said
    JOIN profile_sides AS mine ON mine.profile = said.one
    JOIN profile_sides AS theirs ON theirs.profile = said.other_profile AND theirs.person = mine.person
    JOIN person_ids ON person_ids.person = mine.person
    UNION ALL
    SELECT person_ids.customer_id, 'probabilistic', mine.identifier_type, mine.match_key,
        theirs.identifier_type, theirs.match_key, pairs.one_source, pairs.one_record, NULL,
        pairs.other_source, pairs.other_record, 2, NULL, NULL, pairs.weight, pairs.detail
    FROM linked_pairs AS pairs
    JOIN evidence_of AS one ON one.source = pairs.one_source AND one.source_record_id = pairs.one_record
    JOIN evidence_of AS other
        ON other.source = pairs.other_source AND other.source_record_id = pairs.other_record
    JOIN profile_sides AS mine ON mine.profile = one.profile
    JOIN profile_sides AS theirs ON theirs.profile = other.profile AND theirs.person = mine.person
    JOIN person_ids ON person_ids.person = mine.person
    WHERE pairs.merges
    ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
"""

_SAID = """
    CREATE OR REPLACE TEMP TABLE person_facts AS
    SELECT node_person.person,
        list_slice(list(DISTINCT given ORDER BY given) FILTER (WHERE given IS NOT NULL), 1, ?) AS given_name,
        list_slice(list(DISTINCT birth_date::VARCHAR ORDER BY birth_date::VARCHAR)
            FILTER (WHERE birth_date IS NOT NULL), 1, ?) AS birth_date
    FROM evidence_profiles JOIN node_person ON node_person.node = evidence_profiles.profile
    GROUP BY ALL
"""

_REFUSED = """
    WITH splits AS (
        SELECT decisions.*, row_number() OVER (ORDER BY number) - 1 AS which
        FROM decisions
        JOIN evidence_of AS one ON one.record = decisions.record
        JOIN evidence_of AS other ON other.record = decisions.other
        WHERE kind = 'split'
    ),
    named AS (
        SELECT refused.*, mine.person AS person, theirs.person AS other_person,
            CASE refused.rule
                WHEN 'limit' THEN json_object(
                    'type', split_part(limited, '@', 1), 'source', nullif(split_part(limited, '@', 2), ''),
                    'allowed', allowed, 'would_be', would_be)
                WHEN 'decided' THEN json_object(
                    'decision_id', splits.decision_id, 'author', splits.author, 'reason', splits.reason)
                WHEN 'conflict' THEN json_object(
                    'attribute', CASE refused.which WHEN 0 THEN 'birth_date' ELSE 'given_name' END,
                    'one', CASE refused.which WHEN 0 THEN my_facts.birth_date ELSE my_facts.given_name END,
                    'other', CASE refused.which
                        WHEN 0 THEN their_facts.birth_date ELSE their_facts.given_name END)
            END AS detail
        FROM refused
        JOIN node_person AS mine ON mine.node = refused.one
        JOIN node_person AS theirs ON theirs.node = refused.other
        LEFT JOIN splits ON refused.rule = 'decided' AND splits.which = refused.which
        LEFT JOIN person_facts AS my_facts ON my_facts.person = mine.person
        LEFT JOIN person_facts AS their_facts ON their_facts.person = theirs.person
    ),
    carried AS (
        SELECT named.person, named.other_person, 'deterministic' AS kind, sides.identifier_type,
            sides.match_key, held.identifier_type AS other_type, held.match_key AS other_key, held.source,
            held.source_record_id, held.origin_table, NULL::VARCHAR AS other_source,
            NULL::VARCHAR AS other_record_id, held.records, held.first_seen_at, held.last_seen_at,
            NULL::DOUBLE AS weight, named.rule, named.detail
        FROM named
        JOIN evidence_held AS held ON held.profile = named.one AND held.node = named.other
        JOIN profile_sides AS sides ON sides.profile = named.one
    ),
    scored AS (
        SELECT mine.person, theirs.person AS other_person, 'probabilistic', mine.identifier_type,
            mine.match_key, theirs.identifier_type, theirs.match_key, pairs.one_source, pairs.one_record, NULL,
            pairs.other_source, pairs.other_record, 2, NULL, NULL, pairs.weight, named.rule, named.detail
        FROM named
        JOIN profile_sides AS mine ON mine.profile = named.one
        JOIN profile_sides AS theirs ON theirs.profile = named.other
        JOIN evidence_of AS one ON one.profile = named.one
        JOIN evidence_of AS other ON other.profile = named.other
        JOIN linked_pairs AS pairs
            ON pairs.one_source = one.source AND pairs.one_record = one.source_record_id
            AND pairs.other_source = other.source AND pairs.other_record = other.source_record_id
        WHERE pairs.merges
    ),
    -- a merge that a split of other records of the same people overruled
    overruled AS (
        SELECT named.person, named.other_person, 'human', mine.identifier_type, mine.match_key,
            theirs.identifier_type, theirs.match_key, decisions.source, decisions.source_record_id, NULL,
            decisions.other_source, decisions.other_record_id, 2, NULL, NULL, NULL, named.rule, named.detail
        FROM decisions
        JOIN evidence_of AS one ON one.record = decisions.record
        JOIN evidence_of AS other ON other.record = decisions.other
        JOIN named ON named.one = one.profile AND named.other = other.profile
        JOIN profile_sides AS mine ON mine.profile = named.one
        JOIN profile_sides AS theirs ON theirs.profile = named.other
        WHERE decisions.kind = 'merge'
    ),
    -- what people said are two, whether or not any evidence was cut for it
    parted AS (
        SELECT mine.person, theirs.person AS other_person, 'human', mine.identifier_type, mine.match_key,
            theirs.identifier_type, theirs.match_key, splits.source, splits.source_record_id, NULL,
            splits.other_source, splits.other_record_id, 2, NULL, NULL, NULL, 'decided', json_object(
                'decision_id', splits.decision_id, 'author', splits.author, 'reason', splits.reason)
        FROM splits
        JOIN evidence_of AS one ON one.record = splits.record
        JOIN evidence_of AS other ON other.record = splits.other
        JOIN profile_sides AS mine ON mine.profile = one.profile
        JOIN profile_sides AS theirs ON theirs.profile = other.profile AND theirs.person <> mine.person
    ),
    -- a key that people with different names use: each name has it for itself
    contested AS (
        SELECT node_person.person, held.identifier_type, held.match_key, held.key,
            min((held.source, held.source_record_id, held.origin_table)) AS example,
            sum(held.records)::BIGINT AS records, min(held.first_seen_at) AS first_seen_at,
            max(held.last_seen_at) AS last_seen_at
        FROM evidence_held AS held
        JOIN node_person ON node_person.node = held.node
        WHERE held.node <> held.key
        GROUP BY ALL
    ),
    namesakes AS (
        SELECT one.person, other.person AS other_person, 'deterministic', one.identifier_type, one.match_key,
            one.identifier_type, one.match_key, one.example[1], one.example[2], one.example[3], NULL, NULL,
            one.records, one.first_seen_at, one.last_seen_at, NULL, 'conflict', json_object(
                'attribute', 'given_name', 'one', my_facts.given_name, 'other', their_facts.given_name)
        FROM contested AS one
        JOIN contested AS other ON other.key = one.key AND other.person <> one.person
        LEFT JOIN person_facts AS my_facts ON my_facts.person = one.person
        LEFT JOIN person_facts AS their_facts ON their_facts.person = other.person
    ),
    unproved AS (
        SELECT resolved.component AS person, proved.identifier_type, proved.match_key, proved.reason, resolved.source,
            min((resolved.source_record_id, proved.origin_table, resolved.identifier_type, resolved.match_key))
                AS example,
            count(*) AS records, min(resolved.occurred_at) AS first_seen_at,
            max(resolved.occurred_at) AS last_seen_at, max(proved.beside) AS beside
        FROM unproving AS proved JOIN resolved USING (source, source_record_id)
        WHERE proved.names_a_person AND resolved.is_somebody
        GROUP BY ALL
    ),
    blocked AS (
        SELECT person, NULL::BIGINT AS other_person, 'deterministic', example[3], example[4], identifier_type,
            match_key, source, example[1], example[2], NULL, NULL, records, first_seen_at, last_seen_at, NULL,
            'blocked', json_object('reason', reason, 'beside', beside)
        FROM unproved
    )
    SELECT mine.customer_id, theirs.customer_id AS other_customer_id, every.* EXCLUDE (person, other_person)
    FROM (
        SELECT * FROM carried UNION ALL SELECT * FROM scored UNION ALL SELECT * FROM overruled
        UNION ALL SELECT * FROM parted UNION ALL SELECT * FROM namesakes UNION ALL SELECT * FROM blocked
    ) AS every
    JOIN person_ids AS mine ON mine.person = every.person
    LEFT JOIN person_ids AS theirs ON theirs.person = every.other_person
    ORDER BY ALL
"""

# Each identifier on each record that proved nothing, with the reason: listed, learned, or contested.
_UNPROVING = """
    CREATE OR REPLACE TEMP TABLE unproving AS
    SELECT evidence_of.source, evidence_of.source_record_id, evidence_of.origin_table, seen.identifier_type,
        seen.match_key, coalesce(seen.reason, nodes.reason, learned.reason) AS reason, learned.beside,
        evidence_of.occurred_at, identity_types.names_a_person, seen.reason IS NOT NULL AS is_refused
    FROM evidence_seen AS seen
    JOIN identity_types USING (identifier_type)
    JOIN evidence_of USING (record)
    LEFT JOIN evidence_nodes AS nodes ON nodes.appearance = evidence_of.appearance AND nodes.key = seen.key
    LEFT JOIN evidence_learned AS learned ON learned.node = coalesce(nodes.node, seen.key)
    WHERE coalesce(seen.reason, nodes.reason, learned.reason) IS NOT NULL
"""

_BLOCKED = """
    CREATE OR REPLACE TABLE identity.identity_blocked AS
    SELECT identifier_type, match_key, reason, count(*) AS records, max(beside) AS beside,
        min(occurred_at) AS first_seen_at, max(occurred_at) AS last_seen_at
    FROM unproving GROUP BY ALL ORDER BY identifier_type, match_key, reason
"""

# A part knows all records of an identifier that was learned to prove nothing, and not all of one that is refused.
_BLOCKED_AGAIN = """
    CREATE OR REPLACE TABLE identity.identity_blocked AS
    SELECT * FROM identity.identity_blocked
    ANTI JOIN identity.refused_values USING (identifier_type, match_key)
    WHERE hash(identifier_type || ':' || match_key) NOT IN (SELECT key FROM gathering_keys)
    UNION ALL
    SELECT identifier_type, match_key, reason, records, NULL, first_seen_at, last_seen_at
    FROM refused_now SEMI JOIN identity_types USING (identifier_type) WHERE match_key IS NOT NULL
    UNION ALL
    SELECT identifier_type, match_key, reason, count(*), max(beside), min(occurred_at), max(occurred_at)
    FROM unproving WHERE NOT is_refused GROUP BY ALL
    ORDER BY identifier_type, match_key, reason
"""

# What people should look at: close calls, and likely pairs that a limit keeps apart (a second account of one shop).
# Whoever has said that the two are two is not asked again.
_REVIEW = """
    WITH split AS (
        SELECT least(one.component, other.component) AS lesser, greatest(one.component, other.component) AS greater
        FROM decisions
        JOIN resolved AS one
            ON one.source = decisions.source AND one.source_record_id = decisions.source_record_id
        JOIN resolved AS other
            ON other.source = decisions.other_source AND other.source_record_id = decisions.other_record_id
        WHERE decisions.kind = 'split'
    )
    SELECT 'rev_' || substr(sha256(pairs.one_source || chr(31) || pairs.one_record || chr(31)
            || pairs.other_source || chr(31) || pairs.other_record), 1, 24) AS review_id,
        mine.customer_id, theirs.customer_id AS other_customer_id,
        pairs.one_source AS source, pairs.one_record AS source_record_id, pairs.other_source,
        pairs.other_record AS other_record_id, pairs.weight, pairs.probability, pairs.detail
    FROM linked_pairs AS pairs
    JOIN resolved AS one ON one.source = pairs.one_source AND one.source_record_id = pairs.one_record
    JOIN resolved AS other
        ON other.source = pairs.other_source AND other.source_record_id = pairs.other_record
        AND other.component <> one.component
    JOIN person_ids AS mine ON mine.person = one.component
    JOIN person_ids AS theirs ON theirs.person = other.component
    ANTI JOIN split
        ON split.lesser = least(one.component, other.component)
        AND split.greater = greatest(one.component, other.component)
    ORDER BY pairs.weight DESC, 1
"""

_NO_PAIRS = """
    CREATE TEMP TABLE IF NOT EXISTS linked_pairs (
        one_source VARCHAR, one_record VARCHAR, other_source VARCHAR, other_record VARCHAR,
        weight DOUBLE, probability DOUBLE, detail JSON, merges BOOLEAN
    )
"""


# One row an edge that a rule refused, with a record that shows it, so that a part can count those of the others too.
_REFUSED_EDGES = """
    SELECT min(evidence_of.record) AS record
    FROM (SELECT row_number() OVER () AS number, one FROM refused) AS edges
    JOIN evidence_of ON evidence_of.profile = edges.one
    GROUP BY edges.number
"""

# Of a part: everybody who has one of its records, or had.
_REPLACED = """
    CREATE OR REPLACE TEMP TABLE replaced AS
    SELECT customer_id FROM identity.identity_map
    WHERE hash(source || chr(31) || source_record_id) IN (SELECT record FROM gathering_records)
    UNION SELECT customer_id FROM assigned
"""


def publish_identity(connection: "duckdb.DuckDBPyConnection", policy: Policy, *, part: bool = False) -> None:
    """Write the tables of schema `identity` but for aliases and journal, which are the state's.

    Of a `part` (gathering.py), the rows of its customers alone; `replaced(customer_id)` names them (name_replaced).
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS identity")
    connection.execute(_NO_PAIRS)
    for query in (_PERSON_IDS, _UNPROVING):
        connection.execute(query)
    write_by_parts(connection, "profile_sides", _SIDES, parts_of(count_rows(connection, "evidence_of")))
    connection.execute(_SAID, [MANY_WORDS, MANY_WORDS])
    known = [name for name in policy.by_priority() if policy.identifiers[name].names_a_person]
    _write(connection, "identity_map", _MAP, part=part)
    _write(connection, "customer_identifiers", _IDENTIFIERS, [known], part=part)
    write_by_parts(connection, "published_ties", _TIED, parts_of(count_rows(connection, "evidence_held")))
    _write(connection, "identity_evidence", _EVIDENCE, part=part)
    _write(connection, "identity_refused", _REFUSED, part=part)
    _write(connection, "identity_review", _REVIEW, part=part)
    connection.execute(_BLOCKED_AGAIN if part else _BLOCKED)
    if part:
        connection.execute(
            "DELETE FROM identity.refused_edges WHERE record IN (SELECT record FROM gathering_records)"
        )
        connection.execute(f"INSERT INTO identity.refused_edges {_REFUSED_EDGES}")
    else:
        connection.execute(f"CREATE OR REPLACE TABLE identity.refused_edges AS {_REFUSED_EDGES}")


def name_replaced(connection: "duckdb.DuckDBPyConnection") -> None:
    """Write the temporary table `replaced(customer_id)`: whose rows a part writes anew. Ask before it does."""
    connection.execute(_REPLACED)


def _write(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    rows: str,
    parameters: Sequence[Any] = (),
    *,
    part: bool,
) -> None:
    """Write a table anew or, of a part, the rows of those who are replaced. Names and texts are our own."""
    if part:
        theirs = f"DELETE FROM identity.{table} WHERE customer_id IN (SELECT customer_id FROM replaced)"  # noqa: S608
        connection.execute(theirs)
        connection.execute(f"INSERT INTO identity.{table} {rows}", list(parameters))
    else:
        connection.execute(f"CREATE OR REPLACE TABLE identity.{table} AS {rows}", list(parameters))
