"""A file of consents from the app: tried first, then taken whole or refused whole, under somebody's name."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from data_contracts.errors import RefusedError, UsageError
from messaging import audit
from messaging.clock import Clock
from messaging.consent_imports import ImportCounts
from messaging.customers import Customers
from messaging.desk.consent_import import Tried, take_over, try_file
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import consent_events

HEAD = "customer_id,address,channel,action,occurred_at,wording\n"
Try = Callable[..., Tried]


@pytest.fixture
def tried(
    settings: Settings,
    store: Store,
    clock: Clock,
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
) -> Try:
    """Give what the app does with a file's rows; {who} in them is a customer's id."""
    person = make_person(1)
    publish(customer_360=[person])
    customers = Customers(settings, store)

    def look(rows: str, source: str = "drawer") -> Tried:
        content = (HEAD + rows.format(who=person["customer_id"])).encode()
        return try_file(settings, customers, store, clock, content=content, name="paper.csv", source=source)

    return look


def events(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(consent_events)).scalar_one()


GOOD = "{who},,email,grant,2026-03-01,=HYPERLINK(1)\n,anna@x.example,email,revoke,2026-04-01,\n"


def test_a_file_is_tried_without_a_trace_recorded_once_and_kept_by_the_audit(
    tried: Try, settings: Settings, store: Store, clock: Clock
) -> None:
    before = events(store)
    found = tried(GOOD)
    assert (found.rows, found.yes, found.faults, found.counts) == (2, 1, (), ImportCounts(2, 0, 0))
    assert events(store) == before
    assert take_over(settings, store, clock, found, actor="mia") == found.counts
    again = tried(GOOD)
    assert again.counts == ImportCounts(0, 2, 0)
    with store.read() as connection:
        (kept,) = audit.newest(connection, 5, action="consent.import")
    assert (kept["actor"], kept["subject"], kept["detail"]) == ("mia", "drawer", {"rows": 2, "news": 2})
    assert events(store) == before + 2


def test_of_a_file_with_one_refused_row_nothing_is_recorded(
    tried: Try, settings: Settings, store: Store, clock: Clock
) -> None:
    before = events(store)
    found = tried(f"{GOOD}cus_nobody,,email,grant,2026-03-01,\n,12,sms,grant,2026-03-01,\n")
    assert [each.line for each in found.faults] == [4, 5]
    assert "nobody's in the newest release" in found.faults[0].sentence
    assert "cus_nobody" not in found.faults[0].sentence
    with pytest.raises(RefusedError, match="2 of 4 rows were refused"):
        take_over(settings, store, clock, found, actor="mia")
    with pytest.raises(UsageError, match="no row"):
        take_over(settings, store, clock, tried(""), actor="mia")
    assert events(store) == before


@pytest.mark.parametrize("source", ["  ", "x" * 61, "a\0b"])
def test_whoever_imports_says_where_it_comes_from(tried: Try, source: str) -> None:
    with pytest.raises(UsageError, match="name of where they come from"):
        tried(GOOD, source)
