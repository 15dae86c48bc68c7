"""The clock: real unless a home pins it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_contracts.errors import SettingsError
from messaging.clock import PIN_FILE, Clock, follow_clock, pin_clock, read_clock

NOON = datetime.fromisoformat("2026-10-30T12:00")


def test_the_clock_of_a_home_goes_by_the_real_time_in_naive_utc(home: Path) -> None:
    told = read_clock(home).now()
    assert told.tzinfo is None
    assert abs((datetime.now(UTC).replace(tzinfo=None) - told).total_seconds()) < 5


def test_a_pinned_clock_stands_still(home: Path) -> None:
    pin_clock(home / "new", NOON)
    assert read_clock(home / "new").now() == NOON


@pytest.mark.parametrize("text", ["", "{}", '{"pinned_at": 5}', '{"pinned_at": "noon"}', "[]"])
def test_a_pin_that_names_no_moment_is_refused_with_the_mend(home: Path, text: str) -> None:
    (home / PIN_FILE).write_text(text)
    with pytest.raises(SettingsError, match=r"does not name a moment. It should read"):
        read_clock(home)


def test_a_pin_with_a_time_zone_is_brought_to_utc(home: Path) -> None:
    (home / PIN_FILE).write_text('{"pinned_at": "2026-10-30T14:00:00+02:00"}')
    assert read_clock(home).now() == NOON


def test_whoever_runs_on_sees_a_demos_clock_being_moved_and_real_time_elsewhere(tmp_path: Path) -> None:
    pin_clock(tmp_path, NOON)
    running = follow_clock(tmp_path)
    assert running.now() == NOON
    pin_clock(tmp_path, NOON + timedelta(hours=1))
    assert running.now() == NOON + timedelta(hours=1)
    assert [path.name for path in tmp_path.iterdir()] == ["clock.json"]
    assert follow_clock(tmp_path / "real") == Clock()
