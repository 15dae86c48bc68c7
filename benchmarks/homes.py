"""Homes of any size, landed: the sample company in pieces, as ingest would have left it, without ingest's cost.

A piece is 43,500 people and about a million rows. Each of its tables is a few landed files with their manifests, and homes
of other sizes link to the same files. In every table one row in fifty is sent again a day later, as shops do when an
order's status changes; the newest row in a hundred is kept back, to land by itself; and a few people of the first piece have
five hundred e-mail events more: whoever looks a customer up meets one like them sooner or later.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.contracts import load_contract
from messaging.campaigns import SHIPPED
from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from pipelines.landing.manifest import FORM, Landing, file_sha256, publish
from pipelines.samples.times import END
from pipelines.samples.world import World, make_world

PEOPLE = 43_500  # of a piece; an odd one at the end is smaller
ROWS_A_PERSON = 23  # what the sample company knows of one, about
AGAIN = 50  # one row in so many comes a second time
SOURCE = "sample"
FIRST, LATER, NEWEST = "a", "b", "c"  # the files of a table's piece
KEPT_BACK = 0.01  # of the rows of every table but the products, the newest
BUSY, TOUCHES = 20, 500  # people who have so many e-mail events more
NOW: datetime = END.item()

_WRITE = """
    COPY (
        SELECT {columns}, md5(source || chr(31) || source_record_id || received_at::VARCHAR) AS row_hash,
            '{landing_id}' AS landing_id
        FROM (SELECT {received} FROM rows WHERE {which})
    ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def make_home(home: Path, pieces: Path, rows: int, seed: int = 7) -> Settings:
    """Make a home with about so many rows landed, all but the newest one in a hundred.

    `pieces` keeps the files, so that the next home makes what it lacks.
    """
    settings = read_settings(home=home)
    _publish(settings, pieces, rows, seed, (FIRST, LATER))
    return settings


def land_newest(settings: Settings, pieces: Path, rows: int, seed: int = 7) -> None:
    """Let land what `make_home` kept back."""
    _publish(settings, pieces, rows, seed, (NEWEST,))


def _publish(settings: Settings, pieces: Path, rows: int, seed: int, turns: tuple[str, ...]) -> None:
    landings = [
        _linked(settings, landing)
        for number, people in enumerate(_sizes(rows))
        for landing in make_piece(pieces / f"{seed}-{number}-{people}", number, people, seed)
        if landing.landing_id.endswith(turns) and landing.accepted
    ]
    publish(settings, landings)


def make_piece(folder: Path, number: int, people: int, seed: int) -> list[Landing]:
    """Write the tables of one piece where they are not there yet, and say what has landed in them."""
    if not folder.exists():
        aside = folder.with_suffix(".tmp")
        aside.mkdir(parents=True)
        world = make_world(people, seed, first=number * PEOPLE)
        with duckdb.connect(":memory:") as connection:
            for table, rows in _tables(world, number):
                connection.register("rows", rows)
                for turn in FIRST, LATER, NEWEST:
                    connection.execute(_query(table, aside / f"{table}-{number:04d}{turn}.parquet", turn))
        aside.replace(folder)
    return [_landing(path) for path in sorted(folder.glob("*.parquet"))]


def _sizes(rows: int) -> Iterator[int]:
    """Give the people of each piece."""
    people = max(rows // ROWS_A_PERSON, 100)
    for first in range(0, people, PEOPLE):
        yield min(PEOPLE, people - first)


def _tables(world: World, number: int) -> Iterator[tuple[str, pa.Table]]:
    """Give the tables of a piece; what the company sells is in the first one alone."""
    for table, rows in world.tables.items():
        if table == "products" and number:
            continue
        yield (
            table,
            pa.concat_tables([rows, *_busy(world)]) if table == "email_events" and not number else rows,
        )


def _busy(world: World) -> Sequence[pa.Table]:
    """Give some people's newest e-mail event again and again, each time an hour earlier and under another id."""
    events = world.tables["email_events"]
    newest = events.group_by("email").aggregate([("occurred_at", "max")]).slice(0, BUSY)
    some = events.filter(pc.is_in(events["email"], newest["email"].combine_chunks()))
    first = some.take(pa.array([some["email"].index(each).as_py() for each in newest["email"]]))
    return [_copy(first, number) for number in range(TOUCHES)]


def _copy(rows: pa.Table, number: int) -> pa.Table:
    earlier = pc.subtract(rows["occurred_at"], pa.scalar(timedelta(hours=number + 1), pa.duration("us")))
    rows = rows.set_column(rows.column_names.index("occurred_at"), "occurred_at", earlier)
    for column in ("source_record_id", "event_id"):
        own = pc.binary_join_element_wise(rows[column], f"busy{number}", "-")
        rows = rows.set_column(rows.column_names.index(column), column, own)
    return rows


def _query(table: str, path: Path, turn: str) -> str:
    columns = list(load_contract(table).duckdb_columns())
    later = [
        "received_at + INTERVAL 1 DAY AS received_at" if name == "received_at" else name for name in columns
    ]
    return _WRITE.format(
        columns=", ".join(columns),
        received=", ".join(later if turn == LATER else columns),
        which=_which(table, turn),
        landing_id=path.stem,
        path=path,
    )


def _which(table: str, turn: str) -> str:
    """Say which rows of a table are of a turn."""
    newest = f"occurred_at > (SELECT quantile_disc(occurred_at, {1 - KEPT_BACK}) FROM rows)"  # noqa: S608
    older = f"NOT coalesce({newest}, false)" if table != "products" else "true"
    if turn == NEWEST:
        return f"NOT ({older})"
    return older if turn == FIRST else f"{older} AND hash(source_record_id) % {AGAIN} = 0"


def _landing(path: Path) -> Landing:
    table, _, turn = path.stem.rpartition("-")
    described, rows, sha256 = pq.read_schema(path), pq.read_metadata(path).num_rows, file_sha256(path)
    return Landing(
        landing_id=path.stem,
        source=SOURCE,
        table=table,
        file_name=path.name,
        file_sha256=sha256,
        contract_hash=load_contract(table).hash,
        mapping_hash="",
        received_at=NOW + timedelta(days=not turn.endswith(FIRST), milliseconds=int(turn[:4])),
        rows_in=rows,
        accepted=rows,
        quarantined=0,
        already_landed=0,
        changed=rows if turn.endswith(LATER) else 0,
        parquet=path.name,
        parquet_sha256=sha256,
        columns=tuple(described.names),
        path=path,
        form=FORM,
    )


def _linked(settings: Settings, landing: Landing) -> Landing:
    """Put the file of a landing where a home keeps it."""
    path = settings.landing_dir / landing.source / landing.table / f"{landing.landing_id}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(landing.path, path)
    return replace(landing, path=path, parquet=path.name)


def built_home(folder: Path, rows: int) -> Path:
    """Make a home and build it."""
    from pipelines.defs.build import run_build

    settings = make_home(folder / "company", folder / "pieces", rows)
    run_build(settings, Clock(NOW))
    return settings.home


def beside(built: Path, home: Path) -> Path:
    """Make a home of its own that reads another's release and writes to a copy of its store."""
    home.mkdir()
    for name in ("store.db", "secrets"):
        copy = shutil.copytree if (built / name).is_dir() else shutil.copyfile
        copy(built / name, home / name)
    (home / "releases").symlink_to((built / "releases").resolve())
    shutil.copytree(SHIPPED, home / "library")
    return home
