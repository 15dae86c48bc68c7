"""One build at a time: a file lock that names whoever holds it.

The lock is the operating system's (flock): it goes when its holder dies, however it dies, so there is nothing
to clean up after a `kill -9`. The file's text says who holds it and since when, for people to read.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data_contracts.errors import BuildRunningError

LOCK_FILE = "build.lock"
PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Holder:
    """The process that builds, and since when (naive UTC by the machine's own clock)."""

    pid: int
    since: str

    def __str__(self) -> str:
        return f"process {self.pid}, since {self.since} UTC"


def _ignore(_: Holder | None) -> None:
    return


@dataclass(frozen=True)
class Patience:
    """How long to wait for another build (None: as long as it takes; 0: not at all), and whom to tell."""

    seconds: float | None = None
    told: Callable[[Holder | None], None] = _ignore


FOREVER = Patience()


@contextmanager
def build_lock(folder: Path, patience: Patience = FOREVER) -> Iterator[None]:
    """Hold `folder`/build.lock for the length of a build; another holder is waited for, and told of once.

    Raises BuildRunningError when our patience ends first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("a+") as file:
        _acquire(file.fileno(), folder, patience)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": _now()}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)


def read_holder(folder: Path) -> Holder | None:
    """Say who builds at this moment, as far as the lock's text tells."""
    try:
        document = json.loads((folder / LOCK_FILE).read_text())
        return Holder(int(document["pid"]), str(document["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _acquire(descriptor: int, folder: Path, patience: Patience) -> None:
    deadline = None if patience.seconds is None else time.monotonic() + patience.seconds
    told = False
    while not _try_lock(descriptor):
        holder = read_holder(folder)
        if deadline is not None and time.monotonic() >= deadline:
            raise BuildRunningError(
                f"Another build is running ({holder or 'its process has not said its name yet'}).",
                "Wait until it is done, or leave --no-wait away and this one waits for it.",
            )
        if not told:
            patience.told(holder)
            told = True
        time.sleep(PAUSE_SECONDS)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
