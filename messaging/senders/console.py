"""A sender that prints: for trying out what would go to whom, without a provider or a sandbox."""

import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from messaging.senders.base import Accepted, OutboundMessage, Outcome, ProviderRecord

_printing = threading.Lock()  # senders are called from many threads: one message stays in one piece


class ConsoleSender:
    """Prints each message and says that it is delivered: no callback will ever come for it."""

    provider = "console"
    can_find = False  # a terminal keeps no list

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def send(self, message: OutboundMessage) -> Outcome:
        """Print one message."""
        subject = f" · {_printable(message.subject)}" if message.subject else ""
        media = "".join(f"\n  + {url}" for url in message.media_urls)
        lines = "\n".join(f"  {line}" for line in _printable(message.body).splitlines())
        with _printing:
            out = self._out or sys.stdout
            out.write(f"{message.channel} to {_printable(message.to)}{subject}\n{lines}{_printable(media)}\n")
            out.flush()
        return Accepted(message.message_id, "delivered")

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:  # noqa: ARG002
        """Find nothing."""
        return []


def _printable(text: str) -> str:
    """Leave out what a terminal would obey instead of showing."""
    return "".join(letter for letter in text if letter == "\n" or letter.isprintable())
