"""Each staged row is judged by its contract and gets a decision: accepted, quarantined or already_landed.

Most rows of most deliveries are fine and new, so they are told apart first, from a few columns and the 64-bit hashes of
their record ids; only the others are looked at as a whole. Three tables are made, in the order of the way:
judged(position, key, fine) has every row. doubtful(position, record_id, row_hash, reasons) has the rows that break a
critical rule, or whose record stands in the delivery again, or may have landed before. decided(position, row_hash, reasons,
decision, version, changed) has those too: a row that is not in it is accepted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from data_contracts.contracts import Contract, Rule
from data_contracts.rules import predicate
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.landing.keys import find_landed
from pipelines.landing.manifest import Landing
from pipelines.landing.staging import ARRIVAL, OCCURRED, RECEIVED, row_hash, staged_types

# DuckDB casts more than we want ('2.7' to 3, 't' to true): the text has to look like its type before it is cast.
FORMS = {
    "BIGINT": "[+-]?[0-9]{1,18}",
    "INTEGER": "[+-]?[0-9]{1,9}",
    "DOUBLE": r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?",
    "BOOLEAN": "true|false",
    "DATE": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "TIMESTAMP": r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?",
}
# what a file may hold in these types and Python and pandas could not: the year 30000, infinity
SOUND = {
    "DOUBLE": "isfinite({})",
    "DATE": "{} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'",
    "TIMESTAMP": "{} BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999'",
}
STAGED_ROWS = Sql("staged")
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


@dataclass(frozen=True)
class Again:
    """Rows that came before are judged again: records that stand in a `newer` landing are overtaken.

    These are set aside; where the file itself is read again they are `passed` over, as already landed.
    """

    newer: Sequence[Landing]
    passed: bool = False


def judge_rows(connection: duckdb.DuckDBPyConnection, contract: Contract, received_at: datetime) -> None:
    """Make `judged`: for each staged row the hash of its record id, and whether it keeps every critical rule."""
    types = staged_types(connection)
    statement = sql(
        "CREATE OR REPLACE TEMP TABLE judged AS SELECT position, hash(record_id) AS key, {} AS fine FROM ({})",
        joined(" AND ", [Sql("TRUE"), *(_check(rule, contract, types) for rule in _critical(contract))]),
        _typed_rows(contract, received_at, types),
    )
    connection.execute(statement.text, statement.bound)


def decide(  # noqa: PLR0913, PLR0917 - the rows, what they have to keep, and what came before or with them
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    received_at: datetime,
    earlier: Sequence[Landing],
    again: Again | None = None,
    beside: Sequence[duckdb.DuckDBPyConnection] = (),
) -> Counts:
    """Make `doubtful` and `decided`, against what has landed earlier from the same source and table.

    `beside` are the decided parts of the same delivery that land before this one: their rows count as landed.

    Of a record that stands in the delivery in several versions the last one counts: where the contract wants each record
    once the others are quarantined, else they land before it. What is judged `again` leaves newer records alone.
    """
    find_landed(connection, contract, earlier, beside)
    _find_doubtful(connection, contract, received_at)
    once = any(rule.check == "unique" for rule in contract.set_rules)
    told = {
        "newer": [each.landing_id for each in again.newer] if again else [],
        "passed": bool(again and again.passed),
    }
    connection.execute(_DECIDE, {"once": once, "twice": _unique_name(contract), **told})
    return _count(connection)


def typed_column(column: str, kind: str, received_at: datetime, types: Mapping[str, str]) -> Sql:
    """Read a staged column as its contract's type; NULL where the text does not look like it."""
    if column == RECEIVED:
        return sql("CAST({} AS TIMESTAMP)", value(received_at))
    if types[column] == kind:
        return name(column)
    looks = sql("regexp_full_match({}, {})", name(column), value(FORMS[kind]))
    typed = sql("CASE WHEN {} THEN try_cast({} AS {}) END", looks, name(column), Sql(kind))
    if column != OCCURRED:
        return typed
    arrival = sql(
        "CASE WHEN {} = {} THEN CAST({} AS TIMESTAMP) END", name(column), value(ARRIVAL), value(received_at)
    )
    return sql("coalesce({}, {})", typed, arrival)


def _find_doubtful(connection: duckdb.DuckDBPyConnection, contract: Contract, received_at: datetime) -> None:
    """Make `doubtful`: the rows that cannot be decided by their own columns and a hash, with all that decides them."""
    connection.execute(_DOUBTED)
    any_doubt = connection.execute("SELECT count(*) > 0 FROM doubted").fetchall()[0][0]
    types = staged_types(connection)
    rules = _critical(contract)
    named = (
        sql("CASE WHEN NOT {} THEN {} END", _check(rule, contract, types), value(rule.name)) for rule in rules
    )
    statement = sql(
        "CREATE OR REPLACE TEMP TABLE doubtful AS SELECT position, record_id, row_hash,"
        " list_filter([{}], lambda rule: rule IS NOT NULL) AS reasons FROM ({})",
        joined(", ", [Sql("CAST(NULL AS VARCHAR)"), *named]),
        _typed_rows(contract, received_at, types, of=Sql(_DOUBTED_ROWS if any_doubt else _NO_ROWS)),
    )
    connection.execute(statement.text, statement.bound)


