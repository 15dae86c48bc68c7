"""A store that is full, locked, restarted or whose clock goes back: nothing lost, nothing twice, resumed by itself."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text, update

from data_contracts.errors import StoreError
from messaging.clock import Clock
from messaging.consent import stop
from messaging.dispatch import dispatch_once
from messaging.policy import FrequencyCap, Limits
from messaging.reconcile import reconcile
from messaging.settings import Settings
from messaging.store import Store, engine, open_store, sessions
from messaging.store.tables import attempts, messages
from messaging.store.times import database_now

NOON = datetime.fromisoformat("2026-10-30T12:00")
MESSAGES = 150
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up waiting for a lock after 0.3 s instead of ten, so that two seconds of trouble are many failures."""
    monkeypatch.setattr(sessions, "BUSY_MILLISECONDS", 300)
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 300)
    patience = tuple(line.replace("10000", "300") for line in engine.POSTGRESQL_SESSION)
    assert patience != engine.POSTGRESQL_SESSION
    monkeypatch.setattr(engine, "POSTGRESQL_SESSION", patience)


@pytest.fixture
def slow(provider: Any) -> Any:
    """Let every call take a moment, so that trouble meets calls that are under way."""
    plain = provider.send

    def send(message: Any) -> Any:
        time.sleep(0.02)
        return plain(message)

    provider.send = send
    return provider


@contextmanager
def dispatching(store: Store, provider: Any, begun: int = 20) -> Iterator[None]:
    """Dispatch in a thread; the block runs once some are sent, and after it what is left goes by itself."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            dispatch_once(store, {"sms": provider}, Clock(NOON), threads=8, lease=timedelta(seconds=2))
        except BaseException as error:
            errors.append(error)
            raise

    thread = threading.Thread(target=work)
    thread.start()
    while len(provider.accepted) < begun and thread.is_alive():
        time.sleep(0.01)
    yield
    thread.join(120)
    assert not thread.is_alive()
    assert errors == []


def settle(store: Store, provider: Any) -> None:
    """Do what the dispatcher does in the minutes after: take over leases, settle what is unknown."""
    for _ in range(3):
        time.sleep(2.1)
        dispatch_once(store, {"sms": provider}, Clock(NOON))
        reconcile(store, {"sms": provider}, Clock(NOON), grace=timedelta(0))


def each_went_once(provider: Any, outbox_of: Any, ids: list[str]) -> None:
    times = Counter(message.message_id for message in provider.accepted)
    assert [one for one, count in times.items() if count > 1] == []
    assert set(times) == set(ids)
    assert {outbox_of.row(one).state for one in ids} == {"accepted"}


@contextmanager
def _won(store: Store) -> Iterator[Connection]:
    """Get a write transaction, however often the dispatcher is faster."""
    for _ in range(100):
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(store.write())
            except StoreError:
                continue
            yield connection
            return
    raise AssertionError("the dispatcher never let go")


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Hold the store as another process would that forgot to commit."""
    with open_store(settings) as other, ExitStack() as held:
        connection = held.enter_context(_won(other))
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"))
        yield


@pytest.mark.slow
def test_a_store_that_is_locked_for_a_while_holds_up_a_batch_and_costs_nothing(
    store: Store, settings: Settings, outbox_of: Any, slow: Any
) -> None:
    ids = outbox_of.put(MESSAGES, message_class="transactional")
    with dispatching(store, slow):
        with locked(settings):
            time.sleep(0.5)
            before = len(slow.accepted)
            time.sleep(2)
            assert len(slow.accepted) == before, "no call begins without its intent"
        assert before < MESSAGES, "the trouble came too late"
    each_went_once(slow, outbox_of, ids)


