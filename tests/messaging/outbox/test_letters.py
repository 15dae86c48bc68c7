"""Looking after what failed: what is listed with its mend, what may be tried again and what may not."""

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError, RefusedError
from messaging import audit, outbox
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.dispatch import dispatch_once
from messaging.senders.base import Rejected, Unknown
from messaging.settings import Settings
from messaging.store import Store

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))
RECEIPT = {"message_class": "transactional", "purpose": "service"}
TOO_LONG = Rejected("fix", "The message is longer than 1600 characters.", code=21617, http_status=400)


def _fail(store: Store, outbox_of: Any, provider: Any, answer: Any, **values: Any) -> str:
    (message_id,) = outbox_of.put(**RECEIPT, **values)
    provider.answers = [answer]
    dispatch_once(store, {"sms": provider}, NOW)
    return str(message_id)


@pytest.mark.parametrize(
    ("answer", "mend"),
    [
        (TOO_LONG, "Shorten the template. Then: rapport outbox retry."),
        (
            Rejected("retry", "The network lost it.", code=30008, http_status=400, attempts=1),
            "Its tries ran out (1). Once the cause has passed: rapport outbox retry.",
        ),
        (
            Rejected("stop", "A landline.", code=21635, http_status=400),
            "Nothing goes to this address any more. Ask the customer for another.",
        ),
    ],
)
def test_what_failed_is_listed_with_how_to_mend_it(
    store: Store, outbox_of: Any, provider: Any, answer: Any, mend: str
) -> None:
    message_id = _fail(store, outbox_of, provider, answer)
    with store.read() as connection:
        (found,) = outbox.letters(connection, ["failed"])
    assert (found.message_id, found.mend, found.may_retry) == (message_id, mend, True)


def test_what_was_refused_goes_again_although_its_run_was_done_and_is_gated_again(
    store: Store, outbox_of: Any, provider: Any, addresses: Any
) -> None:
    message_id = _fail(store, outbox_of, provider, TOO_LONG, run_id=outbox_of.run())
    with store.write() as connection:
        assert outbox.retry(connection, [message_id], NOW.now()) == 1
        assert connection.execute(text("SELECT state FROM campaign_runs")).scalar() == "running"
    assert dispatch_once(store, {"sms": provider}, NOW).accepted == 1
    assert [one.outcome for one in outbox_of.attempts(message_id)] == ["rejected", "accepted"]


def test_what_the_provider_took_or_may_have_taken_is_not_tried_again(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    unknown = _fail(store, outbox_of, provider, Unknown("No answer."))
    (sent,) = outbox_of.put(first=1, **RECEIPT)
    dispatch_once(store, {"sms": provider}, NOW)
    refused = _fail(store, outbox_of, provider, TOO_LONG, first=2)
    said = outbox.StatusUpdate("twilio", outbox_of.row(sent).provider_sid, "undelivered", sent, 30008)
    with store.write() as connection:
        outbox.apply_status(connection, said, NOW.now())
    for one, told in ((unknown, "Nobody knows"), (sent, "would be a second message")):
        with pytest.raises(RefusedError, match=told), store.write() as connection:
            outbox.retry(connection, [refused, one], NOW.now())
    with pytest.raises(RefusedError), store.write() as connection:
        outbox.discard(connection, [refused, unknown], NOW.now())
    with pytest.raises(NotFoundError), store.write() as connection:
        outbox.retry(connection, [refused, "msg_none"], NOW.now())
    assert outbox_of.row(refused).state == "failed", "all of them, or none"


def test_the_command_lists_retries_and_discards_and_keeps_who_did(
    store: Store, outbox_of: Any, provider: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    again = _fail(store, outbox_of, provider, TOO_LONG)
    never = _fail(store, outbox_of, provider, TOO_LONG, first=1)

    def run(*words: str) -> Any:
        done = CliRunner().invoke(app, ["outbox", *words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    listed = run("list")
    assert {one["message_id"] for one in listed["messages"]} == {again, never}
    assert listed["counts"] == {"failed": 2}
    assert run("retry", again, "--actor", "ann") == {"messages": 1}
    assert run("discard", never, "--actor", "ann") == {"messages": 1}
    shown = run("show", again)
    assert (shown["state"], [one["error_code"] for one in shown["attempts"]]) == ("queued", [21617])
    assert "body" not in shown
    assert outbox_of.row(never).state == "cancelled"
    with store.read() as connection:
        kept = {(one["action"], one["subject"], one["actor"]) for one in audit.newest(connection, 9)}
    assert kept == {("message.retry", again, "ann"), ("message.discard", never, "ann")}


@pytest.mark.parametrize(("words", "moved"), [(["--code", "21617"], 3), (["--code", "30007"], 0), ([], 3)])
def test_a_whole_runs_refused_messages_go_again_by_one_command_and_each_is_audited(
    store: Store, outbox_of: Any, provider: Any, settings: Settings, words: list[str], moved: int
) -> None:
    home = {"RAPPORT_HOME": str(settings.home)}
    run_id = outbox_of.run()
    outbox_of.put(3, run_id=run_id)
    provider.answers = [TOO_LONG] * 3
    dispatch_once(store, {"sms": provider}, NOW)
    command = ["outbox", "retry", "--run", run_id, *words, "--actor", "ann", "--json"]
    done = CliRunner().invoke(app, command, env=home)
    assert json.loads(done.stdout) == {"messages": moved}
    assert outbox_of.states() == ({"queued": 3} if moved else {"failed": 3})
    with store.read() as connection:
        told = connection.execute(text("SELECT count(*) FROM audit WHERE action = 'message.retry'")).scalar()
    assert told == moved
    unclear = CliRunner().invoke(app, ["outbox", "retry", "--code", "21617", "--actor", "ann"], env=home)
    assert unclear.exit_code != 0


def test_a_message_that_waits_says_until_when_and_why(
    store: Store, outbox_of: Any, provider: Any, settings: Settings
) -> None:
    (message_id,) = outbox_of.put()
    night = datetime.fromisoformat("2026-10-30T22:30")
    dispatch_once(store, {"sms": provider}, Clock(night))
    pin_clock(settings.home, night)
    home = {"RAPPORT_HOME": str(settings.home)}
    for words in (["show", message_id], ["list", "--state", "queued"]):
        printed = CliRunner().invoke(app, ["outbox", *words], env=home).stdout
        assert "It waits until 2026-10-31 09:00 UTC." in printed
        assert "marketing may arrive from" in printed
