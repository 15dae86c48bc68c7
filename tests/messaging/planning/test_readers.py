"""What a report says of readers: each message once, machines apart; on both databases."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from messaging import consent
from messaging.addresses import Addresses
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.inbox import Inbound, receive
from messaging.planner.readers import answers_of, readers_by_variant, readers_of
from messaging.planner.views import Readers, VariantReaders
from messaging.store import Store
from messaging.store.tables_receiver import tracking_events

NOON = datetime.fromisoformat("2026-10-30T12:00")


def test_variants_are_counted_apart_and_add_up_to_the_whole(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    short = outbox_of.put(3, run_id=run_id, variant="short")
    long = outbox_of.put(2, first=10, run_id=run_id, variant="long")
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    _record(store, [(short[0], "open", False), (short[1], "open", True), (long[0], "click", False)])
    with store.write() as connection:
        where = {"address_hash": outbox_of.row(long[1]).address_hash, "channel": "sms"}
        consent.suppress(connection, **where, reason="bounce", at=NOON + timedelta(minutes=1), source="test")
    with store.read() as connection:
        found, whole = readers_by_variant(connection, run_id), readers_of(connection, run_id)
        assert readers_by_variant(connection, outbox_of.run()) == {}
    assert found == {
        "long": VariantReaders(2, Readers(clicked=1, bounced=1)),
        "short": VariantReaders(3, Readers(opened=1, opened_by_machines=1)),
    }
    for name in Readers.__dataclass_fields__:
        assert sum(getattr(each.readers, name) for each in found.values()) == getattr(whole, name)


def _record(store: Store, seen: Sequence[tuple[str, str, bool]]) -> None:
    later = NOON + timedelta(minutes=1)
    rows = [
        {
            "event_id": f"evt_{number}",
            "kind": kind,
            "message_id": message_id,
            "occurred_at": later,
            "received_at": later,
            "machine": machine,
        }
        for number, (message_id, kind, machine) in enumerate(seen)
    ]
    with store.write() as connection:
        connection.execute(insert(tracking_events), rows)


def test_readers_are_counted_by_message_with_machines_apart(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    ids = outbox_of.put(6, run_id=run_id)
    other = outbox_of.put(1, first=50)
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    seen = [
        (ids[0], "open", True),
        (ids[0], "open", False),  # a person opened it after the scanner
        (ids[0], "open", False),
        (ids[1], "open", True),
        (ids[2], "open", False),
        (ids[2], "click", False),
        (ids[3], "click", True),
        (ids[3], "delivered", False),
        (other[0], "open", False),
    ]
    _record(store, seen)
    later = NOON + timedelta(minutes=1)
    with store.write() as connection:
        for message_id, reason in ((ids[4], "bounce"), (ids[5], "complaint")):
            where = {"address_hash": outbox_of.row(message_id).address_hash, "channel": "sms"}
            consent.suppress(connection, **where, reason=reason, at=later, source="test")
    with store.read() as connection:
        assert readers_of(connection, run_id) == Readers(
            opened=2,
            opened_by_machines=1,
            clicked=1,
            clicked_by_machines=1,
            bounced=1,
            complained=1,
        )
        assert readers_of(connection, "run_of_nobody") == Readers()


def test_an_answer_counts_once_a_message_an_opt_out_in_words_is_one_and_an_absence_is_none(
    store: Store, outbox_of: Any, provider: Any, addresses: Addresses
) -> None:
    run_id = outbox_of.run()
    ids = outbox_of.put(4, run_id=run_id)
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    said = [
        (0, "9"),
        (0, "and thanks"),
        (1, "please stop texting me"),
        (1, "STOP"),
        (2, "I am away until 9."),
    ]
    for number, (which, body) in enumerate(said):
        inbound = Inbound(
            provider="twilio", provider_sid=f"SM{number}", channel="sms", from_address=outbox_of.row(ids[which]).address,
            to_address="+15005550006", body=body, payload={}, automatic="away" in body, proven_by="twilio",
        )  # fmt: skip
        receive(store, addresses, inbound, Clock(NOON + timedelta(minutes=number)), lambda _: ())
    with store.read() as connection:
        assert answers_of(connection, run_id) == (1, 1)
        assert answers_of(connection, "run_of_nobody") == (0, 0)
