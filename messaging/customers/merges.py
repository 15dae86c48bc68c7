"""Which ids are one person: a message that was planned for one id may go out after it became another."""

from collections.abc import Iterable, Mapping

import structlog

from data_contracts.errors import RapportError
from messaging.release import ReleaseReader

log = structlog.get_logger(__name__)

ALIASES = "SELECT old_customer_id, customer_id FROM c360.identity_alias"


class Merges:
    """Gives every id of a person, by each of them; read once a release, so that it can be asked all the time."""

    def __init__(self, reader: ReleaseReader) -> None:
        self._reader = reader
        self._version: str | None = None
        self._groups: dict[str, tuple[str, ...]] = {}

    def __call__(self) -> Mapping[str, tuple[str, ...]]:
        """Give all ids of each person who has had several. While no release can be read, the last known ones."""
        try:
            if self._reader.info().version != self._version:
                with self._reader.snapshot() as snapshot:
                    rows = snapshot.rows(ALIASES)
                    self._groups, self._version = grouped(rows), snapshot.info.version
        except RapportError as error:
            log.debug("merges.unknown", reason=type(error).__name__)
        return self._groups


def grouped(aliases: Iterable[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Put the ids together that became one, through all merges."""
    became = {row["old_customer_id"]: row["customer_id"] for row in aliases}
    people: dict[str, set[str]] = {}
    for old in became:
        current = last_id(became, old)
        people.setdefault(current, {current}).add(old)
    return {each: tuple(sorted(ids)) for ids in people.values() for each in ids}


def last_id(became: Mapping[str, str], customer_id: str) -> str:
    """Follow an id to the one that it is today; a ring, which there should never be, ends."""
    current, hops = customer_id, 0
    while current in became and hops < len(became):
        current, hops = became[current], hops + 1
    return current
