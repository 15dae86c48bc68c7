"""kill -9 while publishing, at any moment: the last release is whole and the next one is right."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from messaging.release import ReleaseReader
from pipelines.publishing.pointer import file_sha256, read_pointer
from pipelines.publishing.release import PUBLISHED, publish

from .conftest import facts, make_warehouse

KILLS = 12
PUBLISH_FOR_EVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from conftest import facts, make_warehouse
from pipelines.publishing.release import publish
build, releases, generation = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[4])
print("ready", flush=True)
while True:
    generation += 1
    make_warehouse(build, people=300, generation=generation)
    publish(build, releases, facts())
    print("published", flush=True)
"""


def generations(releases: Path) -> set[int]:
    """Give the generations found in the release that stands: one, unless it is mixed."""
    reader = ReleaseReader(releases)
    try:
        with reader.snapshot() as snapshot:
            found = [
                snapshot.row(
                    "SELECT min(generation) AS low, max(generation) AS high FROM query_table(?)",
                    [f"c360.{table}"],
                )
                for table in PUBLISHED
            ]
    finally:
        reader.close()
    return {value for row in found if row for value in row.values()}


def test_a_publisher_killed_at_random_moments_never_leaves_a_broken_or_mixed_release(tmp_path: Path) -> None:
    build, releases = tmp_path / "warehouse" / "build.duckdb", tmp_path / "releases"
    make_warehouse(build, people=300)
    publish(build, releases, facts())
    moments = random.Random(7)
    seen = set()
    for kill in range(KILLS):
        command = [
            sys.executable,
            "-c",
            PUBLISH_FOR_EVER,
            str(build),
            str(releases),
            str(Path(__file__).parent),
        ]
        with subprocess.Popen([*command, str(1000 * kill)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            if kill % 2:  # half of the kills come after a publish, however slow the machine
                assert process.stdout.readline() == "published\n"
            time.sleep(moments.uniform(0.05, 0.6))
            process.send_signal(signal.SIGKILL)
        pointer = read_pointer(releases)
        assert pointer is not None
        assert file_sha256(releases / pointer.file) == pointer.sha256
        found = generations(releases)
        assert len(found) == 1
        seen |= found
    assert len(seen) > 1
    make_warehouse(build, people=300, generation=-1)
    publish(build, releases, facts())
    assert generations(releases) == {-1}
    assert not list(releases.glob("*.tmp*"))
