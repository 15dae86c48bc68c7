"""A process that is killed, or has no more disk, while it lands a delivery of several landings: all of it is there, or nothing.

One process loads everything and forks a child for each trial, for a fresh interpreter takes seconds to load.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

TRIALS = """
import json, os, resource, signal, sys
from pathlib import Path
from data_contracts.errors import InputError
from messaging.clock import Clock
from messaging.settings import read_settings
from pipelines.landing.manifest import is_whole, list_landings
from pipelines.landing.quarantine import list_quarantine
from pipelines.sources.intake import ingest
from pipelines.sources.readers import find_reader
import datetime, pyarrow.parquet

FILE = Path(sys.argv[1])
CLOCK = Clock(datetime.datetime(2026, 10, 30, 12))

def in_a_child(work):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        said = None
        try:
            said = work()
        except InputError as error:
            said = {"told": str(error)}
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else {"killed": os.waitstatus_to_exitcode(status)}

def seen(settings):
    landings = list_landings(settings)
    return {
        "landings": len(landings),
        "rows": sum(each.accepted for each in landings),
        "whole": all(map(is_whole, landings)),
        "aside": sum(each.rows for each in list_quarantine(settings)),
        "parts": sum(1 for path in settings.home.rglob("*") if path.name.endswith(".part")),
    }

def land(settings):
    report = ingest(settings, CLOCK, "consents", [FILE])
    return {"rows_in": report.rows_in, "accepted": report.accepted}

def killed_at(step):
    # counts what reaches the disk: every flush, rename and removal
    left = [step]
    def fused(real):
        def run(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)
        return run
    os.fsync, os.replace = fused(os.fsync), fused(os.replace)
    Path.replace, Path.unlink = fused(Path.replace), fused(Path.unlink)

def trial(number, cut):
    settings = read_settings(home=Path(sys.argv[2]) / f"{sys.argv[3]}-{number}")
    def first():
        cut(number)
        return land(settings)
    def after():
        return {"seen": seen(settings), "second": land(settings), "then": seen(settings)}
    return {"first": in_a_child(first), **in_a_child(after)}

cut = {
    "kill": killed_at,
    "limit": lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
}[sys.argv[3]]
find_reader(read_settings(home=Path(sys.argv[2])), "consents", None)  # reads all mappings
for number in json.loads(sys.argv[4]):
    print(json.dumps(trial(number, cut)), flush=True)
"""


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """Write a canonical file with 300 rows of one system, 200 of another, and 20 that break a rule."""
    path = tmp_path / "consents.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT CASE WHEN n < 300 THEN 'shop' ELSE 'till' END AS source, 'consent/' || n AS source_record_id,"
            " TIMESTAMP '2026-10-01 09:00:00' AS occurred_at, 'person' || n || '@example.com' AS email,"
            " 'email' AS channel, 'marketing' AS purpose, 'consent' AS legal_basis,"
            " CASE WHEN n % 25 = 0 THEN 'maybe' ELSE 'grant' END AS action FROM range(500) AS r(n)) TO ? (FORMAT parquet)",
            [str(path)],
        )
    return path


def trials(delivery: Path, tmp_path: Path, kind: str, numbers: range) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-W", "ignore", "-c", TRIALS, str(delivery), str(tmp_path), kind]
    done = subprocess.run([*command, json.dumps(list(numbers))], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    yield from map(json.loads, done.stdout.splitlines())


ALL = {"landings": 2, "rows": 480, "whole": True, "aside": 20}


def test_a_kill_at_any_step_leaves_all_of_a_delivery_or_nothing_and_the_next_ingest_lands_all(
    delivery: Path, tmp_path: Path
) -> None:
    outcomes = list(trials(delivery, tmp_path, "kill", range(1, 120, 4)))
    killed = [each for each in outcomes if each["first"] == {"killed": -9}]
    assert len(killed) > 12
    assert outcomes[-1]["first"] == {
        "rows_in": 500,
        "accepted": 480,
    }  # so many steps there are not: it came through
    for each in killed:
        assert each["seen"]["landings"] in {0, 2}
        assert each["seen"]["rows"] == 240 * each["seen"]["landings"]
        assert each["seen"]["whole"]
        assert each["second"]["rows_in"] == 500
        assert each["then"] == ALL | {"parts": 0}
    assert {each["seen"]["landings"] for each in killed} == {0, 2}


def test_a_full_disk_is_told_leaves_nothing_and_loses_nothing(delivery: Path, tmp_path: Path) -> None:
    outcomes = list(trials(delivery, tmp_path, "limit", range(1, 12_000, 1500)))
    told = [each for each in outcomes if "told" in each["first"]]
    assert len(told) > 2
    for each in told:
        assert "The disk is full: nothing of consents.parquet has landed. Make room" in each["first"]["told"]
        assert each["seen"]["landings"] == 0
        assert each["second"] == {"rows_in": 500, "accepted": 480}
        assert each["then"] == ALL | {"parts": 0}
