"""The figures of the first page: how many people, how they can be reached, what was said, what came of it."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, exists, func, literal_column, or_, select

from messaging.consent_chain import VOIDED
from messaging.customers.service import service
from messaging.customers.views import (
    CampaignFigures,
    ContractHealth,
    LastBuild,
    MonthlyRevenue,
    Overview,
    RunningCampaign,
    WeeklyTouches,
)
from messaging.release import Row, Snapshot
from messaging.store.tables import (
    builds,
    campaign_runs,
    consent_events,
    contract_status,
    inbound_messages,
    messages,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

WEEKS = 26
MONTHS = 24
NEVER = datetime(1, 1, 1)
RESPONSE_DAYS = 30  # an order within this many days of a message counts as its outcome

REACHED = ("email", "sms", "whatsapp")

PEOPLE = """
SELECT count(*) AS people, count(*) FILTER (WHERE order_count > 0) AS customers,
       count(*) FILTER (WHERE email_reachable) AS email, count(*) FILTER (WHERE sms_reachable) AS sms,
       count(*) FILTER (WHERE whatsapp_reachable) AS whatsapp,
       count(*) FILTER (WHERE email_reachable OR sms_reachable OR whatsapp_reachable) AS any_channel,
       CAST(coalesce(sum(record_count), 0) AS BIGINT) AS records
FROM c360.customer_360
"""

LOST = """
WITH gone AS (
    SELECT coalesce(email_reachable, false) AS email, coalesce(sms_reachable, false) AS sms,
           coalesce(whatsapp_reachable, false) AS whatsapp,
           customer_id IN (SELECT unnest($email::VARCHAR[])) AS by_email,
           customer_id IN (SELECT unnest($sms::VARCHAR[])) AS by_sms,
           customer_id IN (SELECT unnest($whatsapp::VARCHAR[])) AS by_whatsapp
    FROM c360.customer_360 WHERE customer_id IN (SELECT unnest($all::VARCHAR[]))
)
SELECT count(*) FILTER (WHERE email AND by_email) AS email,
       count(*) FILTER (WHERE sms AND by_sms) AS sms,
       count(*) FILTER (WHERE whatsapp AND by_whatsapp) AS whatsapp,
       count(*) FILTER (WHERE (email OR sms OR whatsapp)
           AND (NOT email OR by_email) AND (NOT sms OR by_sms) AND (NOT whatsapp OR by_whatsapp)) AS any_channel
FROM gone
"""

LIFECYCLE = "SELECT lifecycle_stage, count(*) AS people FROM c360.customer_360 GROUP BY 1 ORDER BY 1"

TOUCHES = """
SELECT date_trunc('week', occurred_at) AS week, coalesce(channel, 'other') AS channel, direction,
       count(*) AS touches
FROM c360.customer_timeline
WHERE direction IN ('in', 'out') AND occurred_at >= $since AND occurred_at <= $until
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

# What a campaign's people did within 30 days, written to or held out; whoever is in it twice counts once.
CAMPAIGNS = """
WITH written AS (
    SELECT campaign, customer_id, state, direction, direction = 'out' AS went, occurred_at
    FROM c360.customer_timeline WHERE kind = 'outreach' AND campaign IS NOT NULL
), people AS (
    SELECT campaign, customer_id, bool_or(state = 'held_out') AS is_held_out, min(occurred_at) AS began
    FROM written WHERE direction <> 'in' AND state NOT IN ('skipped', 'excluded') GROUP BY 1, 2
), bought AS (
    SELECT people.campaign, people.is_held_out, count(DISTINCT people.customer_id) AS buyers
    FROM people JOIN c360.orders AS orders
      ON orders.customer_id = people.customer_id
     AND orders.ordered_at > people.began
     AND orders.ordered_at <= people.began + to_days(CAST($days AS INTEGER))
    WHERE orders.net_amount_minor > 0
    GROUP BY 1, 2
)
SELECT written.campaign,
       count(*) FILTER (WHERE went AND state NOT IN ('held_out', 'skipped', 'excluded')) AS sent,
       count(*) FILTER (WHERE went AND state IN ('delivered', 'read', 'opened', 'clicked')) AS delivered,
       count(*) FILTER (WHERE went AND state IN ('failed', 'undelivered', 'bounced')) AS failed,
       count(*) FILTER (WHERE went AND state IN ('read', 'opened', 'clicked')) AS read_or_clicked,
       count(*) FILTER (WHERE direction = 'in') AS replied,
       count(*) FILTER (WHERE state = 'held_out') AS held_out,
       coalesce(max(sent_bought.buyers), 0) AS bought_sent,
       coalesce(max(held_bought.buyers), 0) AS bought_held_out,
       max(occurred_at) AS last_at
FROM written
LEFT JOIN bought AS sent_bought ON sent_bought.campaign = written.campaign AND NOT sent_bought.is_held_out
LEFT JOIN bought AS held_bought ON held_bought.campaign = written.campaign AND held_bought.is_held_out
GROUP BY 1 ORDER BY last_at DESC
"""