@pytest.mark.slow
@pytest.mark.sqlite
def test_a_store_that_is_full_holds_up_a_batch_and_costs_nothing(
    store: Store, outbox_of: Any, slow: Any
) -> None:
    ids = outbox_of.put(MESSAGES, message_class="transactional")
    limit = [10**9]

    @event.listens_for(store.engine, "checkout")
    def bound(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0]}")  # never below what is there

    with dispatching(store, slow):
        limit[0] = 1
        while True:  # until a page more is wanted than there are
            before = len(slow.accepted)
            time.sleep(1)
            if len(slow.accepted) == before:
                break
        assert before < MESSAGES, "the store never was full"
        limit[0] = 10**9
    each_went_once(slow, outbox_of, ids)


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_server_that_crashes_and_comes_back_costs_nothing(
    store: Store, outbox_of: Any, slow: Any, postgresql: Any
) -> None:
    ids = outbox_of.put(MESSAGES, message_class="transactional")
    with dispatching(store, slow):
        for _ in range(3):
            postgresql.stop()
            time.sleep(0.5)
            postgresql.start()
            time.sleep(0.2)
    settle(store, slow)
    each_went_once(slow, outbox_of, ids)


def test_a_clock_that_goes_back_a_day_leaves_no_lease_that_never_ends(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    """Times of before lie a day ahead of the database's clock: the same as rows whose times were moved ahead."""
    claimed, called, *free = ids = outbox_of.put(4, message_class="transactional")
    with store.write() as connection:
        ahead = database_now(connection) + DAY
        held = {"lease_owner": "dead:1", "lease_until": ahead}
        of = messages.c.message_id
        connection.execute(update(messages).where(of == claimed).values(state="sending", **held))
        began = {"attempt_count": 1, "calling_at": ahead}
        connection.execute(update(messages).where(of == called).values(state="calling", **held, **began))
        attempt = {"attempt_id": "att_1", "message_id": called, "number": 1, "started_at": ahead}
        connection.execute(insert(attempts).values(attempt))
    dispatch_once(store, {"sms": provider}, Clock(NOON - DAY))
    reconcile(store, {"sms": provider}, Clock(NOON - DAY), grace=timedelta(0))
    assert outbox_of.row(called).state == "unknown", (
        "nothing is sent again on the word of a clock that jumped"
    )
    assert {outbox_of.row(one).state for one in (claimed, *free)} == {"accepted"}

    with store.write() as connection:  # a day later
        connection.execute(update(attempts).values(started_at=ahead - 2 * DAY))
    reconcile(store, {"sms": provider}, Clock(NOON), grace=timedelta(0))
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    each_went_once(provider, outbox_of, ids)


def test_a_message_that_went_before_the_clock_was_set_back_is_found_and_not_sent_again(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    ids = outbox_of.put(1, message_class="transactional")
    provider.answers = [provider.accept_and_break_off]
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    assert outbox_of.row(ids[0]).state == "unknown"
    with store.write() as connection:  # it began by a clock that ran a day ahead
        ahead = database_now(connection) + DAY
        connection.execute(update(messages).values(calling_at=ahead))
        connection.execute(update(attempts).values(started_at=ahead))
    reconcile(store, {"sms": provider}, Clock(NOON), grace=timedelta(0))
    each_went_once(provider, outbox_of, ids)


def test_a_stop_that_comes_after_the_clock_was_set_back_still_stops(
    store: Store, outbox_of: Any, provider: Any, addresses: Any
) -> None:
    ids = outbox_of.put(1)
    with store.write() as connection:
        said = {
            "channel": "sms",
            "at": NOON - 40 * DAY,
            "source": "test",
        }  # the consent is of thirty days ago
        stop(connection, address_hash=addresses.hash("+442079460000"), **said)
    dispatch_once(store, {"sms": provider}, Clock(NOON - 40 * DAY))
    assert (outbox_of.row(ids[0]).state, provider.accepted) == ("skipped", [])


def test_what_was_sent_before_the_clock_was_set_back_still_counts_against_the_cap(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    limits = Limits((FrequencyCap(1, 7, "sms"),))
    (first,) = outbox_of.put(1)
    dispatch_once(store, {"sms": provider}, Clock(NOON), limits=limits)
    (second,) = outbox_of.put(1, consent=False)
    dispatch_once(store, {"sms": provider}, Clock(NOON - DAY), limits=limits)
    assert outbox_of.row(first).state == "accepted"
    assert (outbox_of.row(second).state, outbox_of.row(second).reason) == ("skipped", "frequency_cap")
