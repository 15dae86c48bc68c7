"""Daily budgets: what was promised counts, across batches, dispatchers and days of the company's own zone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data_contracts.errors import InputError
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.policy import LIMITS_FILE, Limits, Prices, read_limits
from messaging.policy.prices import Price, minutes
from messaging.senders.base import Rejected
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages
from messaging.store.tables_limits import budget_days

NOON = datetime.fromisoformat("2026-10-30T12:00")
CLOCK = Clock(NOON)
PRICES = Prices("GBP", {"sms": Price(40_000), "email": Price(800), "voice": Price(10_000, {"US": 5_000})})


def _limits(**budgets: int) -> Limits:
    scopes = {name.replace("_", " "): amount for name, amount in budgets.items()}
    return Limits(prices=PRICES, budgets=scopes, time_zone="Europe/London")


def _promised(store: Store) -> dict[tuple[str, str], int]:
    with store.read() as connection:
        rows = connection.execute(select(budget_days.c.day, budget_days.c.scope, budget_days.c.promised))
        return {(row[0], row[1]): row[2] for row in rows}


def _paid(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.sum(messages.c.cost))).scalar() or 0


def test_marketing_stops_at_the_days_budget_and_goes_on_the_next_day(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    outbox_of.put(7)
    report = dispatch_once(store, {"sms": provider}, CLOCK, limits=_limits(sms=120_000), threads=2)
    assert (report.accepted, report.waiting) == (3, {"daily_budget": 4})
    assert _promised(store) == {("2026-10-30", "sms"): 120_000}
    assert dispatch_once(store, {"sms": provider}, CLOCK, limits=_limits(sms=120_000)).called == 0
    tomorrow = Clock(NOON + timedelta(days=1))
    assert dispatch_once(store, {"sms": provider}, tomorrow, limits=_limits(sms=120_000)).accepted == 3
    assert _paid(store) == 240_000


@pytest.mark.parametrize("dispatchers", [8])
def test_dispatchers_beside_each_other_promise_a_budget_once(
    store: Store, outbox_of: Any, provider: Any, dispatchers: int
) -> None:
    outbox_of.put(60)

    def dispatch(_: int) -> int:
        return dispatch_once(
            store, {"sms": provider}, CLOCK, limits=_limits(every_channel=1_000_000), threads=4
        ).accepted

    with ThreadPoolExecutor(dispatchers) as pool:
        assert sum(pool.map(dispatch, range(dispatchers))) == 25
    assert (
        _promised(store)
        == {("2026-10-30", "every channel"): 1_000_000}
        == {("2026-10-30", "every channel"): _paid(store)}
    )


def test_a_receipt_goes_when_the_budget_is_promised_and_is_counted(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    outbox_of.put(2, message_class="transactional", consent=False)
    outbox_of.put(first=2)
    report = dispatch_once(store, {"sms": provider}, CLOCK, limits=_limits(sms=50_000), threads=4)
    assert (report.accepted, report.waiting) == (2, {"daily_budget": 1})
    assert _promised(store) == {("2026-10-30", "sms"): 80_000}


def test_a_second_try_on_the_same_day_is_promised_once(store: Store, outbox_of: Any, provider: Any) -> None:
    busy = Rejected("retry", "Too many at once.", code=20429, attempts=9)
    provider.answers = [busy]
    (message_id,) = outbox_of.put()
    limits = _limits(sms=40_000)
    dispatch_once(store, {"sms": provider}, CLOCK, limits=limits)
    with store.write() as connection:
        connection.execute(messages.update().values(retry_at=None))
    assert dispatch_once(store, {"sms": provider}, CLOCK, limits=limits).accepted == 1
    assert (outbox_of.row(message_id).cost, _promised(store)) == (40_000, {("2026-10-30", "sms"): 40_000})


def test_a_campaign_has_a_budget_of_its_own(store: Store, outbox_of: Any, provider: Any) -> None:
    run_id = outbox_of.run(content={"tables": [], "budget": 80_000})
    outbox_of.put(3, run_id=run_id, campaign="win_back")
    outbox_of.put(2, first=3)
    report = dispatch_once(store, {"sms": provider}, CLOCK, limits=_limits())
    assert (report.accepted, report.waiting) == (4, {"daily_budget": 1})
    assert _promised(store) == {("2026-10-30", "campaign:win_back"): 80_000}


@pytest.mark.parametrize(
    ("channel", "country", "segments", "characters", "cost"),
    [
        ("sms", "GB", 3, 400, 120_000),
        ("sms", None, None, 20, 40_000),
        ("email", None, None, 9_000, 800),
        ("voice", "US", None, 451, 10_000),
        ("voice", "GB", None, 450, 10_000),
        ("chat", None, None, 9, 0),
    ],
)
def test_a_message_costs_by_segment_minute_or_piece(
    channel: str, country: str | None, segments: int | None, characters: int, cost: int
) -> None:
    assert PRICES.cost(channel, country, segments, characters) == cost


def test_a_call_is_paid_by_the_begun_minute_of_a_text_said_twice() -> None:
    assert [minutes(length) for length in (0, 1, 450, 451, 900, 901)] == [1, 1, 1, 2, 2, 3]


def test_the_companys_day_ends_at_its_own_midnight_also_when_its_clock_changes() -> None:
    limits = _limits(sms=1)
    day, ends = limits.day(
        datetime.fromisoformat("2026-10-24T23:30")
    )  # half past midnight of the 25th in London
    assert (str(day), ends) == ("2026-10-25", datetime.fromisoformat("2026-10-26T00:00"))


LEGAL = "as_of: 2026-11-22\nprices: {sms: {each: 0.0405, by country: {US: 0.0083}}}\nbudgets: {sms: 100}\n"


def test_an_installations_own_limits_stand_before_the_shipped_ones(settings: Settings, home: Path) -> None:
    shipped = read_limits(settings)
    assert (len(shipped.caps), shipped.budgets) == (7, {})
    (home / LIMITS_FILE.name).write_text(LEGAL)
    own = read_limits(settings)
    assert (own.caps, dict(own.budgets), own.prices.currency) == ((), {"sms": 100_000_000}, settings.currency)
    assert own.prices.cost("sms", "US", 2, 0) == 16_600


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("0.0405", "cheap"), "line 2: prices.sms.each: write an amount"),
        (lambda text: text.replace("100", "-1"), "line 3: budgets.sms: an amount of money is 0 or more"),
        (
            lambda text: text.replace("{sms: 100}", "{email: 100}"),
            "line 3: there is a budget for email and no price",
        ),
        (lambda text: text + "caps: {sms: [{messages: 0, days: 7}]}", "line 4: caps.sms.0.messages"),
        (lambda text: text + "caps: {fax: []}", "line 4: caps.fax"),
    ],
)
def test_a_slip_in_the_limits_is_told_with_its_line(
    settings: Settings, home: Path, change: Callable[[str], str], told: str
) -> None:
    (home / LIMITS_FILE.name).write_text(change(LEGAL))
    with pytest.raises(InputError, match=told):
        read_limits(settings)
