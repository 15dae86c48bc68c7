"""Scoring in a build of a part: those whose profiles are other than before, against everybody.

A pair is what two people's profiles make of it, by counts that stand (frequencies.py), and whether a block is small
enough to be looked into. So who has the profiles of before keeps the pairs of before, but for people in a block that
has come over its limit or fallen below it. Everybody's profiles, blocks and pairs are kept in schema `identity` for it:
`link_profiles` and `link_blocks` by record, and `link_pairs`. A person is named by the least of their records' hashes.
"""

from typing import TYPE_CHECKING

from pipelines.identity.linking.blocking import Limits, write_keys
from pipelines.identity.linking.frequencies import are_settled, have_moved, weigh_by_standing
from pipelines.identity.linking.profiles import derive_profiles, write_profiles
from pipelines.identity.linking.scoring import NO_PAIRS, frequency_columns, judge_pairs, score_candidates

if TYPE_CHECKING:
    import duckdb

    from pipelines.identity.linking.model import LinkModel
    from pipelines.identity.policy import Policy

# A profile without what tells how often it was seen, which says who is compared and nothing of how.
_NOW = """
    CREATE OR REPLACE TEMP TABLE linking_now AS
    SELECT hash(source || chr(31) || source_record_id) AS record, * EXCLUDE (records) FROM linking_appearances
"""
_KEEP_WHOLE = (
    _NOW,
    "CREATE OR REPLACE TABLE identity.link_profiles AS FROM linking_now",
    "CREATE OR REPLACE TABLE identity.link_blocks AS SELECT block, wide, record FROM linking_keys",
    "CREATE OR REPLACE TABLE identity.link_pairs AS FROM linked_pairs",
)
_FORGET = tuple(f"DROP TABLE IF EXISTS identity.link_{each}" for each in ("profiles", "blocks", "pairs"))

# Of the people who were gathered, those of whom any profile has come, gone or changed.
_DIFFERING = """
    CREATE OR REPLACE TEMP TABLE linking_differing AS
    WITH before AS (FROM identity.link_profiles WHERE person IN (SELECT record FROM gathering_records))
    SELECT person FROM (FROM before EXCEPT FROM linking_now)
    UNION SELECT person FROM (FROM linking_now EXCEPT FROM before)
"""
_LEFT = """
    CREATE OR REPLACE TEMP TABLE linking_left AS
    SELECT record FROM identity.link_profiles SEMI JOIN linking_differing USING (person)
"""
_ARRIVED = """
    CREATE OR REPLACE TEMP TABLE linking_arrived AS FROM linking_now SEMI JOIN linking_differing USING (person)
"""
_ARRIVED_KEYS = """
    CREATE OR REPLACE TEMP TABLE linking_arrived_keys AS
    SELECT block, wide, record FROM linking_keys SEMI JOIN linking_arrived USING (record)
"""
_CURRENT = """
    CREATE OR REPLACE TEMP VIEW linking_current AS
    FROM identity.link_profiles ANTI JOIN linking_left USING (record) UNION ALL FROM linking_arrived
"""
_CURRENT_KEYS = """
    CREATE OR REPLACE TEMP VIEW linking_current_keys AS
    FROM identity.link_blocks ANTI JOIN linking_left USING (record) UNION ALL FROM linking_arrived_keys
"""
_PROFILES = "SELECT count(*) FROM linking_current"

# A block that comes over its limit takes pairs from all who are in it, and one that falls below gives them some.
_RESCORED = """
    CREATE OR REPLACE TEMP TABLE linking_rescored AS
    WITH moved AS (
        SELECT block, sum(more) AS growth
        FROM (
            SELECT block, 1 AS more FROM linking_arrived_keys
            UNION ALL SELECT block, -1 FROM identity.link_blocks SEMI JOIN linking_left USING (record)
        )
        GROUP BY block HAVING sum(more) <> 0
    ),
    sizes AS (
        SELECT block, CASE WHEN wide THEN $wide ELSE $narrow END AS most, count(*) AS before, any_value(growth) AS growth
        FROM identity.link_blocks JOIN moved USING (block)
        GROUP BY block, wide
    ),
    crossed AS (SELECT block FROM sizes WHERE (before <= most) <> (before + growth <= most))
    FROM linking_differing
    UNION
    SELECT person
    FROM identity.link_profiles JOIN identity.link_blocks USING (record) SEMI JOIN crossed USING (block)
"""

_MEMBERS = """
    CREATE OR REPLACE TEMP TABLE linking_members AS
    WITH asked AS (SELECT record FROM linking_current SEMI JOIN linking_rescored USING (person)),
    theirs AS (SELECT DISTINCT block FROM linking_current_keys SEMI JOIN asked USING (record))
    SELECT block, record, record IN (FROM asked) AS is_asked
    FROM linking_current_keys SEMI JOIN theirs USING (block)
    QUALIFY count(*) OVER (PARTITION BY block) BETWEEN 2 AND CASE WHEN wide THEN $wide ELSE $narrow END
"""
_MEMBERS_APPEAR = """
    CREATE OR REPLACE TEMP TABLE linking_appearances AS
    SELECT * EXCLUDE (record) FROM linking_current SEMI JOIN linking_members USING (record)
"""
_CANDIDATES = """
    CREATE OR REPLACE TEMP TABLE linking_candidates AS
    WITH placed AS (
        SELECT members.block, members.is_asked, who.profile, who.person, who.generation
        FROM linking_members AS members JOIN linking_profiles AS who USING (record)
    )
    SELECT DISTINCT '0' AS match_key, least(one.profile, other.profile) AS join_key_l,
        greatest(one.profile, other.profile) AS join_key_r
    FROM placed AS one
    JOIN placed AS other
        ON one.block = other.block AND one.person <> other.person
        AND (one.generation = other.generation OR one.generation = '' OR other.generation = '')
    WHERE one.is_asked
"""

