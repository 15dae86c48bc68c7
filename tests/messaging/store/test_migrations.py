"""The migrations, the tables in code and the schema states agree."""

import importlib
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

import messaging.store as store_package
from data_contracts.errors import StoreError
from messaging.planner.approvals import Wanted, approvers, same
from messaging.settings import Settings
from messaging.store import Store, open_store
from messaging.store.engine import make_engine, make_private
from messaging.store.schema import MIGRATIONS, REVISIONS, upgrade
from messaging.store.tables import campaign_runs, consent_events, identity_decisions, metadata
from messaging.store.tables_limits import campaign_approvals
from messaging.store.tables_receiver import api_keys, sent_events

NOON = datetime.fromisoformat("2026-10-30T12:00")
EVENT = {
    "event_id": "con_1",
    "channel": "sms",
    "purpose": "marketing",
    "legal_basis": "consent",
    "action": "grant",
    "occurred_at": datetime.fromisoformat("2026-01-01"),
    "recorded_at": datetime.fromisoformat("2026-01-01"),
    "source": "test",
    "actor": "test",
    "method": "form",
    "salt": "s",
    "commitment": "c",
    "previous_hash": "p",
    "hash": "h",
}
DECISION = {
    "decision_id": "dec_1",
    "kind": "merge",
    "source": "crm",
    "source_record_id": "contact/1",
    "other_source": "shopify",
    "other_record_id": "contact/2",
    "author": "ann",
    "reason": "They called.",
    "decided_at": datetime.fromisoformat("2026-01-01"),
}


def test_the_migrations_make_exactly_the_tables_of_the_code(store: Store) -> None:
    for file in Path(store_package.__file__).parent.glob("tables*.py"):
        importlib.import_module(f"messaging.store.{file.stem}")
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_known_revisions_are_the_migration_scripts_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == REVISIONS


def test_a_fresh_store_is_current_and_migrating_it_again_changes_nothing(store: Store) -> None:
    assert store.schema_state() == "current"
    store.migrate()
    assert store.schema_state() == "current"


def test_a_store_of_the_first_version_is_brought_to_this_one_and_keeps_what_it_holds(
    settings: Settings,
) -> None:
    make_private(str(settings.home / "store.db"))
    old = Store(make_engine(settings.store_address))
    with old.write() as connection:
        upgrade(connection, REVISIONS[0])
        connection.execute(insert(consent_events), EVENT)
    assert old.schema_state() == "older"
    old.close()
    with pytest.raises(StoreError, match=r"was made by an older version. Run `rapport upgrade`"):
        open_store(settings, create=False)
    with open_store(settings) as store, store.read() as connection:
        assert store.schema_state() == "current"
        assert connection.execute(select(func.count()).select_from(consent_events)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(identity_decisions)).scalar_one() == 0


def test_a_missing_store_is_refused_with_its_mend_unless_it_may_be_made(settings: Settings) -> None:
    with pytest.raises(StoreError, match=r"There is no store at .*Run `rapport upgrade` to make it"):
        open_store(settings, create=False)
    assert not (settings.home / "store.db").exists()


def test_a_store_without_tables_is_refused_with_its_mend_unless_it_may_be_made(settings: Settings) -> None:
    (settings.home / "store.db").touch()
    with pytest.raises(StoreError, match=r"has no tables yet. Run `rapport upgrade`"):
        open_store(settings, create=False)


def test_events_of_before_belong_to_the_name_of_their_key_and_ids_of_another_are_free(store: Store) -> None:
    event = {
        "message_id": "m1",
        "key_id": "key_1",
        "occurred_at": NOON,
        "received_at": NOON,
        "event": {"n": 1},
    }
    with store.write() as connection:
        connection.execute(text("DROP TABLE provider_lists"))
        connection.execute(text("DROP TABLE sent_events"))
        connection.execute(
            text(
                "CREATE TABLE sent_events (message_id VARCHAR NOT NULL, key_id VARCHAR NOT NULL, "
                "occurred_at TIMESTAMP NOT NULL, received_at TIMESTAMP NOT NULL, event JSON NOT NULL, "
                "CONSTRAINT pk_sent_events PRIMARY KEY (message_id))"
            )
        )
        connection.execute(text("CREATE INDEX ix_sent_events_received_at ON sent_events (received_at)"))
        key = {
            "key_id": "key_1",
            "name": "web-shop",
            "key_hash": "x",
            "created_at": NOON,
            "created_by": "ann",
        }
        connection.execute(insert(api_keys), key)
        old = {**event, "event": '{"n": 1}', "at": NOON.isoformat(sep=" ")}
        connection.execute(
            text(
                "INSERT INTO sent_events VALUES (:message_id, :key_id, :at, :at, :event), ('m2', 'gone', :at, :at, :event)"
            ),
            {name: old[name] for name in ("message_id", "key_id", "at", "event")},
        )
        before = REVISIONS[REVISIONS.index("0015") - 1]
        connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})
        upgrade(connection, "0015")
        connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": REVISIONS[-1]})
    with store.write() as connection:
        connection.execute(insert(sent_events), {**event, "sender": "erp"})
        senders = select(sent_events.c.sender, sent_events.c.message_id).order_by(sent_events.c.sender)
        assert connection.execute(senders).all() == [("erp", "m1"), ("gone", "m2"), ("web-shop", "m1")]
    with pytest.raises(DBAPIError), store.write() as connection:
        connection.execute(insert(sent_events), {**event, "sender": "erp"})


