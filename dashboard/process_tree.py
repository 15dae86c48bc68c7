"""Find and end every process that descends from one start, also those whose parents have died.

Each process of a tree inherits one environment variable with the tree's own mark. A parent may be killed and
its children adopted by init, so neither process groups nor parent ids find them all; the mark does.
"""

import contextlib
import os
import time
from collections.abc import Sequence

import psutil

MARK = "RAPPORT_PROCESS_TREE"
GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError)


def marked(mark: str) -> list[psutil.Process]:
    """Give the living processes of this user whose mark begins with `mark`, the caller left out."""
    return [process for process in psutil.process_iter() if _carries(process, mark)]


def end(heads: Sequence[psutil.Process], mark: str, grace: float) -> int:
    """Ask `heads` to end, then what outlives them, and kill what carries `mark` after `grace` seconds.

    Heads come first so that each may end its own children in order. Gives the number of processes killed.
    """
    _signal(heads, kill=False)
    deadline = time.monotonic() + grace
    orphans_asked = False
    while (left := marked(mark)) and time.monotonic() < deadline:
        if not orphans_asked and not set(left) & set(heads):
            _signal(left, kill=False)
            orphans_asked = True
        time.sleep(0.1)
    killed = len(left)
    while left:
        _signal(left, kill=True)
        psutil.wait_procs(left, timeout=1)
        left = marked(mark)  # what a dying parent had just started
    return killed


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get(MARK, "").startswith(mark)
    except GONE:
        return False


def _signal(processes: Sequence[psutil.Process], *, kill: bool) -> None:
    for process in processes:
        with contextlib.suppress(*GONE):
            process.kill() if kill else process.terminate()
