"""What people ask us to do with their data: until when, and what may be said of it."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging.audit import newest
from messaging.clock import Clock
from messaging.desk.requests import (
    Request,
    close_request,
    due_of,
    extend_request,
    pressing,
    requests,
    take_request,
)
from messaging.store import Store

NOON = datetime.fromisoformat("2026-01-31T12:00")
LONDON = "Europe/London"
DAY = timedelta(days=1)


def taken(store: Store, at: datetime = NOON, who: str = "Ada Lovelace, ada@example.com") -> Request:
    return take_request(store, Clock(at), "access", who, way="e-mail", zone=LONDON, actor="petra")


@pytest.mark.parametrize(("kind", "way"), [("<b>", "letter"), ("access", "by raven")])
def test_a_kind_or_way_that_there_is_not_is_never_written_down(store: Store, kind: Any, way: Any) -> None:
    with pytest.raises(UsageError, match="Say one of"):
        take_request(store, Clock(NOON), kind, "Ada", way=way, zone=LONDON, actor="petra")
    assert requests(store) == []


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from([LONDON, "America/New_York", "Pacific/Auckland", "Asia/Kathmandu"]),
    st.sampled_from([1, 3]),
)
def test_it_is_due_when_the_same_day_of_the_month_ends_or_the_month_does(
    arrived: datetime, zone: str, months: int
) -> None:
    came, ends = (
        each.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        for each in (arrived, due_of(arrived, zone, months))
    )
    assert (ends.year * 12 + ends.month) - (came.year * 12 + came.month) == months
    assert ends.day == min(came.day, monthrange(ends.year, ends.month)[1])
    assert f"{ends:%H:%M:%S}" == "23:59:59"


def test_a_month_after_the_end_of_january_ends_with_february(store: Store) -> None:
    made = taken(store)
    assert made.due_at == datetime.fromisoformat("2026-02-28T23:59:59")
    assert [made.state(at) for at in (NOON, made.due_at - DAY, made.due_at + DAY)] == [
        "open",
        "due soon",
        "overdue",
    ]
    assert (made.days_left(NOON), made.days_left(made.due_at + DAY)) == (28, -1)


def test_it_is_extended_once_within_its_month_and_answered_once(store: Store) -> None:
    made = taken(store)
    later = Clock(NOON + 10 * DAY)
    longer = extend_request(
        store, later, made.request_id, "Two archives on paper", zone=LONDON, actor="petra"
    )
    assert longer.due_at == datetime.fromisoformat("2026-04-30T22:59:59")  # by London's summer time
    with pytest.raises(RefusedError, match="extended already"):
        extend_request(store, later, made.request_id, "again", zone=LONDON, actor="petra")
    closed = close_request(store, later, made.request_id, "done", "File sent by post", actor="petra")
    assert closed.state(NOON + 400 * DAY) == "done"
    with pytest.raises(RefusedError, match="done already, by petra"):
        close_request(store, later, made.request_id, "refused", "no", actor="otto")
    with store.read() as connection:
        told = [each["action"] for each in newest(connection, 9) if each["subject"] == made.request_id]
        assert told == ["request.done", "request.extend", "request.take"]
        assert "Ada" not in str(newest(connection, 9))


def test_nothing_is_extended_after_its_month_nor_answered_without_a_word(store: Store) -> None:
    made = taken(store)
    late = Clock(made.due_at + DAY)
    with pytest.raises(RefusedError, match="Its month is over"):
        extend_request(store, late, made.request_id, "Much to do", zone=LONDON, actor="petra")
    with pytest.raises(UsageError):
        close_request(store, late, made.request_id, "refused", "  ", actor="petra")
    with pytest.raises(NotFoundError):
        close_request(store, late, "prq_none", "done", "sent", actor="petra")
    with pytest.raises(UsageError, match="in the future"):
        take_request(
            store,
            Clock(NOON),
            "erasure",
            "Ada",
            way="letter",
            zone=LONDON,
            arrived_at=NOON + DAY,
            actor="petra",
        )
    assert (
        close_request(store, late, made.request_id, "done", "sent", actor="petra").state(NOON) == "done late"
    )


def test_those_that_are_due_first_stand_first_and_the_newest_answered_after_them(store: Store) -> None:
    first, second, third = (taken(store, NOON + each * DAY, f"no {each}") for each in (2, 0, 1))
    close_request(store, Clock(NOON + 9 * DAY), third.request_id, "refused", "Not theirs", actor="petra")
    assert [each.who for each in requests(store)] == ["no 0", "no 2", "no 1"]
    with store.read() as connection:
        assert [pressing(connection, at) for at in (NOON, second.due_at, first.due_at)] == [0, 1, 2]


def test_a_request_that_is_sent_twice_is_one_and_the_same_words_of_another_day_or_colleague_are_not(
    store: Store,
) -> None:
    first = taken(store)
    assert taken(store, NOON + timedelta(seconds=2)) == first
    assert len(requests(store)) == 1
    with store.read() as connection:
        assert len(newest(connection, 9, action="request.take")) == 1
    taken(store, NOON + DAY)
    take_request(store, Clock(NOON), "access", first.who, way="e-mail", zone=LONDON, actor="paul")
    close_request(store, Clock(NOON), first.request_id, "done", "Sent.", actor="petra")
    taken(store)  # asked again after the answer
    assert len(requests(store)) == 4
