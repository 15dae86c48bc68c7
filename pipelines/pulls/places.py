"""The folder of a pull, RAPPORT_HOME/pulled/<name>: deliveries on their way, and the watermark.

A delivery is written aside and renamed as a whole: one that is there is complete. It holds personal data, so the folder
is the owner's alone and a delivery goes when it has landed. The watermark is moved by one rename, after the landing.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_contracts.errors import RefusedError, SettingsError
from messaging.settings import Settings
from pipelines.landing.durable import write_json
from pipelines.pulls.marks import Mark, mark_document, read_document

WATERMARK = "watermark.json"
COMING = ".coming"


def pulled_dir(settings: Settings, name: str) -> Path:
    """Where a pull keeps its watermark and its deliveries."""
    return settings.home / "pulled" / name


@contextmanager
def pull_lock(settings: Settings, name: str) -> Iterator[None]:
    """Hold a pull for this process; the lock goes with its holder, however that one ends.

    Raises RefusedError where another process has it: what that one brings is what we would.
    """
    folder = pulled_dir(settings, name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise RefusedError(f"The pull {name} is running already ({holder}).", "Let it end.") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def sweep_deliveries(settings: Settings, name: str) -> None:
    """Remove what a killed or refused run left; the watermark stands before it, so it comes again."""
    for folder in pulled_dir(settings, name).iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)


@contextmanager
def whole_delivery(settings: Settings, name: str, stream: str) -> Iterator[tuple[Path, Path]]:
    """Give a folder to write to and the folder that it becomes when the block ends well; else it goes away."""
    folder = pulled_dir(settings, name)
    coming, there = folder / COMING, folder / stream
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(mode=0o700)
    try:
        yield coming, there
        for path in (*coming.iterdir(), coming):
            _flush(path)
        coming.replace(there)
        _flush(folder)
    finally:
        shutil.rmtree(coming, ignore_errors=True)


def drop_delivery(settings: Settings, name: str, stream: str) -> None:
    """Remove a delivery that has landed."""
    shutil.rmtree(pulled_dir(settings, name) / stream, ignore_errors=True)


def read_watermarks(settings: Settings, name: str) -> dict[str, Mark]:
    """Read how far each stream of a pull has landed. Raises SettingsError where the file is damaged."""
    path = pulled_dir(settings, name) / WATERMARK
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text())
        return {stream: read_document(mark) for stream, mark in document["streams"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{path} is damaged.",
            f"Delete it: `rapport pull run {name}` then asks for everything, and doubles nothing.",
        ) from error


def move_watermark(settings: Settings, name: str, stream: str, mark: Mark) -> None:
    """Remember that everything up to `mark` has landed. The pull's lock has to be held."""
    marks = read_watermarks(settings, name) | {stream: mark}
    write_json(
        pulled_dir(settings, name) / WATERMARK,
        {"streams": {stream: mark_document(mark) for stream, mark in sorted(marks.items())}},
    )


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
