"""Data health and one's own data: checks in words, the way back from quarantine, lineage, builds, and a file that lands."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import insert, select
from streamlit.testing.v1 import AppTest

from dashboard import commands
from dashboard.components.health_lineage import drawn
from dashboard.components.own_file import _plain
from data_contracts.contracts import load_contract
from data_contracts.errors import ServiceError, UsageError
from messaging import access, audit
from messaging.access import Role
from messaging.desk import masking
from messaging.desk.health import Origin, recent_builds
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.store.tables import builds, work_requests

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
AS_OF = datetime.fromisoformat("2026-10-30T06:00")
LINES = [f"A{number},2026-10-{number:02},ada.{number}@example.com,Lamp,1,19.90" for number in range(1, 10)]
ORDERS = "\n".join(
    ["Order No,Date,E-mail,Product,Qty,Price", *LINES, "A10,2026-10-10,x@example.com,Mug,1,=1+1", ""]
)


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the company with a build, lineage and freshness as a build would leave them."""
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    (file,) = (copy / "releases").glob("*.duckdb")
    with duckdb.connect(str(file)) as release:
        release.execute(
            "CREATE OR REPLACE TABLE contract_results AS SELECT 'purchases' AS table_name, 'amber' AS state, "
            "5000 AS rows_checked, 2 AS rows_quarantined, 'Each sale has a price.' AS sentence, 'The shop' AS owner, "
            "'critical' AS severity, 2 AS failed, 'set_aside' AS rule_state"
        )
        release.execute(
            "CREATE TABLE lineage AS SELECT 'customer_360' AS table_name, 'order_count' AS column_name, "
            "'customer_360' AS model, 'landing' AS source, 'purchases' AS source_table, 'order_id' AS source_column, "
            "'purchases 1.0.0' AS contract"
        )
        release.execute(
            "CREATE TABLE source_freshness AS SELECT 'shopify' AS source, 'purchases' AS table_name, 5000 AS record_count, "
            "DATE '2026-10-20' AS last_day, 20 AS active_days, 10 AS silent_days, 'late' AS state"
        )
    settings = read_settings()
    with open_store(settings) as store, store.write() as connection:
        stages = [
            {"name": "load", "seconds": 3.5, "rows": 5000},
            {"name": "identity", "seconds": 61.0, "rows": 240},
        ]
        at = AS_OF - timedelta(minutes=2)
        row = {
            "build_id": "bld_1",
            "release_version": "r1",
            "as_of": at,
            "started_at": at,
            "state": "published",
        }
        connection.execute(insert(builds).values(**row, detail={"stages": stages}))
        audit.record(connection, "otto", "keys.create", "key_1", at=at)
    return copy


def health(tab: str = "Contracts") -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params["tab"] = tab
    app.run()
    return app.switch_page("pages/health.py").run()


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


@pytest.mark.parametrize(
    ("tab", "told"),
    [
        ("Contracts", "Each sale has a price."),
        ("Set aside", "Nothing is set aside"),
        ("Freshness", "on 20 days of the last 28"),
        ("Lineage", ""),
        ("Builds", "published, 1 minute"),
        ("Identity doubts", "61 % likely one person"),
        ("Deliverability", "Nothing was sent yet"),
        ("Audit", "otto: keys.create"),
    ],
)
def test_each_part_of_data_health_is_drawn_in_words(own_home: Path, tab: str, told: str) -> None:
    app = health(tab)
    assert not app.exception
    assert 'role="alert"' not in html_of(app)
    assert told in html_of(app)
    if tab == "Lineage":
        (chart,) = app.get("vega_lite_chart")
        assert (
            "Comes from: landing; Table: purchases.order_id; Column: customer_360.order_count"
            in chart.proto.alt
        )


def test_an_engineer_asks_for_a_build_and_a_marketer_cannot(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("engineer")
    app = health("Builds")
    next(each for each in app.button if each.label == "Build now").click().run()
    assert "Asked for." in html_of(app)
    assert "Demo engineer asked for a build" in html_of(app)
    with open_store(read_settings()) as store, store.read() as connection:
        (row,) = connection.execute(select(work_requests)).all()
        assert (row.kind, row.state, row.actor) == ("build", "waiting", "Demo engineer")
    sign_in_as("marketer")
    assert "Build now" not in [each.label for each in health("Builds").button]


def test_a_file_of_ones_own_is_mapped_landed_set_aside_and_judged_again(
    home: Path, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page("pages/own_data.py").run()
    assert "No file yet" in html_of(app)
    app.file_uploader[0].upload("orders.csv", ORDERS.encode(), "text/csv").run()
    assert not app.exception
    assert "occurred_at: {time: Date}" in app.text_area[0].value
    assert "<td>ada.1@example.com</td>" in html_of(app)
    next(each for each in app.button if each.label == "Land it").click().run()
    assert "Landed." in html_of(app)
    assert not [*(copy / "uploads").iterdir()]  # the copy that was looked at is gone
    assert commands.ask(read_settings(), "quarantine", "list")["rows"] == 1
    app = health("Set aside")
    assert "orders.csv" in html_of(app)
    next(each for each in app.button if each.label == "Judge again").click().run()
    assert not app.exception
    assert "Judged again" in html_of(app)
    with open_store(read_settings()) as store, store.read() as connection:
        told = [each["action"] for each in audit.newest(connection, 5) if each["actor"] == "Demo admin"]
        assert told[:2] == ["quarantine.replay", "file.land"]


def test_a_command_that_fails_is_told_in_its_own_words(home: Path) -> None:
    with pytest.raises(ServiceError, match="There is no inbound table 'nothing'"):
        commands.ask(read_settings(), "quarantine", "replay", "--table", "nothing")


def test_a_way_is_drawn_from_source_to_campaign() -> None:
    found = [Origin("landing", "purchases", "price", "purchases 1.0.0"), Origin("store", "", "", "")]
    picture = drawn("customer_360", "revenue", found, ["best"], [("best", "vip"), ("best", "thanks")])
    assert picture.stages == (
        ("landing", "store"),
        ("purchases.price",),
        ("customer_360.revenue",),
        ("best",),
        ("vip", "thanks"),
    )
    assert (1, "purchases.price", "customer_360.revenue") in picture.ties
    assert (3, "best", "vip") in picture.ties


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\data\\orders.csv", "/orders.csv", "orders.csv"])
def test_a_files_name_leads_nowhere_else(name: str) -> None:
    assert "/" not in _plain(name)
    assert "\\" not in _plain(name)


def test_a_file_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="has no name"):
        _plain("..")


def test_whoever_sees_no_addresses_sees_none_in_a_file_either() -> None:
    row = {
        "transcript": "Ada called",
        "external_id": "A-1",
        "postcode": "N1",
        "country": "GB",
        "summary": None,
    }
    row |= {"direction": "in", "nobody_knows": "it"}
    engineer = access.sight(access.Person("1", "otto", frozenset({"engineer"})))
    masked = masking.landed(load_contract("calls"), row, engineer)
    shown = {name: value for name, value in masked.items() if value != "•••"}
    assert shown == {"country": "GB", "summary": None, "direction": "in"}
    agent = access.sight(access.Person("2", "ann", frozenset({"agent"})))
    assert masking.landed(load_contract("calls"), row, agent) == row


def test_builds_are_told_with_their_stages(own_home: Path) -> None:
    with open_store(read_settings()) as store:
        (build,) = recent_builds(store)
    assert (build.seconds, build.stages[1]) == (64.5, ("identity", 61.0, 240))
