"""Pauses campaigns that do harm, and keeps why: they go on only by a person's word."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, and_, func, insert, select, update

from messaging import audit
from messaging.clock import Clock
from messaging.deliverability.file import Tolerance, shipped_tolerance
from messaging.deliverability.judging import Counts, Harm, judge
from messaging.store import Store
from messaging.store.tables import campaign_runs, messages, suppressions
from messaging.store.tables_limits import campaign_halts

log = structlog.get_logger(__name__)

ACTOR = "rapport"
EVERY = 60.0  # seconds: a run of a hundred thousand is counted in about a tenth of one
ANSWERED = ("accepted", "done", "failed")  # states of messages that a provider has answered
HARMS = {
    "bounced": ("bounce", "provider"),
    "complained": ("complaint",),
    "opted_out": ("stop", "unsubscribe"),
}
# Who refused a message as its reader had said STOP, to them or to whoever had our number before: that message never came.
SAID_BEFORE = (suppressions.c.source == "provider") & (suppressions.c.reason == "stop")


@dataclass(frozen=True)
class Halt:
    """A run that was paused by itself: since when (naive UTC), and why as a sentence."""

    run_id: str
    campaign: str
    halted_at: datetime
    sentence: str


@dataclass
class Breaker:
    """Looks at running campaigns now and then. One belongs to a dispatcher, across its rounds."""

    tolerance: Tolerance = field(default_factory=shipped_tolerance)
    every: float = EVERY
    next_look: float = field(default=0.0, init=False)

    def look(self, store: Store, clock: Clock) -> list[Halt]:
        """Pause what does harm, where it is time to look again; give what was paused."""
        if time.monotonic() < self.next_look:
            return []
        self.next_look = time.monotonic() + self.every
        return halt_harmful(store, clock, self.tolerance)


def halt_harmful(store: Store, clock: Clock, tolerance: Tolerance) -> list[Halt]:
    """Pause every running campaign that does harm; counting holds nobody up, since it only reads."""
    with store.read() as connection:
        runs = connection.execute(
            select(campaign_runs.c.run_id, campaign_runs.c.campaign).where(campaign_runs.c.state == "running")
        ).all()
        judged = [(run, judge(_since_resumed(connection, run.run_id), tolerance)) for run in runs]
    harmful = [(run, harm) for run, harm in judged if harm is not None]
    return [halt for run, harm in harmful if (halt := _halt(store, clock, run, harm)) is not None]


def _since_resumed(connection: Connection, run_id: str) -> list[Counts]:
    """Count what a person has not seen yet who let the run go on."""
    resumed = select(func.max(campaign_halts.c.resumed_at)).where(campaign_halts.c.run_id == run_id)
    return count(connection, run_id, connection.execute(resumed).scalar())


def count(
    connection: Connection, run_id: str, since: datetime | None = None, variant: str | None = None
) -> list[Counts]:
    """Count what became of a run's marketing by channel; of what was called since a moment, or of one variant, where given.

    What its readers did is read from their addresses: one that bounced, was reported or opted out since its message was
    called.
    """
    table, silent = messages.c, suppressions.c
    own = and_(
        silent.address_hash == table.address_hash,
        silent.channel == table.channel,
        silent.since >= table.calling_at,
        silent.lifted_at.is_(None),
        ~SAID_BEFORE,
    )
    harms = [func.count().filter(silent.reason.in_(reasons)).label(what) for what, reasons in HARMS.items()]
    rows = (
        select(table.channel, func.count().label("answered"), *harms)
        .select_from(messages.outerjoin(suppressions, own))
        .where(
            table.run_id == run_id,
            table.message_class == "marketing",
            table.state.in_(ANSWERED),
            table.calling_at.is_not(None),
        )
        .group_by(table.channel)
    )
    rows = rows if since is None else rows.where(table.calling_at > since)
    rows = rows if variant is None else rows.where(table.variant == variant)
    return [Counts(**row._asdict()) for row in connection.execute(rows)]


def _halt(store: Store, clock: Clock, run: Row[Any], harm: Harm) -> Halt | None:
    """Pause one run, unless a person was quicker."""
    now = clock.now()
    with store.write() as connection:
        this = (campaign_runs.c.run_id == run.run_id) & (campaign_runs.c.state == "running")
        if not connection.execute(update(campaign_runs).where(this).values(state="paused")).rowcount:
            return None
        connection.execute(
            insert(campaign_halts).values(
                run_id=run.run_id,
                halted_at=now,
                channel=harm.channel,
                what=harm.what,
                messages=harm.messages,
                answered=harm.answered,
                sentence=harm.sentence,
            )
        )
        detail = {"campaign": run.campaign, "why": harm.what, "channel": harm.channel}
        detail |= {"messages": harm.messages, "answered": harm.answered}
        audit.record(connection, ACTOR, "campaign.paused", run.run_id, detail, at=now)
    log.error(
        "campaign.halted", run_id=run.run_id, campaign=run.campaign, why=harm.what, messages=harm.messages
    )
    return Halt(run.run_id, run.campaign, now, harm.sentence)


def standing_halts(connection: Connection, run_ids: Sequence[str] | None = None) -> dict[str, Halt]:
    """Give the runs that were paused by themselves and are paused still, by their ids; of these, where some are given."""
    table, runs = campaign_halts.c, campaign_runs.c
    rows = (
        select(table.run_id, runs.campaign, table.halted_at, table.sentence)
        .select_from(campaign_halts.join(campaign_runs))
        .where(table.resumed_at.is_(None), runs.state == "paused")
        .order_by(table.halted_at)
    )
    rows = rows if run_ids is None else rows.where(table.run_id.in_(run_ids))
    return {row.run_id: Halt(**row._asdict()) for row in connection.execute(rows)}


def let_go_on(connection: Connection, run_id: str, actor: str, reason: str, at: datetime) -> None:
    """Note that a person lets a run go on, and why; what happened before counts no more."""
    table = campaign_halts.c
    this = (table.run_id == run_id) & table.resumed_at.is_(None)
    values = {"resumed_at": at, "resumed_by": actor, "resumed_why": reason}
    connection.execute(update(campaign_halts).where(this).values(**values))
