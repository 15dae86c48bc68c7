"""What a run changed: its goal among those who were written to beside those held out by lot, as the release knows it.

For both groups the window opens when the run was launched, or where people come to it one by one, when each was decided
about: then those count whose window is over. Everybody counts in the group into which the lot put them,
whether or not their message went; whom a later merge put into both is left out, and told.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from messaging.campaigns import Campaign, read_campaign
from messaging.customers import Customers
from messaging.customers.merges import Known
from messaging.effects import FEWEST, FEWEST_REACHED, Effect, Group, effect
from messaging.planner.reports import read_run
from messaging.release import Snapshot
from messaging.segments import Goal
from messaging.segments.compiling import touches_in
from messaging.store import Store
from messaging.store.tables import run_audience

HOLDOUT = "holdout"
MINUTE = "%-d %B %Y %H:%M"
SUMS = """
WITH audience AS (
    SELECT unnest(?::VARCHAR[]) AS customer_id, unnest(?::VARCHAR[]) AS variant, unnest(?::TIMESTAMP[]) AS opens_at
),
reached AS (
    SELECT customer_id, count(*) AS times FROM c360.customer_timeline JOIN audience USING (customer_id)
    WHERE {touches} AND occurred_at > opens_at AND occurred_at <= opens_at + to_days(?) GROUP BY customer_id
),
money AS (
    SELECT customer_id, sum(amount_minor) AS minor FROM c360.customer_timeline JOIN audience USING (customer_id)
    WHERE kind IN ('order', 'refund') AND occurred_at > ? AND occurred_at <= ?
        AND occurred_at > opens_at AND occurred_at <= opens_at + to_days(?) GROUP BY customer_id
)
SELECT audience.variant, count(*) AS people, count(reached.times) AS reached,
    coalesce(sum(reached.times), 0)::DOUBLE AS times, coalesce(sum(reached.times ** 2), 0)::DOUBLE AS times_squared,
    coalesce(sum(money.minor), 0)::DOUBLE AS money, coalesce(sum(money.minor::DOUBLE ** 2), 0)::DOUBLE AS money_squared