_IS_RESCORED = """
    (one_person IN (SELECT person FROM linking_rescored) OR other_person IN (SELECT person FROM linking_rescored))
"""
_PAIRED = "CREATE OR REPLACE TEMP TABLE linking_paired AS FROM linked_pairs"

# Which records pairs tie, before or now; and whose pairs are others than before.
_TIES = """
    CREATE OR REPLACE TEMP TABLE linking_ties AS
    SELECT hash(one_source || chr(31) || one_record) AS one, hash(other_source || chr(31) || other_record) AS other
    FROM (FROM identity.link_pairs UNION ALL FROM linking_paired)
"""
_CHANGED = f"""
    CREATE OR REPLACE TEMP TABLE linking_changed AS
    WITH before AS (SELECT * EXCLUDE (one_person, other_person) FROM identity.link_pairs WHERE {_IS_RESCORED}),
    now AS (SELECT * EXCLUDE (one_person, other_person) FROM linking_paired),
    changed AS ((FROM before EXCEPT FROM now) UNION ALL (FROM now EXCEPT FROM before))
    SELECT hash(one_source || chr(31) || one_record) AS record FROM changed
    UNION SELECT hash(other_source || chr(31) || other_record) FROM changed
"""  # noqa: S608 - our own text

_TAKE = f"""
    CREATE OR REPLACE TEMP TABLE linked_pairs AS
    WITH everybody AS (
        FROM identity.link_pairs WHERE NOT {_IS_RESCORED} UNION ALL FROM linking_paired
    )
    FROM everybody
    WHERE hash(one_source || chr(31) || one_record) IN (SELECT record FROM gathering_records)
"""  # noqa: S608 - our own text

_KEEP_PART = (
    "DELETE FROM identity.link_profiles WHERE record IN (SELECT record FROM linking_left)",
    "INSERT INTO identity.link_profiles FROM linking_arrived",
    "DELETE FROM identity.link_blocks WHERE record IN (SELECT record FROM linking_left)",
    "INSERT INTO identity.link_blocks FROM linking_arrived_keys",
    f"DELETE FROM identity.link_pairs WHERE {_IS_RESCORED}",  # noqa: S608 - our own text
    "INSERT INTO identity.link_pairs FROM linking_paired",
)
_MERGING = "SELECT count(*) FROM identity.link_pairs WHERE merges"


def rescore_pairs(
    connection: "duckdb.DuckDBPyConnection", model: "LinkModel", policy: "Policy", limits: Limits
) -> str:
    """Score the people in `resolved`, those of `gathering_records`, against everybody whom the last build kept.

    Gives why everybody has to be scored, in a few words, where this does not do. Leaves the temporary tables
    `linking_ties(one, other)`, records that a pair ties now or did before, and `linking_changed(record)`, records of
    pairs that are new, gone or other than before.
    """
    write_profiles(connection, "identifiers")
    write_keys(connection)
    for query in (_NOW, _DIFFERING, _LEFT, _ARRIVED, _ARRIVED_KEYS, _CURRENT, _CURRENT_KEYS):
        connection.execute(query)
    if have_moved(connection, int(connection.execute(_PROFILES).fetchall()[0][0])):
        return "the company has grown so much that pairs weigh something else"
    sizes = {"narrow": limits.narrow, "wide": limits.wide}
    connection.execute(_RESCORED, sizes)
    connection.execute(_MEMBERS, sizes)
    connection.execute(_MEMBERS_APPEAR)
    derive_profiles(connection)
    connection.execute(_CANDIDATES)
    connection.execute(NO_PAIRS)
    if connection.execute("SELECT count(*) FROM linking_candidates").fetchall()[0][0]:
        if not are_settled(connection):
            return "no pair was scored before"
        weighed_for = weigh_by_standing(connection, frequency_columns(model))
        score_candidates(connection, model, policy, weighed_for)
        judge_pairs(connection, model, policy, weighed_for)
    for query in (_PAIRED, _TIES, _CHANGED):
        connection.execute(query)
    return ""


def take_pairs(connection: "duckdb.DuckDBPyConnection") -> None:
    """Leave `linked_pairs` of the people of `gathering_records`: those that were scored again, and those that stand."""
    connection.execute(_TAKE)


def keep_pairs(connection: "duckdb.DuckDBPyConnection", *, scored: bool, part: bool) -> None:
    """Keep, in the transaction that publishes, what the next part needs of everybody; nothing where none were `scored`."""
    for query in (_KEEP_PART if part else _KEEP_WHOLE) if scored else _FORGET:
        connection.execute(query)


def count_merging(connection: "duckdb.DuckDBPyConnection") -> int:
    """Count the pairs of all people that a score may merge."""
    return int(connection.execute(_MERGING).fetchall()[0][0])
