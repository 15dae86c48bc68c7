"""Messages that a provider took and of which nothing is heard are asked for, on both databases and over HTTP."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from data_contracts.errors import ServiceError
from messaging import outbox
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.outbox import FIRST_ASKED
from messaging.reconcile import ask_silent, reconcile, unclear
from messaging.reconcile.asking import LAST_ASKED, silent_of
from messaging.sandbox import server as sandbox_server
from messaging.sandbox.faults import Fault
from messaging.sandbox.settings import SandboxSettings
from messaging.senders.build import build_senders
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messaging.sandbox.server import RunningSandbox
    from messaging.senders.base import Sender

NOON = datetime.fromisoformat("2026-10-30T12:00")
DUE = Clock(NOON + FIRST_ASKED)


def tells(provider: Any, status: str, code: int | None = None) -> None:
    """Let the provider's list have each message in this state."""
    provider.records[:] = [replace(one, status=status, error_code=code) for one in provider.records]


def asked_at(store: Store) -> datetime | None:
    with store.read() as connection:
        found: datetime | None = connection.execute(select(messages.c.ask_at)).scalar_one()
        return found


def test_what_has_no_word_after_a_quarter_of_an_hour_is_asked_for(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    tells(provider, "delivered")
    assert ask_silent(store, {"sms": provider}, Clock(DUE.now() - timedelta(seconds=1))) == 0
    assert outbox_of.row(message_id).state == "accepted"
    assert ask_silent(store, {"sms": provider}, DUE) == 1
    row = outbox_of.row(message_id)
    assert (row.state, row.provider_status, row.delivered_at) == ("done", "delivered", DUE.now())
    assert ask_silent(store, {"sms": provider}, Clock(NOON + timedelta(days=1))) == 0  # it has its last word


def test_a_number_that_turned_out_dead_is_closed_as_by_a_callback(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    tells(provider, "undelivered", 30005)
    assert ask_silent(store, {"sms": provider}, DUE) == 1
    row = outbox_of.row(message_id)
    assert (row.state, row.error_code) == ("failed", 30005)
    assert outbox_of.suppressions() == {row.address_hash: "provider"}


def test_it_is_asked_for_less_and_less_often_and_not_for_ever(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    outbox_of.put()
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    moments = []
    while (at := asked_at(store)) is not None:
        moments.append(at - NOON)
        ask_silent(store, {"sms": provider}, Clock(at))
    assert moments[:3] == [FIRST_ASKED, 2 * FIRST_ASKED, 4 * FIRST_ASKED]
    assert len(moments) == 9
    assert moments[-1] <= LAST_ASKED < 2 * moments[-1]


def test_a_callback_that_came_first_is_not_heard_twice(store: Store, outbox_of: Any, provider: Any) -> None:
    (message_id,) = outbox_of.put()
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    sid = outbox_of.row(message_id).provider_sid
    with store.write() as connection:
        outbox.apply_status(connection, outbox.StatusUpdate("twilio", sid, "sent", message_id), NOON)
    tells(provider, "sent")
    assert ask_silent(store, {"sms": provider}, DUE) == 0
    assert outbox_of.row(message_id).provider_status == "sent"


def test_a_list_that_has_another_message_alone_tells_nothing(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    provider.records[:] = [replace(one, sid="SMother", status="delivered") for one in provider.records]
    assert ask_silent(store, {"sms": provider}, DUE) == 0
    assert outbox_of.row(message_id).state == "accepted"


def test_a_provider_that_cannot_be_asked_ends_the_round_and_each_message_is_asked_for_later(
    store: Store, outbox_of: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox_of.put(8)
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    tells(provider, "delivered")
    calls = []

    def away(*_: object) -> None:
        calls.append(1)
        raise ServiceError("The provider's list cannot be read.", "Try again when it answers.")

    with monkeypatch.context() as patched:
        patched.setattr(provider, "find", away)
        assert (ask_silent(store, {"sms": provider}, DUE), len(calls)) == (0, 5)
    assert ask_silent(store, {"sms": provider}, DUE, limit=2) == 2
    assert ask_silent(store, {"sms": provider}, DUE, limit=2) == 1
    assert ask_silent(store, {"sms": provider}, Clock(DUE.now() + FIRST_ASKED)) == 5


def test_who_keeps_no_list_is_left_alone(
    store: Store, outbox_of: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox_of.put()
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    monkeypatch.setattr(provider, "can_find", False)
    assert ask_silent(store, {"sms": provider}, DUE) == 0
    monkeypatch.undo()
    tells(provider, "delivered")
    assert ask_silent(store, {"email": provider}, DUE) == 0  # nor another sender's messages
    assert ask_silent(store, {"sms": provider}, DUE) == 1


@pytest.mark.sqlite
def test_looking_for_silent_messages_reads_an_index_alone(store: Store) -> None:
    asked = silent_of("twilio", ["sms", "voice"], NOON, 20)
    words = str(asked.compile(store.engine, compile_kwargs={"literal_binds": True}))
    with store.read() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}").all())
    assert "USING INDEX ix_messages_provider_ask_at (provider=? AND ask_at<?)" in plan
    assert "TEMP B-TREE" not in plan


@pytest.fixture
def line(settings: Settings) -> "Iterator[tuple[RunningSandbox, dict[str, Sender]]]":
    """Run the sandbox, and every sender that calls Twilio there."""
    with sandbox_server.running(settings=SandboxSettings(step_seconds=0.01, conversations_kept=1)) as sandbox:
        told = {"sandbox_url": sandbox.base_url, "public_url": "http://127.0.0.1:9"}
        yield sandbox, build_senders(settings.model_copy(update=told), ["sms", "voice", "whatsapp", "chat"])


@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_a_message_whose_callbacks_all_were_lost_ends_by_its_providers_list(
    store: Store, outbox_of: Any, line: Any, channel: str
) -> None:
    sandbox, senders = line
    sandbox.sandbox.exchange.faults.add(Fault("no_callback", count=9))
    (message_id,) = outbox_of.put(channel=channel, message_class="transactional", purpose="service")
    dispatch_once(store, senders, Clock(NOON))
    assert (outbox_of.row(message_id).state, outbox_of.row(message_id).provider) == ("accepted", "twilio")
    assert sandbox.settle()
    assert ask_silent(store, senders, DUE) == 1
    assert outbox_of.row(message_id).state == "done"


def template(sandbox: Any) -> str:
    """Keep a template there, whose words are not those that a message is stored with."""
    words = {"twilio/text": {"body": "Dear customer, {{1}} is on its way."}}
    return str(sandbox.sandbox.exchange.contents.add({"language": "en", "types": words}).sid)


def test_a_whatsapp_template_that_its_provider_wrote_out_is_heard_by_its_id(
    store: Store, outbox_of: Any, line: Any
) -> None:
    sandbox, senders = line
    sandbox.sandbox.exchange.faults.add(Fault("no_callback", count=9))
    parts = {"content_sid": template(sandbox), "content_variables": {"1": "it"}}
    receipt = {"message_class": "transactional", "purpose": "service", "parts": parts}
    (message_id,) = outbox_of.put(channel="whatsapp", **receipt)
    dispatch_once(store, senders, Clock(NOON))
    assert outbox_of.row(message_id).state == "accepted"
    assert sandbox.settle()
    assert ask_silent(store, senders, DUE) == 1
    assert outbox_of.row(message_id).state == "done"


def test_a_whatsapp_template_that_broke_off_is_for_a_person_to_compare_and_goes_never_again(
    store: Store, outbox_of: Any, line: Any
) -> None:
    sandbox, senders = line
    parts = {"content_sid": template(sandbox), "content_variables": {"1": "it"}}
    outbox_of.put(channel="whatsapp", message_class="transactional", purpose="service", parts=parts)
    sandbox.sandbox.exchange.faults.add(Fault("drop_after"))
    assert dispatch_once(store, senders, Clock(NOON)).unknown == 1
    assert reconcile(store, senders, Clock(NOON), grace=timedelta(0)).left == 1
    (each,) = unclear(store)
    assert (each.reason, each.waits) == ("other_text", True)


def test_a_message_that_can_never_be_asked_for_keeps_no_other_from_being_asked_for(
    store: Store, outbox_of: Any, line: Any
) -> None:
    sandbox, senders = line
    sandbox.sandbox.exchange.faults.add(Fault("no_callback", count=9))
    service = {"message_class": "transactional", "purpose": "service"}
    ended = sandbox.sandbox.conversations.open("Ada").sid
    (chat_id,) = outbox_of.put(first=1, channel="chat", address=ended, **service)
    dispatch_once(store, senders, Clock(NOON))
    (message_id,) = outbox_of.put(first=2, **service)
    dispatch_once(store, senders, Clock(NOON + timedelta(seconds=1)))
    assert outbox_of.states() == {"accepted": 2}
    assert sandbox.settle()
    sandbox.sandbox.conversations.open("Grace")  # the first one is gone: its list is 404 from now on
    later = Clock(DUE.now() + timedelta(minutes=1))
    assert ask_silent(store, senders, later) == 1
    assert outbox_of.row(message_id).state == "done"
    assert outbox_of.row(chat_id).ask_at == later.now() + timedelta(minutes=16)
