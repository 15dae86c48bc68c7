"""What the store promises on PostgreSQL in particular: patience, silence about values, a server that goes away."""

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from data_contracts.errors import StoreDeadlockError, StoreError
from messaging.settings import read_settings
from messaging.store import Store, engine, open_store, sessions
from messaging.store.locks import lock
from messaging.store.tables import address_locks

pytestmark = pytest.mark.postgresql


def test_a_lock_that_another_process_holds_is_told_in_one_sentence(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "POSTGRESQL_SESSION", ("SET lock_timeout = 50",))
    holder, waiter = (Store(engine.make_engine(postgresql_url)) for _ in range(2))
    with holder, waiter, holder.write() as held:
        lock(held, ["address:a"])
        told = pytest.raises(StoreError, match="Another process has held the store's write lock")
        with told, waiter.write() as connection:
            lock(connection, ["address:a"])


def test_two_writers_that_wait_for_each_other_are_told_to_try_again(postgresql_url: str) -> None:
    """One of them gets on; the other's work is rolled back as a whole, and a dispatcher tries it again."""
    store = Store(engine.make_engine(postgresql_url))
    met, told = threading.Barrier(2), []

    def write(first: str, second: str) -> None:
        try:
            with store.write() as connection:
                lock(connection, [first])
                met.wait(30)
                lock(connection, [second])
        except StoreError as error:
            told.append(error.message)

    threads = [threading.Thread(target=write, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["Two writers of the store waited for each other."]
    with store.read() as connection:
        assert sorted(connection.execute(select(address_locks.c.lock_key)).scalars()) == ["a", "b"]
    store.close()


def test_a_batch_that_waits_in_a_ring_with_another_process_is_written_after_it(store: Store) -> None:
    met, tries = threading.Barrier(2), []

    def ours(connection: Connection) -> str:
        lock(connection, ["b"])
        tries.append(1)
        if len(tries) == 1:
            met.wait(30)
        lock(connection, ["a"])
        return "written"

    with store.write() as theirs:
        theirs.execute(text("SET LOCAL deadlock_timeout = '60s'"))  # whoever looks first has to begin again
        lock(theirs, ["a"])
        work = store.writer.submit("x", ours)
        met.wait(30)
        lock(theirs, ["b"])
    assert work.result(30) == "written"
    assert len(tries) == 2


@pytest.mark.parametrize("code", ["40P01", "40001"])
def test_a_transaction_that_another_writer_was_in_the_way_of_is_run_again_a_bounded_number_of_times(
    store: Store, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(sessions, "PAUSE", 0.001)
    tries = []

    def fail(connection: Connection, times: int) -> str:
        tries.append(1)
        connection.execute(delete(address_locks))
        connection.execute(insert(address_locks).values(lock_key=f"try {len(tries)}"))
        if len(tries) <= times:  # in a language that nobody here reads
            connection.execute(
                text(f"DO $$ BEGIN RAISE EXCEPTION 'Verklemmung' USING ERRCODE = '{code}'; END $$")
            )
        return "written"

    assert store.transact(lambda connection: fail(connection, 2)) == "written"
    with store.read() as reading:
        assert list(reading.execute(select(address_locks.c.lock_key)).scalars()) == ["try 3"]
    tries.clear()
    with pytest.raises(StoreDeadlockError):
        store.transact(lambda connection: fail(connection, 99))
    assert len(tries) == sessions.TRIES
    tries.clear()
    assert store.writer.submit("x", lambda connection: fail(connection, 2)).result(30) == "written"


def test_two_that_read_and_write_the_same_where_the_server_is_strict_are_both_written(
    store: Store,
) -> None:
    """A server whose default is SERIALIZABLE ends one of them at its commit, with a code of its own."""
    with store.write() as connection:
        connection.execute(text("CREATE TABLE counted (n integer)"))
        connection.execute(text("INSERT INTO counted VALUES (0)"))
    met, tries = threading.Barrier(2), []

    def count(connection: Connection) -> None:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
        seen = connection.execute(text("SELECT n FROM counted")).scalar_one()
        tries.append(1)
        if len(tries) <= 2:
            met.wait(30)
        connection.execute(text("UPDATE counted SET n = :n"), {"n": seen + 1})

    unverified = Store(store.engine)  # its transactions have read nothing before their isolation is set
    threads = [threading.Thread(target=unverified.transact, args=(count,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with store.read() as reading:
        assert reading.execute(text("SELECT n FROM counted")).scalar_one() == 2
    assert len(tries) == 3


def test_a_value_that_the_server_quotes_stays_out_of_the_error(store: Store) -> None:
    with pytest.raises(DBAPIError, match="data exception 22P02") as caught, store.write() as connection:
        connection.execute(text("SELECT CAST(:word AS integer)"), {"word": "my secret"})
    assert "secret" not in f"{caught.value} {caught.value.orig}"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (
            "postgresql+psycopg://postgres@/nowhere?host={folder}",
            r"server refuses us.*Check RAPPORT_STORE_URL",
        ),
        ("postgresql+psycopg://stranger@/postgres?host={folder}", "server refuses us"),
        ("postgresql+psycopg://postgres@/postgres?host={folder}/nothing", "server does not answer"),
    ],
)
def test_a_server_that_is_not_there_or_refuses_us_is_told_in_one_sentence(
    postgresql: Any, home: Path, address: str, told: str
) -> None:
    with pytest.raises(StoreError, match=told):
        open_store(read_settings(home=home, store_url=address.format(folder=postgresql.folder)))


def test_more_threads_than_connections_are_told_to_try_again(postgresql_url: str) -> None:
    made = create_engine(postgresql_url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    told = pytest.raises(StoreError, match="No connection to the store is free")
    with Store(made) as store, store.read(), told, store.read():
        pass


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(DBAPIError, match="read-only"), store.read() as connection:
        connection.execute(insert(address_locks).values(lock_key="a"))


def test_a_commit_waits_for_the_disk_whatever_the_servers_default_is(store: Store, postgresql: Any) -> None:
    with postgresql.admin.connect() as admin, store.read() as connection:
        told = [one.execute(text("SHOW synchronous_commit")).scalar() for one in (admin, connection)]
    assert told == ["off", "on"]


def test_a_server_that_restarts_is_told_and_found_again(store: Store, postgresql: Any) -> None:
    with store.write() as connection:
        connection.execute(insert(address_locks).values(lock_key="kept"))
    postgresql.stop()
    try:
        with pytest.raises(StoreError, match="database server does not answer"), store.write():
            pass
    finally:
        postgresql.start()
    with store.write() as connection:
        connection.execute(insert(address_locks).values(lock_key="later"))
    with store.read() as connection:
        assert sorted(connection.execute(select(address_locks.c.lock_key)).scalars()) == ["kept", "later"]
