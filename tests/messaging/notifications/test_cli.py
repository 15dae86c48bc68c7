"""`rapport notifications`: each command as a machine reads it and as a person does, on the sandbox's mailbox."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from structlog.testing import capture_logs
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError, ServiceError, UsageError
from messaging import audit
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.sandbox.server import running
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import contract_status

Run = Callable[..., Any]


@pytest.fixture
def run(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in the test's own home; with `fails`, give the error it ends with, else its document or words."""
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    monkeypatch.setenv(
        "RAPPORT_SMTP_URL", "smtp://127.0.0.1:9"
    )  # where nobody listens, unless a test says else
    pin_clock(settings.home, clock.now())

    def invoke(*arguments: str, words: bool = False, fails: type[Exception] | None = None) -> Any:
        with capture_logs():  # which the front door sends to standard error
            result = CliRunner().invoke(app, ["notifications", *arguments, *([] if words else ["--json"])])
        if fails is not None:
            assert isinstance(result.exception, fails), result.output
            return result.exception
        assert result.exit_code == 0, result.output
        return result.stdout if words else json.loads(result.stdout)

    return invoke


@pytest.fixture
def red(store: Store, clock: Clock) -> None:
    with store.write() as connection:
        row = {
            "table_name": "orders",
            "state": "red",
            "checked_at": clock.now(),
            "rows_checked": 9,
            "rows_quarantined": 2,
        }
        connection.execute(insert(contract_status).values(row))


def test_list_tells_what_is_wrong_and_that_nobody_has_looked_yet(run: Run, red: None) -> None:
    assert run("list") == {"looked_at": None, "notices": [], "snoozed": []}
    unseen = run("list", words=True)
    assert "No notices." in unseen
    assert "Nobody has looked yet" in unseen
    assert run("watch", "--once")["opened"] == 1
    assert run("watch", "--once")["mine"]  # the one before has left the watch
    [notice] = run("list")["notices"]
    assert (notice["event"], notice["subject"], notice["owner"], notice["urgent"]) == (
        "contract_red",
        "orders",
        "operations",
        False,
    )
    words = run("list", words=True)
    assert notice["notice_id"] in words
    assert "2 of 9 rows were set aside" in words


def test_snooze_takes_a_notice_or_an_event_is_recorded_and_ends_at_zero_hours(
    run: Run, red: None, store: Store
) -> None:
    run("watch", "--once")
    [notice] = run("list")["notices"]
    run("snooze", notice["notice_id"], "--hours", "2", "--actor", "ann")
    run("snooze", "unanswered", "--actor", "ann")
    listed = [(each["event"], each["subject"], each["by"]) for each in run("list")["snoozed"]]
    assert listed == [("contract_red", "orders", "ann"), ("unanswered", None, "ann")]
    assert "Snoozed until" in run("list", words=True)
    assert "no longer" in run("snooze", "unanswered", "--hours", "0", "--actor", "ann", words=True)
    assert len(run("list")["snoozed"]) == 1
    with store.read() as connection:
        recorded = audit.newest(connection, 9, action="notifications")
    assert [each["subject"] for each in recorded] == ["unanswered", "unanswered", notice["notice_id"]]
    assert "one of unknown_sends" in str(run("snooze", "typo", fails=NotFoundError))


def test_the_shipped_owners_are_told_in_the_sandboxs_mailbox(
    run: Run, red: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running() as sandbox:
        monkeypatch.setenv("RAPPORT_SMTP_URL", sandbox.smtp_url)
        tried = run("test")["owners"]
        assert {name: [each["took"] for each in ways] for name, ways in tried.items()} == {
            "operations": [True],
            "service": [True],
        }
        assert run("watch", "--once") == {"mine": True, "opened": 1, "ended": 0, "told": 1, "failed": 0}
        subjects = [mail.parse()["Subject"] for mail in sandbox.sandbox.mailbox.newest_first()]
    assert subjects[0] == "Your company: A contract is red"
    assert subjects[1:] == ["Your company: a test of notifications"] * 2


def test_test_fails_where_a_way_does_not_work_and_names_the_owner_and_the_way(run: Run, home: Path) -> None:
    (home / "notifications.yaml").write_text(
        "owners: {ops: {email: ops@x.example, webhook: 'http://hooks.example.invalid/'}, idle: {}}\n"
    )
    told = str(run("test", fails=ServiceError))
    assert "ops by email, ops by webhook, idle, who has no way at all" in told
    assert "ops" in str(run("test", "--owner", "op", fails=UsageError))


def test_a_way_that_is_not_set_up_is_named_with_its_setting_and_keeps_nobody_from_watching(
    run: Run, red: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (
        home / "clock.json"
    ).unlink()  # which live mode refuses; these owners have no night, whatever the hour is now
    (home / "notifications.yaml").write_text("owners: {operations: {email: company}}\n")
    monkeypatch.setenv("RAPPORT_SENDING", "live")
    monkeypatch.delenv("RAPPORT_SMTP_URL")
    assert run("watch", "--once")["failed"] == 1
    assert len(run("list")["notices"]) == 1
    assert "operations by email" in str(run("test", fails=ServiceError))