REVENUE = """
SELECT date_trunc('month', ordered_at) AS month, CAST(sum(net_amount_minor) AS BIGINT) AS net_revenue_minor,
       count(*) AS order_count
FROM c360.orders WHERE currency = $currency GROUP BY 1 ORDER BY 1 DESC LIMIT $months
"""

GUESTS = "SELECT count(*) AS orders FROM c360.orders WHERE customer_id IS NULL"

CONTRACTS = """
SELECT table_name, any_value(state) AS state, max(rows_checked) AS rows_checked,
       max(checked_at) AS checked_at,
       max(rows_quarantined) AS rows_quarantined,
       list(rule ORDER BY failed DESC) FILTER (WHERE failed > 0) AS failed_rules
FROM c360.contract_results GROUP BY table_name ORDER BY table_name
"""


def overview(snapshot: Snapshot, store: Connection, currency: str) -> Overview:
    """Count everything that the first page shows, from one release and one moment of the store."""
    info = snapshot.info
    people = next(iter(snapshot.kept(PEOPLE)), {})
    reachable, lost = _reach(snapshot, store, people)
    revenue = snapshot.kept(REVENUE, {"currency": currency, "months": MONTHS})
    return Overview(
        people=people["people"],
        customers=people["customers"],
        reachable=reachable,
        reach_lost_since=lost,
        touches=_touches(snapshot, store),
        campaigns=_campaigns(snapshot, store),
        revenue=tuple(MonthlyRevenue(**row) for row in reversed(revenue)),
        lifecycle={row["lifecycle_stage"]: row["people"] for row in snapshot.kept(LIFECYCLE)},
        contracts=_contracts(snapshot, store),
        running=_running(store),
        last_build=_last_build(store),
        release_version=info.version,
        as_of=info.as_of,
        built_at=info.built_at,
        guest_orders=snapshot.kept(GUESTS)[0]["orders"],
        records=people["records"],
        row_counts=info.row_counts,
        service=service(snapshot),
    )


def _reach(snapshot: Snapshot, store: Connection, people: Row) -> tuple[dict[str, int], int]:
    """Take those who withdrew after the build off the release's reach, but for what was no withdrawal."""
    gone: dict[str, list[str]] = {channel: [] for channel in REACHED}
    void = consent_events.alias("void")
    taken_back = exists(select(void.c.sequence)).where(
        void.c.source == consent_events.c.source,
        void.c.source_record_id == VOIDED + consent_events.c.source_record_id,
        void.c.channel == consent_events.c.channel,
        void.c.purpose == consent_events.c.purpose,
    )
    query = (
        select(consent_events.c.channel, consent_events.c.customer_id)
        # Written out, not bound: SQLite takes the index of what was withdrawn only where it can read that here.
        .where(consent_events.c.action == literal_column("'revoke'"))
        .where(consent_events.c.recorded_at > snapshot.info.as_of)
        .where(consent_events.c.purpose == "marketing", consent_events.c.customer_id.is_not(None))
        .where(consent_events.c.channel.in_(gone), ~taken_back)
        .distinct()
    )
    for row in store.execute(query):
        gone[row.channel].append(row.customer_id)
    everybody = sorted({one for each in gone.values() for one in each})
    lost = snapshot.row(LOST, {**gone, "all": everybody}) if everybody else None
    taken = lost or dict.fromkeys((*REACHED, "any_channel"), 0)
    reachable = {"any": people["any_channel"] - taken["any_channel"]}
    reachable |= {channel: people[channel] - taken[channel] for channel in REACHED}
    return reachable, len(everybody)


def _touches(snapshot: Snapshot, store: Connection) -> tuple[WeeklyTouches, ...]:
    until = snapshot.info.as_of
    since = _monday(until) - timedelta(weeks=WEEKS - 1)
    counts: dict[tuple[datetime, str, str], int] = defaultdict(int)
    for row in snapshot.kept(TOUCHES, {"since": since, "until": until}):
        week = datetime.combine(row["week"], datetime.min.time())
        counts[week, row["channel"], row["direction"]] += row["touches"]
    for channel, direction, moment in _moments_since(store, until):
        counts[_monday(moment), channel, direction] += 1
    return tuple(WeeklyTouches(*key, touches) for key, touches in sorted(counts.items()))


