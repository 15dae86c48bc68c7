"""Is a judged delivery broken as a whole? Then it is not a matter of single rows, and nothing of it may land.

Two things say so: more rows break a critical rule than its threshold allows, or a column has become another one: at least
three values of it are there, and not one of them reads as its type.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from data_contracts.contracts import Contract, load_contract
from data_contracts.model import Rule, SetRule
from data_contracts.sql import joined, name, sql
from data_contracts.thresholds import over_threshold
from pipelines.landing.judging import Counts, typed_column
from pipelines.landing.refusals import EXAMPLES, Refusal
from pipelines.landing.staging import staged_types
from pipelines.landing.writer import Prepared

FEWEST_VALUES = 3  # so many values have to be there before we say that a column holds something else now


@dataclass(frozen=True)
class Reads:
    """What read a delivery: the mapping, and, by column of the contract, the columns of the file that it is made from."""

    mapping: str
    origins: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class _Breach:
    rule: Rule | SetRule
    failed: int
    what: str


def find_refusal(prepared: Prepared, reads: Reads) -> Refusal | None:
    """Say why a prepared delivery has to be refused as a whole; None where it may land."""
    if prepared.repeated is not None:
        return None
    contract = load_contract(prepared.delivery.table)
    breach = next(_retyped(prepared, contract, reads.origins), None) or next(
        _over(prepared.counts, contract), None
    )
    return _refusal(prepared, contract, reads.mapping, breach) if breach else None


def _over(counts: Counts, contract: Contract) -> Iterator[_Breach]:
    """Find critical rules that are over their threshold, those that most rows break first."""
    rules = {rule.name: rule for rule in contract.rules}
    for reason, failed in counts.reasons.items():
        rule = rules.get(reason)
        if rule and over_threshold(rule, failed, counts.rows_in):
            yield _Breach(
                rule,
                failed,
                f"{rule.sentence} {failed:,} of {counts.rows_in:,} rows break this rule ({rule.name}), and at most"
                f" {rule.threshold:.1%} may.",
            )


def _retyped(
    prepared: Prepared, contract: Contract, origins: Mapping[str, Sequence[str]]
) -> Iterator[_Breach]:
    """Find columns of which values are there and none reads as its type."""
    suspects = {
        rule.columns[0]: rule
        for rule in contract.row_rules
        if rule.check == "type" and prepared.counts.reasons.get(rule.name, 0) >= FEWEST_VALUES
    }
    for column, (there, readable) in _values(prepared, contract, list(suspects)).items():
        if there >= FEWEST_VALUES and not readable:
            rule = suspects[column]
            others = [each for each in origins.get(column, ()) if each != column]
            made = f", which is made from {', '.join(others)}," if others else ""
            yield _Breach(
                rule,
                there,
                f"The column {column}{made} holds something else than before: {rule.sentence} Not one of its"
                f" {there:,} values does ({rule.name}).",
            )


def _values(prepared: Prepared, contract: Contract, columns: list[str]) -> dict[str, tuple[int, int]]:
    """Count, for staged columns, the values that are there and those that read as their type."""
    if not columns:
        return {}
    types, kinds = staged_types(prepared.connection), contract.duckdb_columns()
    counted = (
        sql(
            "count({}), count({})",
            name(column),
            typed_column(column, kinds[column], prepared.received_at, types),
        )
        for column in columns
    )
    query = sql("SELECT {} FROM staged", joined(", ", counted))
    row = prepared.connection.execute(query.text, query.bound).fetchall()[0]
    return {column: (row[2 * place], row[2 * place + 1]) for place, column in enumerate(columns)}


def _refusal(prepared: Prepared, contract: Contract, mapping: str, breach: _Breach) -> Refusal:
    delivery, rule = prepared.delivery, breach.rule
    return Refusal(
        source=delivery.source,
        table=delivery.table,
        file_name=delivery.file_name,
        file_sha256=delivery.file_sha256,
        mapping=mapping,
        rule=rule.name,
        sentence=rule.sentence,
        owner=rule.owner or contract.owner,
        what=breach.what,
        failed=breach.failed,
        rows=prepared.counts.rows_in,
        threshold=rule.threshold,
        record_ids=tuple(_examples(prepared.connection, rule.name)),
        refused_at=prepared.received_at,
    )


def _examples(connection: duckdb.DuckDBPyConnection, rule: str) -> list[str]:
    """Name the first records that break a rule, by their ids."""
    rows = connection.execute(
        "SELECT source_record_id FROM staged JOIN decided USING (position) WHERE decision = 'quarantined'"
        " AND list_contains(reasons, ?) AND source_record_id IS NOT NULL ORDER BY position LIMIT ?",
        [rule, EXAMPLES],
    ).fetchall()
    return [row[0] for row in rows]
