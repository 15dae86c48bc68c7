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
class Limits:
    """How many profiles a block may have, of a narrow rule and of a wide one."""

    narrow: int = NARROW
    wide: int = WIDE


@dataclass(frozen=True)
class Blocking:
    """What blocking gave: pairs to score, and the blocks that were too big for it."""

    pairs: int
    skipped_blocks: int
    skipped_profiles: int


# Each rule: the key that its blocks share (NULL where a part is missing), and whether it is a wide one.
_KEYS = """
    CREATE OR REPLACE TEMP TABLE linking_keys AS
    WITH keys AS (
        SELECT profile, record, unnest([
            {rule: 1, wide: false, key: birth_date || '|' || given_name},
            {rule: 2, wide: false, key: birth_date || '|' || family_name},
            {rule: 3, wide: false, key: birth_date || '|' || postcode},
            {rule: 4, wide: false, key:
                least(given_name, family_name) || '|' || greatest(given_name, family_name)},
            {rule: 5, wide: false, key: street_line || '|' || coalesce(postcode, city)},
            {rule: 6, wide: false, key: given_name || '|' || postcode},
            {rule: 7, wide: false, key: family_name || '|' || postcode},
            {rule: 8, wide: false, key: CASE WHEN length(mailbox) >= 6 THEN mailbox END},
            {rule: 9, wide: false, key: phone},
            {rule: 10, wide: false, key: external_id},
            {rule: 11, wide: true, key: birth_date},
            {rule: 12, wide: true, key: postcode},
            {rule: 13, wide: true, key: street_line},
            {rule: 14, wide: true, key: street || '|' || city}
        ], recursive := true)
        FROM linking_profiles
    )
    SELECT hash(rule, key) AS block, wide, profile, record FROM keys WHERE key IS NOT NULL
"""

_BLOCKS = """
    CREATE OR REPLACE TEMP TABLE linking_blocks AS
    SELECT block, CASE WHEN wide THEN $wide ELSE $narrow END AS most, list(profile) AS profiles
    FROM linking_keys
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


def write_keys(connection: "duckdb.DuckDBPyConnection") -> None:
    """Write the temporary table `linking_keys`: the blocks of each profile, as numbers that nobody reads."""
    connection.execute(_KEYS)


def write_candidates(connection: "duckdb.DuckDBPyConnection", limits: Limits | None = None) -> Blocking:
    """Write the temporary table `linking_candidates`: pairs of profiles of two people, as Splink reads them."""
    limits = limits or Limits()
    write_keys(connection)
    connection.execute(_BLOCKS, {"narrow": limits.narrow, "wide": limits.wide})
    connection.execute(_PAIRS)
    pairs, blocks, profiles = connection.execute(_COUNTS).fetchall()[0]
    return Blocking(int(pairs), int(blocks), int(profiles))
