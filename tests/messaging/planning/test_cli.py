import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError, RapportError, StoreError, UsageError
from messaging.addresses import Addresses
from messaging.campaigns import SHIPPED
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import consent_events

MakePerson = Callable[..., dict[str, Any]]
Run = Callable[..., str]


@pytest.fixture
def run(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command as a person would, in the test's own home; give what it prints."""
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    monkeypatch.setenv("RAPPORT_COMPANY_NAME", "Harbour & Pine")
    monkeypatch.setenv("COLUMNS", "160")
    pin_clock(settings.home, clock.now())

    def invoke(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


@pytest.fixture
def company(
    publish: Callable[..., str], make_person: MakePerson, store: Store, addresses: Addresses, clock: Clock
) -> list[dict[str, Any]]:
    people = [
        make_person(number, net_revenue_minor=24_238_559 if number == 1 else 500) for number in range(30)
    ]
    publish(
        customer_360=people,
        customer_identifiers=[
            {
                "customer_id": people[1]["customer_id"],
                "identifier_type": "external_id",
                "value": "online_retail:14646",
            }
        ],
    )
    rows = [
        ImportedConsent(
            customer_id=each["customer_id"],
            source="shop",
            source_record_id=f"consent/{number}",
            channel="sms",
            purpose="marketing",
            action="grant",
            legal_basis="consent",
            occurred_at=clock.now(),
            method="web form",
            wording=None,
            locale=None,
            address=None,
        )
        for number, each in enumerate(people[:20])
    ]
    record_imports(store, addresses, rows, clock.now())
    return people


def test_a_customer_is_shown_whole_by_any_id(run: Run, company: list[dict[str, Any]]) -> None:
    document = json.loads(run("customer", "14646", "--json"))
    assert document["customer"]["facts"]["net_revenue_minor"] == 24238559
    card = run("customer", "14646")
    for part in (
        "Ada Lovelace1",
        "£242,385.59",
        "SMS",
        "Answered 2 of our last 3",
        "lapsed",
        "ada1@example.com",
    ):
        assert part.lower() in card.lower()


def test_a_name_that_several_have_lists_them(run: Run, company: list[dict[str, Any]]) -> None:
    document = json.loads(run("customer", "lovelace", "--json", "--limit", "5"))
    assert document["customer"] is None
    assert len(document["hits"]) == 5
    assert "Ada Lovelace" in run("customer", "lovelace")


def test_nobody_found_is_a_sentence_without_what_was_typed(run: Run, company: list[dict[str, Any]]) -> None:
    with pytest.raises(NotFoundError) as caught:
        run("customer", "nobody@example.com")
    assert "nobody@" not in str(caught.value)


def test_segments_are_laid_over_one_another_followed_and_given_lists_by_commands(
    run: Run,
    company: list[dict[str, Any]],
    publish: Callable[..., str],
    make_person: MakePerson,
    settings: Settings,
    tmp_path: Path,
) -> None:
    run("segment", "count", "lapsed_customers")
    folder = settings.library_dir / "segments"
    (folder / "rich.yaml").write_text("where: {column: net_revenue_minor, test: '>', value: 1000}\n")
    (folder / "fair.yaml").write_text("where: {list: trade_fair}\n")
    laid = json.loads(run("segment", "overlap", "lapsed_customers", "rich", "--json"))
    assert (laid["matched"], laid["any"], laid["all"]) == ({"lapsed_customers": 30, "rich": 1}, 30, 1)
    assert "lapsed_customers and rich" in run("segment", "overlap", "lapsed_customers", "rich")
    path = tmp_path / "fair.csv"
    path.write_text(f"customer_id\n{company[3]['customer_id']}\ncus_stranger\n")
    assert "lines 3" in run("segment", "upload", "trade_fair", str(path), "--actor", "mia")
    assert "trade_fair" in run("segment", "lists")
    assert json.loads(run("segment", "count", "fair", "--json"))["matched"] == 1
    publish(customer_360=[make_person(number) for number in range(28)])
    changed = json.loads(run("segment", "changes", "lapsed_customers", "--limit", "1", "--json"))
    assert (changed["entered_people"], changed["left_people"], len(changed["left"])) == (0, 2, 1)
    assert "2 left" in run("segment", "changes", "lapsed_customers")
    run("segment", "count", "lapsed_customers")
    grown = json.loads(run("segment", "history", "lapsed_customers", "--json"))
    assert [each["matched"] for each in grown] == [30, 28]
    run("segment", "remove", "trade_fair")
    assert json.loads(run("segment", "lists", "--json")) == []


def test_a_campaign_goes_from_test_to_stop_by_commands(run: Run, company: list[dict[str, Any]]) -> None:
    assert json.loads(run("segment", "count", "lapsed_customers", "--json"))["matched"] == 30
    assert len(json.loads(run("segment", "preview", "lapsed_customers", "--limit", "4", "--json"))) == 4
    assert "Reply STOP" in run("campaign", "preview", "win_back", "-n", "1")
    planned = json.loads(run("campaign", "plan", "win_back", "--actor", "eva", "--json"))
    assert (
        planned["matched"]
        == planned["to_send"] + planned["held_out"] + sum(planned["excluded"].values())
        == 30
    )
    assert planned["excluded"] == {"no_consent": 10}
    assert len(planned["samples"]) == 10
    looked = json.loads(run("audit", "list", "--json"))["entries"]
    assert ("campaign.look", "eva", {"shown": 10}) in [
        (each["action"], each["actor"], each["detail"]) for each in looked
    ]
    assert "your own plan" in run("campaign", "approve", "win_back", "--actor", "eva")
    assert json.loads(run("campaign", "launch", "win_back", "--json"))["state"] == "running"
    assert json.loads(run("campaign", "pause", "win_back", "--json"))["state"] == "paused"
    assert json.loads(run("campaign", "resume", "win_back", "--json"))["state"] == "running"
    told = run("campaign", "report", "win_back", "--ugliest", "1")
    assert "= 30" in told
    assert "held out by lot" in told
    document = json.loads(run("campaign", "report", "win_back", "--ugliest", "2", "--json"))
    assert document["messages"] == {"waiting": planned["to_send"]}
    message_id = document["ugliest"][0]["message_id"]
    assert any(
        "planned on 30 October 2026 by eva" in each
        for each in json.loads(run("why", message_id, "--json"))["why"]
    )
    assert json.loads(run("campaign", "stop", "win_back", "--json"))["state"] == "stopped"
    assert "stopped" in run("campaign", "list")
    listed = {each["campaign"]: each["runs"] for each in json.loads(run("campaign", "list", "--json"))}
    assert [each["state"] for each in listed["win_back"]] == ["stopped"]


def test_a_plan_without_samples_shows_nobody_and_records_no_look(
    run: Run, company: list[dict[str, Any]]
) -> None:
    assert json.loads(run("campaign", "plan", "win_back", "--samples", "0", "--json"))["samples"] == []
    told = run("campaign", "plan", "win_back", "--samples", "0")
    assert not any(each["display_name"] in told for each in company)
    entries = json.loads(run("audit", "list", "--json"))["entries"]
    assert [each["action"] for each in entries] == ["campaign.plan", "campaign.plan"]
    assert company[1]["display_name"].split()[0] in run("campaign", "plan", "win_back")


def test_why_asks_for_a_message_or_for_a_customer_with_a_campaign(
    run: Run, company: list[dict[str, Any]]
) -> None:
    run("campaign", "plan", "win_back")
    left_out = company[25]["customer_id"]
    assert "has not agreed" in run("why", "--customer", left_out, "--campaign", "win_back")
    for arguments in (
        (),
        ("--customer", left_out),
        ("msg_1", "--customer", left_out, "--campaign", "win_back"),
    ):
        with pytest.raises(UsageError):
            run("why", *arguments)


def test_an_empty_message_id_is_a_message_that_is_not_there(run: Run) -> None:
    with pytest.raises(NotFoundError, match="There is no message ''"):
        run("why", "")


def test_a_step_on_another_campaigns_run_is_refused(run: Run, company: list[dict[str, Any]]) -> None:
    run_id = json.loads(run("campaign", "plan", "win_back", "--json"))["run_id"]
    for step in ("approve", "launch", "stop", "report"):
        with pytest.raises(NotFoundError, match="is none of campaign 'summer_sale'"):
            run("campaign", step, "summer_sale", "--run", run_id)


def test_nothing_that_a_customer_or_a_title_says_commands_the_terminal(
    run: Run, publish: Callable[..., str], make_person: MakePerson, settings: Settings
) -> None:
    hostile = "[/bold]Ada\x1b]0;owned\x07\x9b2J[red]"
    publish(customer_360=[make_person(1, given_name=None, family_name=None, display_name=hostile)])
    run("upgrade")
    for kind, name in (("campaigns", "win_back"), ("segments", "lapsed_customers")):
        path = settings.library_dir / kind / f"{name}.yaml"
        lines = path.read_text().splitlines()
        path.write_text("\n".join("title: '[/x] Back'" if "title:" in line else line for line in lines))
    who = make_person(1)["customer_id"]
    shown = run("customer", who) + run("consent", "show", who) + run("segment", "preview", "lapsed_customers")
    shown += run("segment", "count", "lapsed_customers") + run("campaign", "plan", "win_back")
    assert "[/bold]Ada" in shown
    assert "[/x] Back" in shown
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)


def test_consent_is_granted_revoked_and_shown_with_who_recorded_it(
    run: Run, company: list[dict[str, Any]], store: Store
) -> None:
    who = "ada25@example.com"
    assert "Given on" in run(
        "consent", "grant", who, "--channel", "email", "--method", "telephone", "--actor", "otto"
    )
    assert "Withdrawn on" in run("consent", "revoke", who, "--channel", "email", "--method", "letter")
    document = json.loads(run("consent", "show", who, "--json"))
    assert [event["action"] for event in document["events"]] == ["grant", "revoke"]
    assert {each["channel"]: each["state"] for each in document["consents"]} == {
        "email": "revoked",
        "sms": "none",
    }
    assert "letter" in run("consent", "show", who)
    with store.read() as connection:
        assert (
            connection.execute(select(consent_events.c.actor).order_by(consent_events.c.sequence.desc()))
            .scalars()
            .first()
        )
    with pytest.raises(UsageError, match="pigeon"):
        run("consent", "grant", who, "--channel", "pigeon", "--method", "x")


def test_upgrade_fills_the_library_once(run: Run) -> None:
    shipped = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert len(json.loads(run("upgrade", "--json"))["library"]["copied"]) == len(shipped)
    assert json.loads(run("upgrade", "--json"))["library"]["copied"] == []
    assert "current" in run("upgrade")


def test_a_step_without_the_one_before_names_it(run: Run, company: list[dict[str, Any]]) -> None:
    with pytest.raises(RapportError, match="rapport campaign plan win_back"):
        run("campaign", "launch", "win_back")


def test_dispatch_and_reconcile_with_nothing_to_do_say_so(run: Run, company: list[dict[str, Any]]) -> None:
    with capture_logs() as told:  # which the front door keeps apart from what is printed
        assert json.loads(run("dispatch", "--once", "--json"))["called"] == 0
        settled = json.loads(run("reconcile", "--json"))
    assert settled == {"sent": 0, "requeued": 0, "left": 0, "told": 0, "heard": None}
    assert {each["event"] for each in told} == {"missed.not_looked"}, "no provider is there to be asked"


@pytest.mark.parametrize("words", [[], ["campaign"], ["consent"], ["segment"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    heavy = [
        "duckdb",
        "sqlalchemy",
        "jinja2",
        "phonenumbers",
        "twilio",
        "pandas",
        "fastapi",
        "dagster",
        "streamlit",
        "great_expectations",
    ]
    script = (
        "import sys; from typer.testing import CliRunner; from messaging.cli import app\n"
        f"assert CliRunner().invoke(app, {[*words, '--help']!r}).exit_code == 0\n"
        f"print(sorted(set({heavy!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_look_at_a_person_is_recorded_and_the_record_can_be_verified(
    run: Run, company: list[dict[str, Any]], store: Store
) -> None:
    someone = company[1]["customer_id"]
    run("customer", company[1]["email"], "--actor", "ann")
    run("customer", "Ada", "--actor", "ann")
    run("consent", "show", someone, "--actor", "bo")
    listed = json.loads(run("audit", "list", "--json"))["entries"]
    assert [(each["actor"], each["action"], each["subject"]) for each in listed] == [
        ("bo", "consent.look", someone),
        ("ann", "customer.search", None),
        ("ann", "customer.look", someone),
    ]
    assert (
        json.loads(run("audit", "list", "--actor", "bo", "--action", "consent", "--json"))["entries"]
        == listed[:1]
    )
    assert f"ann  customer.look  {someone}" in run("audit", "list", "--subject", someone)
    assert "Nothing of that was recorded" in run("audit", "list", "--actor", "nobody")
    whole = json.loads(run("audit", "verify", "--json"))
    assert whole["entries"] == 3
    assert "All 3 entries hold" in run("audit", "verify", "--head", whole["head"])
    with pytest.raises(StoreError, match="the head you kept is not among them"):
        CliRunner().invoke(app, ["audit", "verify", "--head", "0" * 63 + "1"], catch_exceptions=False)


def test_a_record_that_was_changed_is_told_by_verify(
    run: Run, company: list[dict[str, Any]], store: Store
) -> None:
    run("customer", company[1]["email"], "--actor", "ann")
    with store.write() as connection:
        on = " ON audit" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER audit_no_update{on}"))
        connection.execute(text("UPDATE audit SET actor = 'bo'"))
    with pytest.raises(StoreError, match="does not hold from entry 1 on"):
        CliRunner().invoke(app, ["audit", "verify"], catch_exceptions=False)
