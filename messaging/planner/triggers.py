"""Campaigns that write to one person at a time: when an event of theirs comes in, or they come into the segment.

What happens is noted once for each campaign (hearing.py), and decided about when it is due: as a plan decides, by what was
approved, with a message that is queued in the transaction that says so. A crash loses nothing and doubles nothing.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, bindparam, func, select, tuple_, update

from data_contracts.errors import RapportError, StoreError, TemplateError
from messaging import segments
from messaging.addresses import UNKNOWN
from messaging.campaigns import Content, read_content
from messaging.facts import gather
from messaging.planner.channels import candidates
from messaging.planner.decisions import Decision, decide_all, looked_at
from messaging.planner.grounds import Ground, Templates
from messaging.planner.hearing import AT_ONCE, at_address, enter, hear
from messaging.planner.history import held_since, promised_to
from messaging.planner.reports import REASONS
from messaging.planner.runs import Planner
from messaging.planner.storing import store_decisions
from messaging.planner.triggered import OpenRun, open_runs
from messaging.planner.watching import watching
from messaging.policy import read_limits
from messaging.segments.lists import read_lists
from messaging.store.among import among
from messaging.store.locks import lock
from messaging.store.tables import campaign_runs, messages, run_audience
from messaging.store.tables_receiver import sent_events
from messaging.store.tables_triggers import triggerings

log = structlog.get_logger(__name__)

EVERY = 0.5  # seconds: of the five within which a message has to be queued
TROUBLED = (
    20.0  # seconds to the next look at a run that could not be decided about: its question may take five
)
VIEW = "customer_360"
MISSED = "Nothing ran when it was due, nor within {hours:g} hours (catch_up_hours)."
NOT_IN_SEGMENT = "not_in_segment"


@dataclass(frozen=True)
class _Ready:
    """What a run says, ready to render."""

    content: Content
    templates: Templates


class _TakenError(Exception):
    """Another process decided about the same just now, or the run was stopped."""


class Triggers:
    """Looks for what happened, and queues what it triggers."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._ready: dict[str, _Ready] = {}
        self._resting: dict[str, float] = {}  # runs in trouble, and until when by the monotonic clock

    def watching(self) -> AbstractContextManager[None]:
        """Look twice a second in a thread of its own: a round of calls to a provider may take many seconds."""
        return watching("triggers", self._until_done, EVERY)

    def _until_done(self, stop: threading.Event) -> None:
        while self.look() and not stop.is_set():
            pass

    def look(self) -> int:
        """Note what happened, and decide about what is due, some at a time; give how many events and people that were.

        Raises StoreError where the store cannot be used, ReleaseError where events came and no release can be read.
        """
        with self._planner.store.read() as connection:
            runs = open_runs(connection)
        heard = hear(self._planner, runs)
        if not heard.is_all:
            return max(heard.events, 1)  # look again: nothing is decided before all that happened was heard
        done = heard.events
        return done + sum(self._look_at(run) for run in runs)

    def _look_at(self, run: OpenRun) -> int:
        """See to one run: what is wrong with its campaign, such as a column that is gone, holds up no other."""
        if time.monotonic() < self._resting.get(run.run_id, 0.0):
            return 0
        try:
            done = 0
            if run.trigger.event is None:
                done += enter(self._planner, run, self._of(run).content)
            if run.state == "running":
                done += self._decide_due(run)
        except StoreError:
            raise  # nobody's campaign can go on
        except RapportError as error:
            log.warning("triggers.held", campaign=run.campaign, run_id=run.run_id, told=error.message)
            self._resting[run.run_id] = time.monotonic() + TROUBLED
            return 0
        return done

    def _of(self, run: OpenRun) -> _Ready:
        if run.run_id not in self._ready:
            contract = self._planner.library.contract
            content = read_content(self._planner.run(run.run_id).content, contract)
            self._ready[run.run_id] = _Ready(content, content.compiled(contract))
        return self._ready[run.run_id]

    def _decide_due(self, run: OpenRun) -> int:
        now = self._planner.clock.now()
        table = triggerings.c
        due = select(triggerings).where(
            table.run_id == run.run_id, table.state == "waiting", table.due_at <= now
        )
        with self._planner.store.read() as connection:
            found = connection.execute(due.order_by(table.due_at, table.event_id).limit(AT_ONCE)).all()
        if not found:
            return 0
        oldest = now - timedelta(hours=run.trigger.catch_up_hours)
        missed = [row for row in found if row.due_at < oldest]
        some = {
            row.customer_id: row for row in reversed(found) if row.due_at >= oldest
        }  # each person's first
        try:
            self._end(missed, "missed", MISSED.format(hours=run.trigger.catch_up_hours), now)
            return len(missed) + (self._decide(run, list(some.values()), now) if some else 0)
        except _TakenError:
            return 0

    def _decide(self, run: OpenRun, due: Sequence[Row[Any]], now: datetime) -> int:
        """Decide about one message to each of some people; give how many were decided about."""
        planner, ready = self._planner, self._of(run)
        events = self._events(due)
        with planner.customers.reader.snapshot() as snapshot, planner.store.read() as connection:
            known = planner.customers.merged(snapshot, connection)
            ids = {row.customer_id: known.current(row.customer_id) for row in due}
            objectors = planner.customers.objectors(snapshot, connection)
            lists = read_lists(connection, ready.content.segment, known)
            columns = looked_at(ready.content.campaign, ready.templates)
            segment = ready.content.segment
            wanted = set(ids.values())
            matched = segments.members(snapshot, segment, objectors, lists, columns, only=wanted)
            people = {str(row["customer_id"]): row for row in matched}
            info, every = snapshot.info, list(snapshot.columns(VIEW))
        for row in due:
            if row.customer_id.startswith(UNKNOWN) and (event := events.get((row.sender, row.event_id))):
                facts = at_address(event.event, every, row.customer_id)
                if segments.holds(segment.rule, segments.Person(facts), info.as_of):
                    people[row.customer_id] = facts
        called_off = self._called_off(run, due, {each: known.of(each).everything for each in ids})
        self._end(
            [row for row in due if row.customer_id in called_off], "called_off", "They did so since.", now
        )
        rows = {ids[row.customer_id]: row for row in due if row.customer_id not in called_off}
        if not rows:
            return len(due)
        told = {
            who: run.trigger.values_of(events[row.sender, row.event_id].event)
            for who, row in rows.items()
            if (row.sender, row.event_id) in events
        }
        company, _ = planner.company(ready.content)
        ground = planner.ground(run.run_id, ready.content, ready.templates, company, now)
        ground = replace(ground, told=told, all_ids=known.people)
        decisions = self._decisions(ground, people, list(rows), info.as_of)
        self._store(run, decisions, rows, info.version, now)
        return len(due)

    def _events(self, due: Sequence[Row[Any]]) -> dict[tuple[str, str], Row[Any]]:
        keys = [(row.sender, row.event_id) for row in due if row.sender]
        table = sent_events.c
        query = select(sent_events).where(tuple_(table.sender, table.message_id).in_(keys))
        with self._planner.store.read() as connection:
            return {(row.sender, row.message_id): row for row in connection.execute(query)}

    def _called_off(
        self, run: OpenRun, due: Sequence[Row[Any]], ids: Mapping[str, Sequence[str]]
    ) -> set[str]:
        """Name who did, since it happened, what calls their message off."""
        if not run.trigger.unless:
            return set()
        table = sent_events.c
        query = select(table.customer_id, table.occurred_at).where(
            among(table.customer_id, "ids"), table.name.in_(run.trigger.unless)
        )
        everything = [each for row in due for each in ids[row.customer_id]]
        with self._planner.store.read() as connection:
            did = connection.execute(query, {"ids": everything}).all()
        return {
            row.customer_id
            for row in due
            if any(
                each.customer_id in ids[row.customer_id] and each.occurred_at >= row.happened_at
                for each in did
            )
        }

    def _decisions(
        self, ground: Ground, people: Mapping[str, Mapping[str, Any]], asked: Sequence[str], as_of: datetime
    ) -> list[Decision]:
        """Decide about each person by themselves: what cannot be said to one holds up nobody else."""
        limits = read_limits(self._planner.settings)
        theirs = candidates(ground, [people[who] for who in asked if who in people])
        content, campaign = ground.content, ground.content.campaign
        if content.message_class == "marketing" and ground.now - as_of > timedelta(hours=campaign.data_hours):
            return [Decision(who, "excluded", "data_old", REASONS["data_old"]) for who in asked]
        with self._planner.store.read() as connection:
            ids = {each for candidate in theirs for each in candidate.person.everything}
            hashes = {each.address_hash for each in theirs if each.address_hash}
            written, taken = promised_to(connection, campaign, ground.now, ids, hashes)
            held = held_since(connection, campaign, ground.now, ids)
            facts = gather(connection, theirs, ground.now, limits)
        ground = replace(ground, already_written=written, already_held=held)
        decided: list[Decision] = []
        for who in asked:
            if who not in people:
                decided.append(Decision(who, "excluded", NOT_IN_SEGMENT, REASONS[NOT_IN_SEGMENT]))
                continue
            try:
                decision = next(decide_all(ground, [people[who]], lambda _: facts, taken))
            except TemplateError as error:
                decision = Decision(who, "excluded", "not_renderable", error.message)
            if decision.message is not None and campaign.again_after_days:
                taken.add((decision.message.channel, decision.message.address_hash))
            decided.append(decision)
        return decided

    def _store(
        self,
        run: OpenRun,
        decisions: Sequence[Decision],
        rows: Mapping[str, Row[Any]],
        release: str,
        now: datetime,
    ) -> None:
        """Store what was decided, and that it was, as one; raises _TakenError where somebody was before us."""
        met: set[str] = set()
        kept: list[Decision] = []
        for each in decisions:  # two people at one address: the second waits for the next look
            if each.message is None or each.message.address_hash not in met:
                kept.append(each)
                met |= {each.message.address_hash} if each.message else set()
        with self._planner.store.write() as connection:
            lock(connection, [f"campaign:{run.campaign}"])
            here = (campaign_runs.c.run_id == run.run_id) & campaign_runs.c.closed_at.is_(None)
            if connection.execute(select(campaign_runs.c.state).where(here)).scalar() != "running":
                raise _TakenError
            values = [
                _key(rows[each.customer_id]) | {"msg": each.message.message_id if each.message else None}
                for each in kept
            ]
            told = {"state": "decided", "decided_at": now, "release_version": release}
            _move(connection, values, told | {"message_id": bindparam("msg")})
            steps = _steps(connection, run.run_id, kept)
            store_decisions(connection, run.run_id, kept, now, steps=steps, queued=True)

    def _end(self, rows: Sequence[Row[Any]], state: str, told: str, now: datetime) -> None:
        if rows:
            with self._planner.store.write() as connection:
                values = {"state": state, "told": told, "decided_at": now}
                _move(connection, [_key(row) for row in rows], values)


