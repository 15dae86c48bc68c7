"""When the world begins and ends, and how far people's clocks are from UTC."""

import numpy as np

from pipelines.samples.arrays import Ints
from pipelines.samples.places import PLACES

START = np.datetime64("2025-04-28T00:00:00", "us")
END = np.datetime64("2026-10-30T12:00:00", "us")  # the demo clock's noon; nothing happens later
HOUR = np.timedelta64(3_600_000_000, "us")
# Hours ahead of UTC in summer; near enough for deciding when people are awake.
HOURS_AHEAD = {
    "America/Chicago": -5,
    "America/Denver": -6,
    "America/Los_Angeles": -7,
    "America/New_York": -4,
    "America/Phoenix": -7,
    "America/Toronto": -4,
    "America/Vancouver": -7,
    "Australia/Brisbane": 10,
    "Australia/Melbourne": 10,
    "Australia/Perth": 8,
    "Australia/Sydney": 10,
    "Europe/Berlin": 2,
    "Europe/Dublin": 1,
    "Europe/Lisbon": 1,
    "Europe/London": 1,
    "Europe/Madrid": 2,
    "Europe/Paris": 2,
    "Europe/Stockholm": 2,
}


def hours_ahead(place: Ints) -> Ints:
    """Give the hours that clocks at a place are ahead of UTC."""
    return np.asarray([HOURS_AHEAD[each.zone] for each in PLACES], dtype=np.int64)[place]
