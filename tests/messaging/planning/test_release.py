"""The door to the release: swaps below readers, what it lets nobody do, and questions without end."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import ReleaseError
from messaging.customers import Customers
from messaging.release import POINTER, ReleaseInfo, ReleaseReader, Snapshot
from messaging.settings import Settings

FILES = Path("/proc/self/fd")
NOON = datetime.fromisoformat("2026-10-30T12:00")
Publish = Callable[..., str]
MakePerson = Callable[..., dict[str, Any]]


def test_a_newer_release_is_read_without_opening_anything_again(
    customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    assert customers.overview().people == 1
    publish(customer_360=[make_person(1), make_person(2)])
    assert customers.overview().people == 2


def test_a_read_that_began_on_one_release_ends_on_it(
    customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    count = "SELECT count(*) AS n FROM c360.{}"
    with customers.reader.snapshot() as held:
        people = [make_person(1), make_person(2)]
        publish(customer_360=people, orders=[{"order_id": "1", "net_amount_minor": 1}])
        with customers.reader.snapshot() as newer:
            assert newer.rows(count.format("customer_360")) == [{"n": 2}]
        assert held.rows(count.format("customer_360")) == [{"n": 1}]
        assert held.rows(count.format("orders")) == [{"n": 0}]


def test_others_read_on_where_they_are_while_one_opens_the_newest(
    customers: Customers, publish: Publish, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(customer_360=[make_person(1)])
    assert customers.overview().people == 1
    publish(customer_360=[make_person(1), make_person(2)])
    begun, go_on, found = threading.Event(), threading.Event(), list[int]()
    open_release = ReleaseReader._open

    def slowly(reader: ReleaseReader, info: ReleaseInfo) -> Any:
        begun.set()
        assert go_on.wait(30)
        return open_release(reader, info)

    monkeypatch.setattr(ReleaseReader, "_open", slowly)
    first = threading.Thread(target=lambda: found.append(customers.overview().people))
    first.start()
    assert begun.wait(30)
    assert customers.overview().people == 1
    go_on.set()
    first.join()
    assert found == [2]
    assert customers.overview().people == 2


def test_behind_an_app_nobody_waits_for_a_new_release_and_everybody_gets_it_prepared(
    settings: Settings, publish: Publish, make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    begun, go_on = threading.Event(), threading.Event()
    prepared: list[str] = []

    def slowly(snapshot: Snapshot) -> None:
        if prepared:
            begun.set()
            assert go_on.wait(30)
        prepared.append(snapshot.info.version)

    with closing(ReleaseReader(settings.releases_dir, behind=True)) as reader:
        reader.prepare(slowly)
        first = reader.reading()
        assert prepared == [first.version]
        publish(customer_360=[make_person(1), make_person(2)])
        assert reader.reading() == first
        assert begun.wait(30)
        assert reader.reading() == first
        with reader.snapshot() as snapshot:
            assert snapshot.info == first
        go_on.set()
        _wait_for(lambda: reader.reading() != first)
        assert reader.reading().version == prepared[-1]
        assert len(prepared) == 2


def test_behind_an_app_a_release_that_cannot_be_opened_leaves_the_one_before(
    settings: Settings, publish: Publish, make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)])
    with closing(ReleaseReader(settings.releases_dir, behind=True)) as reader:
        first = reader.reading()
        pointer = settings.releases_dir / POINTER
        told = json.loads(pointer.read_text())
        pointer.write_text(json.dumps(told | {"version": "gone", "file": "gone.duckdb"}))
        for _ in range(3):
            with reader.snapshot() as snapshot:
                assert snapshot.info == first
        pointer.write_text(json.dumps(told | {"version": "again"}))
        _wait_for(lambda: reader.reading().version == "again")


def _wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("It did not come about in thirty seconds.")


@pytest.mark.skipif(not FILES.exists(), reason="this system does not list a process's open files")
def test_files_of_releases_that_nobody_reads_any_more_are_let_go(
    settings: Settings, customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    for size in range(1, 6):
        publish(customer_360=[make_person(number) for number in range(size)])
        assert customers.overview().people == size
    names = [str(each.readlink()) for each in FILES.iterdir() if each.is_symlink() and each.exists()]
    ours = f"{settings.releases_dir.resolve()}/c360-"  # other tests of this process have their own
    assert sum(name.startswith(ours) for name in names) == 1


def test_readers_beside_many_swaps_never_see_a_mixture(
    customers: Customers, publish: Publish, make_person: MakePerson
) -> None:
    publish(customer_360=[make_person(1)], orders=[{"order_id": "1", "net_amount_minor": 1}])
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            with customers.reader.snapshot() as held:
                people = held.rows("SELECT count(*) AS n FROM c360.customer_360")
                orders = held.rows("SELECT count(*) AS n FROM c360.orders")
                if people != orders:
                    wrong.append((people, orders))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for size in range(2, 10):
        publish(
            customer_360=[make_person(number) for number in range(size)],
            orders=[{"order_id": str(number), "net_amount_minor": 1} for number in range(size)],
        )
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_the_release_cannot_be_written_nor_another_file_read_through_it(
    customers: Customers, publish: Publish
) -> None:
    publish()
    for statement in (
        "CREATE TABLE c360.mine (i INTEGER)",
        "DELETE FROM c360.customer_360",
        "SELECT * FROM read_text('/etc/hostname')",
        "ATTACH '/tmp/other.duckdb'",
        "SET enable_external_access = true",
    ):
        with pytest.raises(ReleaseError):
            customers.query(statement)


def test_a_pointer_to_a_vanished_file_is_told_with_its_mend(
    customers: Customers, publish: Publish, settings: Any
) -> None:
    version = publish()
    (settings.releases_dir / f"c360-{version}.duckdb").unlink()
    with pytest.raises(ReleaseError, match="rapport build"):
        customers.overview()


def test_a_question_without_end_is_stopped(customers: Customers, publish: Publish) -> None:
    publish()
    endless = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"
    with pytest.raises(ReleaseError, match="longer than"):
        customers.query(endless, seconds=0.2)
