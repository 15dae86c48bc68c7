"""When the content of a landing came: a replay lands now what came before, and must not overtake what came in between."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pipelines.landing.manifest import REPLAYED, Landing

Age = tuple[datetime, datetime]


def ages(landings: Sequence[Landing]) -> dict[Path, Age]:
    """Give, by path, when the rows of each landing first came, and when they landed; naive UTC.

    The rows of a replay came with the file that they were set aside from, those of a file that was read again when it was
    read first.
    """
    first: dict[tuple[str, ...], datetime] = {}
    for landing in landings:
        key = _file(landing)
        first[key] = min(first.get(key, landing.received_at), landing.received_at)
    origins = {(each.source, each.table, each.landing_id): first[_file(each)] for each in landings}
    return {
        each.path: (origins.get(_origin(each), first[_file(each)]), each.received_at) for each in landings
    }


def came_after(landing: Landing, landings: Sequence[Landing]) -> list[Landing]:
    """Give the landings of the same source and table whose rows are newer than those of this one."""
    found = ages(landings)
    return [
        each
        for each in landings
        if (each.source, each.table) == (landing.source, landing.table)
        and found[each.path] > found[landing.path]
    ]


def came_later(landing: Landing, landings: Sequence[Landing]) -> list[Landing]:
    """Give the landings of the same source and table whose rows came later, in other files."""
    found = ages(landings)
    moment = found[landing.path][0]
    return [each for each in came_after(landing, landings) if found[each.path][0] > moment]


def _file(landing: Landing) -> tuple[str, ...]:
    return (landing.source, landing.table, landing.file_sha256, landing.origin.part)


def _origin(landing: Landing) -> tuple[str, str, str]:
    replayed = landing.file_name.startswith(REPLAYED)
    return (landing.source, landing.table, landing.file_name.removeprefix(REPLAYED) if replayed else "")
