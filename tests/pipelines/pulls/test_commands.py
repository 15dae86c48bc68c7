"""`rapport pull`: what each command says, to people and to machines."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.pulls.commands import app
from pipelines.pulls.places import pulled_dir

from .conftest import Answer, Vendor, write_pull
from .test_running import record, till  # noqa: F401 - the fixture

runner = CliRunner()


@pytest.fixture(autouse=True)
def _this_home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    monkeypatch.setenv("COLUMNS", "200")


def test_the_list_has_the_company_s_own_the_shipped_and_the_broken(till: Vendor, settings: Settings) -> None:  # noqa: F811
    write_pull(settings, "torn", {"kind": "ftp"})
    document = json.loads(runner.invoke(app, ["list", "--json"]).stdout)
    own = [pull for pull in document["pulls"] if pull["own"]]
    assert [(pull["name"], pull["secrets"]) for pull in own] == [("till", {"TILL_KEY": True})]
    assert "stripe" in {pull["name"] for pull in document["pulls"]}
    assert [item["name"] for item in document["broken"]] == ["torn"]
    said = runner.invoke(app, ["list"]).stdout
    assert "wants STRIPE_API_KEY" in said
    assert "broken" in said


def test_a_run_tells_how_many_came_and_what_became_of_them(till: Vendor) -> None:  # noqa: F811
    result = runner.invoke(app, ["run", "till"])
    assert result.exit_code == 0
    assert "6 records since the beginning; rows: 6 accepted, 0 set aside, 0 already landed" in result.stdout


def test_a_run_is_one_json_document_for_machines(till: Vendor) -> None:  # noqa: F811
    document = json.loads(runner.invoke(app, ["run", "till", "--json"]).stdout)
    (rings,) = document["streams"]
    assert (rings["rows"], rings["landed"][0]["accepted"]) == (6, 6)
    assert rings["watermark"] == {"moment": "2026-10-06T10:00:00"}


def test_a_run_that_fails_exits_with_one_and_the_sentence(till: Vendor) -> None:  # noqa: F811
    till.answer = lambda _: Answer({}, 401)
    result = runner.invoke(app, ["run", "till"])
    assert result.exit_code == 1
    assert "refused TILL_KEY (401)" in result.stdout


def test_a_check_shows_rows_as_they_would_land_and_lands_nothing(till: Vendor, settings: Settings) -> None:  # noqa: F811
    result = runner.invoke(app, ["check", "till"])
    assert result.exit_code == 0, result.stdout
    assert "TILL_KEY is set." in result.stdout
    assert (
        "events: source_record_id=event/1, occurred_at=2026-10-01 10:00:00, event_id=1, name=rang"
        in result.stdout
    )
    assert list_landings(settings) == []
    assert not (pulled_dir(settings, "till") / "watermark.json").exists()


def test_a_check_says_what_a_record_lacks(till: Vendor) -> None:  # noqa: F811
    till.answer = lambda _: Answer({"rings": [{"number": 1, "at": record(1)["at"]}], "next": None})
    result = runner.invoke(app, ["check", "till"])
    assert result.exit_code == 1
    assert "failed" in result.stdout


def test_a_check_of_a_database_shows_rows_too(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from .test_sql import MAPPING, TABLE, add

    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE orders (id INTEGER, email TEXT, price DECIMAL(10, 2), bought_at TIMESTAMP, changed_at TIMESTAMP)"
    )
    add(connection, 1, 9)
    connection.close()
    (settings.home / "mappings").mkdir(parents=True)
    (settings.home / "mappings" / "my_shop.yaml").write_text(MAPPING)
    monkeypatch.setenv("SHOP_DB_URL", f"sqlite:///{path}")
    write_pull(settings, "shop_db", TABLE)
    document = json.loads(runner.invoke(app, ["check", "shop_db", "--json"]).stdout)
    (stream,) = document["streams"]
    assert [row["order_id"] for row in stream["rows"]["purchases"]] == ["1", "2", "3", "4", "5"]
    assert stream["rows"]["purchases"][0]["net_amount_minor"] == "150"