def _key(row: Row[Any]) -> dict[str, Any]:
    return {"its_campaign": row.campaign, "its_sender": row.sender, "its_id": row.event_id}


def _move(connection: Connection, keys: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> None:
    """Move what waited on; raises _TakenError where one of them does no more."""
    table = triggerings.c
    this = update(triggerings).where(
        table.campaign == bindparam("its_campaign"),
        table.sender == bindparam("its_sender"),
        table.event_id == bindparam("its_id"),
        table.state == "waiting",
    )
    moved = connection.execute(
        this.values(values).execution_options(preserve_rowcount=True), [dict(each) for each in keys]
    )
    if moved.rowcount != len(keys):
        raise _TakenError


def _steps(connection: Connection, run_id: str, decisions: Sequence[Decision]) -> dict[str, int]:
    """Say by customer how often a run has met them, or an address of theirs, before."""
    ids = [each.customer_id for each in decisions]
    hashes = [each.message.address_hash for each in decisions if each.message]
    audience, sent = run_audience.c, messages.c
    met = select(audience.customer_id, func.max(audience.step).label("step")).where(
        audience.run_id == run_id, among(audience.customer_id, "ids")
    )
    wrote = select(sent.address_hash, func.max(sent.step).label("step")).where(
        sent.run_id == run_id, among(sent.address_hash, "hashes")
    )
    before = {
        row[0]: row.step for row in connection.execute(met.group_by(audience.customer_id), {"ids": ids})
    }
    before |= {
        row[0]: row.step for row in connection.execute(wrote.group_by(sent.address_hash), {"hashes": hashes})
    }
    return {
        each.customer_id: 1
        + max(
            before.get(each.customer_id, -1),
            before.get(each.message.address_hash, -1) if each.message else -1,
        )
        for each in decisions
    }
