"""Makes dispatcher processes for the crash tests to kill: `python dispatchers_to_kill.py HOME PUBLIC_URL SANDBOX_URL`.

It imports everything once and forks, so that a dispatcher begins within milliseconds and a thousand of them are no
matter of hours. Each line on standard input is a failpoint, or empty for none; it answers with the new one's process id.
`stopped` answers once the newest was suspended. `command` starts `rapport dispatch` itself. `wait` answers once the newest has ended, with its exit code or minus its signal.
"""

import os
import sys
import threading
from datetime import timedelta
from pathlib import Path

from messaging.cli import sending
from messaging.clock import read_clock
from messaging.dispatch import dying_at, run_dispatcher
from messaging.senders.build import build_senders
from messaging.settings import read_settings
from messaging.store import open_store

_, HOME, PUBLIC_URL, SANDBOX_URL = sys.argv


def dispatch(failpoint: str) -> None:
    """Dispatch until somebody ends this process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the parent's answers go there
    settings = read_settings(
        home=Path(HOME), public_url=PUBLIC_URL, sandbox_url=SANDBOX_URL, failpoint=failpoint
    )
    run_dispatcher(
        open_store(settings),
        build_senders(settings, ["sms"]),
        read_clock(settings.home),
        threading.Event(),
        poll_seconds=0.02,
        threads=8,
        lease=timedelta(seconds=1),
        **({"call_within": 2.0} if failpoint.endswith("suspend") else {}),
        die_at=dying_at(settings),
    )


def run_command() -> None:
    """Do what `rapport dispatch` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.environ |= {"RAPPORT_HOME": HOME, "RAPPORT_PUBLIC_URL": PUBLIC_URL, "RAPPORT_SANDBOX_URL": SANDBOX_URL}
    sending.dispatch(once=False, as_json=True)


def answer(word: object) -> None:
    """Tell the test."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


build_senders(read_settings(home=Path(HOME), sandbox_url=SANDBOX_URL), ["sms"])  # imports what it needs
answer("ready")
newest = 0
for line in sys.stdin:
    if line.strip() == "stopped":
        status = os.waitpid(newest, os.WUNTRACED)[1]
        answer(os.WSTOPSIG(status) if os.WIFSTOPPED(status) else "ended")
        continue
    if line.strip() == "wait":
        answer(os.waitstatus_to_exitcode(os.waitpid(newest, 0)[1]))
        continue
    newest = os.fork()
    if not newest:
        if line.strip() == "command":
            run_command()
            os._exit(0)
        dispatch(line.strip())
        os._exit(1)
    answer(newest)
