"""Codes that nobody has seen, and nobody will: they are free again.

Surely: every message that carries the code was cancelled or skipped, and no provider was called with it, or surely refused
it. Whoever may have read a code keeps it. A message that failed keeps it too, as a person may let it go again.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, update

from messaging.coupons.lists import list_lock
from messaging.store.locks import lock
from messaging.store.tables import attempts, campaign_runs, messages
from messaging.store.tables_coupons import coupon_draws, coupons
from messaging.store.times import database_now

GIVEN_UP = timedelta(days=8)  # no plan is launched after 7; the eighth is for a launch under way
UNLAUNCHED = ("planning", "planned", "approved")
WENT = ("accepted", "unknown")  # outcomes of a call after which somebody may have read it


def give_back(connection: Connection, name: str, now: datetime) -> int:
    """Free the codes of a list that surely nobody has seen or will, and those of plans that broke off; give how many."""
    lock(connection, [list_lock(name)])
    ours = coupons.c.list == name
    today = database_now(connection)
    broken = update(coupons).where(ours, coupons.c.reserved_until < today)
    freed = connection.execute(broken.values(reserved_by=None, reserved_until=None)).rowcount
    unseen = update(coupons).where(ours, coupons.c.customer_id.is_not(None), ~_may_be_seen(now))
    freed += connection.execute(unseen.values(customer_id=None, campaign=None)).rowcount
    nobodys = select(coupons.c.code_key).where(ours, coupons.c.customer_id.is_(None))
    connection.execute(delete(coupon_draws).where(coupon_draws.c.code_key.in_(nobodys)))
    return freed


def _may_be_seen(now: datetime) -> ColumnElement[bool]:
    """Say of a code whether one of its messages went, may have gone, or may still go."""
    table, drawn = messages.c, coupon_draws.c
    called = exists().where(
        attempts.c.message_id == table.message_id,
        or_(attempts.c.outcome.is_(None), attempts.c.outcome.in_(WENT)),
    )
    ended = and_(table.state.in_(("cancelled", "skipped")), table.accepted_at.is_(None), ~called)
    run = campaign_runs.c
    too_late = exists().where(
        run.run_id == table.run_id, run.state.in_(UNLAUNCHED), run.planned_at < now - GIVEN_UP
    )
    never = or_(ended, and_(table.state == "planned", too_late))
    theirs = (table.run_id == drawn.run_id) & (table.customer_id == drawn.customer_id)
    return exists(
        select(drawn.run_id)
        .select_from(coupon_draws.join(messages, theirs))
        .where(drawn.code_key == coupons.c.code_key, ~never)
        .correlate(coupons)
    )
