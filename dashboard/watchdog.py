"""Ends a process tree when its supervisor is gone: `python -m dashboard.watchdog MARK`.

The supervisor holds the other end of this process's standard input. However it dies, `kill -9` included, the
system closes that end, the read below returns, and everything that carries the mark is ended.
"""

import signal
import sys

from dashboard import process_tree

GRACE = 4.0  # seconds; an orphan has to be gone after 10


def main(mark: str) -> None:
    """Wait for the supervisor's end, then end its tree."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # what ends the supervisor must not end its watchdog first
    sys.stdin.buffer.read()
    process_tree.end(process_tree.marked(mark), mark, GRACE)


if __name__ == "__main__":
    main(sys.argv[1])
