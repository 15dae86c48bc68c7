"""Campaigns in shadow mode: planned once a day on live data, whoever else looks beside us, and never sent."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, insert, or_, select, update

from data_contracts.errors import LibraryError, RapportError, RefusedError, StoreError
from messaging.planner.decisions import Decision
from messaging.planner.outlooks import message_cost
from messaging.planner.runs import BATCH, Planner
from messaging.planner.watching import watching
from messaging.policy import Limits, read_limits
from messaging.quiet_hours import local_time
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.inserts import insert_new
from messaging.store.tables_shadows import shadow_days, shadow_people
from messaging.store.times import database_now

log = structlog.get_logger(__name__)

EVERY = 60.0  # seconds
FROM_HOUR = 9  # of the company: the night's build is done, and no quiet hours colour what would wait
LEASE = timedelta(hours=1)  # as of a schedule's moment


@dataclass(frozen=True)
class ShadowDay:
    """What a day's plan in shadow mode came to. matched = to_send + held_out + the sum of `excluded`.

    `cost` is in millionths of `currency`, None without a price list; `came` and `went` are None on a first day.
    """

    campaign: str
    day: date  # of the company's time zone
    state: str  # taken | planned | failed
    told: str | None = None  # why it failed
    planned_at: datetime | None = None
    release_version: str | None = None
    content_hash: str | None = None
    matched: int | None = None
    to_send: int | None = None
    held_out: int | None = None
    excluded: dict[str, int] = field(default_factory=dict)
    by_channel: dict[str, int] = field(default_factory=dict)
    by_variant: dict[str, int] = field(default_factory=dict)
    came: int | None = None
    went: int | None = None
    cost: int | None = None
    currency: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Give the day as a JSON document."""
        return asdict(self)


def shadow_days_of(store: Store, campaign: str, limit: int = 60) -> list[ShadowDay]:
    """Give the newest days of a campaign in shadow mode, the oldest of them first."""
    rows = select(shadow_days).where(shadow_days.c.campaign == campaign)
    with store.read() as connection:
        newest = connection.execute(rows.order_by(shadow_days.c.day.desc()).limit(limit)).mappings().all()
    return [_day(row) for row in reversed(newest)]


