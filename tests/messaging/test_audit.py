"""Who did what: nobody changes the record of it unseen, and an erasure does not break it."""

import threading
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from messaging import audit
from messaging.store import Store
from messaging.store.chain import GENESIS, ChainVerdict, commit, link
from messaging.store.tables_record import audit as table

NOON = datetime.fromisoformat("2026-10-30T12:00:00.123456")
TRIGGERS = {
    "sqlite": ("audit_no_update", "audit_no_delete"),
    "postgresql": ("audit_no_update ON audit", "audit_no_delete ON audit"),
}


def put(store: Store, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        with store.write() as connection:
            detail = {"campaign": "win_back", "matched": number, "share": 0.1}
            audit.record(connection, "ann", "campaign.plan", f"run_{number}", detail, at=NOON)


def verdict(store: Store) -> ChainVerdict:
    with store.read() as connection:
        return audit.verify(connection)


def test_what_was_recorded_is_listed_the_newest_first_and_holds(store: Store) -> None:
    put(store, 3)
    with store.write() as connection:
        audit.record(connection, "bo", "customer.look", "cus_1", at=NOON)
    with store.read() as connection:
        entries = audit.newest(connection, 2)
        mine = audit.newest(connection, 10, actor="ann", action="campaign", subject="run_1")
        none = audit.newest(connection, 10, action="campaign_plan")
    assert [(entry["actor"], entry["subject"]) for entry in entries] == [("bo", "cus_1"), ("ann", "run_2")]
    assert [(entry["at"], entry["detail"]["matched"]) for entry in mine] == [(NOON, 1)]
    assert none == [], "an underscore is no wildcard"
    assert verdict(store) == ChainVerdict(4, None)


def test_an_entry_is_there_exactly_when_what_it_tells_of_is(store: Store) -> None:
    def approve_and_fail() -> None:
        with store.write() as connection:
            audit.record(connection, "ann", "campaign.approved", "run_1", at=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        approve_and_fail()
    assert verdict(store) == ChainVerdict(0, None)


@pytest.mark.parametrize(
    ("forgery", "found"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE sequence = 3", 3),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE sequence = 3", 3),
        ("UPDATE audit SET detail = '{\"matched\": 9}' WHERE sequence = 3", 3),
        ("UPDATE audit SET salt = NULL WHERE sequence = 3", 3),
        (
            "UPDATE audit SET commitment = 'x', salt = NULL, subject = NULL, detail = NULL WHERE sequence = 3",
            3,
        ),
        ("DELETE FROM audit WHERE sequence = 3", 4),
    ],
)
def test_a_change_made_behind_our_back_shows(store: Store, forgery: str, found: int) -> None:
    put(store, 5)
    with store.write() as connection:
        for trigger in TRIGGERS[connection.dialect.name]:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.exec_driver_sql(forgery)
    assert verdict(store).broken_at == found


def test_an_end_that_was_cut_off_shows_to_whoever_kept_the_head(store: Store) -> None:
    put(store, 2)
    with store.read() as connection:
        before = audit.head(connection)
    put(store, 1, first=2)
    with store.read() as connection:
        head = audit.head(connection)
        assert audit.holds(connection, before)
        assert audit.holds(connection, GENESIS)
    with store.write() as connection:
        for trigger in TRIGGERS[connection.dialect.name]:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text("DELETE FROM audit WHERE sequence = 3"))
    assert verdict(store) == ChainVerdict(2, None)
    with store.read() as connection:
        assert not audit.holds(connection, head)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'eve'",
        "UPDATE audit SET subject = 'run_9'",
        "UPDATE audit SET salt = NULL",
        "UPDATE audit SET salt = NULL, subject = NULL, detail = NULL, actor = 'eve'",
        "DELETE FROM audit",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_recorded(store: Store, change: str) -> None:
    put(store, 1)
    with pytest.raises(DBAPIError, match="append-only"), store.write() as connection:
        connection.execute(text(change))


def test_erasing_a_person_empties_the_entries_about_them_and_the_chain_still_holds(store: Store) -> None:
    put(store, 2)
    for customer in ("cus_1", "cus_2", "cus_1"):
        with store.write() as connection:
            audit.record(connection, "bo", "customer.look", customer, {"rows": 3}, at=NOON)
    with store.write() as connection:
        assert audit.forget(connection, "cus_1") == 2
        assert audit.forget(connection, "cus_1") == 0
    put(store, 1, first=2)
    assert verdict(store) == ChainVerdict(6, None)
    with store.read() as connection:
        told = [(entry["actor"], entry["subject"], entry["detail"]) for entry in audit.newest(connection, 4)]
        assert told[1:] == [("bo", None, None), ("bo", "cus_2", {"rows": 3}), ("bo", None, None)]
        salts = select(func.count()).select_from(table).where(table.c.salt.is_(None))
        assert connection.execute(salts).scalar_one() == 2


