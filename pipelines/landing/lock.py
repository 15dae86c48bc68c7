"""One writer of the landing zone at a time; a second one waits and can say for whom.

The lock is the operating system's, so it goes with its holder, however that one ends.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from messaging.settings import Settings

PAUSE_SECONDS = 0.1


def _ignore(_: str) -> None:
    return


@contextmanager
def landing_lock(settings: Settings, waiting: Callable[[str], None] = _ignore) -> Iterator[None]:
    """Hold `landing/.lock`; where another process has it, `waiting` is told once who that is."""
    settings.landing_dir.mkdir(parents=True, exist_ok=True)
    path = settings.landing_dir / ".lock"
    with path.open("a+") as file:
        told = False
        while not _taken(file.fileno()):
            if not told:
                waiting(_holder(path))
                told = True
            time.sleep(PAUSE_SECONDS)
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    return path.read_text().strip() or "another process"
