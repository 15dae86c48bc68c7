"""Which profiles are compared at all: those that share a block, where no block is too big.

All pairs of a million profiles are half a trillion; pairs that share nothing are no matches anyway. A block
is what profiles share under one rule, such as birth date and family name. A block of n profiles has n^2 / 2
pairs, so that one placeholder (1970-01-01, "Mustermann") could cost more than everything else: blocks over a
limit are left out, counted and reported. Wide rules (a postcode alone) find the typing mistakes of small
companies and have the smaller limit, so that in big ones they fall silent by themselves.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

NARROW, WIDE = 200, 40  # profiles a block: at most 19,900 and 780 pairs


@dataclass(frozen=True)
class Blocking:
    """What blocking gave: pairs to score, and the blocks that were too big for it."""

    pairs: int
    skipped_blocks: int
    skipped_profiles: int


# Each rule: the key that its blocks share (NULL where a part is missing), and how big one may be.
_BLOCKS = """
    CREATE OR REPLACE TEMP TABLE linking_blocks AS
    WITH keys AS (
        SELECT profile, unnest([
            {rule: 1, most: $narrow, key: birth_date || '|' || given_name},
            {rule: 2, most: $narrow, key: birth_date || '|' || family_name},
            {rule: 3, most: $narrow, key: birth_date || '|' || postcode},
            {rule: 4, most: $narrow, key:
                least(given_name, family_name) || '|' || greatest(given_name, family_name)},
            {rule: 5, most: $narrow, key: street_line || '|' || coalesce(postcode, city)},
            {rule: 6, most: $narrow, key: given_name || '|' || postcode},
            {rule: 7, most: $narrow, key: family_name || '|' || postcode},
            {rule: 8, most: $narrow, key: CASE WHEN length(mailbox) >= 6 THEN mailbox END},
            {rule: 9, most: $narrow, key: phone},
            {rule: 10, most: $narrow, key: external_id},
            {rule: 11, most: $wide, key: birth_date},
            {rule: 12, most: $wide, key: postcode},
            {rule: 13, most: $wide, key: street_line},
            {rule: 14, most: $wide, key: street || '|' || city}
        ], recursive := true)
        FROM linking_profiles
    )
    SELECT rule, hash(rule, key) AS block, most, list(profile ORDER BY profile) AS profiles
    FROM keys
    WHERE key IS NOT NULL
    GROUP BY ALL
    HAVING count(*) > 1
"""

_PAIRS = """
    CREATE OR REPLACE TEMP TABLE linking_candidates AS
    WITH members AS (
        SELECT block, unnest(profiles) AS profile FROM linking_blocks WHERE len(profiles) <= most
    ),
    placed AS (
        SELECT members.block, members.profile, linking_profiles.person, linking_profiles.generation
        FROM members JOIN linking_profiles USING (profile)
    )
    SELECT DISTINCT '0' AS match_key, one.profile AS join_key_l, other.profile AS join_key_r
    FROM placed AS one
    JOIN placed AS other
        ON one.block = other.block AND one.profile < other.profile AND one.person <> other.person
        AND (one.generation = other.generation OR one.generation = '' OR other.generation = '')
"""

_COUNTS = """
    SELECT
        (SELECT count(*) FROM linking_candidates),
        count(*) FILTER (WHERE len(profiles) > most),
        coalesce(sum(len(profiles)) FILTER (WHERE len(profiles) > most), 0)::BIGINT
    FROM linking_blocks
"""


def write_candidates(
    connection: "duckdb.DuckDBPyConnection", narrow: int = NARROW, wide: int = WIDE
) -> Blocking:
    """Write the temporary table `linking_candidates`: pairs of profiles of two people, as Splink reads them.

    `narrow` and `wide` are the biggest blocks in profiles.
    """
    connection.execute(_BLOCKS, {"narrow": narrow, "wide": wide})
    connection.execute(_PAIRS)
    pairs, blocks, profiles = connection.execute(_COUNTS).fetchall()[0]
    return Blocking(int(pairs), int(blocks), int(profiles))
