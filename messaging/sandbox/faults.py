"""Misfortunes that a test asks for: each falls upon the next few requests that create a message."""

import threading
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "reject_429",  # 429 before anything happened
    "error_500",  # 500 and nothing accepted
    "drop",  # the connection breaks and nothing was accepted
    "error_500_after",  # accepted, but the answer is 500
    "drop_after",  # accepted, but the connection breaks before the answer
    "delay",  # accepted, answered `seconds` later
    "no_callback",  # no status callback ever comes
    "double_callback",  # every status callback comes twice
    "reversed_callbacks",  # the status callbacks come last first
    "undelivered",  # ends as undelivered with `code`
    "failed",  # ends as failed with `code`
    "busy",  # a call: the line is engaged
    "no_answer",  # a call: nobody picks up
    "bounce",  # a mail: the mailbox does not exist
    "dropped",  # a mail: the provider takes it and throws it away
    "deferred",  # a mail: put off once, then delivered
    "spam_report",  # a mail: delivered, then reported by its reader
    "machine_open",  # a mail: opened by its reader's mail service, not by its reader
]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass
class Fault:
    """One misfortune, and how often it still falls. `to` narrows it to one recipient."""

    kind: Kind
    count: int = 1
    to: str | None = None
    seconds: float = 0.0
    code: int | None = None


class Faults:
    """What is still to go wrong; several faults of different kinds can fall upon one request."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let `fault` fall upon the next requests."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> list[Fault]:
        """Give what is still to go wrong."""
        with self._lock:
            return list(self._faults)

    def take(self, to: str) -> dict[str, Fault]:
        """Give, by kind, the faults that fall upon a request to `to`, and use each up by one."""
        with self._lock:
            falling: dict[str, Fault] = {}
            for fault in self._faults:
                if fault.kind not in falling and fault.to in {None, to}:
                    falling[fault.kind] = fault
                    fault.count -= 1
            self._faults = [fault for fault in self._faults if fault.count > 0]
            return falling
