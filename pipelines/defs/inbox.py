"""The drop folder: inbox/<source>/[<mapping>/]<file>.

What lies there is landed by a job of its own, or by a build that comes first, and moved to inbox/<source>/done/ or
refused/.

A file is taken once nobody has written to it for a few seconds. Write it under a name that begins with a dot
or ends in .part or .tmp and rename it when it is whole, and there is nothing to wait for.
"""

import fcntl
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from data_contracts.errors import RapportError, StoreError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.redaction import redacted

if TYPE_CHECKING:
    from pipelines.sources.report import IngestReport

log = structlog.get_logger(__name__)

DONE, REFUSED = "done", "refused"
LOCK = ".lock"
UNFINISHED = (".part", ".tmp", ".crdownload")
SETTLE_SECONDS = 5.0  # real time, whatever a demo's clock says


@dataclass(frozen=True)
class DroppedFile:
    """A file that waits; `mapping` names how its columns are read, where its source is a table."""

    source: str
    mapping: str | None
    path: Path


@dataclass(frozen=True)
class TakenFile:
    """What became of a file: what landed of it, or why it was refused as a whole."""

    source: str
    report: "IngestReport | None" = None
    refused: str = ""

    @property
    def accepted(self) -> int:
        """Rows that landed."""
        return self.report.accepted if self.report else 0

    @property
    def quarantined(self) -> int:
        """Rows that were set aside."""
        return self.report.quarantined if self.report else 0


def settled_files(settings: Settings, settle_seconds: float = SETTLE_SECONDS) -> list[DroppedFile]:
    """List the files that wait and are whole, in the order of their names."""
    return [file for file in _dropped(settings.inbox_dir) if _is_settled(file.path, settle_seconds)]


def _is_settled(path: Path, seconds: float) -> bool:
    """Say whether nobody has written to a file lately; a moment to come is that of a clock that was wrong."""
    try:
        return abs(time.time() - path.stat().st_mtime) >= seconds
    except FileNotFoundError:  # taken away in between
        return False


def take_dropped_files(
    settings: Settings, clock: Clock, settle_seconds: float = SETTLE_SECONDS
) -> list[TakenFile]:
    """Ingest what waits; one bad file keeps no other from being taken. A second process waits for the first.

    Where the store does not answer, which has to know of opt-outs first, a file waits on, and is asked for again.
    A file on which a reader fails in a way that nobody foresaw is refused too: else it would stand before the others, and
    before every build, for ever.
    """
    if not settled_files(settings, settle_seconds):
        return []
    with (settings.inbox_dir / LOCK).open("a") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
        taken = [_take(settings, clock, file) for file in settled_files(settings, settle_seconds)]
    return [each for each in taken if each]


def _dropped(inbox: Path) -> Iterator[DroppedFile]:
    for folder in sorted(path for path in inbox.glob("*") if path.is_dir()):
        yield from (DroppedFile(folder.name, None, path) for path in _whole(folder))
        for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
            if inner.name not in {DONE, REFUSED}:
                yield from (DroppedFile(folder.name, inner.name, path) for path in _whole(inner))


def _whole(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.suffix not in UNFINISHED
    )


def _take(settings: Settings, clock: Clock, file: DroppedFile) -> TakenFile | None:
    from pipelines.sources.intake import ingest  # pyarrow and DuckDB; most builds find nothing here

    folder = settings.inbox_dir / file.source
    try:
        report = ingest(settings, clock, file.source, [file.path], file.mapping)
    except StoreError:
        log.warning("a dropped file waits for the store", source=file.source)
        file.path.touch()  # the sensor asks once for each state of the folder
        return None
    except RapportError as error:
        return _refuse(folder, file, error.message, error.mend)
    except Exception as error:  # noqa: BLE001 - see `take_dropped_files`
        log.warning("a dropped file could not be read", source=file.source, error=type(error).__name__)
        what = f"Reading it failed: {type(error).__name__}: {redacted(str(error))}"
        return _refuse(
            folder, file, what, "Ingest it by hand to see where: `rapport ingest` names the place."
        )
    _move(file.path, folder / DONE)
    return TakenFile(file.source, report)


def _refuse(folder: Path, file: DroppedFile, reason: str, mend: str) -> TakenFile:
    target = _move(file.path, folder / REFUSED)
    target.with_name(f"{target.name}.reason.json").write_text(
        json.dumps({"reason": reason, "mend": mend}, indent=2) + "\n"
    )
    return TakenFile(file.source, refused=reason)


def _move(path: Path, folder: Path) -> Path:
    """Move a file aside under a name that is free."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    number = 1
    while target.exists():
        target = folder / f"{path.stem}-{number}{path.suffix}"
        number += 1
    return path.replace(target)
