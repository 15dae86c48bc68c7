"""kill -9 of a build, stage by stage: the last release stands whole, and the next build is right."""

import random
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import open_store
from messaging.store.tables import builds
from pipelines.defs.build import BuildReport, run_build
from pipelines.publishing.pointer import file_sha256, read_pointer

from .conftest import land, purchase

STAGES = ("load", "dbt after_identity", "dbt after_scoring", "release")
BUILD = """
import sys
from datetime import datetime
from pathlib import Path
from messaging.clock import Clock
from messaging.settings import read_settings
from pipelines.defs.build import run_build
from pipelines.defs.session import BuildSession

timed = BuildSession.stage
def told(session, name):
    print(name, flush=True)
    return timed(session, name)
BuildSession.stage = told
run_build(read_settings(home=Path(sys.argv[1])), Clock(datetime.fromisoformat("2026-10-30T12:00")), full=True)
"""


def build_and_kill(settings: Settings, stage: str, delay: float) -> None:
    """Start a build in a process of its own and kill it a moment after it has entered a stage."""
    command = [sys.executable, "-W", "ignore", "-c", BUILD, str(settings.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        entered = next((line for line in process.stdout if line.strip() == stage), None)
        assert entered, f"the build ended before it came to {stage}"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_build_killed_in_any_stage_leaves_the_last_release_and_the_next_one_is_right(
    built: BuildReport, copied: Settings, clock: Clock
) -> None:
    land(copied, clock, "purchases", [purchase(8, email="ada.quill@example.com")])
    moments = random.Random(11)
    for stage in STAGES:
        build_and_kill(copied, stage, moments.uniform(0, 0.05))
        pointer = read_pointer(copied.releases_dir)
        assert pointer is not None
        assert pointer.version == built.version
        assert file_sha256(copied.releases_dir / pointer.file) == pointer.sha256
    report = run_build(copied, clock)
    assert report.people == {"customers": 2, "orders": 5, "guest_orders": 1}
    assert all(item.closes for item in report.sums)
    assert not list(copied.releases_dir.glob("*.tmp*"))
    with open_store(copied) as store, store.read() as connection:
        states = connection.execute(select(builds.c.state).order_by(builds.c.build_id)).scalars().all()
    assert states == ["published", *["failed"] * len(STAGES), "published"]
