"""A template is looked at as any customer would get it, and tests go to colleagues alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError, RefusedError
from messaging import audit
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.outbox import claim, to_calling
from messaging.quiet_hours import read_quiet_rules
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages

Run = Callable[..., Any]


@pytest.fixture
def run(
    settings: Settings,
    store: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
) -> Run:
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    pin_clock(settings.home, clock.now())
    store.migrate()
    publish(
        customer_360=[
            make_person(1, given_name="<b>Ada</b> {{ phone }}", language="de", favourite_category="Kitchen"),
            make_person(2, given_name="Zoë", language="en", suggested_product=None),
        ]
    )

    def invoke(*arguments: str) -> Any:
        result = CliRunner().invoke(app, ["template", *arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return invoke


def test_a_template_is_shown_in_the_customers_language_and_a_hostile_name_says_nothing(
    run: Run, make_person: Callable[..., dict[str, Any]], store: Store
) -> None:
    first, second = (make_person(number)["customer_id"] for number in (1, 2))
    shown = {each["channel"]: each for each in run("preview", "win_back", "--customer", first)}
    assert (shown["email"]["language"], shown["sms"]["language"]) == ("de", "de")
    assert "Kitchen" in shown["email"]["html"]
    assert "Ada" not in json.dumps(shown)  # brackets are in no name that we greet with
    (english,) = run("preview", "win_back", "--customer", second, "--channel", "sms")
    assert "Hi Zoë" in english["body"]
    (french,) = run("preview", "win_back", "--channel", "sms", "--language", "fr")
    assert french["language"] == "fr"
    with store.read() as connection:
        seen = audit.newest(connection, 9, action="template.preview")
        assert connection.execute(select(messages)).first() is None
    assert [each["subject"] for each in seen] == [second, first]


def test_who_would_be_left_out_is_told_why(run: Run, make_person: Callable[..., dict[str, Any]]) -> None:
    (shown,) = run("preview", "did_you_know", "--customer", make_person(2)["customer_id"], "--channel", "sms")
    assert "suggested_product" in shown["left_out"]
    assert shown["body"] is None
    with pytest.raises(NotFoundError, match="no 'it'"):
        run("preview", "win_back", "--language", "it")


def test_a_test_goes_to_a_colleague_alone_and_counts_for_nobody(
    run: Run,
    make_person: Callable[..., dict[str, Any]],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
) -> None:
    customer = make_person(2)["customer_id"]
    to = ("send-test", "win_back", "--customer", customer, "--actor", "eva", "--to")
    with pytest.raises(RefusedError, match="RAPPORT_COLLEAGUES is empty"):
        run(*to, "ann@example.com")
    monkeypatch.setenv("RAPPORT_COLLEAGUES", "Ann@example.com, bob@example.com")
    with pytest.raises(RefusedError, match="not one of RAPPORT_COLLEAGUES"):
        run(*to, "stranger@example.com")
    message_id = run(*to, "ann@Example.com")["message_id"]
    with store.read() as connection:
        (row,) = connection.execute(select(messages)).all()
        (entry,) = audit.newest(connection, 9, action="template.send_test")
    assert (row.message_id, row.address, row.state) == (message_id, "ann@example.com", "queued")
    assert row.subject.startswith("[Test] Zoë")
    assert (row.message_class, row.campaign, row.run_id) == ("transactional", None, None)
    assert row.customer_id != customer
    assert "/u/preview" in row.html
    assert (entry["actor"], entry["subject"], entry["detail"]["message_id"]) == ("eva", customer, message_id)
    assert "ann@" not in json.dumps(entry, default=str).lower()
    with store.write() as connection:  # the gate lets it go at once, without a consent
        claimed = claim(connection, "test", 9, clock.now(), channels=["email"])
        intents = to_calling(connection, "test", claimed, clock.now(), rules=read_quiet_rules())
    assert (claimed, intents.skipped) == ([message_id], {})
    assert (len(intents.calls), intents.waiting) == (1, {})
