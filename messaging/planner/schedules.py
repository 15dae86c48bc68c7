"""Campaigns that go by themselves: at each due moment planned and launched, once, whoever else looks beside us."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import structlog
from sqlalchemy import Connection, Row, Select, insert, select, update

from data_contracts.errors import RapportError, RefusedError, StoreError
from messaging.campaigns import Moment, Schedule, read_campaign, read_content
from messaging.planner.approvals import wanted
from messaging.planner.runs import Planner
from messaging.planner.standing import Standing, standing
from messaging.planner.steps import step
from messaging.planner.watching import watching
from messaging.store.ids import new_id
from messaging.store.inserts import insert_new
from messaging.store.locks import lock
from messaging.store.tables import campaign_runs
from messaging.store.tables_limits import campaign_approvals
from messaging.store.tables_schedules import scheduled_moments
from messaging.store.times import database_now

log = structlog.get_logger(__name__)

ACTOR = "rapport"
EVERY = 20.0  # seconds
LOOK_BACK = timedelta(days=8)  # moments before it are not even told as missed; longer than any catch_up_hours
LEASE = timedelta(hours=1)  # a plan of a million people takes minutes


@dataclass(frozen=True)
class Done:
    """What became of a due moment: launched, refused, missed, or nobody to write to; and why."""

    campaign: str
    due_at: datetime
    state: str
    run_id: str | None = None
    told: str = ""


@dataclass(frozen=True)
class _Taken:
    """A moment that is ours to see to: the run to launch, none where it was missed."""

    run_id: str | None


class Schedules:
    """Looks for due moments, and launches what stands approved for them."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def watching(self) -> AbstractContextManager[None]:
        """Look now and then in a thread of its own: a plan of many people takes longer than messages may wait."""
        return watching("schedules", lambda _: self.look(), EVERY)

    def look(self) -> list[Done]:
        """Launch what is due, and note what was missed; give what became of moments that nobody had seen to.

        Raises StoreError where the store cannot be used: the moment is taken up again when its lease has run out.
        """
        now = self._planner.clock.now()
        with self._planner.store.read() as connection:
            found = standing(connection)
        return [done for each in found for done in self._campaign(each, now)]

    def _campaign(self, approved: Standing, now: datetime) -> Iterator[Done]:
        text = self._planner.run(approved.run_id).content["campaign"]["text"]
        schedule = read_campaign(approved.campaign, text).schedule  # what else is wrong is told of its moment
        if schedule is None:
            return
        since = max(approved.approved[0][2], now - LOOK_BACK)
        due = list(
            takewhile(lambda each: each.at <= now, schedule.moments(since, self._planner.settings.time_zone))
        )
        for moment in due:
            missed = _missed(schedule, moment, due[-1], now)
            taken = self._take(approved.campaign, moment, missed)
            if taken is not None and taken.run_id is not None:
                yield self._go(approved, schedule, moment, taken.run_id)
            elif taken is not None and missed:
                yield Done(approved.campaign, moment.at, "missed", told=missed)

    def _take(self, campaign: str, moment: Moment, missed: str | None) -> _Taken | None:
        """Take a moment, or note that it was missed; None where somebody else saw to it.

        One whose holder died is taken over when its lease has run out: what it planned is stopped, so that the holder
        finds that out should it live; what it approved is launched.
        """
        with self._planner.store.write() as connection:
            lock(connection, [f"campaign:{campaign}"])
            run_id, until = new_id("run"), database_now(connection) + LEASE
            mine: dict[str, Any] = {"state": "taken", "run_id": run_id, "lease_until": until, "told": None}
            if missed:
                mine |= {"state": "missed", "run_id": None, "lease_until": None, "told": missed}
            key = {"campaign": campaign, "due_at": moment.at}
            if insert_new(connection, scheduled_moments, [key | mine]):
                return _Taken(None if missed else run_id)
            before = connection.execute(_this(campaign, moment.at)).one()
            if before.state != "taken" or before.lease_until > until - LEASE:
                return None
            mine |= self._taken_over(connection, before, missed)
            table = scheduled_moments.c
            this = (table.campaign == campaign) & (table.due_at == moment.at)
            connection.execute(update(scheduled_moments).where(this).values(mine))
            return _Taken(mine["run_id"]) if mine["state"] in {"taken", "missed"} else None

    def _taken_over(self, connection: Connection, before: Row[Any], missed: str | None) -> dict[str, str]:
        """Say how a moment goes on whose holder died, and end what it can no longer launch."""
        table = campaign_runs.c
        run = connection.execute(select(campaign_runs).where(table.run_id == before.run_id)).one_or_none()
        if run is None:
            return {}
        if run.launched_at is not None:
            return {"state": "launched", "run_id": run.run_id}
        if run.state == "stopped":
            return {"state": "refused", "run_id": run.run_id, "told": f"Run {run.run_id} was stopped."}
        if run.state == "approved" and not missed:
            return {"run_id": run.run_id}
        now = self._planner.clock.now()
        step(connection, run, run.state, "stopped", ACTOR, now, finished_at=now)
        return {}

    def _go(self, approved: Standing, schedule: Schedule, moment: Moment, run_id: str) -> Done:
        campaign, told, state = approved.campaign, "", "launched"
        try:
            if not self._launch(approved, schedule, moment, run_id):
                state, told = "nobody", "There was nobody to write to."
        except StoreError:
            raise  # its lease will run out
        except RapportError as error:
            state, told = "refused", str(error)
            log.warning("schedules.refused", campaign=campaign, due_at=moment.at.isoformat())
        table = scheduled_moments.c
        this = (table.campaign == campaign) & (table.due_at == moment.at) & (table.run_id == run_id)
        with self._planner.store.write() as connection:
            values = {"state": state, "told": told or None}
            connection.execute(update(scheduled_moments).where(this, table.state == "taken").values(values))
        return Done(campaign, moment.at, state, run_id, told)

    def _launch(self, approved: Standing, schedule: Schedule, moment: Moment, run_id: str) -> bool:
        """Plan, approve and launch; say whether there was anybody to write to."""
        planner = self._planner
        with planner.store.read() as connection:
            row = select(campaign_runs.c.state).where(campaign_runs.c.run_id == run_id)
            ready = connection.execute(row).scalar_one_or_none() == "approved"
        if not ready:
            planner.refuse_changed(planner.run(approved.run_id))
            wall = moment.wall if schedule.customer_local else None
            summary = planner.plan(approved.campaign, ACTOR, run_id=run_id, wall=wall)
            if not summary.to_send:
                planner.stop(run_id, ACTOR)
                return False
            self._approve(moment, run_id)
        planner.launch(run_id, ACTOR)
        return True

    def _approve(self, moment: Moment, run_id: str) -> None:
        """Approve a run by the people whose approval stands, where it says what they approved and they are enough."""
        planner, run = self._planner, self._planner.run(run_id)
        content = read_content(run.content, planner.library.contract)
        with planner.store.write() as connection:
            lock(connection, [f"campaign:{run.campaign}"])
            held = connection.execute(_this(run.campaign, moment.at)).one()
            if held.run_id != run_id or held.state != "taken":
                raise RefusedError(f"Another process goes on with what was due at {moment.at} UTC.", "")
            still = [
                each for each in standing(connection, run.campaign) if each.content_hash == run.content_hash
            ]
            if not still:
                raise RefusedError(
                    f"What campaign {run.campaign!r} says is not what its standing approval is of.",
                    f"Plan it, look at it, and run `rapport campaign approve {run.campaign} --standing`.",
                )
            given = still[0]
            if missing := wanted(connection, run, content, planner.settings).missing(given.names):
                raise RefusedError(
                    f"Too few people approved that campaign {run.campaign!r} goes by itself. {missing}",
                    f"Let them run `rapport campaign approve {run.campaign} --standing`.",
                )
            now = planner.clock.now()
            connection.execute(
                insert(campaign_approvals),
                [
                    {"run_id": run_id, "person": person, "approved_by": name, "approved_at": at}
                    for person, name, at in given.approved
                ],
            )
            names = ", ".join(given.names)
            step(connection, run, "planned", "approved", ACTOR, now, approved_at=now, approved_by=names)


def _missed(schedule: Schedule, moment: Moment, newest: Moment, now: datetime) -> str | None:
    if now - moment.at > timedelta(hours=schedule.catch_up_hours):
        return f"Nothing ran at that time, nor within {schedule.catch_up_hours:g} hours (catch_up_hours)."
    return "Nothing ran at that time, and a later moment is due by now." if moment != newest else None


def _this(campaign: str, due_at: datetime) -> Select[Any]:
    table = scheduled_moments.c
    return select(scheduled_moments).where(table.campaign == campaign, table.due_at == due_at)
