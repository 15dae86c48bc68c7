"""Many writes, one commit: and one that fails spoils no other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select
from sqlalchemy.exc import IntegrityError

from data_contracts.errors import StoreError
from messaging.store import Store, sessions
from messaging.store.tables import address_locks
from messaging.store.writer import Writer


def put(key: str) -> Any:
    def work(connection: Connection) -> str:
        connection.execute(insert(address_locks).values(lock_key=key))
        return key

    return work


@contextmanager
def hold(writer: Writer) -> Iterator[None]:
    """Keep the writer busy with a transaction of its own, so that what is submitted meanwhile waits together."""
    begun, let_go = threading.Event(), threading.Event()

    def work(_: Connection) -> None:
        begun.set()
        let_go.wait(30)

    held = writer.submit("held", work)
    assert begun.wait(30)
    yield
    let_go.set()
    held.result(30)


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(address_locks)).scalar_one()


def test_what_is_done_is_committed_and_few_commits_serve_many(store: Store) -> None:
    commits = []
    event.listen(store.engine, "commit", commits.append)
    writer = store.writer
    with hold(writer):  # so that the rest queues up
        works = [writer.submit(f"{number:03}", put(f"key {number}")) for number in range(100)]
    assert [work.result(10) for work in works] == [f"key {number}" for number in range(100)]
    assert count(store) == 100
    assert len(commits) == 3, "what held it, all hundred, and our count"


def test_a_work_that_fails_spoils_no_other_of_its_batch(store: Store) -> None:
    writer = store.writer
    with hold(writer):
        works = [writer.submit("a", put(name)) for name in ("one", "twice", "twice", "two")]
    results = [work.exception(10) for work in works]
    assert [type(result) for result in results] == [type(None), type(None), IntegrityError, type(None)]
    assert count(store) == 3


def test_an_error_of_ours_reaches_its_caller_and_the_writer_goes_on(store: Store) -> None:
    def broken(_: Connection) -> None:
        raise ValueError("a bug")

    writer = store.writer
    with pytest.raises(ValueError, match="a bug"):
        writer.submit("a", broken).result(10)
    assert writer.submit("b", put("after")).result(10) == "after"


def test_closing_writes_what_is_waiting(store: Store) -> None:
    writer = store.writer
    works = [writer.submit(str(number), put(str(number))) for number in range(20)]
    writer.close()
    assert all(work.done() for work in works)
    assert count(store) == 20


def test_a_work_that_its_caller_gave_up_is_left_out_and_the_writer_goes_on(store: Store) -> None:
    writer = store.writer
    with hold(writer):
        given_up, kept = writer.submit("b", put("given up")), writer.submit("c", put("kept"))
        assert given_up.cancel()
    assert [kept.result(10), writer.submit("d", put("later")).result(10)] == [
        "kept",
        "later",
    ]
    assert count(store) == 2


def test_after_it_is_closed_nothing_is_taken_that_nobody_would_write(store: Store) -> None:
    writer = store.writer
    writer.close()
    with pytest.raises(StoreError, match="being closed"):
        writer.submit("a", put("late"))


@pytest.mark.sqlite
def test_a_store_that_is_locked_fails_a_whole_batch_once_and_not_one_by_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred works that each waited ten seconds for the lock would keep the receiver for half an hour."""
    asked = []
    turn = store._turn
    monkeypatch.setattr(sessions, "BUSY_MILLISECONDS", 100)
    monkeypatch.setattr(store, "_turn", lambda: asked.append(1) or turn())  # type: ignore[func-returns-value]
    with store.write():
        works = [store.writer.submit(str(number), put(str(number))) for number in range(20)]
        errors = {type(work.exception(30)) for work in works}
    assert errors == {StoreError}
    assert len(asked) <= 3, "ours, the first work alone perhaps, and the rest together"
    assert store.writer.submit("a", put("after")).result(30) == "after"
    assert count(store) == 1
