"""A part asks the store of those alone of whom it may say something else, and learns what asking everybody would tell."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from messaging.addresses import read_addresses
from messaging.consent import lift, record, stop, suppress
from messaging.consent_chain import ConsentEvent
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from pipelines.defs.standing import write_standing
from pipelines.warehouse.connection import open_warehouse

NOON = datetime.fromisoformat("2026-10-30T12:00")
PEOPLE = [f"cus_{number}" for number in range(12)]
MAILS = [f"person{number}@example.com" for number in range(8)]
PHONES = [f"+4477009000{number:02d}" for number in range(4)]
SAID = ConsentEvent(
    channel="email",
    purpose="marketing",
    action="grant",
    legal_basis="consent",
    occurred_at=NOON,
    source="form",
    actor="customer",
    method="checkbox",
)
TABLES = """
    CREATE SCHEMA identity;
    CREATE SCHEMA increment;
    CREATE TABLE identity.customer_identifiers (customer_id VARCHAR, identifier_type VARCHAR, value VARCHAR);
    CREATE TABLE identity.identity_phones (phone VARCHAR, canonical VARCHAR, validity VARCHAR);
    CREATE TABLE identity.identity_alias (old_customer_id VARCHAR, customer_id VARCHAR);
    CREATE TABLE identity.identity_journal (
        build_id VARCHAR, kind VARCHAR, customer_id VARCHAR, other_customer_id VARCHAR, "at" TIMESTAMP
    );
    CREATE TABLE increment.people (customer_id VARCHAR);
    CREATE TABLE increment.state (kind VARCHAR, reason VARCHAR);
    INSERT INTO increment.state VALUES ('full', '')