class Shadows:
    """Plans what is due of the campaigns in shadow mode."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._ending = threading.Event()

    def watching(self) -> AbstractContextManager[None]:
        """Look now and then in a thread of its own: a plan of many people takes longer than messages may wait."""
        return watching("shadows", self._look_until, EVERY)

    def _look_until(self, ending: threading.Event) -> None:
        self._ending = ending
        self.look()

    def look(self) -> list[ShadowDay]:
        """Plan today's shadows that nobody has planned yet, from 9 o'clock on; give what became of each."""
        planner = self._planner
        if local_time(planner.clock.now(), planner.settings.time_zone).hour < FROM_HOUR:
            return []
        done: list[ShadowDay] = []
        for name in planner.library.names("campaigns"):
            try:
                shadow = planner.library.campaign(name).shadow
            except LibraryError:  # whoever plans it is told; others go on
                continue
            if shadow and (day := self.plan(name)):
                done.append(day)
        return done

    def plan(self, campaign: str, *, anew: bool = False) -> ShadowDay | None:
        """Plan a campaign's shadow of today, unless somebody did or does; `anew` also just after it failed.

        Raises RefusedError where the campaign is not in shadow mode, NotFoundError or CampaignError where it cannot be
        read, StoreError where the store cannot be used. What else fails is kept with the day, and tried again in an hour.
        """
        planner = self._planner
        if not planner.library.campaign(campaign).shadow:
            raise RefusedError(
                f"Campaign {campaign!r} is not in shadow mode.", "Write `shadow: true` into its file."
            )
        today = local_time(planner.clock.now(), planner.settings.time_zone).date()
        plan_id = self._take(campaign, today, anew=anew)
        if plan_id is None:
            return None
        try:
            values = self._decide(campaign, plan_id)
        except StoreError:
            raise  # its lease will run out
        except RapportError as error:
            values = {"state": "failed", "told": str(error)}
            log.warning("shadows.failed", campaign=campaign, day=today.isoformat())
        return self._finish(campaign, today, plan_id, values)

    def _take(self, campaign: str, day: date, *, anew: bool) -> str | None:
        """Take a day, or take it over where its holder died or failed; give our plan's id, None where it is not ours."""
        table, plan_id = shadow_days.c, new_id("run")
        with self._planner.store.write() as connection:
            now = database_now(connection)
            mine = {"state": "taken", "plan_id": plan_id, "lease_until": now + LEASE, "told": None}
            if insert_new(connection, shadow_days, [{"campaign": campaign, "day": day.isoformat()} | mine]):
                return plan_id
            over = and_(table.state != "planned", table.lease_until <= now)
            free = or_(over, table.state == "failed") if anew else over
            # One statement judges and takes, so that of two who come at once one finds it taken.
            taken = update(shadow_days).where(_this(campaign, day), free).values(mine)
            return plan_id if connection.execute(taken).rowcount else None

    def _decide(self, campaign: str, plan_id: str) -> dict[str, Any]:
        """Decide about everybody, keep who they are in short transactions, and give what is counted."""
        planner = self._planner
        limits = read_limits(planner.settings)
        ground, version, decisions = planner.decided(campaign, plan_id)
        counted = _Counted(limits)
        while batch := list(islice(decisions, BATCH)):
            if self._ending.is_set():
                raise RefusedError("The program ended before the day was planned.")
            counted.add(batch)
            key = {"campaign": campaign, "plan_id": plan_id}
            with planner.store.write() as connection:
                rows = [key | {"customer_id": each.customer_id} for each in batch]
                connection.execute(insert(shadow_people), rows)
        return counted.values() | {
            "state": "planned",
            "planned_at": ground.now,
            "release_version": version,
            "content_hash": ground.content.hash,
        }

    def _finish(self, campaign: str, day: date, plan_id: str, values: dict[str, Any]) -> ShadowDay | None:
        """Keep what became of a day, if it is still ours, and forget the people of earlier days."""
        store = self._planner.store
        if values["state"] == "planned":
            values |= self._moved(campaign, day, plan_id)
        table = shadow_days.c
        ours = _this(campaign, day) & (table.plan_id == plan_id) & (table.state == "taken")
        with store.write() as connection:
            if not connection.execute(update(shadow_days).where(ours).values(values)).rowcount:
                return None
        if values["state"] == "planned":
            self._forget(campaign, plan_id)
        with store.read() as connection:
            return _day(connection.execute(select(shadow_days).where(_this(campaign, day))).mappings().one())

    def _moved(self, campaign: str, day: date, plan_id: str) -> dict[str, int | None]:
        """Count who came and went beside the last planned day, by ids of today, so that a merge moves nobody."""
        planner, table = self._planner, shadow_days.c
        earlier = table.day < day.isoformat()
        rows = select(table.plan_id).where(table.campaign == campaign, table.state == "planned", earlier)
        with planner.customers.reader.snapshot() as snapshot, planner.store.read() as connection:
            before = connection.execute(rows.order_by(table.day.desc()).limit(1)).scalar()
            if before is None:
                return {"came": None, "went": None}
            became = planner.customers.merged(snapshot, connection)
            now_in = {became.current(each) for each in _people(connection, campaign, plan_id)}
            then_in = {became.current(each) for each in _people(connection, campaign, before)}
        return {"came": len(now_in - then_in), "went": len(then_in - now_in)}

    def _forget(self, campaign: str, plan_id: str) -> None:
        """Delete the people of plans before ours, those of holders that died among them, in short transactions."""
        table = shadow_people.c
        earlier = (table.campaign == campaign) & (table.plan_id < plan_id)  # ids sort by birth
        some = select(table.plan_id, table.customer_id).where(earlier).limit(BATCH)
        while True:
            with self._planner.store.write() as connection:
                rows = connection.execute(some).all()
                for old in {row.plan_id for row in rows}:
                    ids = [row.customer_id for row in rows if row.plan_id == old]
                    these = earlier & (table.plan_id == old) & table.customer_id.in_(ids)
                    connection.execute(delete(shadow_people).where(these))
            if len(rows) < BATCH:
                return


@dataclass
class _Counted:
    """What is counted of decisions as they come: no more of them is held."""

    limits: Limits
    decided: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)
    by_channel: Counter[str] = field(default_factory=Counter)
    by_variant: Counter[str] = field(default_factory=Counter)
    cost: int = 0

    def add(self, decisions: list[Decision]) -> None:
        for each in decisions:
            self.decided[each.decided] += 1
            if each.decided == "excluded":
                self.excluded[each.reason or ""] += 1
            if each.message is None:
                continue
            said = each.message
            self.by_channel[said.channel] += 1
            if each.variant:
                self.by_variant[each.variant] += 1
            self.cost += message_cost(
                self.limits, said.channel, said.address, said.segment_count, len(said.body)
            )

    def values(self) -> dict[str, Any]:
        prices = self.limits.prices
        return {
            "matched": self.decided.total(),
            "to_send": self.decided["send"],
            "held_out": self.decided["holdout"],
            "excluded": dict(self.excluded),
            "by_channel": dict(self.by_channel),
            "by_variant": dict(self.by_variant),
            "cost": self.cost if prices.channels else None,
            "currency": prices.currency,
        }


def _people(connection: Connection, campaign: str, plan_id: str) -> Iterator[str]:
    table = shadow_people.c
    of_it = select(table.customer_id).where(table.campaign == campaign, table.plan_id == plan_id)
    yield from connection.execute(of_it).scalars()


def _this(campaign: str, day: date) -> ColumnElement[bool]:
    return (shadow_days.c.campaign == campaign) & (shadow_days.c.day == day.isoformat())


def _day(row: RowMapping) -> ShadowDay:
    own = {name: value for name, value in row.items() if name not in {"plan_id", "lease_until"}}
    counts = {name: own[name] or {} for name in ("excluded", "by_channel", "by_variant")}
    return ShadowDay(**own | counts | {"day": date.fromisoformat(own["day"])})
