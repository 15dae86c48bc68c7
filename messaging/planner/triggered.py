"""Runs whose people come one by one: opened by a standing approval, and closed when it ends."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from data_contracts.errors import RefusedError
from messaging.campaigns import Campaign, Trigger, read_campaign
from messaging.store.ids import new_id
from messaging.store.tables import campaign_runs
from messaging.store.tables_limits import campaign_approvals
from messaging.store.tables_triggers import triggerings

ACTOR = "rapport"


@dataclass(frozen=True)
class OpenRun:
    """A run to which people come, and what lets them."""

    run_id: str
    campaign: str
    state: str  # running | paused
    opened_at: datetime
    entered_until: str
    trigger: Trigger


def refuse_triggered(campaign: Campaign) -> None:
    """Refuse to write to everybody at once where one comes after the other. Raises RefusedError."""
    if campaign.trigger is not None:
        raise RefusedError(
            f"Campaign {campaign.name!r} goes by its trigger, to one person at a time, and not to a whole plan.",
            f"Let it with `rapport campaign approve {campaign.name} --standing`.",
        )


def open_run(
    connection: Connection,
    plan: Row[Any],
    approved: Sequence[tuple[str, str, datetime]],
    release: str,
    now: datetime,
) -> str:
    """Open a run for what a plan says, and close the campaign's earlier one; give its id.

    `approved` has each person, the name as it was told, and when.
    """
    close_runs(connection, campaign_runs.c.campaign == plan.campaign, now, "Another content was approved.")
    run_id = new_id("run")
    row = {
        "run_id": run_id,
        "campaign": plan.campaign,
        "content_hash": plan.content_hash,
        "content": plan.content,
        "release_version": release,
        "state": "running",
        "planned_at": now,
        "planned_by": ACTOR,
        "approved_at": now,
        "approved_by": ", ".join(name for _, name, _ in approved),
        "launched_at": now,
        "opened_by": plan.run_id,
        "entered_until": release,
    }
    connection.execute(insert(campaign_runs).values(row))
    given = [
        {"run_id": run_id, "person": person, "approved_by": name, "approved_at": at}
        for person, name, at in approved
    ]
    connection.execute(insert(campaign_approvals), given)
    return run_id


def close_runs(connection: Connection, which: ColumnElement[bool], now: datetime, told: str) -> int:
    """Let nobody come to some runs any more; who waited is called off. What is queued goes. Gives how many closed."""
    this = which & campaign_runs.c.opened_by.is_not(None) & campaign_runs.c.closed_at.is_(None)
    ids: list[str] = list(connection.execute(select(campaign_runs.c.run_id).where(this)).scalars())
    if not ids:
        return 0
    connection.execute(update(campaign_runs).where(campaign_runs.c.run_id.in_(ids)).values(closed_at=now))
    waiting = triggerings.c.run_id.in_(ids) & (triggerings.c.state == "waiting")
    values = {"state": "called_off", "told": told, "decided_at": now}
    connection.execute(update(triggerings).where(waiting).values(values))
    return len(ids)


def open_runs(connection: Connection, campaign: str | None = None) -> list[OpenRun]:
    """List the runs that people may come to, of one campaign or of all, the oldest first."""
    table = campaign_runs.c
    query = select(campaign_runs).where(
        table.opened_by.is_not(None), table.closed_at.is_(None), table.state.in_(("running", "paused"))
    )
    if campaign is not None:
        query = query.where(table.campaign == campaign)
    found = connection.execute(query.order_by(table.launched_at, table.run_id)).all()
    return [
        OpenRun(row.run_id, row.campaign, row.state, row.launched_at, row.entered_until, trigger)
        for row in found
        if (trigger := read_campaign(row.campaign, row.content["campaign"]["text"]).trigger) is not None
    ]


def counted(connection: Connection, run_id: str) -> Mapping[str, int]:
    """Count what triggered a run, by what became of it."""
    table = triggerings.c
    rows = select(table.state, func.count()).where(table.run_id == run_id).group_by(table.state)
    return Counter({str(row[0]): int(row[1]) for row in connection.execute(rows)})
