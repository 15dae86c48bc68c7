"""The verdict on a landed table: Great Expectations over the rows, set rules in SQL, and the share set aside.

Great Expectations judges the newest version of every record up to SAMPLE rows; beyond that the rows with the smallest
hashes, the same ones every time. Set rules are counted in SQL over all rows, and what Great Expectations asserts is their
counts: over DuckDB itself it runs only 9 of 30 expectations (2026-11-21, great-expectations 1.24.1, duckdb 2.0.0).
"""

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandas as pd
import pyarrow as pa

from data_contracts.contracts import Contract, SetRule, load_contract
from data_contracts.errors import InputError
from data_contracts.rules import expectation
from data_contracts.sql import Sql, joined, name, sql, value
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.durable import write_json
from pipelines.landing.manifest import Landing, list_landings, verify
from pipelines.landing.quarantine import count_quarantined
from pipelines.landing.staging import open_stage

SAMPLE = 100_000  # rows; 37 rules over so many cost about 1 CPU second
SHARE_RULE = "share_set_aside"
WHOLE_RULE = "landed_files_whole"
State = Literal["green", "amber", "red"]


@dataclass(frozen=True)
class FailedRule:
    """A rule that rows broke: how many of the judged ones (of all of them for a set rule)."""

    rule: str
    failed: int
    severity: Literal["critical", "warning"]
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The verdict on one table. `rows` have landed (newest versions), `rows_checked` of them were judged one by one.

    red: a critical rule is broken among the landed rows, or more is set aside than the contract allows. amber: a warning is
    broken, or something is set aside. `checked_at` is naive UTC.
    """

    table: str
    state: State
    rows: int
    rows_checked: int
    rows_quarantined: int
    failed: tuple[FailedRule, ...]
    checked_at: datetime
    key: str

    def to_document(self) -> dict[str, Any]:
        """Give the verdict as plain data."""
        return asdict(self) | {"checked_at": self.checked_at.isoformat()}


@dataclass(frozen=True)
class _Case:
    """What is judged: a contract, the files that landed under it, and the number of rows set aside."""

    contract: Contract
    landings: Sequence[Landing]
    aside: int

    def key(self, referenced: Sequence[str]) -> str:
        """Name all of that, and the files of the tables referred to, in 16 hex digits."""
        files = [
            (
                landing.source,
                landing.landing_id,
                landing.parquet_sha256,
                landing.mapping_hash,
                _stamp(landing.path),
            )
            for landing in self.landings
        ]
        judged = json.dumps([self.contract.hash, files, self.aside, list(referenced)])
        return hashlib.sha256(judged.encode()).hexdigest()[:16]


def judge(table: str, settings: Settings, clock: Clock) -> Verdict:
    """Judge what has landed of a table; the last verdict is given again as long as nothing changed.

    Raises UsageError for a table that we do not know.
    """
    contract = load_contract(table)
    case = _Case(contract, list_landings(settings, table), count_quarantined(settings, table))
    key = case.key(_referenced(settings, contract))
    path = settings.landing_dir / ".verdicts" / f"{table}.json"
    known = _read(path)
    if known is not None and known.key == key:
        return known
    verdict = _judge(settings, case, clock.now(), key)
    write_json(path, verdict.to_document())
    return verdict


def run_expectations(frame: pd.DataFrame, expectations: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Run expectations (`rules.expectation` makes them) over a frame; gives the number of failing rows by rule."""
    return {
        item.expectation_config.meta["rule"]: _failed(item)
        for item in _validate(frame, expectations, "BASIC")
    }


def failing_rows(frame: pd.DataFrame, expectations: Sequence[dict[str, Any]]) -> dict[str, list[int]]:
    """Run expectations over a frame; gives the positions of the failing rows by rule."""
    results = _validate(frame, expectations, "COMPLETE")
    return {item.expectation_config.meta["rule"]: _places(item) for item in results}


def _validate(frame: pd.DataFrame, expectations: Sequence[dict[str, Any]], detail: str) -> list[Any]:
    """Import Great Expectations here, for that takes 8 CPU seconds, and run it. Nothing goes over the network."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own and those of pandas: none is about our data
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        configured = [ExpectationConfiguration(**item) for item in expectations]
        asset = context.data_sources.add_pandas("landed").add_dataframe_asset("rows")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        suite = gx.ExpectationSuite(name="contract", expectations=configured)
        outcome = batch.validate(
            suite, result_format={"result_format": detail, "partial_unexpected_count": 0}
        )
    return list(outcome.results)


def typed_frame(rows: pa.Table) -> pd.DataFrame:
    """Make a frame of types that know missing values: a whole number stays one, however big, beside a missing one."""
    kinds = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int64Dtype(), pa.float64(): pd.Float64Dtype()}
    kinds |= {pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype(na_value=float("nan"))}
    frame: pd.DataFrame = rows.to_pandas(types_mapper=kinds.get, date_as_object=False)
    return frame


def _failed(item: Any) -> int:
    _refuse_unrun(item)
    count = item.result.get("unexpected_count")
    return int(count) if count is not None else int(not item.success)


def _places(item: Any) -> list[int]:
    _refuse_unrun(item)
    return sorted(item.result.get("unexpected_index_list") or [])


def _refuse_unrun(item: Any) -> None:
    """Refuse to call a rule kept that did not run. The library's own words may quote values, so they are left out."""
    trouble = item.exception_info or {}
    nested = [part for part in trouble.values() if isinstance(part, dict)]
    if any(part.get("raised_exception") for part in (trouble, *nested)):
        raise RuntimeError(f"Great Expectations could not run {item.expectation_config.type}")


