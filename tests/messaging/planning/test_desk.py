"""An agent's desk: notes, promises, and one message now, which the gate judges like any other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging import audit, consent
from messaging.addresses import Addresses
from messaging.campaigns import Library, fill_library
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.desk.follow_ups import due, follow_ups_of, promise, settle
from messaging.desk.notes import notes_of, remove_note, write_note
from messaging.desk.writing import (
    ANSWERED_WITHIN,
    Desk,
    Draft,
    WrittenSinceError,
    last_written,
    rendered,
    service_templates,
    ways,
    write_to,
)
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import messages

ONE = f"cus_{1:032x}"


def audited(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as connection:
        return [(row["actor"], row["action"], row["subject"]) for row in audit.newest(connection, 9)]


def test_a_button_that_is_pressed_twice_keeps_one_note_and_one_promise(store: Store, clock: Clock) -> None:
    note = write_note(store, clock, ONE, "Has a dog", actor="bob")
    assert write_note(store, clock, ONE, " Has a dog", actor="bob") == note
    others = [
        write_note(store, clock, ONE, "Has a dog", actor="eva"),
        write_note(store, clock, ONE, "A cat", actor="bob"),
    ]
    assert {each.note_id for each in notes_of(store, [ONE])} == {each.note_id for each in (note, *others)}
    until = clock.now() + timedelta(days=1)
    made = promise(store, clock, ONE, "Call back", until, actor="bob")
    assert promise(store, clock, ONE, "Call back", until, actor="bob") == made
    settle(store, clock, made.follow_up_id, "kept", actor="bob")
    again = promise(store, clock, ONE, "Call back", until, actor="bob")
    assert again.follow_up_id != made.follow_up_id


def test_a_note_is_read_under_every_id_of_its_person_and_who_took_it_away_stays(
    store: Store, clock: Clock
) -> None:
    old = write_note(store, clock, "cus_old", "  Prefers to be called after six.  ", actor="ann")
    new = write_note(store, clock, ONE, "Has a dog \N{DOG FACE}", actor="bob")
    assert [each.body for each in notes_of(store, [ONE, "cus_old"])] == [
        new.body,
        "Prefers to be called after six.",
    ]
    remove_note(store, clock, old.note_id, actor="bob")
    assert [each.note_id for each in notes_of(store, [ONE, "cus_old"])] == [new.note_id]
    assert ("bob", "note.remove", "cus_old") in audited(store)
    with pytest.raises(NotFoundError):
        remove_note(store, clock, old.note_id, actor="bob")
    with pytest.raises(UsageError):
        write_note(store, clock, ONE, " \n ", actor="bob")


def test_a_promise_is_open_then_overdue_then_kept_late_and_its_first_outcome_stays(
    store: Store, clock: Clock
) -> None:
    now = clock.now()
    made = promise(store, clock, ONE, "Call back about the lamp", now + timedelta(days=1), actor="ann")
    assert made.state(now) == "open"
    assert made.state(now + timedelta(days=2)) == "overdue"
    assert due(store, now, 9) == []
    assert due(store, now + timedelta(days=2), 9) == [made]
    late = Clock(pinned_at=now + timedelta(days=2))
    kept = settle(store, late, made.follow_up_id, "kept", outcome="Called.", actor="bob")
    assert (kept.state(now), kept.settled_by, kept.outcome) == ("kept late", "bob", "Called.")
    with pytest.raises(RefusedError, match="kept already, by bob"):
        settle(store, late, made.follow_up_id, "dropped", outcome="No.", actor="ann")
    assert follow_ups_of(store, [ONE]) == [kept]
    assert due(store, now + timedelta(days=9), 9) == []
    assert [each[1] for each in audited(store)] == ["follow_up.kept", "follow_up.promise"]


def test_a_promise_in_the_past_and_a_drop_without_a_reason_are_refused(store: Store, clock: Clock) -> None:
    with pytest.raises(UsageError, match="in the past"):
        promise(store, clock, ONE, "Call", clock.now() - timedelta(hours=1), actor="ann")
    made = promise(store, clock, ONE, "Call", clock.now() + timedelta(hours=1), actor="ann")
    with pytest.raises(UsageError, match="reason"):
        settle(store, clock, made.follow_up_id, "dropped", actor="ann")
    assert [each.settled_at for each in follow_ups_of(store, [ONE])] == [None]


@pytest.fixture
def desk(
    settings: Settings,
    store: Store,
    clock: Clock,
    customers: Customers,
    addresses: Addresses,
    publish: Callable[..., Any],
    make_person: Callable[..., dict[str, Any]],
) -> Desk:
    """Give a desk over two people: one who wrote to us yesterday, and one who did not for a year."""
    lately, long_ago = clock.now() - timedelta(days=1), clock.now() - timedelta(days=365)
    publish(
        customer_360=[
            make_person(1, last_inbound_at=lately, parcel_days_late=2, language="en"),
            make_person(2, last_inbound_at=long_ago, parcel_days_late=3, language="en"),
        ]
    )
    fill_library(settings)
    return Desk(settings, store, customers, Library(settings.library_dir), clock)


def stored(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(messages)).all())


def words(channel: str = "sms", **values: str) -> Draft:
    return Draft(new_id("msg"), channel, **({"body": "It is on its way."} | values))


def test_free_words_answer_whoever_wrote_lately_once_and_are_audited(desk: Desk, store: Store) -> None:
    draft = words()
    assert write_to(desk, ONE, draft, actor="ann") == write_to(desk, ONE, draft, actor="ann")
    (row,) = stored(store)
    assert (row.state, row.message_class, row.purpose, row.run_id) == (
        "queued",
        "conversational",
        "service",
        None,
    )
    assert (row.body, row.address) == ("It is on its way.", "+442079460001")
    assert audited(store) == [("ann", "customer.write", ONE)]


def test_the_same_words_a_moment_later_are_the_same_message_though_the_form_has_its_next_id(
    desk: Desk, store: Store
) -> None:
    first = write_to(desk, ONE, words(), actor="ann")
    assert write_to(desk, ONE, words(), actor="ann") == first
    assert write_to(desk, ONE, words(body="And a second thing."), actor="ann") != first
    assert len(stored(store)) == 2


def test_who_writes_while_a_colleague_does_is_told_and_may_then_send_all_the_same(
    desk: Desk, store: Store
) -> None:
    began = last_written(desk, ONE)
    write_to(desk, ONE, words(seen=began), actor="ann")
    mine = words(body="Your parcel comes today.", seen=began)
    with pytest.raises(WrittenSinceError, match="ann wrote to them while you did: nothing was sent"):
        write_to(desk, ONE, mine, actor="grace")
    assert len(stored(store)) == 1
    write_to(desk, ONE, replace(mine, seen=last_written(desk, ONE)), actor="grace")
    assert sorted(audited(store)) == [("ann", "customer.write", ONE), ("grace", "customer.write", ONE)]


def test_free_words_to_somebody_who_has_long_been_silent_are_no_answer_but_a_service_template_goes(
    desk: Desk, store: Store
) -> None:
    two = f"cus_{2:032x}"
    with pytest.raises(RefusedError, match=f"not written to us for {ANSWERED_WITHIN.days} days"):
        write_to(desk, two, words(), actor="ann")
    assert stored(store) == []
    draft = Draft(new_id("msg"), "sms", template="late_parcel_apology")
    write_to(desk, two, draft, actor="ann")
    (row,) = stored(store)
    assert (row.message_class, row.template) == ("transactional", "sms/late_parcel_apology.en")
    assert "3 days late" in row.body
    assert row.body == rendered(desk, two, "late_parcel_apology", "sms").body


def test_marketing_is_no_template_of_the_desk(desk: Desk, store: Store) -> None:
    assert {"late_parcel_apology", "abandoned_conversation"} <= set(service_templates(desk.library))
    assert "win_back" not in service_templates(desk.library)


def test_what_only_an_event_knows_is_not_sent_with_an_example_in_its_place(desk: Desk, store: Store) -> None:
    assert "parcel_shipped" not in service_templates(desk.library)
    with pytest.raises(RefusedError, match="none of that name"):
        rendered(desk, ONE, "parcel_shipped", "sms")
    with pytest.raises(RefusedError, match="is marketing"):
        write_to(desk, ONE, Draft(new_id("msg"), "sms", template="win_back"), actor="ann")
    assert stored(store) == []


def test_who_said_stop_gets_nothing_and_the_desk_says_so_before(
    desk: Desk, store: Store, addresses: Addresses, clock: Clock
) -> None:
    with store.write() as connection:
        consent.suppress(
            connection,
            address_hash=addresses.hash("+442079460001"),
            channel="sms",
            reason="stop",
            at=clock.now(),
            source="test",
        )
    told = {each.channel: each for each in ways(desk, ONE)}
    assert "STOP" in str(told["sms"].sentence)
    assert told["email"].is_open
    assert "24 hours" in str(told["whatsapp"].sentence)
    with pytest.raises(RefusedError, match="STOP"):
        write_to(desk, ONE, words(), actor="ann")
    assert stored(store) == []


@pytest.mark.parametrize("draft", [words(body=" "), words("email", subject=""), words(body="x" * 1001)])
def test_an_empty_or_endless_message_is_refused(desk: Desk, draft: Draft) -> None:
    with pytest.raises(UsageError):
        write_to(desk, ONE, draft, actor="ann")
