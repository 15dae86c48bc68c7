"""Which old releases may go.

A reader may have read the pointer a moment before it was replaced, so nothing young is collected, by the
file's real age and not by the pinned clock of a demo.
"""

import time
from pathlib import Path

from pipelines.publishing.pointer import read_pointer

KEEP = 5
YOUNG_SECONDS = 600.0
PATTERN = "c360-*.duckdb"
PAST = "past"  # the folder of releases that tell of past moments and never stood
PAST_SECONDS = 30 * 86_400.0


def collect(folder: Path, keep: int = KEEP, young_seconds: float = YOUNG_SECONDS) -> list[str]:
    """Delete old releases beyond the newest `keep`, and half-written ones; gives the names that went.

    Only a build calls this, under the build's lock, so that a `.tmp` file cannot be one that is being
    written.
    """
    pointer = read_pointer(folder)
    current = pointer.file if pointer else ""
    releases = sorted(folder.glob(PATTERN), key=lambda path: path.stat().st_mtime, reverse=True)
    limit = time.time() - young_seconds
    old = [path for path in releases[keep:] if path.name != current and path.stat().st_mtime < limit]
    gone = [*old, *folder.glob(f"{PATTERN}.tmp*")]
    for path in gone:
        path.unlink(missing_ok=True)
    return [path.name for path in gone]


def collect_past(folder: Path, young_seconds: float = YOUNG_SECONDS) -> list[str]:
    """Delete releases of past moments that were built 30 days ago, and of each moment all but the newest.

    Nothing young goes, for somebody may have opened it just now. Gives the names that went; only a build calls this.
    """
    now, told = time.time(), set[str]()
    gone = list(folder.glob(f"{PATTERN}.tmp*"))
    for path in sorted(folder.glob(PATTERN), key=lambda path: path.stat().st_mtime, reverse=True):
        age = now - path.stat().st_mtime
        moment = path.name.rpartition("-")[0]
        if age > PAST_SECONDS or (moment in told and age > young_seconds):
            gone.append(path)
        told.add(moment)
    for path in gone:
        path.unlink(missing_ok=True)
    return [path.name for path in gone]
