"""What a plan will do beside the last one of its campaign, and whether its audience is still the one that was planned."""

from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from messaging.addresses import country_of
from messaging.campaigns import Campaign
from messaging.customers import Customers
from messaging.planner.reports import read_run
from messaging.policy import Limits
from messaging.policy.words import channel_name
from messaging.store import Store
from messaging.store.tables import campaign_runs, messages, run_audience

CALLED_BY_NUMBER = frozenset({"sms", "whatsapp", "voice"})


@dataclass(frozen=True)
class Outlook:
    """A plan beside the last one of its campaign; `cost` is in millionths of `currency`, None without a price list.

    `entered` and `left` are ids of today, so that a merge moves nobody; both are empty for a campaign's first plan.
    """

    run_id: str
    before: str | None  # the last plan's run
    entered: tuple[str, ...]
    left: tuple[str, ...]
    by_variant: dict[str, int]
    cost: int | None
    currency: str
    waits_until: datetime | None  # when the last of those may go who wait for their hour
    hours: float | None  # that it takes to send them all, where so many go in an hour

    def to_document(self) -> dict[str, Any]:
        """Give the outlook as a JSON document."""
        return asdict(self)


def outlook(store: Store, customers: Customers, run_id: str, limits: Limits) -> Outlook:
    """Look ahead at a planned run. Raises NotFoundError, and ReleaseError where no release can be read."""
    with customers.reader.snapshot() as snapshot, store.read() as connection:
        run = read_run(connection, run_id)
        became = customers.merged(snapshot, connection)
        before = _before(connection, run.campaign, run_id, run.planned_at)
        now_in = {became.current(each) for each in matched_in(connection, run_id)}
        then_in = {became.current(each) for each in matched_in(connection, before)} if before else now_in
        return Outlook(
            run_id=run_id,
            before=before,
            entered=tuple(sorted(now_in - then_in)),
            left=tuple(sorted(then_in - now_in)),
            by_variant=_by_variant(connection, run_id),
            cost=_cost(connection, run_id, limits) if limits.prices.channels else None,
            currency=limits.prices.currency,
            waits_until=connection.execute(
                select(func.max(messages.c.send_after)).where(messages.c.run_id == run_id)
            ).scalar(),
            hours=_hours(connection, run_id, run.content.get("per_hour")),
        )


def _hours(connection: Connection, run_id: str, per_hour: int | None) -> float | None:
    if per_hour is None:
        return None
    to_send = select(func.count()).where(messages.c.run_id == run_id)
    return connection.execute(to_send).scalar_one() / per_hour


def moved(planned: AbstractSet[str], now: AbstractSet[str]) -> float:
    """Say how far an audience has moved: those who came or left, as a share of those who were planned."""
    return len(planned ^ now) / max(len(planned), 1)


def _before(connection: Connection, campaign: str, run_id: str, planned_at: datetime) -> str | None:
    table = campaign_runs.c
    query = select(table.run_id).where(
        table.campaign == campaign,
        table.run_id != run_id,
        table.state != "planning",
        table.opened_by.is_(None),  # people come to such a run one by one: nobody is new beside it
        table.planned_at <= planned_at,
    )
    return connection.execute(query.order_by(table.planned_at.desc(), table.run_id.desc()).limit(1)).scalar()


def matched_in(connection: Connection, run_id: str) -> set[str]:
    """Name everybody whom the segment matched when a run was planned."""
    return set(
        connection.execute(
            select(run_audience.c.customer_id).where(run_audience.c.run_id == run_id)
        ).scalars()
    )


def _by_variant(connection: Connection, run_id: str) -> dict[str, int]:
    table = run_audience.c
    query = select(table.variant, func.count().label("people")).where(
        table.run_id == run_id, table.decision == "send", table.variant.is_not(None)
    )
    return {str(row.variant): int(row.people) for row in connection.execute(query.group_by(table.variant))}


def _cost(connection: Connection, run_id: str, limits: Limits) -> int:
    """Add up what the messages of a run would cost, by the price list."""
    table = messages.c
    rows = connection.execute(
        select(
            table.channel, table.address, table.segment_count, func.length(table.body).label("characters")
        ).where(table.run_id == run_id)
    )
    total = 0
    for row in rows:
        total += message_cost(limits, row.channel, row.address, row.segment_count, row.characters)
    return total


def message_cost(
    limits: Limits, channel: str, address: str | None, segments: int | None, characters: int
) -> int:
    """Tell what a message costs by the price list, in millionths of its currency."""
    country = country_of(address) if channel in CALLED_BY_NUMBER and address else None
    return limits.prices.cost(channel, country, segments, characters)


def unpriced(campaign: Campaign, limits: Limits) -> list[str]:
    """Say by which channels a campaign's budget holds nothing back: what has no price costs none of it."""
    free = [each for each in campaign.channel_order(None) if each not in limits.prices.channels]
    if campaign.daily_budget is None or not free:
        return []
    by = " or ".join(map(channel_name, free))
    return [f"Its daily_budget holds nothing back by {by}: limits.yaml in RAPPORT_HOME has no price for it."]
