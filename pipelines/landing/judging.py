"""Each staged row is judged by its contract and gets a decision: accepted, quarantined or already_landed.

Everything runs as a few statements over whole columns. Two tables are made, in the order of the way:
judged(position, record_id, row_hash, reasons) and decided(position, row_hash, reasons, decision, version, changed).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract, Rule
from data_contracts.errors import InputError
from data_contracts.rules import predicate
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.landing.staging import RECEIVED, row_hash, staged_columns

# DuckDB casts more than we want ('2.7' to 3, 't' to true): the text has to look like its type before it is cast.
FORMS = {
    "BIGINT": "[+-]?[0-9]{1,18}",
    "INTEGER": "[+-]?[0-9]{1,9}",
    "DOUBLE": r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?",
    "BOOLEAN": "true|false",
    "DATE": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "TIMESTAMP": r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?",
}
OVERTAKEN = "overtaken"  # a newer version of the record has landed since


@dataclass(frozen=True)
class Counts:
    """What became of the staged rows. rows_in = accepted + quarantined + already_landed."""

    rows_in: int
    accepted: int
    quarantined: int
    already_landed: int
    changed: int
    reasons: dict[str, int]


def judge_rows(connection: duckdb.DuckDBPyConnection, contract: Contract, received_at: datetime) -> None:
    """Make `judged`: for each staged row its hash and the names of the critical rules that it breaks."""
    rules = [rule for rule in contract.row_rules if rule.severity == "critical"]
    checks = [_check(rule, contract) for rule in rules]
    named = (
        sql("CASE WHEN NOT {} THEN {} END", check, value(rule.name))
        for rule, check in zip(rules, checks, strict=True)
    )
    statement = sql(
        "CREATE OR REPLACE TEMP TABLE judged AS SELECT position, record_id, row_hash, CASE WHEN {} THEN []"
        " ELSE list_filter([{}], lambda rule: rule IS NOT NULL) END AS reasons FROM ({})",
        joined(" AND ", checks),
        joined(", ", named),
        _typed_rows(contract, received_at),
    )
    connection.execute(statement.text, statement.bound)


def decide(
    connection: duckdb.DuckDBPyConnection, contract: Contract, landed: Sequence[Path], *, replay: bool = False
) -> Counts:
    """Make `decided`, against the rows of the `landed` files of the same source and table.

    Of a record that stands in the delivery in several versions the last one counts: where the contract wants each record
    once the others are quarantined, else they land before it. In a replay, a record that landed since is left alone.
    """
    _read_landed_keys(connection, landed)
    once = any(rule.check == "unique" for rule in contract.set_rules)
    connection.execute(_DECIDE, {"once": once, "replay": replay, "twice": _unique_name(contract)})
    counted = connection.execute(
        "SELECT count(*), count(*) FILTER (decision = 'accepted'), count(*) FILTER (decision = 'quarantined'),"
        " count(*) FILTER (decision = 'already_landed'), count(*) FILTER (decision = 'accepted' AND changed) FROM decided"
    ).fetchall()[0]
    reasons = connection.execute(
        "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM decided WHERE decision = 'quarantined')"
        " GROUP BY reason ORDER BY count(*) DESC, reason"
    ).fetchall()
    rows_in, accepted, quarantined, already_landed, changed = counted
    return Counts(rows_in, accepted, quarantined, already_landed, changed, dict(reasons))


def typed_column(column: str, kind: str, received_at: datetime) -> Sql:
    """Read a staged column as its contract's type; NULL where the text does not look like it."""
    if column == RECEIVED:
        return sql("CAST({} AS TIMESTAMP)", value(received_at))
    if kind == "VARCHAR":
        return name(column)
    looks = sql("regexp_full_match({}, {})", name(column), value(FORMS[kind]))
    return sql("CASE WHEN {} THEN try_cast({} AS {}) END", looks, name(column), Sql(kind))


