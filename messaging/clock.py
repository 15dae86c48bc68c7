"""Now, in one place, so that a demo, a test or a replay can say what time it is.

Times inside Rapport are naive UTC. Leases in the store use the database's own clock, not this one.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data_contracts.errors import SettingsError

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


def pin_clock(home: Path, moment: datetime) -> None:
    """Pin the clock of a home to `moment` (naive UTC). The demo does this; live mode refuses such a home."""
    home.mkdir(parents=True, exist_ok=True)
    (home / PIN_FILE).write_text(json.dumps({"pinned_at": moment.isoformat()}) + "\n")
