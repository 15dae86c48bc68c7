"""Rows that were set aside: how many, why, what they hold, and judging them again under the present contract."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract, load_contract
from data_contracts.errors import InputError
from data_contracts.sql import joined, name, sql
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.ages import came_after
from pipelines.landing.durable import whole_file, write_json
from pipelines.landing.judging import OVERTAKEN, Again, Counts, decide, judge_rows
from pipelines.landing.lock import landing_lock
from pipelines.landing.manifest import FORM, REPLAYED, Landing, file_sha256, is_whole, list_landings
from pipelines.landing.originals import tidy_originals
from pipelines.landing.seals import check_seal, delete_sealed
from pipelines.landing.staging import Delivery, open_stage, staged_columns
from pipelines.landing.writer import (
    count_reasons,
    landings_of,
    next_moment,
    only_accepted,
    quarantine_path,
    write_landing,
    write_quarantine,
)

DISCARDED = "discarded"
SENTENCES = {OVERTAKEN: "A newer version of the record has landed."}


@dataclass(frozen=True)
class Quarantined:
    """What is set aside of one landed file; `reasons` counts broken rules, and a row may break several."""

    landing_id: str
    source: str
    table: str
    file_name: str
    rows: int
    reasons: dict[str, int]
    path: Path

    def to_document(self) -> dict[str, object]:
        """Give the counts as plain data."""
        return {
            "landing_id": self.landing_id,
            "source": self.source,
            "table": self.table,
            "file_name": self.file_name,
            "rows": self.rows,
            "reasons": self.reasons,
        }


@dataclass(frozen=True)
class QuarantinedRow:
    """One row that was set aside: each broken rule with its sentence, and what stands in the columns concerned.

    `owners` says by rule who answers for it.
    """

    source_record_id: str | None
    reasons: dict[str, str]
    values: dict[str, str | None]
    owners: dict[str, str] = field(default_factory=dict)

    def to_document(self) -> dict[str, object]:
        """Give the row as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Replay:
    """What judging one file's quarantine again did. rows = landed + still + already_landed.

    Where the file itself was `read_again`, by a mended mapping, its rows are all rows of the file. `refused` says why it
    could not be read in that way; then its rows are where they were.
    """

    landing_id: str
    source: str
    table: str
    rows: int
    landed: int
    still: int
    already_landed: int
    read_again: bool = False
    refused: str = ""

    def to_document(self) -> dict[str, object]:
        """Give the counts as plain data."""
        return asdict(self)


def list_quarantine(settings: Settings, table: str | None = None) -> list[Quarantined]:
    """List the files of which rows are set aside, oldest first."""
    return [
        found for landing in list_landings(settings, table) if (found := _read(settings, landing)) is not None
    ]


@dataclass(frozen=True)
class Aside:
    """Rows of a table that are set aside and still missing; `reasons` counts them by rule, and a row may break several."""

    rows: int
    reasons: dict[str, int]


def count_quarantined(settings: Settings, table: str) -> int:
    """Count the rows of a table that are set aside and still missing."""
    return still_aside(settings, table).rows


def still_aside(settings: Settings, table: str) -> Aside:
    """Count the rows of a table that are set aside now and whose record has not landed in a later file since.

    A row that was mended at its source and came again is no longer missing, though its old form stays readable here.
    """
    landings = list_landings(settings, table)
    reasons: Counter[str | None] = Counter()
    for landing in landings:
        reasons.update(_missing(settings, landing, landings))
    rows = reasons.pop(None, 0)
    return Aside(rows, {reason: count for reason, count in reasons.items() if reason is not None})


def _missing(settings: Settings, landing: Landing, landings: Sequence[Landing]) -> dict[str | None, int]:
    """Count one file's missing rows by reason; all of them stand under None."""
    aside = quarantine_path(settings, landing)
    if not aside.exists():
        return {}
    later = [str(item.path) for item in came_after(landing, landings) if is_whole(item)]
    with _readable(landing, aside), open_stage() as connection:
        connection.execute("CREATE TEMP TABLE came (source_record_id VARCHAR)")
        if later:
            connection.execute("INSERT INTO came SELECT source_record_id FROM read_parquet(?)", [later])
        found = connection.execute(_MISSING, [str(aside)]).fetchall()
    return dict(found)


def show_quarantine(item: Quarantined, limit: int = 20) -> list[QuarantinedRow]:
    """Read the first rows of one file's quarantine, in the order of the file. They may hold personal data."""
    check_seal(item.path, needed=False)
    contract = load_contract(item.table)
    columns = staged_columns(contract)
    query = sql("SELECT {}, reasons FROM read_parquet(?) LIMIT ?", joined(", ", map(name, columns)))
    with open_stage() as connection:
        rows = connection.execute(query.text, [str(item.path), limit]).fetchall()
    return [_row(contract, dict(zip(columns, row[:-1], strict=True)), row[-1]) for row in rows]


def replay_quarantine(
    settings: Settings,
    clock: Clock,
    table: str | None = None,
    waiting: Callable[[str], None] = lambda _: None,
) -> list[Replay]:
    """Judge all rows that are set aside (of one table, or of all) under the present contract."""
    with landing_lock(settings, waiting):
        replays = [replay_rows(settings, clock, item) for item in list_quarantine(settings, table)]
        tidy_originals(settings)
        return replays


