"""A dispatcher process beside others: `python dispatcher_beside.py HOME CALLS MERGES`, until its input ends.

Its provider takes everything and writes a line about it to the file CALLS; people are merged once the file MERGES is there.
"""

import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from messaging.clock import read_clock
from messaging.consent import KnownAs
from messaging.dispatch import run_dispatcher
from messaging.senders.base import Accepted, OutboundMessage, ProviderRecord
from messaging.settings import read_settings
from messaging.store import open_store


class Ledger:
    """A provider that takes everything, and appends one line a call to a file that several processes share."""

    provider = "twilio"
    can_find = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: OutboundMessage) -> Accepted:
        """Take a message."""
        with self._path.open("a") as file:  # which appends one short line as a whole
            file.write(f"{message.message_id} {message.to}\n")
        return Accepted(f"SM{message.message_id}")

    def find(self, _: OutboundMessage, __: datetime) -> Sequence[ProviderRecord]:
        """Have nothing on record."""
        return []


def merged(path: Path) -> dict[str, KnownAs]:
    """Give who is one, as far as it is known: the pairs of a file that may not be there yet."""
    pairs = [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []
    return {each: KnownAs(pair) for pair in pairs for each in pair}


def main() -> None:
    """Dispatch until somebody closes the standard input."""
    home, calls, merges = map(Path, sys.argv[1:])
    ending = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ending.set()), daemon=True).start()
    with open_store(read_settings(home=home)) as store:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        run_dispatcher(
            store,
            {"sms": Ledger(calls)},
            read_clock(home),
            ending,
            poll_seconds=0.02,
            threads=4,
            merges=lambda: merged(merges),
        )


if __name__ == "__main__":
    main()
