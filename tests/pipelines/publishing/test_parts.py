"""A release that is written by people holds what one that is written whole holds, and is found in it the same way."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from messaging.customers.cards import PARTS, VIEW
from messaging.customers.published import from_tables, published
from messaging.release import ReleaseReader
from pipelines.publishing import parts
from pipelines.publishing.parts import GROWN, IN_A_ROW, copy_file
from pipelines.publishing.pointer import Pointer, file_sha256, read_pointer
from pipelines.publishing.release import publish
from pipelines.warehouse.connection import open_warehouse

from .conftest import facts
from .test_cards import columns_of, some

BY_PEOPLE = tuple(part.table for part in PARTS if part.table != "shipments")
TABLES = (VIEW, *(part.table for part in PARTS), "products")
PEOPLE = 12
World = dict[int, int]  # how many rows each customer has; who is not in it is not there


def customer(number: int) -> str:
    return f"cus_{number:02d}"


def rows_of(table: str, number: int | None, many: int, chance: random.Random) -> list[dict[str, Any]]:
    """Make a customer's rows of a table; None is nobody in particular."""
    found = []
    for turn in range(1 if table == VIEW else many):
        row = {name: some(kind, chance) for name, kind in columns_of(table).items()}
        keys = {"customer_id": None if number is None else customer(number), "touch_id": f"{number}-{turn}"}
        keys |= {
            "order_id": f"o{turn}",
            "shipment_id": f"s{turn}",
            "value": f"v{turn}",
            "identifier_type": "email",
        }
        moment = f"2026-10-{1 + turn // 2 % 28:02d}"
        keys |= {"occurred_at": moment, "ordered_at": moment}
        found.append(row | {name: value for name, value in keys.items() if name in row})
    return found


def write_world(path: Path, world: World, seeds: dict[int, int], turn: int) -> None:
    """Fill the warehouse: a customer's rows are a function of their seed, but for those that are dated."""
    with open_warehouse(path) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for table in TABLES[:-1]:
            columns = columns_of(table)
            rows = []
            for number, many in world.items():
                dated = turn if table in {VIEW, "shipments"} else 0
                rows += rows_of(
                    table, number, many, random.Random(f"{table} {number} {seeds[number]} {dated}")
                )
            if table != VIEW:
                rows += rows_of(table, None, 1 + turn, random.Random(f"nobody {turn}"))
            random.Random(turn).shuffle(rows)
            given = {name: [None if row[name] is None else row[name] for row in rows] for name in columns}
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"CREATE OR REPLACE TABLE marts.{table} ({listed})")
            connection.register("given", pa.table(given))
            connection.execute(f"INSERT INTO marts.{table} SELECT * FROM given")
        connection.execute(f"CREATE OR REPLACE TABLE marts.products AS SELECT {turn} AS product_id")


def tell_increment(path: Path, people: Iterable[int], kind: str = "part") -> None:
    """Say of whom something differs, as an increment does."""
    with open_warehouse(path) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS increment")
        connection.execute(
            f"CREATE OR REPLACE TABLE increment.state AS SELECT '{kind}' AS kind, 'a test' AS reason"
        )
        connection.execute("CREATE OR REPLACE TABLE increment.people (customer_id VARCHAR)")
        for number in people:
            connection.execute("INSERT INTO increment.people VALUES (?)", [customer(number)])


def hashes(path: Path) -> dict[str, tuple[object, ...]]:
    """Give the number of rows and the sum of their hashes, of every table but what the release says of itself."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{path}' AS r (READ_ONLY)")
        names = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        query = "SELECT count(*), sum(hash(t)::HUGEINT) FROM query_table(?) AS t"
        return {
            table: connection.execute(query, [f"r.main.{table}"]).fetchall()[0]
            for table in names
            if table != "release_info"
        }


def indexes(path: Path) -> set[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return set(connection.execute("SELECT table_name, index_name, sql FROM duckdb_indexes()").fetchall())


def look_ups(folder: Path) -> list[object]:
    """Give what is found of each customer who is or was there, by card and from the tables, whole and in part."""
    with ReleaseReader(folder).snapshot() as snapshot:
        found = []
        for number in range(PEOPLE):
            for read in (published, from_tables):
                for orders, touches in ((50, 500), (1, 3)):
                    found.append(repr(read(snapshot, customer(number), orders=orders, touches=touches)))
        return found


def publish_part(build: Path, folder: Path, since: str | None) -> Pointer:
    return publish(build, folder, facts(), TABLES, by_people=BY_PEOPLE, since=since)


@pytest.fixture(scope="module")
def _small() -> Iterator[None]:
    """Let files grow: of a few rows a part adds more than the whole of them takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "GROWN", 100)
        yield


changed = st.dictionaries(st.integers(0, PEOPLE - 1), st.integers(0, 40), max_size=6)
gone = st.sets(st.integers(0, PEOPLE - 1), max_size=2)


@pytest.mark.usefixtures("_small")
@given(steps=st.lists(st.tuples(changed, gone), min_size=1, max_size=3), seed=st.integers(0, 10**6))
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_releases_by_people_hold_what_a_whole_one_holds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[int, int], set[int]]], seed: int
) -> None:
    home = tmp_path_factory.mktemp("home")
    build, folder = home / "build.duckdb", home / "releases"
    chance = random.Random(seed)
    world = {number: chance.randrange(30) for number in range(0, PEOPLE, 2)}
    seeds = dict.fromkeys(range(PEOPLE), 0)
    write_world(build, world, seeds, 0)
    stands = publish(build, folder, facts(), TABLES).version
    for turn, (more, less) in enumerate(steps, start=1):
        world = {number: many for number, many in (world | more).items() if number not in less}
        seeds |= dict.fromkeys(more, turn)
        write_world(build, world, seeds, turn)
        tell_increment(build, more.keys() | less)
        part = publish_part(build, folder, stands)
        assert part.parts == turn
        stands = part.version
    whole = publish(build, home / "whole", facts(), TABLES)
    assert hashes(folder / part.file) == hashes(home / "whole" / whole.file)
    assert indexes(folder / part.file) == indexes(home / "whole" / whole.file)
    assert look_ups(folder) == look_ups(home / "whole")
    assert part.row_counts == whole.row_counts


