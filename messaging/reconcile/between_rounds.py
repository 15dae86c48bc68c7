"""Settling between a dispatcher's rounds: now and then, and never for long, as nothing is sent meanwhile."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from messaging.clock import Clock
from messaging.reconcile.asking import ask_silent
from messaging.reconcile.settling import reconcile
from messaging.senders.base import Sender
from messaging.store import Store

EVERY = 30.0  # seconds
AT_MOST = 5.0  # seconds of each of both: a provider whose list is slow holds up what goes by the others
ASK_AGAIN_AFTER = timedelta(minutes=10)  # for what a person has to decide


@dataclass
class Settling:
    """Settles what is unknown and asks for what is silent. One belongs to a dispatcher, across its rounds.

    What there was no time for has its turn the next time.
    """

    every: float = EVERY
    at_most: float = AT_MOST
    next_turn: float = field(default=0.0, init=False)
    after: str = field(default="", init=False)

    def turn(
        self, store: Store, senders: Mapping[str, Sender], clock: Clock, is_ending: Callable[[], bool]
    ) -> None:
        """Do so where it is time again, unless the dispatcher ends."""
        if is_ending() or time.monotonic() < self.next_turn:
            return
        report = reconcile(
            store,
            senders,
            clock,
            again_after=ASK_AGAIN_AFTER,
            after=self.after,
            go_on=self._in_time(is_ending),
        )
        self.after = report.cut_after
        if not is_ending():
            ask_silent(store, senders, clock, go_on=self._in_time(is_ending))
        self.next_turn = time.monotonic() + self.every

    def _in_time(self, is_ending: Callable[[], bool]) -> Callable[[], bool]:
        until = time.monotonic() + self.at_most
        return lambda: not is_ending() and time.monotonic() < until