def _judge(settings: Settings, case: _Case, checked_at: datetime, key: str) -> Verdict:
    contract, aside = case.contract, case.aside
    whole, broken = _whole(case.landings)
    with open_stage() as connection:
        rows = _load(connection, contract, whole)
        frame = typed_frame(_sample(connection, contract))
        metrics = dict(_metrics(connection, settings, contract, rows)) if case.landings else {}
    failed = [
        *broken,
        *_row_failures(contract, frame),
        *_set_failures(contract, metrics),
        *_share(contract, rows, aside),
    ]
    critical = any(rule.severity == "critical" for rule in failed)
    state: State = "red" if critical else "amber" if failed or aside else "green"
    return Verdict(contract.name, state, rows, len(frame), aside, tuple(failed), checked_at, key)


def _whole(landings: Sequence[Landing]) -> tuple[list[Landing], list[FailedRule]]:
    """Leave files out that are not what was written; each of them turns the table red."""
    whole, broken = [], 0
    for landing in landings:
        try:
            verify(landing)
            whole.append(landing)
        except InputError:
            broken += 1
    sentence = "Every landed file is the one that was written."
    return whole, [FailedRule(WHOLE_RULE, broken, "critical", sentence)] if broken else []


def _load(connection: duckdb.DuckDBPyConnection, contract: Contract, landings: Sequence[Landing]) -> int:
    """Make `landed`: the newest version of every record."""
    columns = joined(
        ", ", (sql("CAST(NULL AS {}) AS {}", Sql(c.type), name(c.name)) for c in contract.columns)
    )
    connection.execute(
        sql("CREATE TEMP TABLE landed AS SELECT {}, NULL::VARCHAR AS row_hash LIMIT 0", columns).text
    )
    for landing in landings:
        connection.execute(
            "INSERT INTO landed BY NAME SELECT * EXCLUDE (landing_id) FROM read_parquet(?)",
            [str(landing.path)],
        )
    if len(landings) > 1:
        connection.execute(
            "DELETE FROM landed WHERE rowid NOT IN"
            " (SELECT arg_max(rowid, received_at) FROM landed GROUP BY source, source_record_id)"
        )
    return int(connection.execute("SELECT count(*) FROM landed").fetchall()[0][0])


def _sample(connection: duckdb.DuckDBPyConnection, contract: Contract) -> pa.Table:
    used = {column for rule in contract.row_rules for column in rule.columns}
    used |= {condition.column for rule in contract.row_rules for condition in rule.where}
    columns = joined(", ", (name(column) for column in contract.duckdb_columns() if column in used))
    query = sql("SELECT {} FROM landed ORDER BY row_hash LIMIT {}", columns, value(SAMPLE))
    return connection.sql(query.text, params=query.bound).to_arrow_table()


def _row_failures(contract: Contract, frame: pd.DataFrame) -> Iterator[FailedRule]:
    if frame.empty:
        return
    items = [item for rule in contract.row_rules if (item := expectation(rule, contract)) is not None]
    failed = run_expectations(frame, items)
    for rule in contract.row_rules:
        if failed.get(rule.name):
            yield FailedRule(rule.name, failed[rule.name], rule.severity, rule.sentence)


def _set_failures(contract: Contract, metrics: dict[str, int]) -> Iterator[FailedRule]:
    """Let Great Expectations assert the counts that SQL made: none may be above zero."""
    if not metrics:
        return
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
    failed = run_expectations(pd.DataFrame([metrics]), items)
    for rule in contract.set_rules:
        if failed.get(rule.name):
            yield FailedRule(rule.name, metrics[rule.name], rule.severity, rule.sentence)


def _share(contract: Contract, rows: int, aside: int) -> Iterator[FailedRule]:
    allowed = contract.quarantine_threshold
    if aside and aside / (rows + aside) > allowed:
        yield FailedRule(SHARE_RULE, aside, "critical", f"At most {allowed:.1%} of the rows are set aside.")


def _metrics(
    connection: duckdb.DuckDBPyConnection, settings: Settings, contract: Contract, rows: int
) -> Iterator[tuple[str, int]]:
    """Count for each set rule how many rows break it."""
    for rule in contract.set_rules:
        if rule.check == "volume":
            yield rule.name, int(rows <= rule.minimum)
        elif rule.check == "freshness":
            continue  # judged by the day, and so apart from what a verdict may be kept of
        elif rule.check == "unique":
            names = joined(", ", map(name, rule.columns))
            yield (
                rule.name,
                _count(connection, sql("SELECT count(*) - count(DISTINCT ({})) FROM landed", names)),
            )
        elif files := [str(landing.path) for landing in list_landings(settings, rule.table)]:
            yield rule.name, _count(connection, _orphans(rule, files))


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


def _read(path: Path) -> Verdict | None:
    try:
        document = json.loads(path.read_text())
        failed = tuple(FailedRule(**rule) for rule in document["failed"])
        return Verdict(
            **document | {"failed": failed, "checked_at": datetime.fromisoformat(document["checked_at"])}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
