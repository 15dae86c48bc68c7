"""Whoever takes over a lease that ran out, and whoever made the call and comes back: one of them after the other.

What the provider took must never be forgotten between them: it would be taken for a message that never went.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from messaging import outbox
from messaging.clock import Clock
from messaging.outbox import outcomes
from messaging.quiet_hours import read_quiet_rules
from messaging.reconcile import reconcile, settling
from messaging.senders.base import Accepted
from messaging.store import Store

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))
SOON = 0.7  # seconds within which the other one gets on, where nothing holds it
SID = "SM" + "a" * 32


def _calls(store: Store, count: int) -> list[outbox.Call]:
    """Commit to calls, under a lease that has run out by now."""
    with store.write() as connection:
        lease = timedelta(0)
        ids = outbox.claim(connection, "slow", count, NOW.now(), channels=["sms"], lease=lease)
        rules = read_quiet_rules()
        intents = outbox.to_calling(connection, "slow", ids, NOW.now(), rules=rules, lease=lease)
    return list(intents.calls)


def _record(store: Store, calls: list[outbox.Call]) -> list[str]:
    ended = [(call, "twilio", Accepted(f"{SID[:-2]}{number:02}")) for number, call in enumerate(calls)]
    with store.write() as connection:
        return list(outbox.record_outcomes(connection, ended, NOW.now()))


def _take_over(store: Store) -> outbox.Recovered:
    with store.write() as connection:
        return outbox.recover(connection, NOW.now())


class _Beside(threading.Thread):
    """Does something beside the test, and keeps what came of it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - the test tells it
            self.error = error

    def end(self) -> None:
        """Wait for it, and raise what it raised."""
        self.join(30)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error


@pytest.mark.postgresql
def test_an_outcome_that_is_recorded_while_its_lease_is_taken_over_is_kept(
    store: Store, outbox_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who called has read that it is still its own; before it writes, the other takes over."""
    ids = outbox_of.put(3)
    calls = _calls(store, 3)
    other = _Beside(lambda: _take_over(store))
    accept = outcomes._accept_plainly

    def others_first(*given: Any) -> None:
        other.start()
        other.join(SOON)
        accept(*given)

    monkeypatch.setattr(outcomes, "_accept_plainly", others_first)
    assert _record(store, calls) == ["accepted"] * 3
    other.end()
    _take_over(store)
    rows = [outbox_of.row(one) for one in ids]
    assert [row.state for row in rows] == ["accepted"] * 3
    assert len({row.provider_sid for row in rows} - {None}) == 3
    assert [outbox_of.attempts(one)[0].outcome for one in ids] == ["accepted"] * 3


@contextmanager
def _after_first(store: Store, beginning: str, then: Callable[[], None]) -> Iterator[None]:
    """Do something right after the first statement of this thread that begins so."""
    met: list[int] = []
    here = threading.get_ident()

    def look(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        if not met and threading.get_ident() == here and statement.startswith(beginning):
            met.append(1)
            then()

    event.listen(store.engine, "after_cursor_execute", look)
    yield
    event.remove(store.engine, "after_cursor_execute", look)
    assert met


@pytest.mark.postgresql
def test_a_take_over_that_has_begun_and_an_outcome_never_wait_for_each_other_in_a_ring(
    store: Store, outbox_of: Any
) -> None:
    (message_id,) = outbox_of.put()
    calls = _calls(store, 1)
    caller = _Beside(lambda: _record(store, calls))

    def callers_turn() -> None:
        caller.start()
        caller.join(SOON)

    with _after_first(store, "UPDATE attempts", callers_turn):
        _take_over(store)
    caller.end()
    row, (attempt,) = outbox_of.row(message_id), outbox_of.attempts(message_id)
    assert (row.state, attempt.outcome) == ("accepted", "accepted")
    assert row.provider_sid == attempt.provider_sid is not None


def test_a_look_at_the_provider_settles_nothing_of_a_call_that_was_made_since(
    store: Store, outbox_of: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the provider is asked, a person lets the message go again, and that call breaks off as well."""
    (message_id,) = outbox_of.put(message_class="transactional")
    _calls(store, 1)
    _take_over(store)

    def find(*_: Any) -> list[Any]:
        if len(outbox_of.attempts(message_id)) == 1:
            with store.write() as connection:
                outbox.requeue_unsent(connection, message_id, NOW.now())
            _calls(store, 1)
            _take_over(store)
        return []

    monkeypatch.setattr(provider, "find", find)
    monkeypatch.setattr(settling, "AT_ONCE", 1)
    assert reconcile(store, {"sms": provider}, NOW, grace=timedelta(0)).requeued == 0
    assert outbox_of.row(message_id).state == "unknown"