@pytest.fixture
def build(tmp_path: Path, _small: None) -> Path:
    path = tmp_path / "build.duckdb"
    write_world(path, dict.fromkeys(range(PEOPLE), 5), dict.fromkeys(range(PEOPLE), 0), 0)
    return path


def test_what_speaks_against_a_part_makes_a_whole_release(build: Path, tmp_path: Path) -> None:
    folder = tmp_path / "releases"
    stands = publish_part(build, folder, None)
    assert stands.parts == 0
    tell_increment(build, [1])
    for since in (None, "another"):
        assert publish_part(build, folder, since).parts == 0
    stands = read_pointer(folder)
    assert stands
    tell_increment(build, [1], kind="full")
    stands = publish_part(build, folder, stands.version)
    assert stands.parts == 0
    tell_increment(build, [1])
    stands = publish_part(build, folder, stands.version)
    assert stands.parts == 1
    (folder / stands.file).unlink()
    assert publish_part(build, folder, stands.version).parts == 0


def test_a_table_whose_columns_are_others_now_is_written_whole(build: Path, tmp_path: Path) -> None:
    folder = tmp_path / "releases"
    stands = publish_part(build, folder, None)
    with open_warehouse(build) as connection:
        connection.execute("ALTER TABLE marts.orders ADD COLUMN note VARCHAR DEFAULT 'new'")
    tell_increment(build, [1])
    part = publish_part(build, folder, stands.version)
    whole = publish(build, tmp_path / "whole", facts(), TABLES)
    assert part.parts == 1
    assert hashes(folder / part.file) == hashes(tmp_path / "whole" / whole.file)


def test_after_so_many_parts_in_a_row_a_release_is_written_whole(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert IN_A_ROW == 20
    monkeypatch.setattr(parts, "IN_A_ROW", 2)
    tell_increment(build, [1])
    found, since = [], None
    for _ in range(5):
        pointer = publish_part(build, tmp_path / "releases", since)
        since = pointer.version
        found.append(pointer.parts)
    assert found == [0, 1, 2, 0, 1]


def test_a_file_that_has_grown_beyond_its_rows_is_written_whole(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GROWN == 1.3  # as imported, before it was replaced for the other tests
    folder = tmp_path / "releases"
    tell_increment(build, [1])
    stands = publish_part(build, folder, None)
    assert stands.whole_rows == sum(stands.row_counts.values())
    assert stands.whole_bytes == (folder / stands.file).stat().st_size
    part = publish_part(build, folder, stands.version)
    assert (part.parts, part.whole_bytes) == (1, stands.whole_bytes)
    monkeypatch.setattr(parts, "GROWN", (folder / part.file).stat().st_size / part.whole_bytes - 0.01)
    assert publish_part(build, folder, part.version).parts == 0


def test_a_part_leaves_the_release_before_as_it_was(build: Path, tmp_path: Path) -> None:
    folder = tmp_path / "releases"
    stands = publish_part(build, folder, None)
    write_world(build, {1: 3}, dict.fromkeys(range(PEOPLE), 9), 1)
    tell_increment(build, range(PEOPLE))
    publish_part(build, folder, stands.version)
    assert file_sha256(folder / stands.file) == stands.sha256
    assert not list(folder.glob("*.tmp*"))
    assert not list(folder.glob("*.wal"))


def test_a_file_is_copied_byte_by_byte(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(random.Random(1).randbytes(3_000_001))
    copy_file(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


KILLS = 6
PUBLISH_FOR_EVER = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from conftest import facts
from pipelines.publishing.pointer import read_pointer
from pipelines.publishing.release import publish
build, folder, tables, by_people = Path(sys.argv[1]), Path(sys.argv[2]), *map(json.loads, sys.argv[4:])
print("ready", flush=True)
while True:
    publish(build, folder, facts(), tables, by_people=by_people, since=read_pointer(folder).version)
    print("published", flush=True)
"""


def test_a_part_killed_at_any_moment_leaves_the_release_before_and_the_next_one_is_right(
    build: Path, tmp_path: Path
) -> None:
    folder, moments, reached = tmp_path / "releases", random.Random(7), set()
    publish_part(build, folder, None)
    whole = publish(build, tmp_path / "whole", facts(), TABLES)
    truly = hashes(tmp_path / "whole" / whole.file)
    tell_increment(build, [1, 2, 3])
    names = [str(Path(__file__).parent), json.dumps(TABLES), json.dumps(BY_PEOPLE)]
    for kill in range(KILLS):
        command = [sys.executable, "-c", PUBLISH_FOR_EVER, str(build), str(folder), *names]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            if kill % 2:
                assert process.stdout.readline() == "published\n"
            time.sleep(moments.uniform(0.05, 1.0))
            process.send_signal(signal.SIGKILL)
        pointer = read_pointer(folder)
        assert pointer is not None
        assert file_sha256(folder / pointer.file) == pointer.sha256
        assert hashes(folder / pointer.file) == truly
        reached.add(pointer.parts)
    assert max(reached) > 0
    part = publish_part(build, folder, pointer.version)
    assert hashes(folder / part.file) == truly
    assert not list(folder.glob("*.tmp*"))
