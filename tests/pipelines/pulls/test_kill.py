"""A pull that is killed, wherever it is: the next one brings everything, and nothing twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.pulls.places import pulled_dir

from .conftest import Vendor, pull
from .test_running import MAPPING, till  # noqa: F401 - the fixture

ROOT = Path(__file__).parents[3]
TO_KILL = """
import os, signal, sys
import pipelines.pulls.deliveries, pipelines.pulls.places, pipelines.pulls.running as running
import pipelines.landing.writer

def dying(module, name, after):
    real = getattr(module, name)
    def wrapper(*args, **options):
        result = real(*args, **options) if after else None
        os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(module, name, wrapper)

place, when = sys.argv[1].rsplit(":", 1)
module, name = place.rsplit(".", 1)
dying(sys.modules[module], name, when == "after")
from messaging.clock import Clock
from messaging.settings import read_settings
from pipelines.pulls.files import load_pull
settings = read_settings()
running.run_pull(settings, Clock(), load_pull(settings, "till"))
"""
PLACES = [
    "pipelines.pulls.deliveries._writer:before",  # while pages come
    "pipelines.pulls.running.write_delivery:after",
    "pipelines.landing.writer._write:after",
    "pipelines.pulls.running.ingest:after",
    "pipelines.pulls.running.move_watermark:after",
]


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_a_kill_loses_nothing_and_doubles_nothing(till: Vendor, settings: Settings, place: str) -> None:  # noqa: F811
    environment = {**os.environ, "RAPPORT_HOME": str(settings.home)}
    killed = subprocess.run([sys.executable, "-c", TO_KILL, place], cwd=ROOT, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    (rings,) = pull(settings, "till").streams
    assert rings.error is None
    assert MAPPING
    assert sum(landing.accepted for landing in list_landings(settings)) == 6
    assert [path.name for path in pulled_dir(settings, "till").iterdir() if path.is_dir()] == []
