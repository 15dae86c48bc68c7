"""The files of rows that stand in a landed table and break a critical rule: they landed before the contract had it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.model import Contract
from data_contracts.rules import predicate
from data_contracts.sentences import counted
from data_contracts.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    import duckdb

FILES_TOLD = 3  # the worst; whoever mends them builds again
_LANDED = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'landing' AND table_name = ?"
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
    """Find the files of a loaded table whose rows break one of these row rules, worst first; none where none is loaded."""
    named = set(rules)
    types = contract.duckdb_columns()
    held = [predicate(rule, types) for rule in contract.row_rules if rule.name in named]
    if not held or not connection.execute(_LANDED, [contract.name]).fetchone():
        return []
    query = sql(_BREAKING, name(contract.name), joined(" AND ", [Sql("TRUE"), *held]))
    return [BreakingFile(*row) for row in connection.execute(query.text, query.bound).fetchall()]


def told_files(found: Sequence[BreakingFile], manifests: Mapping[tuple[str, str], str]) -> str:
    """Say which files the rows came in that stand there, and the command of each source that replaces them.

    `manifests` are paths by source and landing id; rows of a file that has none any more are counted. Nothing is said where
    nothing was found.
    """
    if not found:
        return ""
    known = [each for each in found if (each.source, each.landing_id) in manifests]
    told = [
        f"{counted(each.rows, 'row')} of the file that {manifests[each.source, each.landing_id]} names"
        for each in known[:FILES_TOLD]
    ]
    if more := known[FILES_TOLD:]:
        told.append(f"{counted(sum(each.rows for each in more), 'row')} of {counted(len(more), 'file')} more")
    if lost := sum(each.rows for each in found) - sum(each.rows for each in known):
        told.append(f"{counted(lost, 'row')} whose manifest is missing")
    commands = [f"`rapport ingest {source} FILE`" for source in dict.fromkeys(each.source for each in found)]
    file = "mended file" if len(commands) == 1 else "mended file of each"
    return (
        f"They are {_joined(told)}. Mend them where they come from and run {_joined(commands)} with the {file}: of a"
        " record the newest version counts."
    )


def _joined(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
