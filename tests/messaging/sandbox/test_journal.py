"""A sandbox that was restarted still has its phones, its opt-outs and its mails."""

import json
from pathlib import Path
from typing import Any

from messaging.sandbox.app import Sandbox
from messaging.sandbox.journal import Journal
from messaging.sandbox.refusals import Refusal
from messaging.sandbox.requests import CreateRequest
from messaging.sandbox.settings import SandboxSettings

PHONE = "+447700900123"
SENDER = "+15005550006"


def settings(folder: Path, **others: Any) -> SandboxSettings:
    return SandboxSettings(folder=folder, step_seconds=0.005, inbound_url="http://127.0.0.1:9/", **others)


def request(body: str) -> CreateRequest:
    return CreateRequest(PHONE, SENDER, "", body, (), "", "", "", "")


def test_phones_opt_outs_and_mails_survive_a_restart(tmp_path: Path, now: Any) -> None:
    first = Sandbox(settings(tmp_path, retry_pause=0), now)
    first.exchange.create(request("Hello 🌲"), {})
    assert first.exchange.pending.settle(5)
    first.exchange.receive(PHONE, SENDER, "STOP")
    first.mailbox.add("a@x.example", ("b@x.example",), b"Subject: x\n\n\xff")
    first.close()

    second = Sandbox(settings(tmp_path), now)
    told = [(one.direction, one.body, one.status) for one in second.exchange.thread(PHONE)]
    assert told[:2] == [("outbound-api", "Hello 🌲", "delivered"), ("inbound", "STOP", "received")]
    assert second.exchange.create(request("again"), {}) == Refusal(21610)
    assert [one.raw for one in second.mailbox.newest_first()] == [b"Subject: x\n\n\xff"]
    assert second.mailbox.add("c@x.example", (), b"").number == 2
    second.close()


def test_a_message_that_was_on_its_way_goes_on_after_a_restart(tmp_path: Path, now: Any) -> None:
    slow = Sandbox(SandboxSettings(folder=tmp_path, step_seconds=60), now)
    slow.exchange.create(request("Hello"), {})
    slow.close()
    second = Sandbox(settings(tmp_path), now)
    assert second.exchange.pending.settle(5)
    assert second.exchange.thread(PHONE)[0].status == "delivered"
    second.close()


def test_a_line_cut_short_and_rubbish_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "phones.jsonl"
    path.write_text('{"a": 1}\nrubbish\n{"b": 2')
    assert Journal(path).read() == [{"a": 1}]


def test_the_journal_stays_bounded_and_private(tmp_path: Path, now: Any) -> None:
    sandbox = Sandbox(settings(tmp_path, messages_kept=10), now)
    for number in range(700):
        sandbox.exchange.create(request(f"number {number}"), {})
    assert sandbox.exchange.pending.settle(20)
    assert len(sandbox.exchange.newest_first()) == 10
    sandbox.close()
    path = tmp_path / "phones.jsonl"
    assert len(path.read_text().splitlines()) <= 2_100
    assert path.stat().st_mode & 0o077 == 0
    Sandbox(settings(tmp_path, messages_kept=10), now).close()
    bodies = [json.loads(line)["message"]["body"] for line in path.read_text().splitlines()]
    assert bodies == [f"number {number}" for number in range(690, 700)]


def test_without_a_folder_nothing_is_written(tmp_path: Path, now: Any) -> None:
    sandbox = Sandbox(SandboxSettings(), now)
    sandbox.exchange.create(request("Hello"), {})
    sandbox.close()
    assert list(tmp_path.iterdir()) == []
