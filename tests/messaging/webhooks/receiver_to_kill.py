"""Receivers for the crash test to kill: `python receiver_to_kill.py HOME PORT`; each line on standard input starts one.

What takes long, the imports, is done once: each receiver is a fork, whose process id is printed.
"""

import os
import signal
import sys
from pathlib import Path

from messaging import serving
from messaging.clock import read_clock
from messaging.inbox import read_rules
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.webhooks.app import build_app


def receive() -> None:
    """Serve until killed."""
    settings = read_settings(home=Path(sys.argv[1]))
    with open_store(settings) as store:
        app = build_app(settings, store, read_clock(settings.home), lambda _: [])
        serving.serve(app, "127.0.0.1", int(sys.argv[2]))


read_rules()  # as what is imported: each of them would spend the first second of its life on it
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # its log is nobody's
        receive()
        os._exit(0)
    sys.stdout.write(f"{child}\n")
    sys.stdout.flush()
