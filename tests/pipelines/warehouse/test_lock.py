"""Only one build at a time, and the second one knows whom it waits for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_contracts.errors import BuildRunningError
from pipelines.warehouse.lock import Holder, Patience, build_lock, read_holder

HOLD = """
import sys, time
from pathlib import Path
from pipelines.warehouse.lock import build_lock
with build_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold_elsewhere(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_build_is_refused_by_name_when_it_must_not_wait(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path) as other:
        try:
            with (
                pytest.raises(BuildRunningError, match=f"process {other.pid}, since 20"),
                build_lock(tmp_path, Patience(0)),
            ):
                pass
        finally:
            other.kill()


def test_a_second_build_waits_names_the_holder_once_and_goes_on_when_it_dies(tmp_path: Path) -> None:
    told: list[Holder | None] = []
    with hold_elsewhere(tmp_path) as other:

        def tell(holder: Holder | None) -> None:
            told.append(holder)
            os.kill(other.pid, signal.SIGKILL)

        with build_lock(tmp_path, Patience(20, tell)):
            holder = read_holder(tmp_path)
            assert holder is not None
            assert holder.pid == os.getpid()
    assert [holder.pid for holder in told if holder] == [other.pid]


def test_the_lock_is_free_again_after_the_block_also_when_it_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), build_lock(tmp_path):
        raise ZeroDivisionError
    started = time.monotonic()
    with build_lock(tmp_path, Patience(0)):
        assert time.monotonic() - started < 1
    assert read_holder(tmp_path) is None
