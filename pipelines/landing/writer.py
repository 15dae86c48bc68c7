"""Lands a delivery: judged rows become a parquet file and a manifest, the others a quarantine file with their reasons.

Nothing half-lands: each file is written aside, flushed and renamed, the manifest last, and a parquet file without its
manifest is swept away by the next delivery.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract, load_contract
from data_contracts.sql import joined, name, sql, value
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.durable import PART, whole_file, write_json
from pipelines.landing.judging import Counts, decide, judge_rows, typed_column
from pipelines.landing.lock import landing_lock
from pipelines.landing.manifest import SUFFIX, Landing, file_sha256, list_landings
from pipelines.landing.staging import RECEIVED, Delivery, open_stage, stage_records, staged_columns

STEP = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Landed:
    """What landing one delivery did; `repeated` where exactly this file had landed before."""

    landing: Landing
    counts: Counts
    repeated: bool


def _ignore(_: str) -> None:
    return


@dataclass(frozen=True)
class Prepared:
    """A delivery that was judged, and of which nothing is written yet; `repeated` is the landing of this very file."""

    connection: duckdb.DuckDBPyConnection
    delivery: Delivery
    received_at: datetime
    counts: Counts
    repeated: Landing | None


def land(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    clock: Clock,
    delivery: Delivery,
    waiting: Callable[[str], None] = _ignore,
) -> Landed:
    """Judge and land what `connection` holds in its table `staged`. `waiting` hears who holds the lock, if anybody does."""
    with landing_lock(settings, waiting):
        return commit(settings, prepare(connection, settings, clock, delivery))


def prepare(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    clock: Clock,
    delivery: Delivery,
    after: datetime | None = None,
) -> Prepared:
    """Judge what `connection` holds in its table `staged` and decide what becomes of each row. The lock has to be held.

    `after` is the time of reception of another part of the same delivery, which this one has to follow.
    """
    _sweep(settings, delivery)
    earlier = landings_of(settings, delivery.source, delivery.table)
    same = find_landing(earlier, delivery)
    if same is not None:
        return Prepared(connection, delivery, same.received_at, repeated_counts(settings, same), same)
    received_at = next_moment(clock, earlier)
    if after is not None:
        received_at = max(received_at, after + STEP)
    contract = load_contract(delivery.table)
    judge_rows(connection, contract, received_at)
    counts = decide(connection, contract, [landing.path for landing in earlier])
    return Prepared(connection, delivery, received_at, counts, None)


def commit(settings: Settings, prepared: Prepared) -> Landed:
    """Write what was prepared; nothing, where this very file had landed before. The lock has still to be held."""
    if prepared.repeated is not None:
        return Landed(prepared.repeated, prepared.counts, repeated=True)
    landing = write_landing(
        prepared.connection, settings, prepared.delivery, prepared.received_at, prepared.counts
    )
    return Landed(landing, prepared.counts, repeated=False)


def land_records(
    settings: Settings, clock: Clock, delivery: Delivery, records: Iterable[Mapping[str, str | None]]
) -> Landed:
    """Land records that Python holds, each a mapping from column to canonical text (`staging` says which)."""
    with open_stage() as connection:
        stage_records(connection, load_contract(delivery.table), records)
        return land(connection, settings, clock, delivery)


def landings_of(settings: Settings, source: str, table: str) -> list[Landing]:
    """List what has landed of one table from one source, oldest first."""
    return [landing for landing in list_landings(settings, table) if landing.source == source]


def find_landing(landings: Iterable[Landing], delivery: Delivery) -> Landing | None:
    """Find the landing of exactly this file, read by exactly this mapping."""
    wanted = (delivery.file_sha256, delivery.mapping_hash)
    return next((item for item in landings if (item.file_sha256, item.mapping_hash) == wanted), None)


def repeated_counts(settings: Settings, landing: Landing) -> Counts:
    """Count a file that comes again: what is still in quarantine, and the rest as already landed."""
    path = quarantine_path(settings, landing)
    aside, reasons = count_reasons(path) if path.exists() else (0, {})
    return Counts(landing.rows_in, 0, aside, landing.rows_in - aside, 0, reasons)


def count_reasons(quarantine: Path) -> tuple[int, dict[str, int]]:
    """Count the rows of a quarantine file, and the rules that they break, most frequent first."""
    with open_stage() as connection:
        rows = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(quarantine)]).fetchall()[0][0]
        reasons = connection.execute(
            "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM read_parquet(?))"
            " GROUP BY reason ORDER BY count(*) DESC, reason",
            [str(quarantine)],
        ).fetchall()
    return rows, dict(reasons)


def quarantine_path(settings: Settings, landing: Landing) -> Path:
    """Where the rows lie that were set aside when this file landed."""
    return settings.quarantine_dir / landing.source / landing.table / f"{landing.landing_id}.parquet"


def next_moment(clock: Clock, earlier: Iterable[Landing]) -> datetime:
    """Give the time of reception: now, but after everything of the same kind, also when the clock is pinned.

    The newest version of a record is told by this time, so that two landings must never share it.
    """
    newest = max((landing.received_at for landing in earlier), default=None)
    return clock.now() if newest is None else max(clock.now(), newest + STEP)


def write_landing(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    delivery: Delivery,
    received_at: datetime,
    counts: Counts,
) -> Landing:
    """Write the files of a decided delivery: quarantine, rows, and the manifest last. The lock has to be held."""
    contract = load_contract(delivery.table)
    landing_id = _free_id(delivery, landings_of(settings, delivery.source, delivery.table))
    path = settings.landing_dir / delivery.source / delivery.table / f"{landing_id}.parquet"
    if counts.quarantined:
        quarantine = settings.quarantine_dir / delivery.source / delivery.table / f"{landing_id}.parquet"
        write_quarantine(connection, contract, quarantine, received_at)
    columns = _write_rows(connection, contract, path, landing_id, received_at)
    landing = Landing(
        landing_id=landing_id,
        source=delivery.source,
        table=delivery.table,
        file_name=delivery.file_name,
        file_sha256=delivery.file_sha256,
        contract_hash=contract.hash,
        mapping_hash=delivery.mapping_hash,
        received_at=received_at,
        rows_in=counts.rows_in,
        accepted=counts.accepted,
        quarantined=counts.quarantined,
        already_landed=counts.already_landed,
        changed=counts.changed,
        parquet=path.name,
        parquet_sha256=file_sha256(path),
        columns=columns,
        path=path,
    )
    write_json(landing.manifest_path, landing.to_document())
    return landing


def write_quarantine(
    connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path, received_at: datetime
) -> None:
    """Write the rows that were set aside: canonical text, so that they can be judged again, and the reasons."""
    picked = joined(", ", (sql("staged.{}", name(column)) for column in staged_columns(contract)))
    query = sql(
        "SELECT {}, CAST({} AS TIMESTAMP) AS received_at, decided.row_hash, decided.reasons"
        " FROM staged JOIN decided USING (position) WHERE decided.decision = 'quarantined' ORDER BY position",
        picked,
        value(received_at),
    )
    with whole_file(path) as part:
        copy = sql("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)", query, value(str(part)))
        connection.execute(copy.text, copy.bound)


def _write_rows(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    path: Path,
    landing_id: str,
    received_at: datetime,
) -> tuple[str, ...]:
    kinds = contract.duckdb_columns()
    typed = [
        sql("{} AS {}", typed_column(column, kind, received_at), name(column))
        for column, kind in kinds.items()
    ]
    moved = sql(
        "{} + to_microseconds(version) AS {}",
        typed_column(RECEIVED, "TIMESTAMP", received_at),
        name(RECEIVED),
    )
    typed[list(kinds).index(RECEIVED)] = moved  # versions of a record keep their order
    query = sql(
        "SELECT {}, row_hash, {} AS landing_id FROM staged JOIN decided USING (position) WHERE decision = 'accepted'",
        joined(", ", typed),
        value(landing_id),
    )
    with whole_file(path) as part:
        copy = sql("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)", query, value(str(part)))
        connection.execute(copy.text, copy.bound)
    return (*kinds, "row_hash", "landing_id")


def _free_id(delivery: Delivery, earlier: Iterable[Landing]) -> str:
    """Name a landing after its file; after file and mapping where another mapping has read the same file before."""
    short = delivery.file_sha256[:16]
    if short not in {landing.landing_id for landing in earlier}:
        return short
    return hashlib.sha256(f"{delivery.file_sha256} {delivery.mapping_hash}".encode()).hexdigest()[:16]


def _sweep(settings: Settings, delivery: Delivery) -> None:
    """Remove what a killed ingest left: parts of files, and files whose manifest was never written."""
    folder = settings.landing_dir / delivery.source / delivery.table
    aside = settings.quarantine_dir / delivery.source / delivery.table
    for place in (folder, aside):
        for part in place.glob(f".*{PART}"):
            part.unlink(missing_ok=True)
        for file in place.glob("*.parquet"):
            if not (folder / f"{file.stem}{SUFFIX}").exists():
                file.unlink(missing_ok=True)
