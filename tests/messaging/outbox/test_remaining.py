"""What `dispatch --once` says of messages that did not go: how many, why, and when the first of them may."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs
from typer.testing import CliRunner

from messaging import outbox
from messaging.cli import app
from messaging.clock import pin_clock
from messaging.outbox import remaining
from messaging.senders.base import Rejected
from messaging.senders.rates import Rates
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages
from messaging.store.times import database_now

NIGHT = datetime.fromisoformat("2026-10-30T22:30")
RECEIPT = {"message_class": "transactional", "purpose": "service"}
Dispatch = Callable[..., str]


@pytest.fixture
def dispatch(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Dispatch:
    """Run `dispatch --once` at night where nobody answers: neither Twilio nor a mail server."""
    assert store
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    monkeypatch.setenv("RAPPORT_SANDBOX_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("RAPPORT_SMTP_URL", "smtp://127.0.0.1:1")
    pin_clock(settings.home, NIGHT)

    def run(*options: str) -> str:
        with capture_logs():  # which the front door keeps apart from what is printed
            result = CliRunner().invoke(app, ["dispatch", "--once", *options], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_an_empty_outbox_is_said_to_be_empty(dispatch: Dispatch) -> None:
    assert dispatch() == "Nothing waits.\n"


def test_what_waits_for_the_morning_is_said_with_its_hour(dispatch: Dispatch, outbox_of: Any) -> None:
    outbox_of.put(17, run_id=outbox_of.run())
    told = "17 wait, the first until 2026-10-31 09:00 UTC (night where they are).\n"
    assert dispatch() == "Nothing may go now.\n" + told
    assert dispatch() == "Nothing may go now.\n" + told  # and when it was said before
    (one,) = json.loads(dispatch("--json"))["remaining"]
    assert (one["kind"], one["reason"], one["messages"]) == ("held", "quiet_hours", 17)
    assert one["first_at"] == "2026-10-31T09:00:00"


def test_a_provider_that_is_away_is_said_to_be_and_until_when_it_is_left(
    dispatch: Dispatch, outbox_of: Any
) -> None:
    outbox_of.put(1, channel="email", address="ada@example.com", subject="Hello", **RECEIPT)
    first, again = dispatch(), dispatch()
    assert re.match(r"0 sent, \d tries in vain.\n1 by email waits for its sender until ", first)
    assert again.startswith("Nothing may go now.\n1 by email waits for its sender until ")
    assert "The mail server could not be reached." in again


def test_what_waits_in_a_paused_run_is_said_to_wait_for_a_person(dispatch: Dispatch, outbox_of: Any) -> None:
    outbox_of.put(3, run_id=outbox_of.run("paused"))
    assert dispatch() == "Nothing may go now.\n3 belong to a run that is paused.\n"


def test_it_lists_in_plain_words_what_was_left_out(dispatch: Dispatch, outbox_of: Any) -> None:
    outbox_of.put(2, run_id=outbox_of.run(), consent=False)
    assert dispatch() == "0 sent, 2 skipped (no consent).\n"


def _remaining(store: Store, now: datetime = NIGHT, senders: Any = ("sms",)) -> list[outbox.Remaining]:
    with store.read() as connection:
        return remaining(connection, now, Rates(), senders)


def test_each_message_is_counted_once_by_what_it_waits_for_first(store: Store, outbox_of: Any) -> None:
    paused, run_id = outbox_of.run("paused"), outbox_of.run()
    held = outbox_of.put(3, run_id=run_id)
    tried = outbox_of.put(2, first=10, run_id=run_id)
    of_paused = outbox_of.put(2, first=20, run_id=paused)
    outbox_of.put(1, first=30)
    outbox_of.put(1, first=40, channel="whatsapp")
    outbox_of.put(1, first=50, run_id=run_id)
    with store.write() as connection:
        soon = database_now(connection) + timedelta(minutes=7)
        hours = [NIGHT + timedelta(hours=number) for number in (11, 9, 10)]
        for message_id, hour in zip(held, hours, strict=True):
            values = {"send_after": hour, "reason": "quiet_hours", "detail": "It is night."}
            connection.execute(update(messages).where(messages.c.message_id == message_id).values(**values))
        these = messages.c.message_id.in_([*tried, *of_paused])
        away = {"retry_at": soon, "reason": "retry", "detail": "The network was busy."}
        connection.execute(update(messages).where(these).values(**away))
    assert _remaining(store) == [
        outbox.Remaining("held", 3, NIGHT + timedelta(hours=9), "quiet_hours", "It is night."),
        outbox.Remaining("retry", 2, soon, "retry", "The network was busy."),
        outbox.Remaining("paused", 2),
        outbox.Remaining("no_sender", 1, channel="whatsapp"),
        outbox.Remaining("due", 2, channel="sms"),
    ]
    noon = NIGHT + timedelta(days=1)
    assert [(one.kind, one.messages) for one in _remaining(store, noon)][-1] == ("due", 5)


def test_who_was_asked_to_slow_down_says_until_when(store: Store, outbox_of: Any) -> None:
    outbox_of.put(1)
    slow = Rejected("retry", "Too fast.", code=20429, http_status=429, retry_after=3600)
    with store.write() as connection:
        outbox.hear(connection, Rates(), [("sms", slow)])
        today = database_now(connection)
    (one,) = _remaining(store)
    assert (one.kind, one.messages, one.channel) == ("rest", 1, "sms")
    assert one.first_at is not None
    assert timedelta(minutes=59) < one.first_at - today <= timedelta(hours=1)


def test_the_outbox_tells_no_moment_that_has_passed(
    store: Store, outbox_of: Any, settings: Settings, dispatch: Dispatch
) -> None:
    outbox_of.put(1, **RECEIPT)
    dispatch()  # it never left us: it goes as soon as its sender is called again, which says when
    told = CliRunner().invoke(app, ["outbox", "list", "--state", "queued"]).stdout
    assert "The provider could not be reached." in told
    assert "It waits until" not in told
    assert "rests. Its calls failed" in told