def replay_rows(settings: Settings, clock: Clock, item: Quarantined) -> Replay:
    """Judge what is set aside of one file under the present contract. The landing lock has to be held.

    What passes now lands in a file of its own and leaves the quarantine. A record of which a newer version has landed
    since stays: landing it would bring old content back.
    """
    contract = load_contract(item.table)
    earlier = landings_of(settings, item.source, item.table)
    received_at = next_moment(clock, earlier)
    with open_stage() as connection:
        _stage_again(connection, contract, item.path)
        judge_rows(connection, contract, received_at)
        counts = decide(connection, contract, received_at, earlier, Again(_newer(item, earlier)))
        if counts.accepted:
            write_landing(connection, settings, _delivery(item, contract), received_at, only_accepted(counts))
        _keep(connection, contract, item, received_at, counts)
    return Replay(
        item.landing_id,
        item.source,
        item.table,
        item.rows,
        counts.accepted,
        counts.quarantined,
        counts.already_landed,
    )


def discard_rows(settings: Settings, item: Quarantined, reason: str, actor: str, now: datetime) -> Path:
    """Put what is set aside of one file away for good, with who did so, when (naive UTC) and why; gives where it lies.

    It counts for no verdict any more, and no replay looks at it. The landing lock has to be held.
    """
    folder = settings.quarantine_dir / DISCARDED / item.source / item.table
    target = folder / f"{item.landing_id}-{file_sha256(item.path)[:8]}.parquet"
    about = {**item.to_document(), "reason": reason, "actor": actor, "discarded_at": now.isoformat()}
    write_json(target.with_suffix(".json"), about)
    with whole_file(target) as part:
        shutil.copyfile(item.path, part)
    delete_sealed(item.path)
    tidy_originals(settings)
    return target


def count_discarded(settings: Settings, table: str | None = None) -> int:
    """Count the rows that were discarded, of one table or of all."""
    found = (settings.quarantine_dir / DISCARDED).glob(f"*/{table or '*'}/*.json")
    return sum(int(json.loads(path.read_text())["rows"]) for path in found)


def _newer(item: Quarantined, landings: Sequence[Landing]) -> list[Landing]:
    """Give the landings whose records the rows of a quarantine may not replace: what came in the same file, or later."""
    mine = next(each for each in landings if each.landing_id == item.landing_id)
    return [mine, *came_after(mine, landings)]


def _keep(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    item: Quarantined,
    received_at: datetime,
    counts: Counts,
) -> None:
    """Leave in quarantine what did not land."""
    if counts.quarantined:
        write_quarantine(connection, contract, item.path, received_at)
    else:
        delete_sealed(item.path)


def _stage_again(connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path) -> None:
    """Stage a quarantine file; a column that the contract got since is missing in it."""
    held = {
        row[0] for row in connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    }
    columns = joined(
        ", ",
        (
            name(column) if column in held else sql("CAST(NULL AS VARCHAR) AS {}", name(column))
            for column in staged_columns(contract)
        ),
    )
    statement = sql(
        "CREATE OR REPLACE TEMP TABLE staged AS SELECT row_number() OVER () AS position, {} FROM read_parquet(?)",
        columns,
    )
    connection.execute(statement.text, [str(path)])


def _delivery(item: Quarantined, contract: Contract) -> Delivery:
    """Describe what a replay lands: it comes out of one quarantine file, under one contract."""
    content = hashlib.sha256(item.path.read_bytes()).hexdigest()
    return Delivery(
        item.source, item.table, f"{REPLAYED}{item.landing_id}", content, f"replay-{contract.hash}"
    )


def _read(settings: Settings, landing: Landing) -> Quarantined | None:
    path = quarantine_path(settings, landing)
    if not path.exists():
        return None
    with _readable(landing, path):
        rows, reasons = count_reasons(path)
    names = (landing.landing_id, landing.source, landing.table, landing.file_name)
    return Quarantined(*names, rows, reasons, path)


@contextmanager
def _readable(landing: Landing, aside: Path) -> Iterator[None]:
    """Say what to do about a file of the quarantine that is damaged, where the database would only say that it is."""
    try:
        check_seal(aside, needed=landing.form >= FORM)
        yield
    except (duckdb.Error, InputError) as error:
        raise InputError(
            f"The quarantine file {aside} cannot be read.",
            f"Delete it and {landing.manifest_path}, and ingest the file that this names again.",
        ) from error


def _row(contract: Contract, values: dict[str, str | None], reasons: list[str]) -> QuarantinedRow:
    rules = {rule.name: rule for rule in contract.rules}
    concerned = {column for reason in reasons if reason in rules for column in rules[reason].columns}
    sentences = {
        reason: rules[reason].sentence if reason in rules else SENTENCES.get(reason, reason)
        for reason in reasons
    }
    return QuarantinedRow(
        values["source_record_id"],
        sentences,
        {column: values[column] for column in values if column in concerned},
        {reason: rules[reason].owner or contract.owner for reason in reasons if reason in rules},
    )


_MISSING = """
WITH missing AS (
    SELECT reasons FROM read_parquet(?) ANTI JOIN came USING (source_record_id)
)
SELECT NULL AS reason, count(*) AS rows FROM missing
UNION ALL
SELECT reason, count(*) AS rows FROM (SELECT unnest(reasons) AS reason FROM missing) GROUP BY reason
"""
