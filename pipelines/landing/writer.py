"""Lands a delivery: judged rows become a parquet file and a manifest, the others a quarantine file with their reasons.

Nothing half-lands: each file is written aside, flushed and renamed, the manifests last and all together, and files without
a manifest are swept away by the next delivery.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract, load_contract
from data_contracts.errors import InputError
from data_contracts.sql import Sql, joined, name, sql, value
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.durable import PART, telling_of_full_disk, whole_file
from pipelines.landing.judging import Again, Counts, decide, judge_rows, typed_column
from pipelines.landing.keys import write_keys
from pipelines.landing.lock import landing_lock
from pipelines.landing.manifest import (
    FORM,
    REPLAYED,
    SUFFIX,
    Landing,
    file_sha256,
    finish_publishing,
    is_whole,
    list_landings,
    publish,
)
from pipelines.landing.seals import delete_sealed, sealed_file
from pipelines.landing.staging import (
    OCCURRED,
    RECEIVED,
    Delivery,
    clear_spills,
    open_stage,
    row_hash,
    stage_records,
    staged_columns,
    staged_types,
    text_of,
)

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
    """A delivery that was judged, and of which nothing is written yet.

    `repeated` is the landing of this very file; `mends` one whose file is damaged, in whose place this one will land.
    """

    connection: duckdb.DuckDBPyConnection
    delivery: Delivery
    received_at: datetime
    counts: Counts
    repeated: Landing | None
    mends: Landing | None = None


def land(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    clock: Clock,
    delivery: Delivery,
    waiting: Callable[[str], None] = _ignore,
) -> Landed:
    """Judge and land what `connection` holds in its table `staged`. `waiting` hears who holds the lock, if anybody does."""
    with landing_lock(settings, waiting):
        return commit(settings, [prepare(connection, settings, clock, delivery)])[0]


def prepare(  # noqa: PLR0913, PLR0917 - where, when, what, and what came with it or before it
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    clock: Clock,
    delivery: Delivery,
    siblings: Sequence[Prepared] = (),
    again: Again | None = None,
) -> Prepared:
    """Judge what `connection` holds in its table `staged` and decide what becomes of each row. The lock has to be held.

    `siblings` are the parts of the same delivery that were prepared before: this one is received after them, and what they
    bring to the same table counts as landed. A delivery that came before is read `again` by another mapping: it overtakes
    nothing. Where the very file has landed before and what it landed is damaged, it is judged as if that had not landed.
    """
    sweep(settings, delivery.source, delivery.table)
    earlier = landings_of(settings, delivery.source, delivery.table)
    same = find_landing(earlier, delivery)
    if same is not None:
        return Prepared(connection, delivery, same.received_at, repeated_counts(settings, same), same)
    damaged = find_damaged(earlier, delivery)
    received_at = damaged.received_at if damaged else next_moment(clock, earlier)
    if siblings and damaged is None:
        received_at = max(received_at, max(each.received_at for each in siblings) + STEP)
    contract = load_contract(delivery.table)
    with telling_of_full_disk(delivery.file_name):
        judge_rows(connection, contract, received_at)
        counts = decide(
            connection,
            contract,
            received_at,
            list(filter(is_whole, earlier)) if damaged else earlier,
            again,
            _beside(delivery, siblings),
        )
    return Prepared(connection, delivery, received_at, counts, None, damaged)


def _beside(delivery: Delivery, siblings: Iterable[Prepared]) -> list[duckdb.DuckDBPyConnection]:
    """Find the parts that are about to land in the same table from the same source."""
    place = (delivery.source, delivery.table)
    return [
        each.connection
        for each in siblings
        if each.repeated is None and (each.delivery.source, each.delivery.table) == place
    ]


def commit(settings: Settings, prepared: Sequence[Prepared]) -> list[Landed]:
    """Write what was prepared of one delivery: all its tables become visible at once, or none of them does.

    Nothing is written of a table where this very file had landed before. The lock has still to be held.
    """
    with telling_of_full_disk(*(each.delivery.file_name for each in prepared[:1])):
        written: list[Landing | None] = []
        for each in prepared:
            written.append(None if each.repeated else _write(settings, each, [it for it in written if it]))
        publish(settings, [landing for landing in written if landing])
    return [
        Landed(landing or _repeated(each), each.counts, repeated=landing is None)
        for each, landing in zip(prepared, written, strict=True)
    ]


def _repeated(prepared: Prepared) -> Landing:
    if prepared.repeated is None:
        raise AssertionError(prepared.delivery.table)
    return prepared.repeated


def land_records(
    settings: Settings, clock: Clock, delivery: Delivery, records: Iterable[Mapping[str, str | None]]
) -> Landed:
    """Land records that Python holds, each a mapping from column to canonical text (`staging` says which)."""
    with open_stage(settings) as connection:
        stage_records(connection, load_contract(delivery.table), records)
        return land(connection, settings, clock, delivery)


def landings_of(settings: Settings, source: str, table: str) -> list[Landing]:
    """List what has landed of one table from one source, oldest first."""
    return [landing for landing in list_landings(settings, table) if landing.source == source]


def find_landing(landings: Iterable[Landing], delivery: Delivery) -> Landing | None:
    """Find the landing of exactly this file, read by exactly this mapping, where nothing of it is damaged."""
    landings = list(landings)
    same = _same(landings, delivery)
    return same[0] if same and find_damaged(landings, delivery) is None else None


def find_damaged(landings: Sequence[Landing], delivery: Delivery) -> Landing | None:
    """Find what exactly this file landed, at once or by a replay of its quarantine, and is no longer what was written."""
    same = _same(landings, delivery)
    replays = {f"{REPLAYED}{landing.landing_id}" for landing in same}
    mine = [*same, *(landing for landing in landings if landing.file_name in replays)]
    return next((landing for landing in mine if not is_whole(landing)), None)


def _same(landings: Iterable[Landing], delivery: Delivery) -> list[Landing]:
    wanted = (delivery.file_sha256, delivery.mapping_hash)
    return [item for item in landings if (item.file_sha256, item.mapping_hash) == wanted]


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
    """Land a decided delivery, and make it visible. The lock has to be held."""
    landing = _write(settings, Prepared(connection, delivery, received_at, counts, None), ())
    publish(settings, [landing])
    return landing


def _write(settings: Settings, prepared: Prepared, siblings: Sequence[Landing]) -> Landing:
    """Write the files of a decided delivery but for its manifest: quarantine, rows, and the key index.

    `siblings` are the other parts of the same delivery that are written and not published.
    """
    delivery, contract, counts = prepared.delivery, load_contract(prepared.delivery.table), prepared.counts
    mends = prepared.mends
    replayed = mends is not None and mends.file_name.startswith(REPLAYED)
    if replayed:  # what is still set aside of it belongs to the landing that the replay came from
        counts = only_accepted(counts)
    landing = _describe(settings, prepared, counts, siblings)
    if counts.quarantined:
        write_quarantine(
            prepared.connection, contract, quarantine_path(settings, landing), prepared.received_at
        )
    elif mends and not replayed and (aside := quarantine_path(settings, landing)).exists():
        delete_sealed(aside)
    _write_rows(prepared.connection, contract, landing)
    if delivery.streamed and file_sha256(delivery.streamed) != delivery.file_sha256:
        raise InputError(f"The file {delivery.streamed} changed while it was read.", "Ingest it again.")
    landing = write_keys(prepared.connection, landing)
    return replace(landing, parquet_sha256=file_sha256(landing.path))


def _describe(settings: Settings, prepared: Prepared, counts: Counts, siblings: Sequence[Landing]) -> Landing:
    delivery, mends, contract = prepared.delivery, prepared.mends, load_contract(prepared.delivery.table)
    earlier = [*landings_of(settings, delivery.source, delivery.table), *siblings]
    landing_id = mends.landing_id if mends else _free_id(delivery, earlier)
    path = settings.landing_dir / delivery.source / delivery.table / f"{landing_id}.parquet"
    return Landing(
        landing_id=landing_id,
        source=delivery.source,
        table=delivery.table,
        file_name=mends.file_name if mends else delivery.file_name,
        file_sha256=mends.file_sha256 if mends else delivery.file_sha256,
        contract_hash=contract.hash,
        mapping_hash=mends.mapping_hash if mends else delivery.mapping_hash,
        received_at=prepared.received_at,
        rows_in=counts.rows_in,
        accepted=counts.accepted,
        quarantined=counts.quarantined,
        already_landed=counts.already_landed,
        changed=counts.changed,
        parquet=path.name,
        parquet_sha256="",
        columns=(*contract.duckdb_columns(), "row_hash", "landing_id"),
        path=path,
        form=FORM,
        replaces=mends.parquet_sha256 if mends else "",
        origin=delivery.origin,
    )


def only_accepted(counts: Counts) -> Counts:
    """Count what a replay lands: the other rows stay with the file that they came in."""
    return Counts(counts.accepted, counts.accepted, 0, 0, counts.changed, {})


def write_quarantine(
    connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path, received_at: datetime
) -> None:
    """Write the rows that were set aside: canonical text, so that they can be judged again, and the reasons."""
    types = staged_types(connection)
    picked = joined(
        ", ", (sql("{} AS {}", text_of(column, types), name(column)) for column in staged_columns(contract))
    )
    query = sql(
        "SELECT {}, CAST({} AS TIMESTAMP) AS received_at, row_hash, reasons FROM staged"
        " JOIN (SELECT position, row_hash, reasons FROM decided WHERE decision = 'quarantined') USING (position)"
        " ORDER BY position",
        picked,
        value(received_at),
    )
    with sealed_file(path) as part:
        copy = sql("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)", query, value(str(part)))
        connection.execute(copy.text, copy.bound)


def _write_rows(connection: duckdb.DuckDBPyConnection, contract: Contract, landing: Landing) -> None:
    types = staged_types(connection)
    landed = (
        sql("{} AS {}", _landed_column(column, kind, landing.received_at, types), name(column))
        for column, kind in contract.duckdb_columns().items()
    )
    doubts = connection.execute("SELECT count(*) FROM decided").fetchall()[0][0]
    rows = Sql(_DECIDED_ROWS if doubts else "(SELECT *, 0 AS version FROM staged)")
    query = sql(
        "SELECT {}, {} AS row_hash, {} AS landing_id FROM {}",
        joined(", ", landed),
        row_hash(contract, types),
        value(landing.landing_id),
        rows,
    )
    with whole_file(landing.path) as part:
        copy = sql("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)", query, value(str(part)))
        connection.execute(copy.text, copy.bound)


def _landed_column(column: str, kind: str, received_at: datetime, types: Mapping[str, str]) -> Sql:
    """Give a column of an accepted row in its type: that its text looks like it was judged before."""
    if column == RECEIVED:  # versions of a record keep their order
        return sql("CAST({} AS TIMESTAMP) + to_microseconds(version)", value(received_at))
    if types[column] == kind:
        return name(column)
    if column == OCCURRED:
        return typed_column(column, kind, received_at, types)
    return sql("CAST({} AS {})", name(column), Sql(kind))


_DECIDED_ROWS = """(
    SELECT staged.*, coalesce(decided.version, 0) AS version
    FROM staged LEFT JOIN decided USING (position)
    WHERE decided.decision IS NULL OR decided.decision = 'accepted'
)"""


def _free_id(delivery: Delivery, earlier: Iterable[Landing]) -> str:
    """Name a landing after its file; after file and mapping where another mapping has read the same file before."""
    short = delivery.file_sha256[:16]
    if short not in {landing.landing_id for landing in earlier if landing.table == delivery.table}:
        return short
    return hashlib.sha256(f"{delivery.file_sha256} {delivery.mapping_hash}".encode()).hexdigest()[:16]


def sweep(settings: Settings, source: str, table: str) -> None:
    """Finish what a killed ingest had decided to show, and remove what it left before it came so far.

    That are parts of files, files whose manifest was never written, and what its database had put on the disk.
    """
    finish_publishing(settings)
    folder = settings.landing_dir / source / table
    aside = settings.quarantine_dir / source / table
    for place in (folder, aside):
        for part in place.glob(f".*{PART}"):
            part.unlink(missing_ok=True)
        for file in place.glob("*"):
            landing_id = file.name.partition(".")[0]
            if file.is_file() and not (folder / f"{landing_id}{SUFFIX}").exists():
                file.unlink(missing_ok=True)
    clear_spills(settings)
