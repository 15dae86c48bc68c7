"""Takes a campaign's steps in processes that die: `python steps_to_kill.py HOME PUBLIC_URL SANDBOX_URL`.

It imports everything once and forks. Each line on standard input is a step (`plan`, `approve`, `launch`, `dispatch`, `listen`), the
run's id or `-`, and where to die: `before:2` and `after:2` are its second commit, anything else is a failpoint of a
dispatcher, `-` is nowhere. It answers with the new process's id; `wait` answers with the exit code of the newest, or minus
the signal that killed it.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from data_contracts.errors import RapportError
from messaging.clock import read_clock
from messaging.dispatch import dying_at, run_dispatcher
from messaging.planner import build_planner, runs
from messaging.planner.triggers import Triggers
from messaging.senders.build import build_senders
from messaging.settings import read_settings
from messaging.store import Store, open_store

_, HOME, PUBLIC_URL, SANDBOX_URL = sys.argv
REFUSED = 3
CAMPAIGN = "win_back"


def dies_at_a_commit(side: str, number: int) -> None:
    """Kill this process before or after the commit of that number, as a power cut would."""
    real, done = Store.write, 0

    @contextmanager
    def write(store: Store) -> Iterator[Connection]:
        nonlocal done
        done += 1
        with real(store) as connection:
            yield connection
            if (side, number) == ("before", done):
                os.kill(os.getpid(), signal.SIGKILL)
        if (side, number) == ("after", done):
            os.kill(os.getpid(), signal.SIGKILL)

    Store.write = write  # type: ignore[method-assign]


def take(step: str, run_id: str, where: str) -> int:
    """Take one step; give the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the parent's answers go there
    at_commit = where.startswith(("before:", "after:"))
    point = "" if at_commit or where == "-" else where
    settings = read_settings(
        home=Path(HOME),
        public_url=PUBLIC_URL,
        sandbox_url=SANDBOX_URL,
        failpoint=point,
        company_address="1 Quay Street",
    )
    clock = read_clock(settings.home)
    runs.BATCH = 10  # so that a small plan has several commits
    if step == "dispatch":
        run_dispatcher(
            open_store(settings),
            build_senders(settings, ["sms"]),
            clock,
            threading.Event(),
            poll_seconds=0.02,
            threads=4,
            lease=timedelta(seconds=1),
            die_at=dying_at(settings),
        )
    planner = build_planner(settings, clock)
    if at_commit:
        side, _, number = where.partition(":")
        dies_at_a_commit(side, int(number))
    try:
        if step == "listen":
            Triggers(planner).look()
        elif step == "plan":
            planner.plan(CAMPAIGN, "eva")
        else:
            getattr(planner, step)(run_id, "otto")
    except RapportError:
        return REFUSED
    return 0


def answer(word: object) -> None:
    """Tell the test."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


build_senders(read_settings(home=Path(HOME), sandbox_url=SANDBOX_URL), ["sms"])  # imports what it needs
answer("ready")
newest = 0
for line in sys.stdin:
    if line.strip() == "wait":
        answer(os.waitstatus_to_exitcode(os.waitpid(newest, 0)[1]))
        continue
    newest = os.fork()
    if not newest:
        code = 70
        try:
            code = take(*line.split())
        finally:
            os._exit(code)
    answer(newest)