def _moments_since(store: Connection, since: datetime) -> list[tuple[str, str, datetime]]:
    written = select(messages.c.channel, messages.c.accepted_at).where(messages.c.accepted_at > since)
    received = select(inbound_messages.c.channel, inbound_messages.c.received_at).where(
        inbound_messages.c.received_at > since
    )
    sent = [(row.channel, "out", row.accepted_at) for row in store.execute(written)]
    return sent + [(row.channel, "in", row.received_at) for row in store.execute(received)]


def _monday(moment: datetime) -> datetime:
    return datetime.combine(moment.date() - timedelta(days=moment.weekday()), datetime.min.time())


def _campaigns(snapshot: Snapshot, store: Connection) -> tuple[CampaignFigures, ...]:
    """Give the release's figures, and the store's where a campaign has moved since the build."""
    found = {
        row["campaign"]: CampaignFigures(**row) for row in snapshot.kept(CAMPAIGNS, {"days": RESPONSE_DAYS})
    }
    for row in store.execute(_store_figures(snapshot.info.as_of)):
        known = found.get(row.campaign)
        if known is None or (row.sent or 0) > known.sent:
            found[row.campaign] = CampaignFigures(
                campaign=row.campaign,
                sent=row.sent or 0,
                delivered=row.delivered or 0,
                failed=row.failed or 0,
                read_or_clicked=row.read or 0,
                replied=known.replied if known else 0,
                held_out=known.held_out if known else 0,
                bought_sent=known.bought_sent if known else 0,
                bought_held_out=known.bought_held_out if known else 0,
                last_at=row.last_at,
            )
    return tuple(sorted(found.values(), key=lambda each: each.last_at or NEVER, reverse=True))


def _store_figures(since: datetime) -> Any:
    column = messages.c
    moved = (
        select(column.campaign)
        .where(column.updated_at > since, column.campaign.is_not(None))
        .distinct()
        .scalar_subquery()
    )
    went = and_(column.state.in_(("accepted", "done")), column.accepted_at.is_not(None))
    return (
        select(
            column.campaign,
            func.count().filter(went).label("sent"),
            func.count().filter(column.provider_status.in_(("delivered", "read"))).label("delivered"),
            func.count()
            .filter(or_(column.state == "failed", column.provider_status.in_(("failed", "undelivered"))))
            .label("failed"),
            func.count().filter(column.provider_status == "read").label("read"),
            func.max(column.accepted_at).label("last_at"),
        )
        .where(column.campaign.in_(moved))
        .group_by(column.campaign)
    )


def _contracts(snapshot: Snapshot, store: Connection) -> tuple[ContractHealth, ...]:
    """Give the newest verdict on each table: the store's, which knows refused builds, else the release's."""
    found = {}
    for row in snapshot.rows(CONTRACTS):
        rules = tuple(row.pop("failed_rules") or ())
        found[row["table_name"]] = ContractHealth(**row, failed_rules=rules)
    for status in store.execute(select(contract_status)):
        failed = [item for item in status.detail or () if item.get("failed")]
        found[status.table_name] = ContractHealth(
            table_name=status.table_name,
            state=status.state,
            rows_checked=status.rows_checked,
            rows_quarantined=status.rows_quarantined,
            failed_rules=tuple(str(item["rule"]) for item in failed),
            checked_at=status.checked_at,
        )
    return tuple(found[name] for name in sorted(found))


def _running(store: Connection) -> tuple[RunningCampaign, ...]:
    query = (
        select(campaign_runs)
        .where(campaign_runs.c.state.in_(("planned", "approved", "running", "paused")))
        .order_by(campaign_runs.c.planned_at.desc())
    )
    runs: Sequence[Any] = store.execute(query).all()
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    states = (
        select(messages.c.run_id, messages.c.state, func.count().label("number"))
        .where(messages.c.run_id.in_([run.run_id for run in runs]))
        .group_by(messages.c.run_id, messages.c.state)
    )
    for row in store.execute(states):
        counted[row.run_id][row.state] = row.number
    return tuple(
        RunningCampaign(run.run_id, run.campaign, run.state, run.planned_at, counted[run.run_id])
        for run in runs
    )


def _last_build(store: Connection) -> LastBuild | None:
    row = store.execute(select(builds).order_by(builds.c.started_at.desc()).limit(1)).first()
    return None if row is None else LastBuild(row.state, row.started_at, row.finished_at, row.release_version)
