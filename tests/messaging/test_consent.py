"""Consent: events that are only added, the newest counts, the strictest wins, and a STOP stops."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text

from messaging import consent, consent_chain, consent_words
from messaging.consent import lift, record, state, stop, suppress, suppressed
from messaging.consent_chain import ChainVerdict, ConsentEvent, verify_chain
from messaging.store import Store, chain
from messaging.store.tables import consent_events

NOW = datetime.fromisoformat("2026-10-30T12:00")
DAY = timedelta(days=1)
EVENT = ConsentEvent(
    channel="sms",
    purpose="marketing",
    action="grant",
    legal_basis="consent",
    occurred_at=NOW - 9 * DAY,
    source="form",
    actor="customer",
    method="checkbox",
)


def _say(store: Store, **changes: Any) -> None:
    with store.write() as connection:
        record(connection, replace(EVENT, **changes), NOW)


def _granted(store: Store, *customer_ids: str, address_hash: str | None = None) -> bool | None:
    with store.read() as connection:
        found = state(connection, customer_ids, address_hash, "sms")
    return None if found is None else found.granted


def test_where_nobody_said_anything_there_is_no_consent(store: Store) -> None:
    assert _granted(store, "cus_1", address_hash="h1") is None


def test_the_newest_word_of_a_person_counts_whatever_came_in_first(store: Store) -> None:
    _say(store, customer_id="cus_1", action="revoke", occurred_at=NOW - DAY)
    _say(store, customer_id="cus_1", action="grant", occurred_at=NOW - 2 * DAY)
    assert _granted(store, "cus_1") is False
    _say(store, customer_id="cus_1", action="grant", occurred_at=NOW)
    assert _granted(store, "cus_1") is True


def test_of_person_and_address_the_stricter_wins(store: Store) -> None:
    _say(store, customer_id="cus_1", action="grant", occurred_at=NOW)
    _say(store, address_hash="h1", action="revoke")
    assert _granted(store, "cus_1", address_hash="h1") is False
    assert _granted(store, "cus_1", address_hash="h2") is True


def test_after_a_merge_the_strictest_of_all_ids_wins(store: Store) -> None:
    _say(store, customer_id="cus_old", action="revoke", occurred_at=NOW - 5 * DAY)
    _say(store, customer_id="cus_new", action="grant", occurred_at=NOW)
    assert _granted(store, "cus_new", "cus_old") is False


def test_after_a_split_both_sides_keep_an_opt_out(store: Store) -> None:
    with store.write() as connection:
        stop(
            connection,
            address_hash="h1",
            channel="sms",
            at=NOW,
            source="twilio",
            customer_ids=["cus_a", "cus_b"],
        )
    assert _granted(store, "cus_a") is False
    assert _granted(store, "cus_b") is False


def test_a_channel_and_a_purpose_speak_for_themselves_alone(store: Store) -> None:
    _say(store, customer_id="cus_1", channel="email")
    _say(store, customer_id="cus_1", purpose="profiling")
    assert _granted(store, "cus_1") is None


def test_a_grant_dated_in_the_future_does_not_outrank_a_later_stop(store: Store) -> None:
    _say(store, customer_id="cus_1", action="grant", occurred_at=NOW + 300 * DAY)
    with store.write() as connection:
        stop(connection, address_hash="h1", channel="sms", at=NOW, source="t", customer_ids=["cus_1"])
    assert _granted(store, "cus_1") is False


def test_a_stop_suppresses_the_address_and_everybody_whom_we_wrote_to_there(
    store: Store, outbox_of: Any, addresses: Any
) -> None:
    outbox_of.put(customer_id="cus_written_to", address="+442079460000")
    hashed = addresses.hash("+442079460000")
    with store.write() as connection:
        ids = stop(
            connection,
            address_hash=hashed,
            channel="sms",
            at=NOW,
            source="twilio",
            source_record_id="message/SM1",
            customer_ids=["cus_named"],
        )
    assert len(ids) == 2
    assert outbox_of.suppressions() == {hashed: "stop"}
    assert _granted(store, "cus_written_to") is False
    assert _granted(store, "cus_named") is False
    assert _granted(store, "cus_other") is None


def test_the_same_stop_again_adds_nothing(store: Store) -> None:
    said: dict[str, Any] = {"address_hash": "h1", "channel": "sms", "at": NOW, "source": "t"}
    said |= {"source_record_id": "message/1", "customer_ids": ["cus_1", "cus_2"]}
    with store.write() as connection:
        assert len(stop(connection, **said)) == 2
        assert stop(connection, **said) == []


def test_a_stop_by_an_address_that_nobody_knows_blocks_it_all_the_same(store: Store) -> None:
    with store.write() as connection:
        assert len(stop(connection, address_hash="h1", channel="sms", at=NOW, source="t")) == 1
    assert _granted(store, "cus_later", address_hash="h1") is False


def test_start_takes_back_a_stop(store: Store, outbox_of: Any) -> None:
    _say(store, customer_id="cus_1")
    said: dict[str, Any] = {"address_hash": "h1", "channel": "sms", "source": "t", "customer_ids": ["cus_1"]}
    with store.write() as connection:
        stop(connection, at=NOW, **said)
        assert len(lift(connection, at=NOW, **said)) == 1  # the same moment: the order of the events decides
    assert _granted(store, "cus_1", address_hash="h1") is True
    with store.read() as connection:
        assert suppressed(connection, ["h1"], "sms") == {}
    with store.write() as connection:
        stop(connection, at=NOW, **said)
    with store.read() as connection:
        assert suppressed(connection, ["h1"], "sms") == {"h1": "stop"}


@pytest.mark.parametrize("who", ["cus_1", None])
def test_start_of_somebody_who_never_agreed_lifts_the_suppression_alone(
    store: Store, who: str | None
) -> None:
    said: dict[str, Any] = {"address_hash": "h1", "channel": "sms", "at": NOW, "source": "t"}
    said["customer_ids"] = [who] if who else []
    for _ in range(2):
        with store.write() as connection:
            stop(connection, **said)
            assert lift(connection, **said) == []
        assert _granted(store, "cus_1", address_hash="h1") is False
        with store.read() as connection:
            assert suppressed(connection, ["h1"], "sms") == {}


def test_start_gives_back_what_an_address_alone_had_agreed_to_and_no_longer_than_that(store: Store) -> None:
    _say(store, address_hash="h1", expires_at=NOW + timedelta(days=1))
    said: dict[str, Any] = {"address_hash": "h1", "channel": "sms", "source": "t", "customer_ids": ["cus_1"]}
    with store.write() as connection:
        stop(connection, at=NOW, **said)
        assert len(lift(connection, at=NOW, **said)) == 1
        again = state(connection, ["cus_1"], "h1", "sms")
        assert again is not None
        assert (again.granted, again.expires_at) == (True, NOW + timedelta(days=1))
        stop(connection, at=NOW + timedelta(days=2), **said)
        assert lift(connection, at=NOW + timedelta(days=2), **said) == []


def test_start_gives_back_nothing_that_was_withdrawn_elsewhere_before_the_stop(store: Store) -> None:
    _say(store, customer_id="cus_1")
    _say(store, customer_id="cus_1", action="revoke", method="letter")
    said: dict[str, Any] = {"address_hash": "h1", "channel": "sms", "at": NOW, "source": "t"}
    with store.write() as connection:
        stop(connection, customer_ids=["cus_1"], **said)
        assert lift(connection, customer_ids=["cus_1"], **said) == []
    assert _granted(store, "cus_1") is False


def test_start_alone_is_no_consent(store: Store) -> None:
    with store.write() as connection:
        said: dict[str, Any] = {"address_hash": "h1", "channel": "sms", "at": NOW, "source": "t"}
        assert lift(connection, customer_ids=["cus_1"], **said) == []
    assert _granted(store, "cus_1", address_hash="h1") is None


def test_start_on_a_shared_phone_grants_nothing_for_those_who_had_not_agreed(store: Store) -> None:
    _say(store, customer_id="cus_agreed")
    _say(store, customer_id="cus_refused")
    _say(store, customer_id="cus_refused", action="revoke", address_hash="h1", method="phone call")
    said: dict[str, Any] = {"address_hash": "h1", "channel": "sms", "at": NOW, "source": "t"}
    said |= {"customer_ids": ["cus_agreed", "cus_refused", "cus_silent"]}
    with store.write() as connection:
        stop(connection, **said)
        lift(connection, **said)
    assert _granted(store, "cus_agreed", address_hash="h1") is True
    assert _granted(store, "cus_refused") is False
    assert _granted(store, "cus_silent") is False


def test_start_by_the_only_owner_takes_back_also_what_earlier_ids_had_stopped(
    store: Store, outbox_of: Any, addresses: Any
) -> None:
    hashed = addresses.hash("+442079460000")
    outbox_of.put(customer_id="cus_old", address="+442079460000")
    said: dict[str, Any] = {"address_hash": hashed, "channel": "sms", "at": NOW, "source": "t"}
    with store.write() as connection:
        stop(connection, customer_ids=["cus_new"], **said)
        lift(connection, customer_ids=["cus_new"], **said)
    assert _granted(store, "cus_new", "cus_old", address_hash=hashed) is True


def test_start_does_not_undo_a_bounce(store: Store) -> None:
    with store.write() as connection:
        suppress(connection, address_hash="h1", channel="sms", reason="bounce", at=NOW, source="t")
        lift(connection, address_hash="h1", channel="sms", at=NOW, source="t")
        assert suppressed(connection, ["h1"], "sms") == {"h1": "bounce"}


def test_the_harder_reason_of_a_suppression_stays(store: Store) -> None:
    with store.write() as connection:
        for reason in ("stop", "bounce", "unsubscribe"):
            suppress(connection, address_hash="h1", channel="sms", reason=reason, at=NOW, source="t")  # type: ignore[arg-type]
        assert suppressed(connection, ["h1"], "sms") == {"h1": "bounce"}
        assert suppressed(connection, ["h1"], "email") == {}
        suppress(connection, address_hash="h2", channel="sms", reason="unsubscribe", at=NOW, source="t")
        suppress(connection, address_hash="h2", channel="sms", reason="stop", at=NOW, source="t")
        assert suppressed(connection, ["h2"], "sms") == {"h2": "stop"}


def test_what_was_said_is_shown_oldest_first_without_its_salt(store: Store) -> None:
    _say(store, customer_id="cus_1", wording="Yes, tell me")
    _say(store, address_hash="h1", action="revoke")
    _say(store, customer_id="cus_2")
    with store.read() as connection:
        shown = consent.show(connection, ["cus_1"], ["h1"])
    assert [(row["action"], row["wording"]) for row in shown] == [("grant", "Yes, tell me"), ("revoke", None)]
    assert not {"salt", "hash"} & set(shown[0])


def test_the_chain_of_events_holds(store: Store) -> None:
    for number in range(5):
        _say(store, customer_id=f"cus_{number}", evidence={"page": "checkout", "n": number})
    with store.read() as connection:
        assert verify_chain(connection) == ChainVerdict(5, None)


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE consent_events SET action = 'grant' WHERE sequence = 3",
        "UPDATE consent_events SET occurred_at = '2020-01-01 00:00:00.000000' WHERE sequence = 3",
        "UPDATE consent_events SET hash = 'x' WHERE sequence = 3",
        "DELETE FROM consent_events WHERE sequence = 3",
    ],
)
def test_a_change_made_behind_our_back_shows(store: Store, forgery: str) -> None:
    for number in range(5):
        _say(store, customer_id=f"cus_{number}", action="revoke")
    with store.write() as connection:
        for trigger in TRIGGERS[connection.dialect.name]:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text(forgery))
    with store.read() as connection:
        broken_at = verify_chain(connection).broken_at
    assert broken_at == (4 if forgery.startswith("DELETE") else 3)


TRIGGERS = {
    "sqlite": ("consent_events_no_update", "consent_events_no_delete"),
    "postgresql": ("consent_events_append_only ON consent_events",),
}

WORDS = st.lists(
    st.tuples(
        st.sampled_from(["cus_1", "cus_2", None]),
        st.sampled_from(["h1", "h2", None]),
        st.sampled_from(["grant", "revoke"]),
        st.integers(0, 5),
    ).filter(lambda word: word[0] or word[1]),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=WORDS)
def test_any_history_gives_what_a_plain_reading_of_the_rule_gives(store: Store, words: Any) -> None:
    connection: Connection
    with store.write() as connection:
        transaction = connection.begin_nested()
        for person, address, action, day in words:
            event = replace(
                EVENT,
                customer_id=person,
                address_hash=address,
                action=action,
                occurred_at=NOW - (9 - day) * DAY,
            )
            record(connection, event, NOW)
        found = state(connection, ["cus_1", "cus_2"], "h1", "sms")
        rows = connection.execute(select(consent_events).order_by(consent_events.c.sequence)).all()
        transaction.rollback()
    said = []
    for subject in ("cus_1", "cus_2", "h1"):
        mine = [row for row in rows if subject in {row.customer_id, row.address_hash}]
        if mine:
            newest = max(row.occurred_at for row in mine)
            said.append([row.action for row in mine if row.occurred_at == newest][-1])
    expected = None if not said else all(action == "grant" for action in said)
    assert (None if found is None else found.granted) == expected


SUBJECTS = ("customer_id", "address_hash")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=WORDS, people=st.sets(st.sampled_from(["cus_1", "cus_2", "cus_3"])), of_first=st.booleans())
def test_people_and_addresses_that_are_looked_up_together_said_what_each_of_them_said(
    store: Store, monkeypatch: pytest.MonkeyPatch, words: Any, people: set[str], *, of_first: bool
) -> None:
    monkeypatch.setattr(consent_words, "LOOKUP_BATCH", 1)
    asked = {"customer_id": people, "address_hash": {"h1"} if of_first else {"h1", "h2", "h3"}}
    connection: Connection
    with store.write() as connection:
        transaction = connection.begin_nested()
        for number, (person, address, action, _) in enumerate(words):
            record_id = f"{consent_chain.VOIDED if number % 5 == 4 else ''}form/{number % 4}"
            said = {"source_record_id": record_id, "action": "void" if number % 5 == 4 else action}
            given_by = {"customer_id": person, "address_hash": address, "source": f"form{number}"}
            record(connection, replace(EVENT, **said, **given_by), NOW)
        together = consent_words.words_by(connection, asked, "sms", "marketing")
        table = consent_events.c
        alone = {
            name: consent_words.words_of(connection, table[name], asked[name], "sms", "marketing")
            for name in SUBJECTS
        }
        transaction.rollback()
    for said in (*together.values(), *alone.values()):
        for each in said.values():
            each.sort(key=lambda word: word.moment)
    assert together == alone


def test_an_event_of_before_wordings_had_hashes_still_verifies_and_one_with_an_end_commits_to_it(
    store: Store,
) -> None:
    old = {
        "event_id": "con_old", "recorded_at": NOW, "channel": "sms", "purpose": "marketing", "action": "grant",
        "legal_basis": "consent", "occurred_at": NOW, "source": "form", "actor": "customer", "method": "form",
        "customer_id": "cus_1", "address_hash": None, "source_record_id": None, "locale": None, "wording": "Yes",
        "evidence": None,
    }  # fmt: skip
    commitment = chain.commit("salt", old)
    hashes = {
        "commitment": commitment,
        "previous_hash": chain.GENESIS,
        "hash": chain.link(chain.GENESIS, commitment),
    }
    with store.write() as connection:
        connection.execute(consent_events.insert().values(**old, salt="salt", **hashes))
        assert verify_chain(connection) == ChainVerdict(1, None)
    _say(store, customer_id="cus_1", wording="Yes", expires_at=NOW + DAY)
    with store.read() as connection:
        assert verify_chain(connection) == ChainVerdict(2, None)
        row = (
            connection.execute(select(consent_events).order_by(consent_events.c.sequence.desc()))
            .mappings()
            .first()
        )
    assert row is not None
    payload = {name: row[name] for name in (*old, "wording_hash", "expires_at")}
    assert row["commitment"] == chain.commit(row["salt"], payload)
    assert row["commitment"] != chain.commit(row["salt"], payload | {"expires_at": NOW + 2 * DAY})


def test_what_a_record_said_is_taken_back_of_everybody_and_nothing_else_is(store: Store) -> None:
    _say(store, customer_id="cus_1")
    _say(store, customer_id="cus_1", action="revoke", source_record_id="message/1#cus_1")
    _say(store, customer_id="cus_2", action="revoke", source_record_id="message/1#cus_2")
    _say(store, customer_id="cus_3", action="revoke", source_record_id="message/11#cus_3")
    assert _granted(store, "cus_1") is False
    for _ in range(2):
        with store.write() as connection:
            consent.take_back(
                connection, "form", "message/1", replace(EVENT, action="void", actor="ann", occurred_at=NOW)
            )
    assert (_granted(store, "cus_1"), _granted(store, "cus_2"), _granted(store, "cus_3")) == (
        True,
        None,
        False,
    )
    with store.read() as connection:
        assert verify_chain(connection) == ChainVerdict(6, None)
