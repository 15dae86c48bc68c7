"""Whom a campaign has reached lately, so that nobody gets it twice within its own distance."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, or_, select

from messaging.campaigns import Campaign
from messaging.consent import KnownAs
from messaging.facts import COUNTED
from messaging.store.among import among
from messaging.store.tables import campaign_runs, messages, run_audience


def written_since(connection: Connection, campaign: Campaign, now: datetime) -> dict[str, datetime]:
    """Name the customers whom this campaign wrote to within its own distance, in whatever run, and when first."""
    if not campaign.again_after_days:
        return {}
    column = messages.c
    query = select(column.customer_id, func.min(column.calling_at)).where(_recent(messages, campaign, now))
    return {row[0]: row[1] for row in connection.execute(query.group_by(column.customer_id))}


def promised_to(
    connection: Connection,
    campaign: Campaign,
    now: datetime,
    people: Collection[str],
    hashes: Collection[str],
) -> tuple[dict[str, datetime], set[tuple[str, str]]]:
    """Tell whom of some people, and which of some addresses by channel, this campaign wrote to lately or is about to."""
    if not campaign.again_after_days:
        return {}, set()
    table = messages.c
    had = func.coalesce(table.calling_at, table.created_at)
    since = now - timedelta(days=campaign.again_after_days)
    states = table.state.in_((*COUNTED, "queued", "sending"))
    query = select(table.customer_id, table.channel, table.address_hash, had.label("at")).where(
        table.campaign == campaign.name, states, had > since
    )
    mine = connection.execute(query.where(among(table.customer_id, "ids")), {"ids": list(people)})
    written: dict[str, datetime] = {}
    for row in mine:
        written[row.customer_id] = min(row.at, written.get(row.customer_id, row.at))
    theirs = connection.execute(query.where(among(table.address_hash, "hashes")), {"hashes": list(hashes)})
    return written, {(row.channel, row.address_hash) for row in theirs}


def held_since(
    connection: Connection, campaign: Campaign, now: datetime, people: Collection[str] | None = None
) -> dict[str, datetime]:
    """Name the customers, or those of some, whom a launched run of this campaign held out within its own distance, and when.

    They count in that run's comparison. Were they counted in the next one, too, it would lay those who are new in the
    segment beside those who have been in it for long, as whoever was written to is left out of it.
    """
    if not campaign.again_after_days:
        return {}
    audience, runs = run_audience.c, campaign_runs.c
    at = func.coalesce(audience.decided_at, runs.launched_at)
    query = (
        select(audience.customer_id, func.min(at))
        .join_from(run_audience, campaign_runs, audience.run_id == runs.run_id)
        .where(runs.campaign == campaign.name, runs.launched_at.is_not(None), audience.decision == "holdout")
        .where(runs.state != "stopped")  # whom it did not come to is planned again, and so they are
        .where(at > now - timedelta(days=campaign.again_after_days))
    )
    query = query.group_by(audience.customer_id)
    if people is not None:
        query = query.where(among(audience.customer_id, "ids"))
    rows = connection.execute(query, {"ids": list(people)} if people is not None else {})
    return {row[0]: row[1] for row in rows}


def was_written(written: Mapping[str, datetime], person: KnownAs) -> bool:
    """Say whether a person is among those written to, under whatever id was theirs then."""
    before = any(written.get(each, until) < until for each, until in person.shared)
    return before or any(each in written for each in person.ids)


def had_it_since(
    connection: Connection, run_id: str, campaign: Campaign, now: datetime, people: Mapping[str, KnownAs]
) -> int:
    """Count the people of a run whom this campaign reached by another run lately, at their address or under another id.

    `people` has those who have had several ids, as the release knows them today.
    """
    if not campaign.again_after_days:
        return 0
    theirs = messages.alias()
    same = or_(
        theirs.c.customer_id == messages.c.customer_id, theirs.c.address_hash == messages.c.address_hash
    )
    had = exists(select(theirs.c.message_id).where(same, _recent(theirs, campaign, now)))
    ours = select(messages.c.customer_id).where(messages.c.run_id == run_id)
    found = set(connection.execute(ours.where(had)).scalars())
    if people and (written := written_since(connection, campaign, now)):
        ids: list[str] = list(connection.execute(ours).scalars())
        found |= {each for each in ids if each in people and was_written(written, people[each])}
    return len(found)


def _recent(table: FromClause, campaign: Campaign, now: datetime) -> ColumnElement[bool]:
    since = now - timedelta(days=campaign.again_after_days)
    named = table.c.campaign == campaign.name
    return and_(named, table.c.state.in_(COUNTED), table.c.calling_at > since)
