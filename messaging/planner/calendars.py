"""What went and what is due, by day: runs that were launched, moments that were missed or refused, and those to come."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal

from sqlalchemy import Connection, select

from messaging.campaigns import Campaign, read_campaign
from messaging.planner.reports import read_run
from messaging.planner.runs import Planner
from messaging.planner.standing import standing
from messaging.store.tables import campaign_runs
from messaging.store.tables_schedules import scheduled_moments

What = Literal["launched", "listens", "missed", "refused", "due", "not approved"]
UNSENT = ("missed", "refused")
DUE = ("due", "not approved")
PER_CAMPAIGN = 62  # moments to come: twice a day for a month


@dataclass(frozen=True)
class Appointment:
    """One entry: `at` is naive UTC; `run_id` where there is a run, `told` what else is to say of it."""

    at: datetime
    campaign: str
    what: What
    run_id: str | None = None
    told: str = ""


def calendar(planner: Planner, since: datetime, until: datetime) -> list[Appointment]:
    """List what went between two moments (naive UTC) and what is due, in its order.

    What is due goes by what stands approved; a schedule that nobody approved is told as such. A campaign whose file is
    wrong shows what stands approved of it, and no more.
    """
    company_zone = planner.settings.time_zone
    with planner.store.read() as connection:
        found = [*_launched(connection, since, until), *_unsent(connection, since, until)]
        after, approved = max(planner.clock.now(), since), set()
        for each in standing(connection):
            text = read_run(connection, each.run_id).content["campaign"]["text"]
            approved.add(each.campaign)
            found += _due(read_campaign(each.campaign, text), "due", after, until, company_zone)
    for campaign in planner.library.campaigns()[0]:
        if campaign.name not in approved and not campaign.shadow:
            found += _due(campaign, "not approved", after, until, company_zone)
    return sorted(found, key=lambda each: (each.at, each.campaign))


def next_moments(planner: Planner) -> dict[str, Appointment]:
    """Give when each campaign goes next by itself, or would if it were approved; for a year ahead."""
    now = planner.clock.now()
    found: dict[str, Appointment] = {}
    for each in calendar(planner, now, now + timedelta(days=366)):
        if each.what in DUE:
            found.setdefault(each.campaign, each)
    return found


def _launched(connection: Connection, since: datetime, until: datetime) -> Iterator[Appointment]:
    table = campaign_runs.c
    rows = select(table.run_id, table.campaign, table.launched_at, table.opened_by, table.state).where(
        table.launched_at >= since, table.launched_at < until
    )
    for row in connection.execute(rows):
        what: What = "launched" if row.opened_by is None else "listens"
        yield Appointment(row.launched_at, row.campaign, what, row.run_id, row.state)


def _unsent(connection: Connection, since: datetime, until: datetime) -> Iterator[Appointment]:
    table = scheduled_moments.c
    rows = select(scheduled_moments).where(
        table.due_at >= since, table.due_at < until, table.state.in_(UNSENT)
    )
    for row in connection.execute(rows):
        yield Appointment(row.due_at, row.campaign, row.state, row.run_id, row.told or "")


def _due(
    campaign: Campaign, what: What, after: datetime, until: datetime, company_zone: str
) -> Iterator[Appointment]:
    if campaign.schedule is None:
        return
    local = "by each customer's own clock" if campaign.schedule.customer_local else ""
    moments = takewhile(lambda each: each.at < until, campaign.schedule.moments(after, company_zone))
    for number, moment in enumerate(moments):
        if number == PER_CAMPAIGN:
            return
        yield Appointment(moment.at, campaign.name, what, told=local)
