"""Many writes, one commit: and one that fails spoils no other."""

import time
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from messaging.store import Store
from messaging.store.tables import address_locks
from messaging.webhooks.batches import BatchWriter


def put(key: str) -> Any:
    def work(connection: Connection) -> str:
        connection.execute(insert(address_locks).values(lock_key=key))
        return key

    return work


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(address_locks)).scalar_one()


def test_what_is_done_is_committed_and_few_commits_serve_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []
    write = store.write
    monkeypatch.setattr(store, "write", lambda: commits.append(1) or write())  # type: ignore[func-returns-value]
    writer = BatchWriter(store)
    with write():  # hold the lock, so that the rest queues up
        works = [writer.submit(f"{number:03}", put(f"key {number}")) for number in range(100)]
    assert [work.result(10) for work in works] == [f"key {number}" for number in range(100)]
    assert count(store) == 100
    assert len(commits) <= 5
    writer.close()


def test_a_work_that_fails_spoils_no_other_of_its_batch(store: Store) -> None:
    writer = BatchWriter(store)
    with store.write():
        works = [writer.submit("a", put(name)) for name in ("one", "twice", "twice", "two")]
    results = [work.exception(10) for work in works]
    assert [type(result) for result in results] == [type(None), type(None), IntegrityError, type(None)]
    assert count(store) == 3
    writer.close()


def test_an_error_of_ours_reaches_its_caller_and_the_writer_goes_on(store: Store) -> None:
    def broken(_: Connection) -> None:
        raise ValueError("a bug")

    writer = BatchWriter(store)
    with pytest.raises(ValueError, match="a bug"):
        writer.submit("a", broken).result(10)
    assert writer.submit("b", put("after")).result(10) == "after"
    writer.close()


def test_closing_writes_what_is_waiting(store: Store) -> None:
    writer = BatchWriter(store)
    works = [writer.submit(str(number), put(str(number))) for number in range(20)]
    writer.close()
    assert all(work.done() for work in works)
    assert count(store) == 20


def test_a_work_that_its_caller_gave_up_is_left_out_and_the_writer_goes_on(store: Store) -> None:
    writer = BatchWriter(store)
    with store.write():
        held = writer.submit("a", put("held"))
        for _ in range(500):
            if held.running():
                break
            time.sleep(0.01)
        given_up, kept = writer.submit("b", put("given up")), writer.submit("c", put("kept"))
        assert given_up.cancel()
    assert [held.result(10), kept.result(10), writer.submit("d", put("later")).result(10)] == [
        "held",
        "kept",
        "later",
    ]
    assert count(store) == 3
    writer.close()
