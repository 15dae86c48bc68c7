"""The verdict on a landed table: Great Expectations over the rows, set rules in SQL, and the rows set aside, by rule.

Great Expectations judges the newest version of every record up to SAMPLE rows; beyond that the rows with the smallest
hashes, the same ones every time. It looks at each of them once: those that were in the sample of the verdict before are
counted again by the rules' other form, in SQL. Set rules are counted in SQL over all rows, and what Great Expectations
asserts is their counts: over DuckDB itself it runs only 9 of 30 expectations (2026-11-21, great-expectations 1.24.1, duckdb
2.0.0).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from data_contracts.contracts import Contract, SetRule, load_contract
from data_contracts.model import Rule
from data_contracts.rules import expectation, predicate
from data_contracts.sql import Sql, joined, name, sql, value
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.durable import write_json
from pipelines.landing.expectations import run_expectations, typed_frame
from pipelines.landing.manifest import Landing, is_whole, list_landings
from pipelines.landing.quarantine import Aside, still_aside
from pipelines.landing.results import Count, RuleResult, TableState, own_result, rule_result, table_state
from pipelines.landing.staging import open_stage

# Rows; 37 rules over 100,000 cost about 1 CPU second, and every table that got a row is judged with each build. What one row
# in 10,000 breaks is seen among so many in 17 of 20 cases; the critical rules have looked at each row as it landed.
SAMPLE = 20_000
WHOLE_RULE = "landed_files_whole"


@dataclass(frozen=True)
class Verdict:
    """The verdict on one table. `rows` have landed (newest versions), `rows_checked` of them were judged one by one.

    red: a critical rule is broken among the landed rows, or more rows wait in the quarantine than its threshold allows.
    amber: a warning is broken, or something is set aside. `checked_at` is naive UTC.
    """

    table: str
    rows: int
    rows_checked: int
    rows_quarantined: int
    results: tuple[RuleResult, ...]
    checked_at: datetime

    @property
    def state(self) -> TableState:
        """Sum the rules up."""
        return table_state(self.results, self.rows_quarantined)

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """Give the rules that have to be told of."""
        return tuple(result for result in self.results if result.told)


@dataclass(frozen=True)
class _Measured:
    """What was counted, by rule, and is kept as long as nothing changes. `newest` moments are ISO texts, by column.

    Words, owners and the age of the newest row are no part of it: they are taken afresh from the contract and the clock.
    Great Expectations has looked, under the `contract` of that hash, at the rows of `files` whose hash is at most `until`.
    """

    key: str
    checked_at: str
    rows: int
    rows_checked: int
    damaged: int
    standing: dict[str, int] = field(default_factory=dict)
    newest: dict[str, str | None] = field(default_factory=dict)
    contract: str = ""
    files: list[list[Any]] = field(default_factory=list)
    until: str = ""


@dataclass(frozen=True)
class _Case:
    """What is judged: a contract, the files that landed under it, and the rows set aside."""

    contract: Contract
    landings: Sequence[Landing]
    aside: Aside

    def key(self, referenced: Sequence[str]) -> str:
        """Name all of that, and the files of the tables referred to, in 16 hex digits."""
        files = [_named(landing) for landing in self.landings]
        judged = json.dumps([self.contract.hash, files, asdict(self.aside), list(referenced)])
        return hashlib.sha256(judged.encode()).hexdigest()[:16]


def judge(table: str, settings: Settings, clock: Clock, as_of: datetime | None = None) -> Verdict:
    """Judge what has landed of a table; as long as nothing changed it is not counted again.

    `as_of` (naive UTC, else the clock's now) is the moment at which rows have to be fresh. Raises UsageError for a table
    that we do not know.
    """
    contract = load_contract(table)
    case = _Case(contract, list_landings(settings, table), still_aside(settings, table))
    key = case.key(_referenced(settings, contract))
    path = settings.landing_dir / ".verdicts" / f"{table}.json"
    measured = _read(path)
    if measured is None or measured.key != key:
        measured = _measure(settings, case, clock.now(), key, measured)
        write_json(path, asdict(measured))
    return _verdict(case, measured, as_of or clock.now())


def _verdict(case: _Case, measured: _Measured, as_of: datetime) -> Verdict:
    contract, aside = case.contract, case.aside
    whole = own_result(
        WHOLE_RULE,
        "Every landed file is the one that was written.",
        contract.owner,
        Count(len(case.landings), measured.damaged),
    )
    results = (
        whole,
        *(rule_result(rule, _row_count(rule, measured, aside)) for rule in contract.row_rules),
        *(rule_result(rule, _set_count(rule, measured, aside, as_of)) for rule in contract.set_rules),
    )
    checked_at = datetime.fromisoformat(measured.checked_at)
    return Verdict(contract.name, measured.rows, measured.rows_checked, aside.rows, results, checked_at)


def _row_count(rule: Rule, measured: _Measured, aside: Aside) -> Count:
    """Count for a row rule. A critical one let every landed row pass, a warning is counted among the judged rows."""
    standing = measured.standing.get(rule.name, 0)
    if rule.severity == "warning":
        return Count(measured.rows_checked, standing)
    return Count(measured.rows + aside.rows, standing, aside.reasons.get(rule.name, 0))


def _set_count(rule: SetRule, measured: _Measured, aside: Aside, as_of: datetime) -> Count:
    if rule.check == "freshness":
        newest = measured.newest.get(rule.columns[0])
        stale = newest is not None and datetime.fromisoformat(newest) < as_of - timedelta(hours=rule.hours)
        return Count(int(newest is not None), int(stale))
    if rule.name not in measured.standing:
        return Count(0, 0)
    checked = 1 if rule.check == "volume" else measured.rows + aside.rows
    return Count(checked, measured.standing[rule.name], aside.reasons.get(rule.name, 0))


def _measure(
    settings: Settings, case: _Case, checked_at: datetime, key: str, before: _Measured | None = None
) -> _Measured:
    contract = case.contract
    whole = _whole(case.landings)
    files = [_named(landing) for landing in whole]
    seen = before if before and _goes_on(before, contract, files) else None
    with open_stage(settings) as connection:
        rows = _load(connection, contract, whole, seen.files if seen else ())
        checked, until = _sample(connection, contract, seen.until if seen else "")
        frame = typed_frame(connection.sql(_UNSEEN).to_arrow_table())
        standing = _added(_kept_failures(connection, contract), _row_failures(contract, frame))
        metrics = dict(_metrics(connection, settings, contract, rows)) if case.landings else {}
        newest = _newest(connection, contract)
    standing |= _set_failures(contract, metrics)
    damaged = len(case.landings) - len(whole)
    return _Measured(
        key, checked_at.isoformat(), rows, checked, damaged, standing, newest, contract.hash, files, until
    )


def _goes_on(before: _Measured, contract: Contract, files: Sequence[list[Any]]) -> bool:
    """Say whether a verdict was of the same rules and of nothing that is there no more."""
    return before.contract == contract.hash and all(each in files for each in before.files)


def _named(landing: Landing) -> list[Any]:
    """Name a landed file and what is in it, as JSON holds it."""
    return [
        landing.source,
        landing.landing_id,
        landing.parquet_sha256,
        landing.mapping_hash,
        *_stamp(landing.path),
    ]


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {rule: one.get(rule, 0) + other.get(rule, 0) for rule in one.keys() | other.keys()}


def _whole(landings: Sequence[Landing]) -> list[Landing]:
    """Leave files out that are not what was written."""
    return [landing for landing in landings if is_whole(landing)]


def _load(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    landings: Sequence[Landing],
    seen: Sequence[list[Any]] = (),
) -> int:
    """Make `landed`: the newest version of every record, in the columns that it is told by and that rules speak of.

    `is_known` tells the rows of the files that were there for the verdict before.
    """
    kinds = {column: contract.column(column).type for column in _spoken_of(contract)} | {
        "row_hash": "VARCHAR",
        "is_known": "BOOLEAN",
    }
    empty = joined(", ", (sql("CAST(NULL AS {}) AS {}", Sql(kinds[each]), name(each)) for each in kinds))
    connection.execute(sql("CREATE TEMP TABLE landed AS SELECT {} LIMIT 0", empty).text)
    for landing in landings:
        held = joined(", ", (name(column) for column in kinds if column in landing.columns))
        insert = sql("INSERT INTO landed BY NAME SELECT {}, ? AS is_known FROM read_parquet(?)", held)
        connection.execute(insert.text, [_named(landing) in seen, str(landing.path)])
    if len(landings) > 1:
        connection.execute(_DELETE_OLDER)
    return int(connection.execute("SELECT count(*) FROM landed").fetchall()[0][0])


def _spoken_of(contract: Contract) -> list[str]:
    used = {"source", "source_record_id", "received_at", *_judged(contract)}
    used |= {column for rule in contract.set_rules for column in rule.columns}
    return [column for column in contract.duckdb_columns() if column in used]


def _judged(contract: Contract) -> set[str]:
    used = {column for rule in contract.row_rules for column in rule.columns}
    return used | {condition.column for rule in contract.row_rules for condition in rule.where}


def _sample(connection: duckdb.DuckDBPyConnection, contract: Contract, until: str) -> tuple[int, str]:
    """Make `sample`: the rows that are judged, and which of them were `seen` by the verdict before, up to that hash.

    A row that counts now counted then if its file was there, so that it was among the smallest of then, too. Gives how many
    rows there are, and their largest hash.
    """
    used = _judged(contract)
    columns = [name(column) for column in contract.duckdb_columns() if column in used]
    make = sql(_SAMPLE, joined(", ", columns), value(until), value(SAMPLE))
    connection.execute(make.text, make.bound)
    rows, largest = connection.execute("SELECT count(*), max(row_hash) FROM sample").fetchall()[0]
    return int(rows), largest or ""


def _newest(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, str | None]:
    """Give the newest moment of each column that has to be fresh."""
    columns = sorted({rule.columns[0] for rule in contract.set_rules if rule.check == "freshness"})
    found = {}
    for column in columns:
        moment = connection.execute(sql("SELECT max({}) FROM landed", name(column)).text).fetchall()[0][0]
        found[column] = moment.isoformat() if moment else None
    return found


def _kept_failures(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """Count the rows that Great Expectations has seen and that break a rule."""
    types, rules = contract.duckdb_columns(), contract.row_rules
    broken = [sql("count(*) FILTER (NOT {})", predicate(rule, types)) for rule in rules]
    query = sql("SELECT {} FROM sample WHERE seen", joined(", ", [Sql("count(*)"), *broken]))
    _, *counts = connection.execute(query.text, query.bound).fetchall()[0]
    return {rule.name: int(count) for rule, count in zip(rules, counts, strict=True) if count}


def _row_failures(contract: Contract, frame: pd.DataFrame) -> dict[str, int]:
    if frame.empty:
        return {}
    items = [item for rule in contract.row_rules if (item := expectation(rule, contract)) is not None]
    return run_expectations(frame, items)


def _set_failures(contract: Contract, metrics: dict[str, int]) -> dict[str, int]:
    """Let Great Expectations assert the counts that SQL made: none may be above zero."""
    if not metrics:
        return {}
    items = [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": rule.name, "min_value": 0, "max_value": 0},
            "severity": rule.severity,
            "meta": {"rule": rule.name},
        }
        for rule in contract.set_rules
        if rule.name in metrics
    ]
    broken = run_expectations(pd.DataFrame([metrics]), items)
    return {rule: count if broken[rule] else 0 for rule, count in metrics.items()}


def _metrics(
    connection: duckdb.DuckDBPyConnection, settings: Settings, contract: Contract, rows: int
) -> Iterator[tuple[str, int]]:
    """Count for each set rule how many rows break it; freshness hangs on the day and is weighed apart."""
    for rule in contract.set_rules:
        if rule.check == "freshness":
            continue
        if rule.check == "volume":
            yield rule.name, int(rows <= rule.minimum)
        elif rule.check == "unique":
            yield rule.name, _repeated(connection, rule)
        elif files := [str(each.path) for each in _whole(list_landings(settings, rule.table))]:
            yield rule.name, _count(connection, _orphans(rule, files))


def _repeated(connection: duckdb.DuckDBPyConnection, rule: SetRule) -> int:
    """Count rows that stand again; where all hashes differ so do the rows, and telling that costs a fifth."""
    names = joined(", ", map(name, rule.columns))
    if _count(connection, sql("SELECT count(*) - count(DISTINCT hash({})) FROM landed", names)) == 0:
        return 0
    return _count(connection, sql("SELECT count(*) - count(DISTINCT ({})) FROM landed", names))


def _orphans(rule: SetRule, files: list[str]) -> Sql:
    """Count rows that refer to nothing, where the table that they refer to has landed at all."""
    own, other = joined(", ", map(name, rule.columns)), joined(", ", map(name, rule.to))
    present = joined(" AND ", (sql("{} IS NOT NULL", name(column)) for column in rule.columns))
    there = sql("SELECT ({}) FROM read_parquet({})", other, value(files))
    return sql("SELECT count(*) FROM landed WHERE {} AND ({}) NOT IN ({})", present, own, there)


def _count(connection: duckdb.DuckDBPyConnection, query: Sql) -> int:
    return int(connection.execute(query.text, query.bound).fetchall()[0][0])


def _referenced(settings: Settings, contract: Contract) -> list[str]:
    tables = {rule.table for rule in contract.set_rules if rule.check == "reference"}
    return [landing.parquet_sha256 for table in sorted(tables) for landing in list_landings(settings, table)]


def _stamp(path: Path) -> tuple[int, int]:
    """Tell a file that was touched since without reading it."""
    if not path.exists():
        return (0, 0)
    status = path.stat()
    return (status.st_size, status.st_mtime_ns)


def _read(path: Path) -> _Measured | None:
    try:
        return _Measured(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


# only records whose hash stands again can have an older version
_DELETE_OLDER = """
DELETE FROM landed
WHERE rowid IN (
    WITH keys AS (
        SELECT hash(source, source_record_id) AS key FROM landed
    ),
    aged AS (
        SELECT rowid AS place, row_number() OVER (PARTITION BY source, source_record_id ORDER BY received_at DESC) AS age
        FROM landed
        WHERE hash(source, source_record_id) IN (SELECT key FROM keys GROUP BY key HAVING count(*) > 1)
    )
    SELECT place FROM aged WHERE age > 1
)
"""
# the smallest hashes are sought alone: else all columns would be sorted
_SAMPLE = """
CREATE TEMP TABLE sample AS
SELECT {}, row_hash, is_known AND row_hash <= {} AS seen
FROM landed SEMI JOIN (SELECT rowid FROM landed ORDER BY row_hash LIMIT {}) USING (rowid)
ORDER BY row_hash
"""
_UNSEEN = "SELECT * EXCLUDE (row_hash, seen) FROM sample WHERE NOT seen"
