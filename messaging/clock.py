"""Now, in one place, so that a demo, a test or a replay can say what time it is.

Times inside Rapport are naive UTC. Leases in the store use the database's own clock, not this one.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from data_contracts.errors import SettingsError

# Linux's clock that runs on while the machine sleeps; elsewhere one that may stand still then, beside the wall clock.
_RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

PIN_FILE = "clock.json"


@dataclass(frozen=True)
class Clock:
    """Tells the time; pinned, it stands still at one moment.

    `pinned_at` is naive UTC, or None for the real time.
    """

    pinned_at: datetime | None = None

    def now(self) -> datetime:
        """Give the current moment as naive UTC."""
        if self.pinned_at is not None:
            return self.pinned_at
        return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class FollowedClock(Clock):
    """Tells the time that the pin of a home names just now: whoever runs on sees a demo's clock being moved."""

    home: Path = Path()

    def now(self) -> datetime:
        """Give the current moment as naive UTC. Raises SettingsError as `read_clock` does."""
        return read_clock(self.home).now()


@dataclass(frozen=True)
class Instant:
    """A moment of this machine, to tell how long ago it was, whoever stood still since: the process or the machine.

    Real time always, whatever a Clock is pinned at: `running` and `wall` are seconds of two clocks.
    """

    running: float
    wall: float

    @classmethod
    def now(cls) -> Self:
        """Give this moment."""
        return cls(time.clock_gettime(_RUNNING), time.time())

    def seconds_ago(self) -> float:
        """Give the seconds since then, by whichever clock says more; a wall clock that was set back counts as forward.

        A machine that was frozen as a whole and whose clocks nobody put right says nothing of it.
        """
        return max(time.clock_gettime(_RUNNING) - self.running, abs(time.time() - self.wall))


def read_clock(home: Path) -> Clock:
    """Give the clock of a home: pinned where `clock.json` pins it (the demo's), else the real one.

    Raises SettingsError when the file is there but names no moment.
    """
    path = home / PIN_FILE
    if not path.exists():
        return Clock()
    try:
        moment = datetime.fromisoformat(json.loads(path.read_text())["pinned_at"])
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{path} does not name a moment.",
            'It should read {"pinned_at": "2026-10-30T12:00:00"}; delete it to go by the real time.',
        ) from error
    return Clock(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)


def follow_clock(home: Path) -> Clock:
    """Give the clock of a home to a process that runs on: a demo's may be moved meanwhile, by whoever presses a button.

    Raises SettingsError as `read_clock` does.
    """
    clock = read_clock(home)
    return clock if clock.pinned_at is None else FollowedClock(clock.pinned_at, home)


def pin_clock(home: Path, moment: datetime) -> None:
    """Pin the clock of a home to `moment` (naive UTC). The demo does this; live mode refuses such a home."""
    home.mkdir(parents=True, exist_ok=True)
    aside = home / f"{PIN_FILE}.tmp"
    aside.write_text(json.dumps({"pinned_at": moment.isoformat()}) + "\n")
    aside.replace(home / PIN_FILE)  # at once: others read it all the time