"""


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = read_settings(home=tmp_path / "home")
    with open_warehouse(settings.build_path) as connection:
        connection.execute(TABLES)
        for phone in PHONES:
            connection.execute("INSERT INTO identity.identity_phones VALUES (?, ?, 'valid')", [phone, phone])
        for customer_id in PEOPLE:
            hold(connection, customer_id, random.Random(customer_id))
    return settings


@pytest.fixture
def store(home: Settings) -> Iterator[Store]:
    with open_store(home) as opened:
        yield opened


def hold(connection: duckdb.DuckDBPyConnection, customer_id: str, chance: random.Random) -> None:
    """Give somebody a name, a mail address and perhaps a number, instead of what they had."""
    connection.execute("DELETE FROM identity.customer_identifiers WHERE customer_id = ?", [customer_id])
    held = [("name", customer_id), ("email", chance.choice(MAILS))]
    held += [("phone", chance.choice(PHONES))] if chance.random() < 0.5 else []
    for kind, value in held:
        connection.execute(
            "INSERT INTO identity.customer_identifiers VALUES (?, ?, ?)", [customer_id, kind, value]
        )


def say(home: Settings, store: Store, chance: random.Random, at: datetime) -> None:
    """Let somebody grant or revoke, stop, come back or complain."""
    mail = chance.random() < 0.7
    address = read_addresses(home, store).hash(chance.choice(MAILS if mail else PHONES))
    channel = "email" if mail else chance.choice(["sms", "whatsapp"])
    person = chance.choice([None, *PEOPLE])
    act = chance.choice(["grant", "revoke", "stop", "lift", "complaint"])
    with store.write() as connection:
        if act in {"grant", "revoke"}:
            purpose = chance.choice(["marketing", "profiling"])
            said = replace(SAID, action=act, channel=channel, purpose=purpose, occurred_at=at)
            where = chance.choice([address, None]) if person else address
            record(connection, replace(said, customer_id=person, address_hash=where), at)
        elif act == "complaint":
            suppress(connection, address_hash=address, channel=channel, reason="complaint", at=at, source="x")
        else:
            do = stop if act == "stop" else lift
            people = [person] if person else []
            do(connection, address_hash=address, channel=channel, at=at, source="x", customer_ids=people)


def move(home: Settings, chance: random.Random, at: datetime) -> None:
    """Let identity tell of somebody: other addresses, a merge or a split."""
    one, other = chance.sample(PEOPLE, 2)
    with open_warehouse(home.build_path) as connection:
        happens = chance.choice(["moves", "merges", "splits"])
        if happens == "moves":
            hold(connection, one, chance)
        if happens == "merges":
            gone = f"{one} of before"
            connection.execute("INSERT INTO identity.identity_alias VALUES (?, ?)", [gone, one])
        if happens == "splits":
            split = ["bld_1", "split", one, other, at]
            connection.execute("INSERT INTO identity.identity_journal VALUES (?, ?, ?, ?, ?)", split)
        connection.execute("INSERT INTO increment.people VALUES (?)", [one])


def ask(home: Settings, store: Store, at: datetime, *, kind: str) -> None:
    with open_warehouse(home.build_path) as connection:
        connection.execute("UPDATE increment.state SET kind = ?", [kind])
    write_standing(home, store, at)


def rows(home: Settings, table: str) -> set[tuple[object, ...]]:
    with open_warehouse(home.build_path, read_only=True) as connection:
        return set(connection.execute(f"FROM {table}").fetchall())


@pytest.mark.parametrize("seed", range(3))
def test_a_part_knows_what_asking_everybody_tells_and_names_whose_word_changed(
    home: Settings, store: Store, seed: int
) -> None:
    chance = random.Random(seed)
    ask(home, store, NOON, kind="full")
    for hours in range(1, 7):
        at = NOON + timedelta(hours=hours)
        before = rows(home, "store.consents")
        with open_warehouse(home.build_path) as connection:
            connection.execute("DELETE FROM increment.people")
        for _ in range(chance.randrange(3)):
            say(home, store, chance, at)
        if chance.random() < 0.5:
            move(home, chance, at)
        told = rows(home, "increment.people")
        ask(home, store, at, kind="part")
        found, holders = rows(home, "store.consents"), rows(home, "store.holders")
        named = rows(home, "increment.people")
        ask(home, store, at, kind="full")
        assert found == rows(home, "store.consents")
        assert holders == rows(home, "store.holders")
        changed: set[tuple[object, ...]] = {(row[0],) for row in before ^ found}
        assert named - told == changed - told


def test_nobody_is_asked_about_again_of_whom_nothing_is_new(home: Settings, store: Store) -> None:
    word = replace(SAID, customer_id="cus_3")
    with store.write() as connection:
        record(connection, replace(word, action="revoke"), NOON)
    ask(home, store, NOON, kind="full")
    ask(home, store, NOON, kind="part")
    assert rows(home, "increment.asked") == set()
    with store.write() as connection:
        record(connection, replace(word, occurred_at=NOON + timedelta(hours=1)), NOON + timedelta(hours=1))
    ask(home, store, NOON + timedelta(hours=1), kind="part")
    assert rows(home, "increment.asked") == {("cus_3",)}
    assert {row[4] for row in rows(home, "store.consents")} == {"granted"}


def test_everybody_is_asked_about_where_the_store_has_lost_what_it_said(
    home: Settings, store: Store, tmp_path: Path
) -> None:
    with store.write() as connection:
        for customer_id in PEOPLE[:2]:
            record(connection, replace(SAID, customer_id=customer_id), NOON)
    ask(home, store, NOON, kind="full")
    with open_store(read_settings(home=tmp_path / "other")) as backup:
        with backup.write() as connection:
            record(connection, replace(SAID, customer_id=PEOPLE[0]), NOON)
        ask(home, backup, NOON, kind="part")
    assert rows(home, "increment.asked") == {(customer_id,) for customer_id in PEOPLE}
    assert {row[0] for row in rows(home, "store.consents")} == {PEOPLE[0]}


def test_everybody_is_asked_about_where_numbers_of_lost_words_were_given_again(
    home: Settings, store: Store, tmp_path: Path
) -> None:
    """A backup of two words is put back, and one more is said: the third word of before is another than the third of now."""
    granted = [replace(SAID, customer_id=customer_id) for customer_id in PEOPLE[:3]]
    with store.write() as connection:
        for word in granted:
            record(connection, word, NOON)
    ask(home, store, NOON, kind="full")
    with open_store(read_settings(home=tmp_path / "other")) as backup:
        with backup.write() as connection:
            for word in (
                *granted[:2],
                replace(granted[0], action="revoke", occurred_at=NOON + timedelta(hours=1)),
            ):
                record(connection, word, NOON)
        ask(home, backup, NOON + timedelta(hours=2), kind="part")
    said = {row[0]: row[4] for row in rows(home, "store.consents")}
    assert said == {PEOPLE[0]: "revoked", PEOPLE[1]: "granted"}


def test_a_consent_that_ran_out_only_by_a_clock_set_wrong_stands_again(home: Settings, store: Store) -> None:
    with store.write() as connection:
        word = replace(SAID, customer_id="cus_3", expires_at=NOON + timedelta(hours=5))
        record(connection, word, NOON)
    ask(home, store, NOON, kind="full")
    ask(home, store, NOON + timedelta(hours=6), kind="part")
    ahead = {row[4] for row in rows(home, "store.consents")}
    ask(home, store, NOON + timedelta(hours=2), kind="part")
    assert {row[4] for row in rows(home, "store.consents")} == {"granted"} != ahead
