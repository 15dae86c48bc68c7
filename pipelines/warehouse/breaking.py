"""The files of rows that stand in a landed table and break a critical rule: they landed before the contract had it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.model import Contract
from data_contracts.rules import predicate
from data_contracts.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    import duckdb

# of a record that came again, its newest version counts
_BREAKING = """
    SELECT source, landing_id, count(*) AS rows
    FROM (
        FROM landing.{}
        QUALIFY row_number() OVER (PARTITION BY source, source_record_id ORDER BY received_at DESC) = 1
    )
    WHERE NOT ({})
    GROUP BY source, landing_id
    ORDER BY rows DESC, source, landing_id
"""


@dataclass(frozen=True)
class BreakingFile:
    """A landed file, by its ids, and how many of its rows break a rule."""

    source: str
    landing_id: str
    rows: int


def breaking_files(
    connection: "duckdb.DuckDBPyConnection", contract: Contract, rules: Iterable[str]
) -> list[BreakingFile]:
    """Find the files of a loaded table whose rows break one of these row rules, the worst first."""
    named = set(rules)
    types = contract.duckdb_columns()
    held = [predicate(rule, types) for rule in contract.row_rules if rule.name in named]
    if not held:
        return []
    query = sql(_BREAKING, name(contract.name), joined(" AND ", [Sql("TRUE"), *held]))
    return [BreakingFile(*row) for row in connection.execute(query.text, query.bound).fetchall()]