FROM audience LEFT JOIN reached USING (customer_id) LEFT JOIN money USING (customer_id)
GROUP BY audience.variant
"""


@dataclass(frozen=True)
class Lift:
    """What one variant changed beside the holdout; `effect` is None where there are too few people to say."""

    variant: str
    written: Group
    effect: Effect | None


@dataclass(frozen=True)
class LiftReport:
    """What a run changed until `as_of` (naive UTC); `verdict` says it in a sentence, or why nothing can be said yet."""

    goal: str
    within_days: int
    as_of: datetime
    is_over: bool
    ends_at: datetime  # naive UTC: when the window of whoever was written to first closes
    held_out: Group
    in_both: int
    lifts: tuple[Lift, ...]
    verdict: str

    def to_document(self) -> dict[str, Any]:
        """Give the report as a JSON document."""
        return asdict(self)


def lift(store: Store, customers: Customers, run_id: str) -> LiftReport | None:
    """Compare what a run's people did with what those held out did; None while it was not launched, or holds nobody out.

    Raises NotFoundError, and ReleaseError where the release cannot answer.
    """
    with store.read() as connection, customers.reader.snapshot() as snapshot:
        run = read_run(connection, run_id)
        # Its own file alone: a column that the contract dropped since is no matter of what a run changed.
        campaign = read_campaign(run.campaign, run.content["campaign"]["text"])
        if run.launched_at is None or not campaign.holdout.share:
            return None
        known = customers.merged(snapshot, connection)
        drawn, in_both = _drawn(connection, run, known)
        as_of = snapshot.info.as_of
        opened = run.launched_at
        if run.opened_by is not None:
            closed = as_of - timedelta(days=campaign.goal.within_days)
            over = {person: each for person, each in drawn.items() if each.opens_at <= closed}
            moments = [each.opens_at for each in (over or drawn).values()]
            opened = (max if over else min)(moments, default=as_of)
            drawn = over
        groups = _groups(snapshot, drawn, campaign.goal)
    return compare(groups, campaign, as_of, opened, in_both)


def compare(
    groups: Mapping[str, Group], campaign: Campaign, as_of: datetime, launched_at: datetime, in_both: int = 0
) -> LiftReport:
    """Lay each variant's group beside the holdout's."""
    held_out = groups.get(HOLDOUT, Group(0))
    variants = sorted(set(groups) - {HOLDOUT})
    lifts = tuple(
        Lift(
            variant,
            groups[variant],
            effect(groups[variant], held_out, len(variants)) if held_out.people else None,
        )
        for variant in variants
    )
    ends = launched_at + timedelta(days=campaign.goal.within_days)
    return LiftReport(
        goal=campaign.goal.title,
        within_days=campaign.goal.within_days,
        as_of=as_of,
        is_over=as_of >= ends,
        ends_at=ends,
        held_out=held_out,
        in_both=in_both,
        lifts=lifts,
        verdict=_verdict(lifts, held_out, as_of, ends),
    )


def _verdict(lifts: tuple[Lift, ...], held_out: Group, as_of: datetime, ends: datetime) -> str:
    if as_of < ends:
        return f"Too early to say: the window closes on {ends:{MINUTE}} UTC, and the data ends on {as_of:{MINUTE}} UTC."
    told = [each for each in lifts if each.effect]
    if not told:
        return (
            f"Too few people to say: it needs {FEWEST} in each group, and {FEWEST_REACHED} who did it;"
            f" {held_out.people} were held out."
        )
    clear = [each for each in told if each.effect and each.effect.share.is_clear]
    if not clear:
        return "No clear change: the difference may as well be chance."
    best = max(clear, key=lambda each: each.effect.share.difference if each.effect else 0.0)
    assert best.effect is not None
    share = best.effect.share
    word = "more" if share.difference > 0 else "fewer"
    name = f" with variant {best.variant}" if len(lifts) > 1 else ""
    low, high = sorted((abs(share.low), abs(share.high)))
    size = f"{abs(share.difference) * 100:.1f} {word}"
    return f"Of 100 people {size} did it{name} (between {low * 100:.1f} and {high * 100:.1f})."


@dataclass(frozen=True)
class _Drawn:
    """In which group the lot put a person, and when their window opens."""

    group: str
    opens_at: datetime


def _drawn(connection: Connection, run: Row[Any], known: Known) -> tuple[dict[str, _Drawn], int]:
    """Give which group the lot put each person of today in, and how many it put in several."""
    table = run_audience.c
    rows = connection.execute(
        select(table.customer_id, table.decision, table.variant, table.decided_at)
        .where(table.run_id == run.run_id, table.decision.in_(("send", HOLDOUT)))
        .order_by(table.step.desc())
    )
    found: dict[str, dict[str, datetime]] = {}
    for row in rows:  # who was met several times counts from the first
        group = HOLDOUT if row.decision == HOLDOUT else row.variant or "all"
        found.setdefault(known.current(row.customer_id), {})[group] = row.decided_at or run.launched_at
    drawn = {
        person: _Drawn(*next(iter(groups.items()))) for person, groups in found.items() if len(groups) == 1
    }
    return drawn, len(found) - len(drawn)


def _groups(snapshot: Snapshot, drawn: Mapping[str, _Drawn], goal: Goal) -> dict[str, Group]:
    if not drawn:
        return {}
    since = min(each.opens_at for each in drawn.values())
    until = min(
        max(each.opens_at for each in drawn.values()) + timedelta(days=goal.within_days), snapshot.info.as_of
    )
    touches, bound = touches_in(goal.touches, since, until)
    audience = [
        [*drawn],
        [each.group for each in drawn.values()],
        [each.opens_at for each in drawn.values()],
    ]
    days = goal.within_days
    rows = snapshot.rows(SUMS.format(touches=touches), [*audience, *bound, days, since, until, days])
    return {row.pop("variant"): Group(**row) for row in rows}
