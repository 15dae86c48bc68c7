"""Answers and receipts go before marketing, however long its queue, and the queue is never read through for that."""

from typing import Any

from sqlalchemy import insert, text

from messaging import outbox
from messaging.dispatch import dispatch_once
from messaging.outbox.queue import CLASSES, due_of
from messaging.senders.base import Accepted, OutboundMessage
from messaging.senders.rates import Rates
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import messages
from messaging.store.times import database_now

RATE = 5.0  # messages a second


def test_an_answer_goes_first_then_a_receipt_then_marketing_and_of_each_the_oldest(
    store: Store, outbox_of: Any, clock: Any
) -> None:
    marketing = outbox_of.put(3)
    receipts = outbox_of.put(2, first=3, message_class="transactional", purpose="service")
    answers = outbox_of.put(2, first=5, message_class="conversational", purpose="service")
    with store.write() as connection:
        claimed = outbox.claim(connection, "me", 6, clock.now(), channels=["sms"])
    assert claimed == [*answers, *receipts, *marketing[:2]]


def test_a_receipt_that_comes_in_the_middle_of_a_campaign_is_among_the_next(
    store: Store, outbox_of: Any, provider: Any, clock: Any
) -> None:
    outbox_of.put(14)
    receipts: list[str] = []
    order: list[str] = []

    def take(message: OutboundMessage) -> Accepted:
        order.append(message.message_id)
        return provider.accept(message)

    def take_and_sell(message: OutboundMessage) -> Accepted:
        receipts.extend(outbox_of.put(first=20, message_class="transactional", purpose="service"))
        return take(message)

    provider.answers = [take_and_sell] + [take] * 14
    report = dispatch_once(store, {"sms": provider}, clock, rates=Rates({"sms": RATE}))
    assert report.accepted == 15
    assert (
        order.index(receipts[0]) <= RATE + 1
    )  # after the second's worth that was under way, and what followed it


def test_the_messages_that_are_next_are_found_by_the_index_of_the_queue(store: Store, clock: Any) -> None:
    row = {"customer_id": "c", "channel": "sms", "address_hash": "h", "body": "Hello", "attempt_count": 0}
    row |= {"step": 0, "purpose": "marketing", "created_at": clock.now(), "updated_at": clock.now()}
    past = [("accepted", "marketing")] * 6_000
    campaign = [("queued", "marketing")] * 1_500 + [("queued", "transactional")] * 20
    rows = [
        row | {"message_id": new_id("msg"), "state": state, "message_class": message_class}
        for state, message_class in past + campaign
    ]
    with store.write() as connection:
        connection.execute(insert(messages), rows)
        connection.execute(text("ANALYZE"))
    with store.read() as connection:
        for message_class in CLASSES:
            wanted = due_of(message_class, clock.now(), database_now(connection), ["sms"]).limit(32)
            query = wanted.compile(connection, compile_kwargs={"literal_binds": True})
            explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
            plan = [str(step[-1]) for step in connection.exec_driver_sql(f"{explain} {query}")]
            on_messages = [step for step in plan if "messages" in step]
            assert len(on_messages) == 1
            assert "ix_messages_message_class_message_id" in on_messages[0]
            assert not any("TEMP B-TREE" in step or "Sort" in step for step in plan)
