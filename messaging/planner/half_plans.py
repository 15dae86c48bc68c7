"""Plans that broke off: nothing to anybody, and so cleared away, with the messages that were rendered for them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, select

from messaging.coupons import give_back
from messaging.store import Store
from messaging.store.tables import campaign_runs, messages, run_audience
from messaging.store.tables_coupons import coupon_draws, coupons
from messaging.store.tables_delivery import message_alternatives

BATCH = 2000  # rows a transaction
AFTER = timedelta(days=1)  # no plan takes so long: whoever made it is dead


def clear_half_plans(store: Store, now: datetime) -> int:
    """Clear away the plans whose process died; give how many. One that is being planned elsewhere is left alone."""
    with store.read() as connection:
        half = select(campaign_runs.c.run_id).where(campaign_runs.c.state == "planning")
        found: list[str] = list(connection.execute(half).scalars())
    old = [run_id for run_id in found if datetime.now(UTC) - born(run_id) > AFTER]
    for run_id in old:
        clear_half_plan(store, run_id, now)
    return len(old)


def clear_half_plan(store: Store, run_id: str, now: datetime) -> None:
    """Clear away one plan, in short transactions, unless it was finished or stopped; `now` is naive UTC."""
    half = exists().where(campaign_runs.c.run_id == run_id, campaign_runs.c.state == "planning")
    ours = select(messages.c.message_id).where(
        messages.c.run_id == run_id, messages.c.state == "planned", half
    )
    while True:
        with store.write() as connection:
            ids: list[str] = list(connection.execute(ours.limit(BATCH)).scalars())
            connection.execute(delete(message_alternatives).where(message_alternatives.c.message_id.in_(ids)))
            connection.execute(delete(messages).where(messages.c.message_id.in_(ids)))
        if len(ids) < BATCH:
            break
    with store.write() as connection:
        drawn = coupons.join(coupon_draws, coupon_draws.c.code_key == coupons.c.code_key)
        lists = select(coupons.c.list).select_from(drawn).where(coupon_draws.c.run_id == run_id, half)
        names: list[str] = list(connection.execute(lists.distinct().order_by(coupons.c.list)).scalars())
        for name in names:
            give_back(connection, name, now)
        connection.execute(delete(coupon_draws).where(coupon_draws.c.run_id == run_id, half))
        connection.execute(delete(run_audience).where(run_audience.c.run_id == run_id, half))
        this = (campaign_runs.c.run_id == run_id) & (campaign_runs.c.state == "planning")
        connection.execute(delete(campaign_runs).where(this))


def born(run_id: str) -> datetime:
    """Say when a run's id was made (UTC): the first 48 bits of a UUIDv7 are milliseconds since 1970 (RFC 9562, 5.7)."""
    return datetime.fromtimestamp((UUID(run_id.partition("_")[2]).int >> 80) / 1000, UTC)
