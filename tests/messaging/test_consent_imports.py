"""What other systems recorded: each word once, the people behind an address as soon as they are known."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from messaging import consent_imports
from messaging.consent import lift, state, stop, suppress, suppressed
from messaging.consent_imports import (
    ImportCounts,
    ImportedConsent,
    ImportedOptOut,
    foresee_imports,
    record_imports,
    record_opt_outs,
)
from messaging.store import Store
from messaging.store.tables import consent_events

NOW = datetime.fromisoformat("2026-10-30T12:00")
DAY = timedelta(days=1)
IMPORTED = ImportedConsent(
    customer_id="cus_1",
    source="shop",
    source_record_id="consent/1",
    channel="sms",
    purpose="marketing",
    action="grant",
    legal_basis="consent",
    occurred_at=NOW - 9 * DAY,
    method=None,
    wording="Yes, tell me",
    locale="en-GB",
    address="+442079460000",
)


def test_an_import_is_recorded_once_however_often_it_comes(store: Store, addresses: Any) -> None:
    rows = [
        IMPORTED,
        replace(IMPORTED, source_record_id="consent/2", customer_id=None),
        replace(IMPORTED, source_record_id="consent/3", customer_id=None, address="nonsense"),
        replace(IMPORTED, channel="email", address="ada@example.com"),
    ]
    assert record_imports(store, addresses, rows, NOW) == ImportCounts(3, 0, 1)
    assert record_imports(store, addresses, rows * 2, NOW) == ImportCounts(0, 6, 2)
    assert _granted(store, "cus_1") is True
    assert _granted(store, "x", address_hash=addresses.hash("+442079460000")) is True


@pytest.mark.parametrize("batch", [2, 2000])
def test_what_is_foreseen_of_an_import_is_what_recording_it_does(
    store: Store, addresses: Any, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(consent_imports, "IMPORT_BATCH", batch)
    dice = Random(20261123)
    for _ in range(6):
        rows = [
            replace(
                IMPORTED,
                source_record_id=f"consent/{dice.randrange(4)}",
                customer_id=dice.choice(("cus_1", "cus_2", "cus_3", None)),
                address=dice.choice((IMPORTED.address, "nonsense", None)),
                action=dice.choice(("grant", "revoke")),
                occurred_at=NOW - dice.randrange(9) * DAY,
            )
            for _ in range(9)
        ]
        foreseen = foresee_imports(store, addresses, rows)
        assert record_imports(store, addresses, rows, NOW) == foreseen
        assert foresee_imports(store, addresses, rows).unusable == foreseen.unusable
    with store.read() as connection:
        assert len(connection.execute(select(consent_events.c.sequence)).all()) > 6


def test_a_record_that_another_system_changes_is_heard_each_time_that_its_word_changes(
    store: Store, addresses: Any
) -> None:
    def say(action: str, days_ago: int) -> ImportCounts:
        row = replace(IMPORTED, action=action, occurred_at=NOW - days_ago * DAY)
        return record_imports(store, addresses, [row], NOW)

    assert say("grant", 9) == ImportCounts(1, 0, 0)
    assert say("revoke", 8) == ImportCounts(1, 0, 0)
    assert _granted(store, "cus_1") is False
    assert say("revoke", 8) == say("revoke", 7) == ImportCounts(0, 1, 0)
    assert say("grant", 6) == ImportCounts(1, 0, 0)
    assert _granted(store, "cus_1") is True
    with store.write() as connection:
        stop(
            connection, address_hash="h1", channel="sms", at=NOW - 5 * DAY, source="t", customer_ids=["cus_1"]
        )
    assert say("grant", 0) == ImportCounts(0, 1, 0)  # they export what they had: no new word
    assert _granted(store, "cus_1") is False


def test_of_two_imports_of_one_moment_the_opt_out_wins(store: Store, addresses: Any) -> None:
    rows = [
        replace(IMPORTED, action="revoke", source_record_id="consent/1"),
        replace(IMPORTED, action="grant", source_record_id="consent/2"),
    ]
    record_imports(store, addresses, rows, NOW)
    assert _granted(store, "cus_1") is False


def test_an_imported_grant_does_not_lift_a_suppression(store: Store, addresses: Any) -> None:
    hashed = addresses.hash("+442079460000")
    with store.write() as connection:
        stop(connection, address_hash=hashed, channel="sms", at=NOW - DAY, source="t")
    record_imports(store, addresses, [replace(IMPORTED, occurred_at=NOW)], NOW)
    with store.read() as connection:
        assert suppressed(connection, [hashed], "sms") == {hashed: "stop"}


OPT_OUT = ImportedOptOut(
    address_hash="h1",
    channel="sms",
    reason="stop",
    occurred_at=NOW - 9 * DAY,
    source="twilio",
    source_record_id="message/1",
    method="keyword",
)


def _granted(store: Store, *customer_ids: str, address_hash: str | None = None) -> bool | None:
    with store.read() as connection:
        found = state(connection, customer_ids, address_hash, "sms")
    return None if found is None else found.granted


def _suppressed(store: Store, address_hash: str = "h1") -> str | None:
    with store.read() as connection:
        return suppressed(connection, [address_hash], "sms").get(address_hash)


def _events(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(consent_events).order_by(consent_events.c.sequence)))


def test_a_revocation_known_by_its_address_becomes_the_persons_as_soon_as_we_know_whose_it_is(
    store: Store, addresses: Any
) -> None:
    revoked = replace(IMPORTED, action="revoke", customer_id=None)
    assert record_imports(store, addresses, [revoked], NOW) == ImportCounts(1, 0, 0)
    assert _granted(store, "cus_1") is None
    named = [replace(revoked, customer_id="cus_1")]
    assert record_imports(store, addresses, named, NOW) == ImportCounts(1, 0, 0)
    assert _granted(store, "cus_1") is False
    assert record_imports(store, addresses, [revoked, *named], NOW) == ImportCounts(0, 2, 0)


def test_a_revocation_of_an_address_that_cannot_exist_is_kept_as_it_stands(
    store: Store, addresses: Any
) -> None:
    row = replace(IMPORTED, action="revoke", customer_id=None, address="+447700900001")
    assert record_imports(store, addresses, [row], NOW) == ImportCounts(1, 0, 0)
    assert _granted(store, address_hash=addresses.hash("+447700900001")) is False


def test_an_opt_out_suppresses_the_address_and_revokes_for_everybody_whom_we_wrote_to_there(
    store: Store, addresses: Any, outbox_of: Any
) -> None:
    outbox_of.put(2, address="+442079460000")  # to cus_0 and cus_1
    hashed = addresses.hash("+442079460000")
    one = replace(OPT_OUT, address_hash=hashed)
    assert record_opt_outs(store, [one], NOW) == ImportCounts(1, 0, 0)
    assert _suppressed(store, hashed) == "stop"
    assert [_granted(store, person) for person in ("cus_0", "cus_1")] == [False, False]
    assert record_opt_outs(store, [one], NOW) == ImportCounts(0, 1, 0)


def test_one_record_is_one_event_however_often_it_comes(store: Store) -> None:
    assert record_opt_outs(store, [OPT_OUT, OPT_OUT], NOW) == ImportCounts(1, 1, 0)
    assert record_opt_outs(store, [OPT_OUT], NOW) == ImportCounts(0, 1, 0)
    (event,) = _events(store)
    assert (event.occurred_at, event.recorded_at, event.action) == (NOW - 9 * DAY, NOW, "revoke")


def test_the_person_is_told_of_a_stop_though_the_address_is_suppressed_already(store: Store) -> None:
    with store.write() as connection:
        suppress(connection, address_hash="h1", channel="sms", reason="stop", at=NOW, source="webhook")
    record_opt_outs(store, [replace(OPT_OUT, customer_id="cus_1")], NOW)
    assert _granted(store, "cus_1") is False


def test_a_bounce_suppresses_and_says_nothing_of_what_a_person_wants(store: Store) -> None:
    one = replace(OPT_OUT, reason="bounce", method="bounce")
    assert record_opt_outs(store, [one], NOW) == ImportCounts(1, 0, 0)
    assert record_opt_outs(store, [one], NOW) == ImportCounts(0, 1, 0)
    assert (_suppressed(store), _events(store)) == ("bounce", [])


def test_the_hardest_reason_of_one_batch_stays(store: Store) -> None:
    reasons = ("unsubscribe", "complaint", "stop")
    rows = [replace(OPT_OUT, reason=reason, source_record_id=f"event/{reason}") for reason in reasons]
    record_opt_outs(store, rows, NOW)
    assert _suppressed(store) == "complaint"
    assert len(_events(store)) == 3


@pytest.mark.parametrize("dated", [1, 0])
def test_a_record_that_comes_again_does_not_undo_a_lifting(store: Store, dated: int) -> None:
    one = replace(OPT_OUT, dated=bool(dated))
    record_opt_outs(store, [one], NOW)
    _lift(store, NOW)
    again = replace(one, occurred_at=one.occurred_at if dated else NOW + DAY)  # an undated one is dated anew
    assert record_opt_outs(store, [replace(again, customer_id="cus_1")], NOW + DAY) == ImportCounts(0, 1, 0)
    assert (_suppressed(store), _granted(store, "cus_1")) == (None, None)


def test_an_older_record_does_not_undo_a_lifting_and_a_newer_one_does(store: Store) -> None:
    record_opt_outs(store, [OPT_OUT], NOW - 9 * DAY)
    _lift(store, NOW - 5 * DAY)
    older = replace(OPT_OUT, source_record_id="message/0", occurred_at=NOW - 8 * DAY)
    assert record_opt_outs(store, [older], NOW) == ImportCounts(0, 1, 0)
    newer = replace(OPT_OUT, source_record_id="message/2", occurred_at=NOW - DAY)
    assert record_opt_outs(store, [newer], NOW) == ImportCounts(1, 0, 0)
    assert _suppressed(store) == "stop"


def _lift(store: Store, at: datetime) -> None:
    with store.write() as connection:
        lift(connection, address_hash="h1", channel="sms", at=at, source="webhook")
