"""Values that pass from one person to the next: a phone number that its owner gave up and a stranger got.

A number that was silent for long, and that stands beside other keys and other names afterwards than before,
is two keys: one until the silence, one since. Silence alone proves nothing, and neither do records that carry
the number and nothing else: those go with the owner before them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from pipelines.identity.names import Alike
from pipelines.identity.policy import Policy

if TYPE_CHECKING:
    import duckdb

# Only values that were silent for longer than the policy's days are looked at: few.
_ERAS = """
    CREATE OR REPLACE TEMP TABLE reuse_eras AS
    WITH silent AS (
        SELECT seen.key, seen.record, seen.identifier_type, records.occurred_at, records.given, records.family,
            records.occurred_at - lag(records.occurred_at)
                OVER (PARTITION BY seen.key ORDER BY records.occurred_at, seen.record) > to_days(days) AS begins
        FROM evidence_seen AS seen
        JOIN evidence_records AS records USING (record)
        JOIN (SELECT unnest(?::VARCHAR[]) AS identifier_type, unnest(?::INTEGER[]) AS days) USING (identifier_type)
        WHERE seen.reason IS NULL
    ),
    several AS (SELECT DISTINCT key FROM silent WHERE begins)
    SELECT silent.*, count(*) FILTER (WHERE begins)
        OVER (PARTITION BY key ORDER BY occurred_at, record ROWS UNBOUNDED PRECEDING) AS era
    FROM silent JOIN several USING (key)
"""

_BESIDE = """
    SELECT eras.key, eras.era, list(DISTINCT eras.given) FILTER (WHERE eras.given IS NOT NULL) AS names,
        list(DISTINCT eras.family) FILTER (WHERE eras.family IS NOT NULL) AS families,
        list(DISTINCT other.key) FILTER (WHERE other.key IS NOT NULL) AS others
    FROM reuse_eras AS eras
    LEFT JOIN (
        SELECT record, key FROM evidence_seen JOIN identity_types USING (identifier_type)
        WHERE reason IS NULL AND names_a_person
    ) AS other ON other.record = eras.record AND other.key <> eras.key
    GROUP BY eras.key, eras.era
    ORDER BY eras.key, eras.era
"""

_DIVIDE = """
    UPDATE evidence_seen SET key = hash(evidence_seen.key, owners.owner)
    FROM (SELECT unnest(?::UBIGINT[]) AS key, unnest(?::BIGINT[]) AS era, unnest(?::INTEGER[]) AS owner) AS owners
    JOIN reuse_eras AS eras ON eras.key = owners.key AND eras.era = owners.era
    WHERE evidence_seen.record = eras.record AND evidence_seen.key = eras.key
"""


@dataclass
class _Owner:
    """What is known of whoever has a value in one stretch of time."""

    keys: set[int]
    names: set[str]
    families: set[str]


def divide_reused(connection: "duckdb.DuckDBPyConnection", policy: Policy, alike: Alike) -> int:
    """Give the later owners of values that changed hands keys of their own in `evidence_seen`; count those owners."""
    windows = {
        name: policy.identifiers[name].reuse_after_days
        for name in policy.linking()
        if policy.identifiers[name].reuse_after_days
    }
    connection.execute(_ERAS, [list(windows), list(windows.values())])
    eras = [
        (key, era, _Owner(set(others or ()), set(names or ()), set(families or ())))
        for key, era, names, families, others in connection.execute(_BESIDE).fetchall()
    ]
    owned = [row for row in _owners(eras, alike) if row[2]]
    if owned:
        connection.execute(_DIVIDE, [[row[at] for row in owned] for at in range(3)])
    return len({(key, owner) for key, _, owner in owned})


def _owners(eras: list[tuple[int, int, _Owner]], alike: Alike) -> Iterator[tuple[int, int, int]]:
    """Give each value's stretches of time (rising) the number of their owner, from 0.

    A value to which an earlier owner comes back is shared and not passed on: all its stretches are of owner 0.
    """
    for key, group in groupby(eras, key=itemgetter(0)):
        owners: list[_Owner] = []
        numbers: list[tuple[int, int]] = []
        for _, era, found in group:
            if not owners or _is_another(owners[-1], found, alike):
                owners.append(_Owner(set(), set(), set()))
            owners[-1].keys |= found.keys
            owners[-1].names |= found.names
            owners[-1].families |= found.families
            numbers.append((era, len(owners) - 1))
        came_back = any(not _is_another(one, other, alike) for one, other in combinations(owners, 2))
        yield from ((key, era, 0 if came_back else number) for era, number in numbers)


def _is_another(known: _Owner, found: _Owner, alike: Alike) -> bool:
    """Say whether what stands beside a value now is somebody else than before: both sides have to say something.

    A family passes its phone round: one family name is one household, and its phone was not given up.
    """
    if known.keys & found.keys or known.families & found.families:
        return False
    if known.names and found.names:
        return not any(alike(one, other) for one in known.names for other in found.names)
    return bool(known.keys and found.keys)