def _count(connection: duckdb.DuckDBPyConnection) -> Counts:
    counted = connection.execute(
        "SELECT (SELECT count(*) FROM judged), count(*), count(*) FILTER (decision = 'quarantined'),"
        " count(*) FILTER (decision = 'already_landed'), count(*) FILTER (decision = 'accepted' AND changed) FROM decided"
    ).fetchall()[0]
    reasons = connection.execute(
        "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM decided WHERE decision = 'quarantined')"
        " GROUP BY reason ORDER BY count(*) DESC, reason"
    ).fetchall()
    rows_in, _, quarantined, already_landed, changed = counted
    accepted = rows_in - quarantined - already_landed
    return Counts(rows_in, accepted, quarantined, already_landed, changed, dict(reasons))


def _critical(contract: Contract) -> list[Rule]:
    return [rule for rule in contract.row_rules if rule.severity == "critical"]


def _typed_rows(
    contract: Contract, received_at: datetime, types: Mapping[str, str], of: Sql = STAGED_ROWS
) -> Sql:
    typed = (
        sql("{} AS {}", typed_column(column, kind, received_at, types), name(column))
        for column, kind in contract.duckdb_columns().items()
    )
    texts = (sql("{} AS {}", name(column), name(_text(column))) for column in _cast(contract, types))
    return sql(
        "SELECT position, source_record_id AS record_id, {} AS row_hash, {} FROM {}",
        row_hash(contract, types),
        joined(", ", [*typed, *texts]),
        of,
    )


def _check(rule: Rule, contract: Contract, types: Mapping[str, str]) -> Sql:
    """Compile a rule for typed rows that still know their text: what does not fit its type is not called missing."""
    column = rule.columns[0]
    cast = column in _cast(contract, types)
    if rule.check == "type" and cast:
        return sql("({} IS NULL OR {} IS NOT NULL)", name(_text(column)), name(column))
    if (
        rule.check == "type"
        and column != RECEIVED
        and (sound := SOUND.get(contract.duckdb_columns()[column]))
    ):
        return sql("coalesce({}, TRUE)", sql(sound, name(column)))
    check = predicate(rule, contract.duckdb_columns())
    if rule.check == "present" and cast:
        return sql("({} OR {} IS NOT NULL)", check, name(_text(column)))
    return check


def _cast(contract: Contract, types: Mapping[str, str]) -> list[str]:
    """Name the columns that are staged as text and land as something else."""
    return [
        column
        for column, kind in contract.duckdb_columns().items()
        if column != RECEIVED and types[column] != kind
    ]


def _text(column: str) -> str:
    return f"text of {column}"


def _unique_name(contract: Contract) -> str:
    return next((rule.name for rule in contract.set_rules if rule.check == "unique"), "")


_DOUBTED = """
CREATE OR REPLACE TEMP TABLE doubted AS
SELECT position
FROM judged
WHERE
    NOT fine
    OR key IN (SELECT key FROM judged GROUP BY key HAVING count(*) > 1)
    OR key IN (SELECT key FROM landed_keys)
"""

_DOUBTED_ROWS = "(FROM staged SEMI JOIN doubted USING (position))"
_NO_ROWS = "(FROM staged LIMIT 0)"  # else the whole file would be read for nothing

_DECIDE = """
CREATE OR REPLACE TEMP TABLE decided AS
WITH copies AS (
    SELECT position, row_number() OVER (PARTITION BY record_id, row_hash ORDER BY position) AS copy
    FROM doubtful
),
marked AS (
    SELECT
        doubtful.*,
        copies.copy,
        doubtful.row_hash IN (SELECT row_hash FROM landed_rows) AS known,
        doubtful.record_id IN (SELECT record_id FROM landed_rows) AS seen,
        doubtful.record_id IN (
            SELECT record_id FROM landed_rows WHERE list_contains($newer::VARCHAR[], landing_id)
        ) AS overtaken
    FROM doubtful INNER JOIN copies USING (position)
),
versions AS (
    SELECT
        position,
        row_number() OVER (PARTITION BY record_id ORDER BY position) - 1 AS version,
        max(position) OVER (PARTITION BY record_id) AS last,
        max(position) FILTER (known) OVER (PARTITION BY record_id) AS last_known
    FROM marked
    WHERE copy = 1 AND len(reasons) = 0
),
reasoned AS (
    SELECT
        position,
        row_hash,
        known,
        seen,
        overtaken AND $passed AS passed,
        copy,
        CASE WHEN $once THEN 0 ELSE coalesce(version, 0) END AS version,
        CASE
            WHEN len(reasons) > 0 THEN reasons
            WHEN copy > 1 THEN []
            WHEN overtaken THEN ['overtaken']
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
        WHEN known OR passed THEN 'already_landed'
        WHEN len(reasons) > 0 THEN 'quarantined'
        WHEN copy > 1 THEN 'already_landed'
        ELSE 'accepted'
    END AS decision,
    least(version, 999) AS version,
    seen OR version > 0 AS changed
FROM reasoned
"""