def test_entries_recorded_at_once_make_one_chain(store: Store) -> None:
    threads = [threading.Thread(target=put, args=(store, 10), kwargs={"first": 10 * n}) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdict(store) == ChainVerdict(40, None)


def test_the_entries_of_an_older_store_are_chained_as_they_stand(settings: Any) -> None:
    from messaging.store import open_store
    from messaging.store.engine import make_engine, make_private
    from messaging.store.schema import upgrade

    make_private(str(settings.home / "store.db"))
    old = Store(make_engine(settings.store_address))
    with old.write() as connection:
        upgrade(connection, "0002")
        for number, at in enumerate(("2026-01-02", "2026-01-01")):
            connection.exec_driver_sql(
                "INSERT INTO audit (audit_id, at, actor, action, subject, detail) VALUES (?, ?, 'ann', 'a.b', ?, ?)",
                (f"aud_{number}", f"{at} 00:00:00.000000", f"run_{number}", None if number else '{"n": 1}'),
            )
    old.close()
    with open_store(settings) as store, store.read() as connection:
        assert [entry["subject"] for entry in audit.newest(connection, 5)] == ["run_0", "run_1"]
        assert audit.verify(connection) == ChainVerdict(2, None)


def forge(store: Store, *statements: str) -> None:
    with store.write() as connection:
        for trigger in TRIGGERS[connection.dialect.name]:
            connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))
        for statement in statements:
            connection.execute(text(statement))


ERASED = "UPDATE audit SET salt = NULL, subject = NULL, detail = NULL"


@pytest.mark.parametrize(
    "forgery",
    [
        f"{ERASED}, actor = 'alice' WHERE sequence = 3",
        f"{ERASED}, action = 'person.look' WHERE sequence = 3",
        f"{ERASED}, at = '2020-01-01 00:00:00.000000' WHERE sequence = 3",
        f"{ERASED}, actor = 'alice', sealed = NULL WHERE sequence = 3",
        f"{ERASED}, sealed = NULL WHERE sequence = 3",
    ],
)
def test_an_erased_entry_still_proves_who_did_what_and_when(store: Store, forgery: str) -> None:
    put(store, 5)
    forge(store, f"{ERASED} WHERE sequence = 2")
    assert verdict(store) == ChainVerdict(5, None)
    forge(store, forgery)
    assert verdict(store).broken_at == 3


@pytest.fixture
def before(store: Store) -> Store:
    """Give a store with three entries as they were written before migration 0016, one of them erased."""
    previous = GENESIS
    with store.write() as connection:
        for number in range(3):
            payload = {
                "audit_id": f"aud_{number}", "at": NOON, "actor": "ann", "action": "campaign.plan",
                "subject": f"run_{number}", "detail": {"matched": number},
            }  # fmt: skip
            commitment = commit(f"salt{number}", payload)
            hashes = {"commitment": commitment, "previous_hash": previous, "hash": link(previous, commitment)}
            connection.execute(insert(table).values(**payload, salt=f"salt{number}", **hashes))
            previous = hashes["hash"]
        audit.forget(connection, "run_1")
    return store


def test_entries_of_before_hold_and_the_first_after_them_seals_what_stays_of_them(before: Store) -> None:
    assert verdict(before) == ChainVerdict(3, None)
    put(before, 2)
    assert verdict(before) == ChainVerdict(6, None), "one more, once"
    with before.write() as connection:
        assert audit.newest(connection, 9, action="audit.seal")[0]["detail"]["entries"] == 3
        audit.forget(connection, "run_2")
    assert verdict(before) == ChainVerdict(6, None), "an erasure of before changes nothing that stays"


@pytest.mark.parametrize(
    "forgery",
    [
        f"{ERASED}, actor = 'alice' WHERE sequence = 3",
        "UPDATE audit SET actor = 'alice' WHERE sequence = 2",  # erased before
        f"{ERASED} WHERE action = 'audit.seal'",
    ],
)
def test_entries_of_before_cannot_be_rewritten_as_erased_any_more(before: Store, forgery: str) -> None:
    put(before, 2)
    forge(before, forgery)
    assert verdict(before).broken_at == 4, "the seal"
