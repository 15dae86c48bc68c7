"""The dispatcher: takes messages from the outbox, calls their senders, writes down what came of it.

One thread writes. Each of its transactions records the calls that have just ended and commits the intents of the next
ones, so that a commit serves many messages. Threads only call providers. A process that dies leaves leases behind; the
next one takes them over: what was claimed goes back, what was being called becomes unknown.
"""

import os
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Row

from data_contracts.errors import StoreError, StoreOutdatedError
from messaging import outbox
from messaging.clock import Clock, Instant
from messaging.deliverability import Breaker
from messaging.dispatch.callers import Callers, Ended
from messaging.dispatch.calling import NotMade, made, make_call
from messaging.dispatch.failpoints import Point
from messaging.dispatch.report import DispatchReport, add, tally
from messaging.outbox.queue import LEASE
from messaging.policy import Limits, shipped_limits
from messaging.quiet_hours import QuietRules, read_quiet_rules
from messaging.reconcile import Settling
from messaging.senders.base import Sender
from messaging.senders.last_look import CALL_WITHIN
from messaging.senders.rates import Rates
from messaging.store import Store

log = structlog.get_logger(__name__)

Written = TypeVar("Written")
THREADS = 16
STORE_PATIENCE = 60.0  # seconds that outcomes are kept in memory while the store cannot be written
RECOVER_EVERY = 15.0  # seconds
WORTH_WAITING = 60.0  # seconds: a sender that rests for longer is left to the next dispatch
SHORTEST_PAUSE = 0.01


@dataclass(frozen=True)
class Dispatching:
    """How a dispatcher works: its senders, its rules, how many calls at once, how long a lease holds.

    `merges` gives every id of people who have had several, as of now: `messaging.customers.merges.Merges`. The `breaker`
    pauses campaigns that do harm. A call that is not made `call_within` seconds after it was decided upon is not made at
    all. `die_at` ends the process at a point that tests choose: `failpoints.dying_at`. `on_report` is told of what each
    transaction wrote down.
    """

    senders: Mapping[str, Sender]
    clock: Clock
    rules: QuietRules = field(default_factory=read_quiet_rules)
    limits: Limits = field(default_factory=shipped_limits)
    rates: Rates = field(default_factory=Rates)
    breaker: Breaker = field(default_factory=Breaker)
    threads: int = THREADS
    lease: timedelta = LEASE
    call_within: float = CALL_WITHIN
    merges: Callable[[], outbox.AllIds] = lambda: outbox.NOBODY_MERGED
    die_at: Callable[[Point], None] = lambda _: None
    on_report: Callable[[DispatchReport], None] = lambda _: None


def dispatch_once(
    store: Store,
    senders: Mapping[str, Sender],
    clock: Clock,
    *,
    stop_event: threading.Event | None = None,
    on_progress: Callable[[int], None] | None = None,
    **options: Any,
) -> DispatchReport:
    """Send what may go now, until nothing is left of it or `stop_event` is set; give what was done.

    `options` are the fields of Dispatching; `on_progress` is told of calls as they end. Raises StoreError
    when the store cannot be written for a minute: the calls that ended meanwhile are then found again as
    unknown.
    """
    work = Dispatching(senders, clock, **options)
    return _Round(store, work, stop_event or threading.Event(), on_progress or (lambda _: None)).run()


def run_dispatcher(  # noqa: PLR0913 - what it works on, and how often
    store: Store,
    senders: Mapping[str, Sender],
    clock: Clock,
    stop_event: threading.Event,
    *,
    poll_seconds: float = 1.0,
    settling: Settling | None = None,
    **options: Any,
) -> DispatchReport:
    """Dispatch until `stop_event` is set, settling unknown messages now and then; give the sum of it.

    A store that cannot be written for a while is waited for: nothing is lost by that. Raises StoreOutdatedError when a
    newer version upgraded it meanwhile: what was being called is then found again as unknown.
    """
    total = DispatchReport()
    options.setdefault("breaker", Breaker())  # one for all rounds: it knows when it looked last
    settling = settling or Settling()
    while not stop_event.is_set():
        try:
            add(total, dispatch_once(store, senders, clock, stop_event=stop_event, **options))
            settling.turn(store, senders, clock, stop_event.is_set)
        except StoreOutdatedError:
            raise
        except StoreError as error:
            log.warning("dispatch.store_unavailable", told=error.message)
        stop_event.wait(poll_seconds)
    return total


