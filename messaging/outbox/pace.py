"""How fast a sender goes, and whether it goes at all: one row a sender, by which all dispatchers go.

A bounded sender hands over what its rate allows and no more, whoever of the dispatchers asks; a second's worth may go at
once. A provider that asks us to slow down slows that sender alone. A sender whose calls tell nothing several times in a
row is left alone (its breaker opens), then tried with one message, and left alone for twice as long if that fails too.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from messaging.senders.base import Accepted, Outcome, Rejected, Unknown
from messaging.senders.rates import Rates
from messaging.store.inserts import insert_new
from messaging.store.tables_delivery import sender_pace
from messaging.store.times import database_now

BURST = 1.0  # seconds of a sender's rate that may go at once
LONGEST_REST = timedelta(seconds=60)  # of a sender that is slowed down without being told for how long
LONGEST_RETRY_AFTER = timedelta(days=1)  # a provider's own word is believed up to here
LONGEST_OPEN = timedelta(minutes=10)
TRIED_WITHIN = timedelta(
    seconds=60
)  # a call that tries a sender again ends by then, or its dispatcher is dead
SLOW_DOWN = frozenset({20429, 30022, 63017, 63018})  # Twilio's codes for: too fast
NOTHING: dict[str, Any] = {"slowed": 0, "failures": 0}

Why = Literal["rate", "slowed", "breaker"]


@dataclass(frozen=True)
class Opening:
    """How many messages a sender may be given now (None: any number); where none, why and for how long (seconds).

    `calm` says that nothing went wrong with it lately.
    """

    room: int | None = None
    why: Why | None = None
    wait: float = 0.0
    calm: bool = False


@dataclass(frozen=True)
class Tripped:
    """A sender whose breaker has opened, or opened again after it was tried: until when (database's clock), and why."""

    sender: str
    until: datetime
    failures: int
    told: str | None

    @property
    def sentence(self) -> str:
        """Say it to a person."""
        why = f" {self.told}" if self.told else ""
        return f"Its calls failed again and again, so it is tried again at {self.until:%H:%M:%S} UTC.{why}"


def openings(connection: Connection, rates: Rates, channels: Iterable[str]) -> dict[str, Opening]:
    """Say of each channel's sender how much it may be given just now."""
    names = {channel: rates.sender(channel) for channel in channels}
    rows = {row.sender: row for row in _read(connection, names.values())}
    if not rows:
        return {channel: _fresh(rates.per_second.get(channel)) for channel in names}
    now = database_now(connection)
    return {
        channel: _opening(rows.get(name), rates.per_second.get(channel), now)
        for channel, name in names.items()
    }


def admit(connection: Connection, rates: Rates, wanted: Sequence[Row[Any]]) -> Collection[str]:
    """Take from each sender's allowance what these messages need; give the ids of those that have to wait.

    `wanted` are rows of `messages`. The senders' rows stay locked until the transaction ends.
    """
    held: set[str] = set()
    for channel in sorted({row.channel for row in wanted}):
        mine = [row for row in wanted if row.channel == channel]
        held |= _admit(connection, rates, channel, mine)
    return held


def _admit(connection: Connection, rates: Rates, channel: str, wanted: Sequence[Row[Any]]) -> set[str]:
    sender, per_second = rates.sender(channel), rates.per_second.get(channel)
    if per_second is not None:
        insert_new(connection, sender_pace, [NOTHING | {"sender": sender}])
    row = _locked(connection, sender)
    if row is None:
        return set()
    now = database_now(connection)
    changes: dict[str, Any] = {}
    opening, free_at = _opening(row, per_second, now), _later(row.free_at, now)
    going = 0
    for one in wanted:
        if opening.room == 0 or (opening.why == "breaker" and going):
            break
        if per_second is not None:
            if (free_at - now).total_seconds() >= BURST:
                break
            free_at += timedelta(seconds=_units(one) / per_second)
            changes["free_at"] = free_at
        going += 1
    if going and opening.why == "breaker":  # the one that tries: until it has ended, no other does
        changes |= {"open_until": now + TRIED_WITHIN, "failures": rates.failures - 1}
    _change(connection, sender, changes)
    return {one.message_id for one in wanted[going:]}


def asks_for_rest(outcome: Outcome) -> bool:
    """Say whether a provider answered that we go too fast."""
    return _means(outcome) == "slow"


def hear(
    connection: Connection, rates: Rates, ended: Iterable[tuple[str, Outcome]], *, calm: bool = False
) -> list[Tripped]:
    """Learn from how calls ended, each with its channel; give the senders that are left alone from now on.

    `calm` says that all their openings were seen to be so in this very transaction: that a call went well is no news.
    Call it last in a transaction: whoever locks senders holds its addresses and people already.
    """
    by_sender: dict[str, list[Outcome]] = {}
    for channel, outcome in ended:
        by_sender.setdefault(rates.sender(channel), []).append(outcome)
    troubled = any(
        _means(outcome) in {"slow", "failed"} for outcomes in by_sender.values() for outcome in outcomes
    )
    if calm and not troubled:
        return []
    known = {row.sender for row in _read(connection, by_sender)}
    tripped: list[Tripped] = []
    for sender, outcomes in sorted(by_sender.items()):
        if sender not in known and all(_means(outcome) in {"well", "nothing"} for outcome in outcomes):
            continue
        insert_new(connection, sender_pace, [NOTHING | {"sender": sender}])
        row = _locked(connection, sender)
        assert row is not None
        state = _State(row, rates, database_now(connection))
        for outcome in outcomes:
            state.hear(outcome)
        _change(connection, sender, state.changes)
        tripped += [state.tripped] if state.tripped else []
    return tripped


def left_alone(connection: Connection) -> list[Tripped]:
    """List the senders whose breakers are open, for whoever tells people."""
    rows = connection.execute(select(sender_pace).where(sender_pace.c.opened_at.is_not(None)))
    return [Tripped(row.sender, row.open_until, row.failures, row.told) for row in rows]


class _State:
    """One sender's row while it hears of several calls."""

    def __init__(self, row: Row[Any], rates: Rates, now: datetime) -> None:
        self.row, self.rates, self.now = row, rates, now
        self.slowed, self.failures, self.opened_at = row.slowed, row.failures, row.opened_at
        self.open_seconds: float | None = row.open_seconds
        self.changes: dict[str, Any] = {}
        self.tripped: Tripped | None = None

    def hear(self, outcome: Outcome) -> None:
        meaning = _means(outcome)
        if meaning in {"well", "slow"} and (self.failures or self.opened_at):
            self.failures, self.opened_at, self.open_seconds, self.tripped = 0, None, None, None
            self.changes |= {"failures": 0, "opened_at": None, "open_until": None, "open_seconds": None}
            self.changes["told"] = None
        if meaning == "well" and self.slowed and _seconds(self.row.rest_until, self.now) <= 0:
            self.slowed = 0
            self.changes |= {"slowed": 0}
        elif meaning == "slow":
            self._slow_down(outcome)
        elif meaning == "failed":
            self._fail(outcome)

    def _slow_down(self, outcome: Outcome) -> None:
        self.slowed += 1
        asked = outcome.retry_after if isinstance(outcome, Rejected) else None
        rest = min(timedelta(seconds=2 ** min(self.slowed - 1, 10)), LONGEST_REST)
        if asked is not None:
            rest = min(timedelta(seconds=asked), LONGEST_RETRY_AFTER)
        until = _later(self.changes.get("rest_until") or self.row.rest_until, self.now + rest)
        self.changes |= {"slowed": self.slowed, "rest_until": until}

    def _fail(self, outcome: Outcome) -> None:
        """Count it. What fails after the breaker opened was under way by then, and makes nothing worse."""
        self.failures += 1
        told = outcome.why if isinstance(outcome, Unknown) else getattr(outcome, "sentence", None)
        self.changes |= {"failures": self.failures, "told": told}
        if self.failures != self.rates.failures:
            return
        seconds = self.rates.rest.total_seconds() if self.opened_at is None else 2 * (self.open_seconds or 0)
        self.open_seconds = min(seconds, LONGEST_OPEN.total_seconds())
        self.opened_at = self.opened_at or self.now
        until = self.now + timedelta(seconds=self.open_seconds)
        self.changes |= {"open_seconds": self.open_seconds, "opened_at": self.opened_at, "open_until": until}
        self.tripped = Tripped(self.row.sender, until, self.failures, told)


def _means(outcome: Outcome) -> Literal["well", "slow", "failed", "nothing"]:
    """Say what a call's end tells of its sender; that one message is refused tells that the provider works."""
    if isinstance(outcome, Accepted):
        return "well"
    if isinstance(outcome, Unknown):
        return "failed"
    if outcome.about != "message":
        return "failed"  # not reached, or refused whatever the message
    if outcome.http_status == 429 or outcome.code in SLOW_DOWN or outcome.retry_after is not None:
        return "slow"
    if outcome.kind == "retry" and outcome.code is None:
        return "failed"  # it hung up
    return "well" if outcome.code is not None or outcome.http_status is not None else "nothing"


def _fresh(per_second: float | None) -> Opening:
    return Opening(None if per_second is None else _room(per_second, BURST), calm=True)


def _opening(row: Row[Any] | None, per_second: float | None, now: datetime) -> Opening:
    if row is None:
        return _fresh(per_second)
    if row.opened_at is not None:
        rest = _seconds(row.open_until, now)
        return Opening(0, "breaker", rest) if rest > 0 else Opening(1, "breaker")
    rest = _seconds(row.rest_until, now)
    if rest > 0:
        return Opening(0, "slowed", rest)
    calm = not row.failures and not row.slowed
    if per_second is None:
        return Opening(calm=calm)
    owed = max(_seconds(row.free_at, now), 0.0)
    if owed >= BURST:
        return Opening(0, "rate", owed - BURST)
    return Opening(_room(per_second, BURST - owed), calm=calm)


def _room(per_second: float, seconds: float) -> int:
    return max(math.ceil(per_second * seconds), 1)


def _units(row: Row[Any]) -> int:
    return max(row.segment_count or 1, 1) if row.channel == "sms" else 1


def _seconds(moment: datetime | None, now: datetime) -> float:
    """Give how long it is until a moment; one that is too far ahead was written by a clock that was set back since."""
    if moment is None or moment - now > LONGEST_RETRY_AFTER:
        return 0.0
    return (moment - now).total_seconds()


def _later(moment: datetime | None, now: datetime) -> datetime:
    return now if moment is None or moment < now or _seconds(moment, now) == 0.0 else moment


def _read(connection: Connection, senders: Iterable[str]) -> Sequence[Row[Any]]:
    rows = select(sender_pace).where(sender_pace.c.sender.in_(list(senders)))
    return connection.execute(rows).all()


def _locked(connection: Connection, sender: str) -> Row[Any] | None:
    rows = select(sender_pace).where(sender_pace.c.sender == sender)
    return connection.execute(rows.with_for_update()).one_or_none()  # SQLite's writer is alone anyway


def _change(connection: Connection, sender: str, changes: dict[str, Any]) -> None:
    if changes:
        connection.execute(update(sender_pace).where(sender_pace.c.sender == sender).values(changes))
