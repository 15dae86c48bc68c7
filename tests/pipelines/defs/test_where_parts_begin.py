"""A build begins from what the last one left only where that is what a release was made of, by what it is made by now."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from data_contracts.errors import RapportError
from messaging.addresses import read_addresses
from messaging.clock import Clock
from messaging.consent import suppress
from messaging.settings import Settings, read_settings
from messaging.store import open_store
from pipelines.defs import models
from pipelines.defs.assembly import build_definitions
from pipelines.defs.automation import JOB
from pipelines.defs.build import BuildReport, run_build
from pipelines.defs.instance import open_instance
from pipelines.defs.keys import key
from pipelines.publishing.pointer import read_pointer, write_pointer
from pipelines.warehouse.connection import has_table, open_warehouse
from pipelines.warehouse.dbt_runner import PROJECT
from pipelines.warehouse.increment import leave

from .conftest import NOON, Record, land, purchase
from .test_any_increments import contents, differing, released

pytestmark = pytest.mark.slow
HOUR, LATER = NOON + timedelta(hours=1), NOON + timedelta(days=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give a home of 28 customers with an order each, built."""
    settings = read_settings(home=tmp_path_factory.mktemp("base") / "home")
    orders = [purchase(n, email=f"p{n}@example.com", given_name=f"Name{n}") for n in range(1, 29)]
    land(settings, Clock(NOON), "purchases", orders)
    run_build(settings, Clock(NOON))
    return settings


@pytest.fixture
def home(base: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(base.home, tmp_path / "home")
    return read_settings(home=tmp_path / "home")


def build_whole(settings: Settings) -> BuildReport:
    """Build everything again of what has landed, at the moment of the last build."""
    with open_warehouse(settings.build_path) as connection:
        connection.execute("DELETE FROM increment.built")
    return run_build(settings, Clock(LATER))


def ids(settings: Settings) -> dict[str, str]:
    """Give the customer of each e-mail address."""
    with open_warehouse(settings.build_path, read_only=True) as connection:
        return dict(connection.execute("SELECT match_key, customer_id FROM identity.identity_map").fetchall())


def left_out(number: int, **columns: str) -> Record:
    """Give our own record of somebody whom a campaign left out."""
    return {
        "source": "rapport",
        "source_record_id": f"outreach/{number}",
        "occurred_at": f"2026-10-{number:02d} 13:00:00",
        "channel": "email",
        "direction": "outbound",
        "arm": "excluded",
        "state": "skipped",
        "campaign": "autumn",
        **columns,
    }


def test_what_a_failed_build_had_loaded_is_in_the_next_view(home: Settings) -> None:
    newer = purchase(5, email="p5@example.com", given_name="Name5", net_amount_minor="999900")
    land(home, Clock(LATER), "purchases", [newer])
    slip = home.home / "identity.yaml"
    slip.write_text("survivorhsip: {}\n")
    with pytest.raises(RapportError):
        run_build(home, Clock(LATER))
    slip.unlink()
    assert run_build(home, Clock(LATER)).increment.kind == "full"
    with open_warehouse(home.build_path, read_only=True) as connection:
        spent = connection.execute(
            "SELECT net_amount_minor FROM marts.orders WHERE order_id = 'order-5'"
        ).fetchall()
    assert spent == [(999900,)]


def test_after_a_run_of_a_few_assets_everything_is_built(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(home) as store:
        hashed = read_addresses(home, store).hash("p3@example.com")
        with store.write() as connection:
            suppress(
                connection, address_hash=hashed, channel="email", reason="complaint", at=NOON, source="test"
            )
    monkeypatch.setenv("RAPPORT_HOME", str(home.home))
    with open_instance(home) as instance:
        job = build_definitions(home).resolve_job_def(JOB)
        job.execute_in_process(asset_selection=[key("store", "consents")], instance=instance)
    report = run_build(home, Clock(LATER))
    assert report.increment.kind == "full"
    with open_warehouse(home.build_path, read_only=True) as connection:
        said = connection.execute(
            "SELECT count(*) FROM marts.customer_360 WHERE email_consent = 'revoked'"
        ).fetchall()
    assert said == [(1,)]


def test_after_dbt_was_run_by_hand_everything_is_built(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_BUILD_DB", str(home.build_path))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--log-path", str(tmp_path)]
    for command, stands in ("test", True), ("run", False):
        try:
            words = [command, "--select", "int_purchases__rhythm", *folders, "--quiet", "--log-level", "none"]
            assert dbtRunner().invoke(words).success
        finally:
            DuckDBConnectionManager.close_all_connections()
        with open_warehouse(home.build_path) as connection:
            assert has_table(connection, "increment", "built") == stands, command
    with open_warehouse(home.build_path) as connection:
        assert leave(connection) is None, "the next build has nothing to begin from"


def test_a_release_put_back_while_a_build_runs_is_no_base_of_the_new_one(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_pointer(home.releases_dir)
    assert first is not None
    land(home, Clock(NOON), "purchases", [purchase(29, email="p5@example.com")])
    run_build(home, Clock(HOUR))
    land(home, Clock(LATER), "purchases", [purchase(30, email="p6@example.com")])
    find_people = models.find_people

    def put_back(connection: object) -> object:
        write_pointer(home.releases_dir, first)
        return find_people(connection)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(models, "find_people", put_back)
        report = run_build(home, Clock(LATER))
    assert report.increment.kind == "part"
    release = dict(released(home, report.version))
    whole = dict(released(home, build_whole(home).version))
    assert release["order_lines"] == whole["order_lines"]
    assert release["orders"] == whole["orders"]


def test_who_vanishes_and_a_record_that_names_another_message_leave_what_was_meant_to_whom_it_belongs(
    home: Settings,
) -> None:
    """One chain of builds for both, for each of them costs seconds."""
    who = ids(home)
    letter = {
        "source": "mailbox",
        "source_record_id": "mail/7",
        "occurred_at": "2026-10-07 14:00:00",
        "message_id": "<m7@x>",
        "thread_id": "<m7@x>",
        "direction": "outbound",
        "kind": "letter",
        "from_email": "us@shop.example",
        "to_email": "p7@example.com",
        "email": "p7@example.com",
        "subject": "Hello",
        "body_text": "Good day",
    }
    ours = {"customer_ref": who["p8@example.com"], "email": "p8@example.com", "arm": "sent", "state": "sent"}
    meant = left_out(3, customer_ref=who["p4@example.com"], email="p3@example.com")
    land(home, Clock(NOON), "email_messages", [letter])
    land(home, Clock(NOON), "outreach", [meant, left_out(7, message_id="<m7@x>", **ours)])
    run_build(home, Clock(HOUR))
    land(home, Clock(LATER), "outreach", [left_out(7, message_id="<other@x>", **ours)])
    land(home, Clock(LATER), "purchases", [{**purchase(4, given_name="Name4"), "email": None}])
    assert run_build(home, Clock(LATER)).increment.kind == "part"
    view = dict(contents(home))
    build_whole(home)
    assert differing(view, dict(contents(home))) == set()
