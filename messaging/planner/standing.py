"""Standing approvals: people who approved what a campaign says for every due moment of its schedule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from data_contracts.errors import RefusedError
from messaging import audit
from messaging.campaigns import Content, read_content, refuse_past_start
from messaging.planner.approvals import refuse_approver, wanted
from messaging.planner.parts import Parts
from messaging.planner.reports import read_run
from messaging.planner.steps import Steps, refuse_other_state, refuse_shadow, refuse_stale
from messaging.planner.triggered import close_runs, open_run
from messaging.store.locks import lock
from messaging.store.tables import campaign_runs
from messaging.store.tables_schedules import standing_approvals


@dataclass(frozen=True)
class Standing:
    """What stands approved of a campaign: the newest plan that somebody approved so, and who did of that content."""

    campaign: str
    run_id: str
    content_hash: str
    approved: tuple[tuple[str, str, datetime], ...]  # person, name as it was told, when; the first one first

    @property
    def names(self) -> list[str]:
        """Name who approved it."""
        return [name for _, name, _ in self.approved]


def standing(connection: Connection, campaign: str | None = None) -> list[Standing]:
    """List what stands approved, of one campaign or of all."""
    table = standing_approvals.c
    rows = (
        select(standing_approvals, campaign_runs.c.content_hash)
        .join(campaign_runs, campaign_runs.c.run_id == table.run_id)
        .where(table.withdrawn_at.is_(None))
        .order_by(table.approved_at, table.run_id, table.person)
    )
    if campaign is not None:
        rows = rows.where(table.campaign == campaign)
    found = connection.execute(rows).all()
    newest = {row.campaign: row for row in found}
    return [
        Standing(
            name,
            last.run_id,
            last.content_hash,
            tuple(
                (row.person, row.approved_by, row.approved_at)
                for row in found
                if (row.campaign, row.content_hash) == (name, last.content_hash)
            ),
        )
        for name, last in newest.items()
    ]


def approve_standing(planner: Steps, run_id: str, actor: str) -> Sequence[str]:
    """Approve what a planned run says for every due moment of its schedule, or for its trigger; give who did so by now.

    With the last one who is wanted a campaign with a trigger begins to listen: a run opens, to which people come one by one.
    Raises RefusedError where the campaign has neither, its files changed since the plan, or the actor may not
    approve it; CampaignError where its only start is over.
    """
    run, now = planner.run(run_id), planner.clock.now()
    planner.refuse_changed(run)
    refuse_stale(run, now)
    content = read_content(run.content, planner.library.contract)
    _refuse_unscheduled(planner, content, now)
    release = planner.customers.release().version
    with planner.store.write() as connection:
        lock(connection, [f"campaign:{run.campaign}"])
        refuse_other_state(read_run(connection, run_id), "planned")
        before = [
            name
            for each in standing(connection, run.campaign)
            for name in each.names
            if each.content_hash == run.content_hash
        ]
        needed = wanted(connection, run, content, planner.settings)
        person = refuse_approver(run, actor, before, needed)
        row = {"run_id": run_id, "person": person, "campaign": run.campaign, "approved_by": actor}
        connection.execute(insert(standing_approvals).values(row | {"approved_at": now}))
        detail = {"campaign": run.campaign}
        audit.record(connection, actor, "campaign.standing_approval", run_id, detail, at=now)
        if content.campaign.trigger is not None and not needed.missing([*before, actor]):
            given = [
                each for each in standing(connection, run.campaign) if each.content_hash == run.content_hash
            ]
            opened = open_run(connection, run, given[0].approved, release, now)
            audit.record(connection, actor, "campaign.listen", opened, detail, at=now)
    return [*before, actor]


def withdraw(planner: Parts, campaign: str, actor: str) -> int:
    """Let a campaign go by itself no more; give how many approvals that ended."""
    now = planner.clock.now()
    this = (standing_approvals.c.campaign == campaign) & standing_approvals.c.withdrawn_at.is_(None)
    with planner.store.write() as connection:
        lock(connection, [f"campaign:{campaign}"])
        ended = connection.execute(update(standing_approvals).where(this).values(withdrawn_at=now)).rowcount
        close_runs(connection, campaign_runs.c.campaign == campaign, now, "Its approval was withdrawn.")
        if ended:
            audit.record(connection, actor, "campaign.standing_withdrawn", campaign, {}, at=now)
    return ended


def _refuse_unscheduled(planner: Parts, content: Content, now: datetime) -> None:
    campaign = content.campaign
    refuse_shadow(campaign)
    if campaign.schedule is None and campaign.trigger is None:
        raise RefusedError(
            f"Campaign {campaign.name!r} has no schedule and no trigger, so no approval of it can stand.",
            "Approve it without --standing, or give it a `schedule:` or a `trigger:` and plan it again.",
        )
    refuse_past_start(campaign, content.document["campaign"]["text"], now, planner.settings.time_zone)
