"""A build that dies during the identity step, at any moment, costs nobody their id."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from pipelines.identity.people import resolve_people
from pipelines.warehouse.connection import open_warehouse

AS_OF = datetime.fromisoformat("2026-10-30T12:00")
RECORDS = 20_000
STEP = """
import sys
from datetime import datetime
from pathlib import Path
from pipelines.identity.people import resolve_people

build, state = map(Path, sys.argv[1:])
print("ready", flush=True)
resolve_people(build, state, datetime.fromisoformat("2026-10-30T12:00"))
"""


def prepare(build: Path, people: int) -> None:
    """Give every record an e-mail address of one of so many people."""
    with open_warehouse(build) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS intermediate")
        connection.execute(
            "CREATE OR REPLACE TABLE intermediate.int_identity__identifiers AS"
            " SELECT 'purchases' AS origin_table, 'shop' AS source, 'line/' || i AS source_record_id,"
            " TIMESTAMP '2026-01-01' + to_hours(i) AS occurred_at, 'email' AS identifier_type,"
            " 'p' || (i % ?) || '@x' AS value, value AS match_key, NULL::VARCHAR AS refused_reason"
            " FROM range(?) AS records(i)",
            [people, RECORDS],
        )
        connection.execute(
            "CREATE OR REPLACE TABLE intermediate.int_identity__records AS"
            " SELECT origin_table, source, source_record_id, occurred_at, NULL::VARCHAR AS given_name,"
            " NULL::VARCHAR AS family_name,"
            " NULL::DATE AS birth_date FROM intermediate.int_identity__identifiers"
        )


def kill_after(seconds: float, build: Path, state: Path) -> bool:
    """Start the step in a process of its own and kill it; say whether it was still at work."""
    step = subprocess.Popen(
        [sys.executable, "-c", STEP, str(build), str(state)], stdout=subprocess.PIPE, text=True
    )
    assert step.stdout is not None
    assert step.stdout.readline() == "ready\n"
    time.sleep(seconds)
    at_work = step.poll() is None
    if at_work:
        os.kill(step.pid, signal.SIGKILL)
    step.wait()
    step.stdout.close()
    return at_work


def customers(build: Path) -> dict[str, str]:
    with open_warehouse(build, read_only=True) as connection:
        rows = connection.execute(
            "SELECT source_record_id, customer_id FROM identity.identity_map"
        ).fetchall()
    return {str(record): str(customer) for record, customer in rows}


@pytest.mark.slow
def test_a_step_that_is_killed_at_any_moment_swaps_and_loses_no_id(tmp_path: Path) -> None:
    build, state = tmp_path / "build.duckdb", tmp_path / "state.duckdb"
    prepare(build, people=500)
    started = time.monotonic()
    resolve_people(build, state, AS_OF)
    length = time.monotonic() - started
    before = customers(build)

    prepare(build, people=1000)  # each of the 500 turns out to be two
    killed = [kill_after(length * share / 8, build, state) for share in range(10)]
    report = resolve_people(build, state, AS_OF)

    after = customers(build)
    assert sum(killed) >= 2
    assert (report.records, report.people, report.merged_customers) == (RECORDS, 1000, 0)
    assert len(set(after.values())) == 1000
    assert set(before.values()) < set(after.values()), "each old id stays with one of its halves"
    assert all(after[record] == before[record] for record in before if after[record] in set(before.values()))
