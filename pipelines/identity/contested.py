"""Values that people with different names use: a family's mailbox or phone is one key for each name.

What the key's own records say decides, for the key is often all that they carry: an edge could be refused, and
two people would still be one node.
"""

from typing import TYPE_CHECKING

from pipelines.identity.names import Alike, groups
from pipelines.identity.policy import GivenNameConflict

if TYPE_CHECKING:
    import duckdb

MOST_NAMES = 40  # of the names on one key, so many are compared

_NAMED_KEYS = """
    SELECT key, given, sum(records)::BIGINT AS records, bool_or(is_registered) AS is_registered
    FROM evidence_written
    WHERE given IS NOT NULL AND list_contains(?, identifier_type)
        AND key IN (
            SELECT key FROM evidence_written WHERE given IS NOT NULL
            GROUP BY key HAVING count(DISTINCT given) > 1
        )
    GROUP BY key, given
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY sum(records) DESC, given) <= ?
    ORDER BY key, given
"""

# A contested key is one node per group of names; `share` is the name that a record's own is taken for, NULL
# where a record without a name, or with one that too many others share the key with, is nobody's.
_SHARDS = """
    CREATE OR REPLACE TEMP TABLE evidence_shards AS
    SELECT unnest(?::UBIGINT[]) AS key, unnest(?::VARCHAR[]) AS given, unnest(?::VARCHAR[]) AS share
"""


def divide_contested(connection: "duckdb.DuckDBPyConnection", rule: GivenNameConflict, alike: Alike) -> None:
    """Find keys of `evidence_written` whose records bear names that are nobody's two spellings.

    Leaves `evidence_shards`: for each such key the name that each of its names is taken for.
    """
    rows = connection.execute(_NAMED_KEYS, [list(rule.divides), MOST_NAMES]).fetchall()
    shards: list[tuple[int, str | None, str | None]] = []
    begin = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end][0] != rows[begin][0]:
            shards += _shards(rows[begin:end], alike, rule)
            begin = end
    connection.execute(_SHARDS, [[row[at] for row in shards] for at in range(3)])


def _shards(
    rows: list[tuple[int, str, int, bool]], alike: Alike, rule: GivenNameConflict
) -> list[tuple[int, str | None, str | None]]:
    """Give, for one key's names, the name that each is taken for; nothing when all may be one person's.

    Records without a name (None) go to the names that hold the owner's share of the named records, unless
    somebody else registered with the key. A key with more names than a family has is nobody's.
    """
    number = groups([row[1] for row in rows], alike)
    found = sorted(set(number))
    key, total = rows[0][0], sum(row[2] for row in rows)
    if len(found) == 1:
        return []
    if len(found) > rule.most_names:
        return [(key, None, None)]
    registered = {each for row, each in zip(rows, number, strict=True) if row[3]}
    shards: list[tuple[int, str | None, str | None]] = []
    for group in found:
        members = [row for row, each in zip(rows, number, strict=True) if each == group]
        share = min(row[1] for row in members)
        shards += [(key, row[1], share) for row in members]
        if sum(row[2] for row in members) >= rule.owner_share * total and not registered - {group}:
            shards.append((key, None, share))
    return shards
