"""Reading and writing the store: its durability settings, its locks, what is told when it is held."""

import multiprocessing
import sqlite3
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from data_contracts.errors import SettingsError, StoreError
from messaging.settings import Settings, read_settings
from messaging.store import Store, engine, open_store, sessions
from messaging.store.tables import address_locks
from messaging.store.times import database_now


def _open_and_close(home: Path) -> None:
    open_store(read_settings(home=home)).close()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("busy_timeout", 10_000),
    ],
)
def test_every_connection_is_durable_strict_and_patient(store: Store, pragma: str, value: object) -> None:
    with store.read() as connection:
        assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_the_sqlite_in_use_is_free_of_the_wal_reset_bug() -> None:
    assert engine.sqlite_module().sqlite_version_info >= (3, 51, 3)


def test_an_unsafe_sqlite_is_refused_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SAFE_SQLITE", (99, 0, 0))
    with pytest.raises(StoreError, match=r"can corrupt a store.*pip install pysqlite3"):
        engine.sqlite_module()


def test_the_standard_librarys_sqlite_serves_where_it_is_new_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SAFE_SQLITE", sqlite3.sqlite_version_info)
    monkeypatch.setitem(__import__("sys").modules, "pysqlite3", None)
    assert engine.sqlite_module() is sqlite3


@pytest.mark.sqlite
def test_only_its_owner_may_read_the_stores_file(store: Store, home: Path) -> None:
    for path in home.glob("store.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


@pytest.mark.sqlite
def test_a_store_whose_file_is_gone_takes_nothing_and_goes_on_when_it_is_back(
    store: Store, home: Path
) -> None:
    with store.write() as connection:  # a connection waits in the pool
        connection.execute(text("CREATE TABLE written (x)"))
    files = {each: each.with_name(f"elsewhere-{each.name}") for each in home.glob("store.db*")}
    for file, away in files.items():
        file.rename(away)
    with pytest.raises(StoreError, match="is gone"), store.write() as connection:
        connection.execute(text("INSERT INTO written VALUES (1)"))
    assert not list(home.glob("store.db*"))
    for file, away in files.items():
        away.rename(file)
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM written")).scalar() == 0


@pytest.mark.sqlite
def test_a_backup_that_is_put_in_the_stores_place_is_written_to_at_once(store: Store, home: Path) -> None:
    (file,) = home.glob("store.db")
    backup = home / "backup.db"
    with sqlite3.connect(file) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    backup.replace(file)
    for each in home.glob("store.db-*"):
        each.unlink()
    with store.write() as connection:
        connection.execute(text("CREATE TABLE written (x)"))
    with sqlite3.connect(file) as other:
        assert other.execute("SELECT count(*) FROM written").fetchone() == (0,)


def test_what_a_failed_block_wrote_is_rolled_back(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as connection:
        connection.execute(insert(address_locks), [{"lock_key": "a"}, {"lock_key": "a"}])
    with store.read() as connection:
        assert connection.execute(select(address_locks)).all() == []


def test_a_reader_sees_one_moment_and_never_waits_for_a_writer(store: Store) -> None:
    with store.read() as reader:
        assert reader.execute(select(address_locks)).all() == []
        with store.write() as writer:
            writer.execute(insert(address_locks).values(lock_key="a"))
        assert reader.execute(select(address_locks)).all() == []
    with store.read() as reader:
        assert reader.execute(select(address_locks)).all() == [("a",)]


@pytest.mark.sqlite
def test_a_store_that_another_process_holds_is_told_in_one_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 50)
    told = pytest.raises(StoreError, match="Another process has held the store's write lock")
    with open_store(settings) as holder, open_store(settings) as waiter, holder.write(), told, waiter.write():
        pass


@pytest.mark.sqlite
def test_a_write_inside_a_write_of_one_process_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "BUSY_MILLISECONDS", 50)
    with store.write(), pytest.raises(StoreError, match="Another part of this process"), store.write():
        pass


def test_writers_of_one_process_take_turns_and_none_is_lost(store: Store) -> None:
    def write_ten(name: str) -> None:
        for number in range(10):
            with store.write() as connection:
                connection.execute(insert(address_locks).values(lock_key=f"{name}-{number}"))

    threads = [threading.Thread(target=write_ten, args=(str(index),)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert len(connection.execute(select(address_locks)).all()) == 80


def test_processes_that_open_an_empty_home_together_all_find_a_store(home: Path) -> None:
    context = multiprocessing.get_context("spawn")
    openers = [context.Process(target=_open_and_close, args=(home,)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0, 0, 0, 0]


@pytest.mark.sqlite
def test_a_new_file_that_another_process_is_setting_up_is_waited_for(tmp_path: Path) -> None:
    library = engine.sqlite_module()
    address = tmp_path / "store.db"
    other = library.connect(address, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # SQLite answers "locked" to who asks for the log now, without waiting
    release = threading.Timer(0.2, other.rollback)
    release.start()
    ours = engine.make_engine(f"sqlite:///{address}")
    with ours.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    release.join()
    other.close()
    ours.dispose()


def test_an_error_of_the_database_does_not_repeat_what_was_written(store: Store) -> None:
    rows = [{"lock_key": "+442079460000 said: my secret"}] * 2
    with pytest.raises(IntegrityError) as caught, store.write() as connection:
        connection.execute(insert(address_locks), rows)
    assert "secret" not in str(caught.value)


def test_the_databases_clock_is_naive_utc(store: Store) -> None:
    with store.read() as connection:
        told = database_now(connection)
    assert abs((datetime.now(UTC).replace(tzinfo=None) - told).total_seconds()) < 5


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nonsense", "no database address"),
        ("mysql://x/y", "mysql, which the store does not speak"),
        ("sqlite://", "in memory"),
    ],
)
def test_an_address_that_is_no_store_names_its_setting(home: Path, address: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=f"RAPPORT_STORE_URL .*{sentence}"):
        open_store(read_settings(home=home, store_url=address))


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be made at .*Check that its folder"):
        open_store(read_settings(home=tmp_path / "file"))
