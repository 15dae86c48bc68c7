"""Old releases go, but never the one that stands, one that a reader may hold, or too many."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.publishing.gc import KEEP, YOUNG_SECONDS, collect
from pipelines.publishing.pointer import Pointer, read_pointer

Publish = Callable[[], Pointer]


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("c360-*")}


def test_the_newest_five_are_kept(releases: Path, publish_once: Publish) -> None:
    published = [publish_once().file for _ in range(KEEP + 2)]
    for number, name in enumerate(reversed(published)):
        age(releases / name, YOUNG_SECONDS + 10 * number + 1)
    assert set(collect(releases)) == set(published[:2])
    assert files(releases) == set(published[2:])


def test_nothing_younger_than_ten_minutes_goes(releases: Path, publish_once: Publish) -> None:
    for _ in range(KEEP + 2):
        publish_once()
    assert collect(releases) == []
    assert len(files(releases)) == KEEP + 2


def test_the_release_that_stands_stays_however_old_it_is(releases: Path, publish_once: Publish) -> None:
    publish_once()
    current = publish_once()
    for path in releases.glob("c360-*"):
        age(path, 10 * YOUNG_SECONDS)
    age(releases / current.file, 99 * YOUNG_SECONDS)
    collect(releases, keep=0)
    assert files(releases) == {current.file}
    assert read_pointer(releases) == current


def test_what_a_killed_build_left_half_written_goes_at_once(releases: Path, publish_once: Publish) -> None:
    publish_once()
    half = releases / "c360-20261030T120000-dead.duckdb.tmp"
    half.write_bytes(b"half")
    half.with_name(f"{half.name}.wal").write_bytes(b"half")
    assert len(collect(releases)) == 2
