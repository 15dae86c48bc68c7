"""A campaign's own tests: the shipped ones pass, and a test that should fail does, with what came out instead."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from data_contracts.errors import CampaignError
from messaging.campaigns import SHIPPED, Library, fill_library
from messaging.cli import app
from messaging.planner.trials import Trial, try_campaign
from messaging.settings import Settings, read_settings

CAMPAIGNS = sorted(
    path.stem for path in (SHIPPED / "campaigns").glob("*.yaml") if not path.stem.endswith(".test")
)


@pytest.fixture
def settings(home: Path) -> Settings:
    return read_settings(home=home)


@pytest.fixture
def library(settings: Settings) -> Library:
    fill_library(settings)
    return Library(settings.library_dir)


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_every_shipped_campaign_has_tests_that_pass(name: str, library: Library, settings: Settings) -> None:
    trials = try_campaign(library, name, settings)
    assert len(trials) >= 4
    assert [(each.name, each.wrong) for each in trials if not each.passed] == []


def tried(library: Library, settings: Settings, case: dict[str, Any], **file: Any) -> Trial:
    path = library.folder / "campaigns" / "win_back.test.yaml"
    document = yaml.safe_load(path.read_text()) | file
    document["cases"] = [{"name": "tried"} | case]
    path.write_text(yaml.safe_dump(document))
    return try_campaign(library, "win_back", settings)[0]


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({"expect": {"channel": "email"}}, "the message goes by sms, not by email"),
        ({"expect": {"channel": "sms", "language": "de"}}, "the message is in 'en', not in 'de'"),
        ({"expect": {"channel": "sms", "says": ["Dear"]}}, "it does not say 'Dear'"),
        ({"expect": {"channel": "sms", "never_says": ["BACK10"]}}, "it says 'BACK10'"),
        ({"expect": {"channel": "sms", "sms_segments": 3}}, "it has 1 SMS segments, not 3"),
        ({"expect": {"channel": "sms", "waits": True}}, "it does not wait for its hour"),
        ({"expect": {"left_out": "no_consent"}}, "they get a message by sms, and should be left out"),
        (
            {"said": {"sms": "none", "email": "none"}, "expect": {"left_out": "opted_out"}},
            "they are left out for no_consent, not for opted_out",
        ),
        (
            {"customer": {"order_count": 0}, "expect": {"channel": "sms"}},
            "there is no message (not_in_segment): not so: Orders: at least 1",
        ),
    ],
)
def test_a_test_that_fails_says_what_came_out_instead(
    case: dict[str, Any], told: str, library: Library, settings: Settings
) -> None:
    trial = tried(library, settings, case)
    assert not trial.passed
    assert any(told in wrong for wrong in trial.wrong), trial.wrong


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (
            {"customer": {"given_nam": "Ada"}, "expect": {"channel": "sms"}},
            "line 3: customer_360 has no column 'given_nam'",
        ),
        (
            {"customer": {"order_count": "3"}, "expect": {"channel": "sms"}},
            "order_count is '3', which is no BIGINT",
        ),
        (
            {"customer": {"last_order_at": "spring"}, "expect": {"channel": "sms"}},
            "last_order_at should be a date",
        ),
        ({"expect": {}}, "expect either `channel`"),
        ({"expect": {"channel": "sms", "left_out": "no_consent"}}, "expect either `channel`"),
        ({"expect": {"channel": "fax"}}, "channel"),
        ({"expects": {"channel": "sms"}}, "is no word of this file"),
    ],
)
def test_a_wrong_test_is_told_with_its_line(
    case: dict[str, Any], told: str, library: Library, settings: Settings
) -> None:
    with pytest.raises(CampaignError, match="line") as refused:
        tried(library, settings, case)
    assert told.removeprefix("line 3: ") in str(refused.value)


def test_what_they_did_and_the_lists_that_they_are_on_count(library: Library, settings: Settings) -> None:
    path = library.folder / "segments" / "lapsed_customers.yaml"
    path.write_text("where: {all: [{did: {kind: event, says: checkout}, within_days: 3}, {list: fair}]}\n")
    did: list[dict[str, Any]] = [{"kind": "event", "title": "Checkout started", "days_ago": 2}]
    expect = {"channel": "sms"}
    assert tried(library, settings, {"did": did, "lists": ["fair"], "expect": expect}).passed
    assert not tried(library, settings, {"did": did, "expect": expect}).passed
    late = [did[0] | {"days_ago": 4}]
    assert not tried(library, settings, {"did": late, "lists": ["fair"], "expect": expect}).passed


def test_the_command_runs_all_and_exits_with_1_where_one_fails(
    library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    assert CliRunner().invoke(app, ["campaign", "test"]).exit_code == 0
    tried(library, settings, {"expect": {"channel": "email"}})
    found = CliRunner().invoke(app, ["campaign", "test", "win_back"])
    assert found.exit_code == 1
    assert "0 of 1 passed" in found.stdout
    assert "goes by sms, not by email" in " ".join(found.stdout.split())
    folder = library.folder / "campaigns"
    (folder / "untried.yaml").write_text((folder / "win_back.yaml").read_text())
    assert "has no tests" in CliRunner().invoke(app, ["campaign", "test", "untried"]).stdout
    assert not list(settings.home.glob("store.db*"))
