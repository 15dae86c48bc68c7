"""What lets a campaign write to one person at a time: an event of theirs, or that they come into its segment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CATCH_UP_HOURS = 6.0
LONGEST_VALUE = 500  # characters
URL = re.compile(r"https?://[^\s\"'<>]+\Z")


@dataclass(frozen=True)
class Told:
    """A value that an event tells for the templates: in which of its fields, and what a plan shows in its place."""

    field: str  # a column of `events`, or properties.NAME
    example: str | int


@dataclass(frozen=True)
class Trigger:
    """An `event` by its name, or None where people are written to who come into the segment.

    Messages wait `wait_minutes` after it happened, and go to nobody who did one of `unless` since.
    """

    event: str | None
    wait_minutes: int = 0
    unless: tuple[str, ...] = ()
    values: Mapping[str, Told] = field(default_factory=dict)
    catch_up_hours: float = CATCH_UP_HOURS

    @property
    def names(self) -> frozenset[str]:
        """Name the events that it looks at."""
        return frozenset((self.event, *self.unless) if self.event else self.unless)

    def words(self) -> str:
        """Say what triggers it in a sentence."""
        what = f"At the event {self.event}" if self.event else "When somebody comes into its segment"
        wait = f", {self.wait_minutes:,} minutes later" if self.wait_minutes else ""
        off = f", unless {' or '.join(self.unless)} came since" if self.unless else ""
        return f"{what}{wait}{off}."

    def values_of(self, event: Mapping[str, Any]) -> dict[str, str | int | float]:
        """Give the values that an event tells; what it does not tell, or not as it can be shown, is left out."""
        found = {name: _plain(_looked_up(event, told.field)) for name, told in self.values.items()}
        return {name: value for name, value in found.items() if _can_be_shown(name, value)}


def _looked_up(event: Mapping[str, Any], path: str) -> Any:
    value: Any = event
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _plain(value: Any) -> Any:
    """Put blanks for what has no place in a line: breaks, and marks that turn the direction of writing."""
    if not isinstance(value, str):
        return value
    return "".join(each if each.isprintable() else " " for each in value).strip()


def _can_be_shown(name: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    if isinstance(value, str) and not 0 < len(value) <= LONGEST_VALUE:
        return False
    return not name.endswith("_url") or (isinstance(value, str) and URL.match(value) is not None)
