"""Status callbacks: each stored once, in any order; the highest rank wins; proof of acceptance settles."""

import itertools
import random
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from messaging import outbox
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.outbox.states import PROVIDER_WORDS, RANK, TRANSITIONS, may_follow
from messaging.senders.base import Accepted, OutboundMessage, Unknown
from messaging.store import Store
from messaging.store.tables import provider_events

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))


def _say(store: Store, status: str, message_id: str | None, sid: str = "SM1", code: int | None = None) -> str:
    said = outbox.StatusUpdate("twilio", sid, status, message_id, code, {"MessageStatus": status})
    with store.write() as connection:
        return outbox.apply_status(connection, said, NOW.now())


@pytest.fixture
def sent(store: Store, outbox_of: Any, provider: Any) -> str:
    """Give a message that the provider accepted as SM1."""
    (message_id,) = outbox_of.put()
    provider.answers = [Accepted("SM1")]
    dispatch_once(store, {"sms": provider}, NOW)
    return str(message_id)


def test_every_callback_five_times_and_shuffled_is_one_row_and_the_highest_rank(
    store: Store, outbox_of: Any, sent: str
) -> None:
    said = ["queued", "sending", "sent", "delivered", "read"] * 5
    random.Random(7).shuffle(said)
    told = [_say(store, status, sent) for status in said]
    assert told.count("duplicate") == 20
    row = outbox_of.row(sent)
    assert (row.state, row.provider_status, row.delivered_at) == ("done", "read", NOW.now())
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(provider_events)).scalar() == 5


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
def test_the_order_of_callbacks_is_nothing(
    store: Store, outbox_of: Any, sent: str, order: tuple[str, ...]
) -> None:
    for status in order:
        _say(store, status, sent)
    assert outbox_of.row(sent).provider_status == "read"


def test_a_status_never_goes_back(store: Store, outbox_of: Any, sent: str) -> None:
    assert _say(store, "delivered", sent) == "applied"
    assert _say(store, "sent", sent) == "stored"
    assert _say(store, "failed", sent, code=30008) == "stored"
    row = outbox_of.row(sent)
    assert (row.state, row.provider_status, row.error_code) == ("done", "delivered", None)


def test_a_callback_finds_its_message_by_the_providers_id_too(
    store: Store, outbox_of: Any, sent: str
) -> None:
    assert _say(store, "delivered", None) == "applied"
    assert outbox_of.row(sent).state == "done"


def test_a_callback_about_nothing_of_ours_is_kept_and_changes_nothing(store: Store) -> None:
    assert _say(store, "delivered", "msg_unknown", "SMother") == "stored"


def test_a_callback_that_came_before_we_knew_whose_it_was_is_heard_later(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    assert _say(store, "delivered", None, "SM9") == "stored"
    provider.answers = [Accepted("SM9")]
    assert dispatch_once(store, {"sms": provider}, NOW).accepted == 1
    row = outbox_of.row(message_id)
    assert (row.state, row.provider_status) == ("done", "delivered")


def test_a_callback_that_outruns_the_reply_is_proof_and_the_reply_changes_nothing(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()

    def callback_first(message: OutboundMessage) -> Accepted:
        _say(store, "sent", message.message_id, "SM5")
        assert outbox_of.row(message_id).state == "accepted"
        return Accepted("SM5")

    provider.answers = [callback_first]
    assert dispatch_once(store, {"sms": provider}, NOW).accepted == 1
    row, (attempt,) = outbox_of.row(message_id), outbox_of.attempts(message_id)
    assert (row.state, row.provider_status, row.provider_sid) == ("accepted", "sent", "SM5")
    assert (attempt.outcome, attempt.provider_sid) == ("accepted", "SM5")


def test_a_callback_outweighs_a_reply_that_never_came(store: Store, outbox_of: Any, provider: Any) -> None:
    (message_id,) = outbox_of.put()

    def callback_only(message: OutboundMessage) -> Unknown:
        _say(store, "sent", message.message_id, "SM5")
        return Unknown("Broke off.")

    provider.answers = [callback_only]
    assert dispatch_once(store, {"sms": provider}, NOW).unknown == 0
    assert outbox_of.row(message_id).state == "accepted"
    assert outbox_of.attempts(message_id)[0].outcome == "accepted"


def test_what_was_not_delivered_has_failed_with_the_reason_in_words(
    store: Store, outbox_of: Any, sent: str
) -> None:
    _say(store, "undelivered", sent, code=30007)
    row = outbox_of.row(sent)
    assert (row.state, row.provider_status, row.error_code) == ("failed", "undelivered", 30007)
    assert row.detail.startswith("The network filtered the message as unwanted.")
    assert outbox_of.suppressions() == {}


@pytest.mark.parametrize(("code", "reason"), [(30005, "provider"), (21610, "stop")])
def test_a_dead_address_learnt_from_a_callback_is_suppressed(
    store: Store, outbox_of: Any, sent: str, code: int, reason: str
) -> None:
    _say(store, "undelivered", sent, code=code)
    assert outbox_of.suppressions() == {outbox_of.row(sent).address_hash: reason}


def test_a_second_id_for_one_message_is_kept_as_evidence_and_changes_nothing(
    store: Store, outbox_of: Any, sent: str
) -> None:
    assert _say(store, "delivered", sent, "SM2") == "stored"
    assert outbox_of.row(sent).provider_sid == "SM1"


def test_a_word_that_we_do_not_know_is_kept_and_changes_nothing(
    store: Store, outbox_of: Any, sent: str
) -> None:
    assert _say(store, "teleported", sent) == "stored"
    assert outbox_of.row(sent).provider_status == "queued"


def test_a_callback_about_a_message_that_was_never_called_is_kept_and_changes_nothing(
    store: Store, outbox_of: Any
) -> None:
    run_id = outbox_of.run()
    (message_id,) = outbox_of.put(run_id=run_id)
    with store.write() as connection:
        outbox.cancel_run(connection, run_id, NOW.now())
    assert _say(store, "delivered", message_id) == "stored"
    row = outbox_of.row(message_id)
    assert (row.state, row.provider_status) == ("cancelled", None)


def test_every_word_has_a_rank_and_a_higher_one_is_never_followed_by_a_lower() -> None:
    for now, then in itertools.product(set(PROVIDER_WORDS.values()), repeat=2):
        assert may_follow(now, then) == (RANK[then] > RANK[now])


def test_only_what_is_final_has_no_way_on() -> None:
    final = {state for state, following in TRANSITIONS.items() if not following}
    assert final == {"done", "skipped"}
    assert TRANSITIONS["cancelled"] == {"accepted"}, "where a callback proves a person's word wrong"
    assert TRANSITIONS["failed"] == {"queued", "cancelled"}, "by a person's word alone"
    assert {state for following in TRANSITIONS.values() for state in following} <= set(TRANSITIONS)


def test_a_network_that_cannot_be_reached_closes_an_address_only_when_it_says_so_again(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    for number, closed in ((0, 0), (1, 1)):
        (message_id,) = outbox_of.put(
            first=number, address="+442079460000", message_class="transactional", purpose="service"
        )
        dispatch_once(store, {"sms": provider}, NOW)
        said = outbox.StatusUpdate(
            "twilio", outbox_of.row(message_id).provider_sid, "undelivered", message_id, 30006
        )
        with store.write() as connection:
            outbox.apply_status(connection, said, NOW.now())
        assert len(outbox_of.suppressions()) == closed