def _typed_rows(contract: Contract, received_at: datetime) -> Sql:
    typed = (
        sql("{} AS {}", typed_column(column, kind, received_at), name(column))
        for column, kind in contract.duckdb_columns().items()
    )
    texts = (sql("{} AS {}", name(column), name(_text(column))) for column in _castable(contract))
    return sql(
        "SELECT position, source_record_id AS record_id, {} AS row_hash, {} FROM staged",
        row_hash(staged_columns(contract)),
        joined(", ", [*typed, *texts]),
    )


def _check(rule: Rule, contract: Contract) -> Sql:
    """Compile a rule for typed rows that still know their text: what does not fit its type is not called missing."""
    column = rule.columns[0]
    if rule.check == "type" and column in _castable(contract):
        return sql("({} IS NULL OR {} IS NOT NULL)", name(_text(column)), name(column))
    check = predicate(rule, contract.duckdb_columns())
    if rule.check == "present" and column in _castable(contract):
        return sql("({} OR {} IS NOT NULL)", check, name(_text(column)))
    return check


def _castable(contract: Contract) -> list[str]:
    return [
        column.name for column in contract.columns if column.type != "VARCHAR" and column.name != RECEIVED
    ]


def _text(column: str) -> str:
    return f"text of {column}"


def _unique_name(contract: Contract) -> str:
    return next((rule.name for rule in contract.set_rules if rule.check == "unique"), "")


def _read_landed_keys(connection: duckdb.DuckDBPyConnection, landed: Sequence[Path]) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE landed_keys (record_id VARCHAR, row_hash VARCHAR)")
    if landed:
        try:
            connection.execute(
                "INSERT INTO landed_keys SELECT source_record_id, row_hash FROM read_parquet(?)",
                [[str(path) for path in landed]],
            )
        except duckdb.Error as error:
            raise InputError(
                f"A file that landed before in {landed[0].parent} is missing or damaged.",
                "Run `rapport build`: it says which one and the mend.",
            ) from error


_DECIDE = """
CREATE OR REPLACE TEMP TABLE decided AS
WITH repeated AS (
    SELECT record_id FROM judged GROUP BY record_id HAVING count(*) > 1
),
copies AS (
    SELECT position, row_number() OVER (PARTITION BY record_id, row_hash ORDER BY position) AS copy
    FROM judged SEMI JOIN repeated USING (record_id)
),
marked AS (
    SELECT
        judged.*,
        coalesce(copies.copy, 1) AS copy,
        (judged.record_id, judged.row_hash) IN (SELECT (record_id, row_hash) FROM landed_keys) AS known,
        judged.record_id IN (SELECT record_id FROM landed_keys) AS seen
    FROM judged LEFT JOIN copies USING (position)
),
versions AS (
    SELECT
        position,
        row_number() OVER (PARTITION BY record_id ORDER BY position) - 1 AS version,
        max(position) OVER (PARTITION BY record_id) AS last,
        max(position) FILTER (known) OVER (PARTITION BY record_id) AS last_known
    FROM marked SEMI JOIN repeated USING (record_id)
    WHERE copy = 1 AND len(reasons) = 0
),
reasoned AS (
    SELECT
        position,
        row_hash,
        known,
        seen,
        copy,
        CASE WHEN $once THEN 0 ELSE coalesce(version, 0) END AS version,
        CASE
            WHEN len(reasons) > 0 THEN reasons
            WHEN copy > 1 THEN []
            WHEN $replay AND seen THEN ['overtaken']
            WHEN $once AND position < last THEN [$twice]
            WHEN position < last_known THEN ['overtaken']
            ELSE []
        END AS reasons
    FROM marked LEFT JOIN versions USING (position)
)
SELECT
    position,
    row_hash,
    reasons,
    CASE
        WHEN known THEN 'already_landed'
        WHEN len(reasons) > 0 THEN 'quarantined'
        WHEN copy > 1 THEN 'already_landed'
        ELSE 'accepted'
    END AS decision,
    least(version, 999) AS version,
    seen OR version > 0 AS changed
FROM reasoned
"""