class _Round:
    """One run until the outbox has nothing more that may go now."""

    def __init__(
        self, store: Store, work: Dispatching, stopping: threading.Event, told: Callable[[int], None]
    ) -> None:
        self.store = store
        self.work = work
        self.stopping = stopping
        self.told = told
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.report = DispatchReport()
        self.claimed: deque[str] = deque()
        make = partial(make_call, senders=work.senders, within=work.call_within, die_at=work.die_at)
        self.callers = Callers(work.threads, make)
        self.ended: list[Ended] = []
        self.next_recover = time.monotonic()
        self.pause = 0.0  # seconds until a sender may be given more
        self.calm = False  # whether nothing went wrong lately with any sender

    def run(self) -> DispatchReport:
        """Work until nothing is left; on the way out, record what was under way and give the rest back."""
        with self.callers:
            while True:
                if self.ended:
                    self.work.die_at("before_record")
                self._patiently(lambda: self.work.breaker.look(self.store, self.work.clock))
                calls, more = self._patiently(self._write)
                if calls:
                    self.work.die_at("after_claim")
                self.callers.begin(calls)
                if not self.callers.under_way and not more:
                    break
                self._collect()
        self._patiently(self._finish)
        return self.report

    def _patiently(self, write: Callable[[], Written]) -> Written:
        """Write until the store takes it: what ended is only forgotten once it is committed."""
        deadline = time.monotonic() + STORE_PATIENCE
        while True:
            try:
                return write()
            except StoreOutdatedError:
                raise
            except StoreError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _finish(self) -> None:
        with self.store.write() as connection:
            outbox.finish_runs(connection, self.work.clock.now())
            resting = outbox.left_alone(connection)
        self.report.resting = {one.sender: one.sentence for one in resting}

    def _write(self) -> tuple[list[outbox.Call], bool]:
        """In one transaction: record the calls that ended, claim, commit to the next calls."""
        claimed, report, calls = deque(self.claimed), DispatchReport(), []
        all_ids = self.work.merges()  # reads a file: before the store is locked
        self.pause, self.calm = 0.0, False
        with self.store.write() as connection:
            self._record(connection, report)
            if self.stopping.is_set():
                outbox.give_back(connection, self.owner, claimed, self.work.clock.now())
                claimed.clear()
            else:
                calls = self._next_calls(connection, claimed, report, all_ids)
            told = [(call.message.channel, outcome) for call, outcome in made(self.ended)]
            tripped = outbox.hear(connection, self.work.rates, told, calm=self.calm)
        self.claimed, self.ended = claimed, []
        add(self.report, report)
        self.told(report.called)
        self.work.on_report(report)
        _tell(tripped)
        busy = bool(calls or claimed or report.called or report.waiting or report.skipped or self.pause)
        return calls, busy and not self.stopping.is_set()

    def _record(self, connection: Connection, report: DispatchReport) -> None:
        now = self.work.clock.now()
        outbox.lock_all(connection, [call.message.message_id for call, _ in self.ended] + list(self.claimed))
        senders = self.work.senders
        ended = [
            (call, senders[call.message.channel].provider, outcome) for call, outcome in made(self.ended)
        ]
        for state in outbox.record_outcomes(connection, ended, now):
            tally(report, state)
        late = [call for call, outcome in self.ended if isinstance(outcome, NotMade)]
        report.not_made += outbox.hand_back(connection, late, now)
        if time.monotonic() >= self.next_recover:
            report.recovered += sum(astuple(outbox.recover(connection, now)))
            self.next_recover = time.monotonic() + RECOVER_EVERY

    def _next_calls(
        self, connection: Connection, claimed: deque[str], report: DispatchReport, all_ids: outbox.AllIds
    ) -> list[outbox.Call]:
        work, now, decided = self.work, self.work.clock.now(), Instant.now()
        senders = self._openings(connection)
        free = work.threads - self.callers.under_way
        if len(claimed) < free:
            self._claim(connection, claimed, senders, now)
        turn = [claimed.popleft() for _ in range(min(free, len(claimed)))]
        bounded = {channel for channel, opening in senders.items() if opening.room is not None}

        def admit(_: Connection, rows: Sequence[Row[Any]]) -> Collection[str]:
            shut = {row.message_id for row in rows if senders[row.channel].room == 0}  # claimed before it was
            asking = [row for row in rows if row.channel in bounded and row.message_id not in shut]
            return shut.union(outbox.admit(connection, work.rates, asking))

        intents = outbox.to_calling(
            connection,
            self.owner,
            turn,
            now,
            rules=work.rules,
            limits=work.limits,
            lease=work.lease,
            all_ids=all_ids,
            admit=admit,
            decided=decided,
        )
        add(report, DispatchReport(waiting=intents.waiting, skipped=intents.skipped))
        if len(intents.calls) < free and not claimed:
            self.pause = self._pause(connection, senders, now, held=intents.held > 0)
        return list(intents.calls)

    def _openings(self, connection: Connection) -> dict[str, outbox.Opening]:
        """Ask how much each sender may be given; one that has just asked for rest is given nothing."""
        resting = {
            call.message.channel for call, outcome in made(self.ended) if outbox.asks_for_rest(outcome)
        }
        found = outbox.openings(connection, self.work.rates, self.work.senders)
        self.calm = all(opening.calm for opening in found.values())
        return found | {channel: outbox.Opening(0, "slowed", 0.0) for channel in resting}

    def _claim(
        self,
        connection: Connection,
        claimed: deque[str],
        senders: Mapping[str, outbox.Opening],
        now: datetime,
    ) -> None:
        """Claim for all senders that take any number at once, and for each other what it has room for."""
        work, most = self.work, 2 * self.work.threads
        unbounded = [channel for channel, opening in senders.items() if opening.room is None]
        wanted = [(unbounded, most)] if unbounded else []
        wanted += [
            ([channel], min(most, opening.room)) for channel, opening in senders.items() if opening.room
        ]
        for channels, limit in wanted:
            claimed += outbox.claim(connection, self.owner, limit, now, channels=channels, lease=work.lease)

    def _pause(
        self, connection: Connection, senders: Mapping[str, outbox.Opening], now: datetime, *, held: bool
    ) -> float:
        """Give how many seconds to wait for senders that may be given more soon; 0 where there is no use in it."""
        soon = {
            channel: opening.wait
            for channel, opening in senders.items()
            if opening.why in {"rate", "slowed"} and opening.wait <= WORTH_WAITING
        }
        if held or (soon and outbox.any_due(connection, now, soon)):
            return max(min(soon.values(), default=0.0), SHORTEST_PAUSE)
        return 0.0

    def _collect(self) -> None:
        """Wait for calls to end: one commit for them together."""
        if self.callers.under_way:
            self.ended += self.callers.ended(self.pause or None)
        else:
            self.stopping.wait(self.pause)


def _tell(tripped: Sequence[outbox.Tripped]) -> None:
    for one in tripped:
        log.error(
            "dispatch.sender_left_alone",
            sender=one.sender,
            failures=one.failures,
            until=one.until.isoformat(),
            told=one.told,
        )
