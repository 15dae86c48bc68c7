"""Old releases go, but never the one that stands, one that a reader may hold, or too many."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.publishing.gc import KEEP, PAST, YOUNG_SECONDS, collect, collect_past
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


def test_of_releases_of_past_moments_the_newest_of_each_is_kept_for_thirty_days(tmp_path: Path) -> None:
    day = 86_400.0
    ages = {
        "c360-20261002T230000-a.duckdb": 29 * day,
        "c360-20261003T230000-a.duckdb": 31 * day,
        "c360-20261004T230000-a.duckdb": day,
        "c360-20261004T230000-b.duckdb": YOUNG_SECONDS / 2,
        "c360-20261005T230000-a.duckdb": YOUNG_SECONDS / 2,
        "c360-20261005T230000-b.duckdb": 1.0,
        "c360-20261006T230000-a.duckdb.tmp": 1.0,
    }
    for name, seconds in ages.items():
        (tmp_path / name).write_bytes(b"")
        age(tmp_path / name, seconds)
    assert set(collect_past(tmp_path)) == {
        "c360-20261003T230000-a.duckdb",  # a month old
        "c360-20261004T230000-a.duckdb",  # built again since
        "c360-20261006T230000-a.duckdb.tmp",  # of a build that was killed
    }


def test_releases_of_past_moments_count_for_none_of_those_that_stood(
    releases: Path, publish_once: Publish
) -> None:
    past = releases / PAST / "c360-20261002T230000-a.duckdb"
    past.parent.mkdir(parents=True)
    past.write_bytes(b"")
    publish_once()
    age(past, YOUNG_SECONDS * 2)
    publish_once()
    assert past.exists()