def test_who_approved_a_run_before_approvals_were_kept_is_its_one_approver(store: Store) -> None:
    names = {"run_1": "Özge  Ünal", "run_2": "otto", "run_3": None}
    planned = {
        "campaign": "win_back",
        "content_hash": "0",
        "content": {},
        "release_version": "1",
        "planned_at": NOON,
        "planned_by": "eva",
    }
    rows = [
        planned | {"run_id": run, "state": "approved" if name else "planned", "approved_by": name}
        | {"approved_at": NOON if name else None}
        for run, name in names.items()
    ]  # fmt: skip
    with store.write() as connection:
        connection.execute(text("DROP TABLE campaign_approvals"))
        connection.execute(insert(campaign_runs), rows)
        before = REVISIONS[REVISIONS.index("0020") - 1]
        connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})
        upgrade(connection, "0020")
        connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": REVISIONS[-1]})
    with store.read() as connection:
        kept = connection.execute(select(campaign_approvals).order_by(campaign_approvals.c.run_id)).all()
        assert approvers(connection, "run_1") == ["Özge  Ünal"]
    assert [(row.run_id, row.person, row.approved_at) for row in kept] == [
        ("run_1", same("ÖZGE ünal "), NOON),
        ("run_2", "otto", NOON),
    ]
    assert Wanted(1, frozenset({"eva"}), 9, named=True).missing([kept[0].approved_by]) is None


def test_a_store_of_a_newer_version_is_refused_even_where_it_may_be_made(settings: Settings) -> None:
    with open_store(settings) as store, store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for create in (True, False):
        with pytest.raises(StoreError, match=r"A newer version of Rapport made the store .schema 9999"):
            open_store(settings, create=create)


def test_a_migration_that_fails_leaves_the_store_as_it_was(settings: Settings) -> None:
    make_private(str(settings.home / "store.db"))
    engine = make_engine(settings.store_address)
    store = Store(engine)
    with store.write() as connection:
        connection.execute(text("CREATE TABLE suppressions (note TEXT)"))
    with pytest.raises(Exception, match="already exists"):
        store.migrate()
    assert store.schema_state() == "missing"
    store.close()


@pytest.mark.parametrize("change", [update(consent_events).values(action="revoke"), delete(consent_events)])
def test_a_consent_once_recorded_can_be_neither_changed_nor_deleted(store: Store, change: object) -> None:
    with store.write() as connection:
        connection.execute(insert(consent_events), EVENT)
    with pytest.raises(DBAPIError, match="append-only"), store.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]


WITHDRAWAL = {"withdrawn_at": DECISION["decided_at"], "withdrawn_by": "bo", "withdrawn_reason": "A mistake."}


@pytest.mark.parametrize(
    "change",
    [
        update(identity_decisions).values(kind="split"),
        update(identity_decisions).values(reason="Something else.", **WITHDRAWAL),
        delete(identity_decisions),
    ],
)
def test_a_decision_once_said_can_be_neither_changed_nor_deleted(store: Store, change: object) -> None:
    with store.write() as connection:
        connection.execute(insert(identity_decisions), DECISION)
    with pytest.raises(DBAPIError, match="append-only"), store.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]


def test_a_decision_is_withdrawn_once_and_its_withdrawal_stands(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(identity_decisions), DECISION)
        connection.execute(update(identity_decisions).values(**WITHDRAWAL))
    for change in ({"withdrawn_at": None}, {"withdrawn_by": "cy"}):
        with pytest.raises(DBAPIError, match="append-only"), store.write() as connection:
            connection.execute(update(identity_decisions).values(**change))


def test_a_damaged_store_is_told_in_one_sentence(settings: Settings, home: Path) -> None:
    (home / "store.db").write_bytes(b"this is no database, " * 500)
    with pytest.raises(StoreError, match="no database"):
        open_store(settings)
