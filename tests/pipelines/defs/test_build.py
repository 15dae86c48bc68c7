"""A build: from landed files to a release whose sums close, or to a sentence and the release of before."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from data_contracts.contracts import load_contract
from data_contracts.errors import BuildRunningError, ContractBrokenError, UsageError
from messaging.clock import Clock, pin_clock
from messaging.release import ReleaseReader
from messaging.settings import Settings
from messaging.store import open_store
from messaging.store.ids import new_id
from messaging.store.tables import builds, consent_events, contract_status, suppressions, work_requests
from pipelines.defs.assembly import build_definitions
from pipelines.defs.automation import JOB
from pipelines.defs.build import BuildReport, run_build
from pipelines.defs.instance import open_instance
from pipelines.defs.keys import key
from pipelines.defs.work_requests import REQUEST_TAG
from pipelines.landing.manifest import list_landings
from pipelines.publishing.changes import PeopleChanges
from pipelines.publishing.pointer import read_pointer
from pipelines.warehouse.lock import Patience, build_lock

from .conftest import NOON, land, purchase


def rows(settings: Settings, sql: str) -> list[dict[str, Any]]:
    reader = ReleaseReader(settings.releases_dir)
    try:
        with reader.snapshot() as snapshot:
            return snapshot.rows(sql)
    finally:
        reader.close()


def stored(settings: Settings, table: Any) -> list[dict[str, Any]]:
    with open_store(settings) as store, store.read() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def test_every_landed_row_is_staged_or_an_older_version_of_one_that_is(built: BuildReport) -> None:
    assert all(item.closes for item in built.sums)
    assert {item.table: item.landed for item in built.sums if item.landed} == {
        "purchases": 4,
        "sms_messages": 2,
        "consents": 1,
    }


def test_people_are_counted_apart_from_guests(built: BuildReport) -> None:
    assert built.people == {"customers": 2, "orders": 4, "guest_orders": 1}


def test_the_release_holds_each_customer_once_with_their_money(
    built: BuildReport, built_settings: Settings
) -> None:
    found = rows(
        built_settings, "SELECT email, order_count, net_revenue_minor FROM c360.customer_360 ORDER BY 1"
    )
    assert found == [
        {"email": "ada.quill@example.com", "order_count": 2, "net_revenue_minor": 2400},
        {"email": "ben.quill@example.com", "order_count": 1, "net_revenue_minor": 1200},
    ]
    assert built.row_counts["order_lines"] == 4


def test_the_release_is_as_of_the_clock_and_says_which_files_it_came_from(
    built: BuildReport, built_settings: Settings
) -> None:
    pointer = read_pointer(built_settings.releases_dir)
    assert pointer is not None
    assert (pointer.version, pointer.as_of) == (built.version, NOON)
    files = rows(built_settings, "SELECT table_name, landing_id FROM c360.landed_files ORDER BY 1")
    landed = sorted((item.table, item.landing_id) for item in list_landings(built_settings))
    assert [tuple(row.values()) for row in files] == landed


def test_the_store_knows_the_build_and_how_each_contract_stands(
    built: BuildReport, built_settings: Settings
) -> None:
    (build,) = stored(built_settings, builds)
    assert (build["state"], build["release_version"]) == ("published", built.version)
    states = {row["table_name"]: row["state"] for row in stored(built_settings, contract_status)}
    assert states["consents"] == states["customer_360"] == "green"
    assert states["purchases"] == "amber"  # a guest cannot be written to


def test_an_imported_consent_and_a_landed_stop_reach_the_store_once(
    built: BuildReport, built_settings: Settings, clock: Clock
) -> None:
    assert (built.consents["consents_recorded"], built.consents["opt_outs_recorded"]) == (1, 1)
    events = stored(built_settings, consent_events)
    assert sorted(event["action"] for event in events) == ["grant", "revoke"]
    assert [row["reason"] for row in stored(built_settings, suppressions)] == ["stop"]


def ask_for_a_full_build(settings: Settings) -> str:
    request_id = new_id("wrk")
    row = {
        "kind": "build",
        "arguments": {"full": True},
        "actor": "ada",
        "state": "running",
        "requested_at": NOON,
    }
    with open_store(settings) as store, store.write() as connection:
        connection.execute(insert(work_requests).values(request_id=request_id, **row))
    return request_id


def run_as_the_daemon_does(settings: Settings, request_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Execute the job with the resource that a schedule or sensor gets, which reads the environment."""
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    pin_clock(settings.home, NOON)
    with open_instance(settings) as instance:
        build_definitions(settings).resolve_job_def(JOB).execute_in_process(
            run_config={"resources": {"build": {"config": {"full": True}}}},
            tags={REQUEST_TAG: request_id},
            instance=instance,
        )


def test_a_full_build_that_the_app_asked_for_gives_the_same_people_and_records_nothing_twice(
    built: BuildReport, copied: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = "SELECT source_record_id, customer_id FROM c360.identity_map ORDER BY 1"
    before, events = rows(copied, ids), stored(copied, consent_events)
    request_id = ask_for_a_full_build(copied)
    run_as_the_daemon_does(copied, request_id, monkeypatch)
    assert rows(copied, ids) == before
    assert stored(copied, consent_events) == events
    first, second = sorted(stored(copied, builds), key=lambda build: str(build["build_id"]))
    assert (first["state"], second["state"]) == ("published", "published")
    (request,) = stored(copied, work_requests)
    assert (request["state"], request["result"]) == ("done", {"release_version": second["release_version"]})


def test_a_run_of_one_asset_is_no_build(copied: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(copied.home))
    with open_instance(copied) as instance:
        build_definitions(copied).resolve_job_def(JOB).execute_in_process(
            asset_selection=[key("outreach_export")], instance=instance
        )
    assert [build["state"] for build in stored(copied, builds)] == ["published"]


def test_a_red_contract_publishes_nothing_and_is_told_by_table_rule_and_count(
    built: BuildReport, copied: Settings, clock: Clock
) -> None:
    land(copied, clock, "purchases", [purchase(7, email="cy@example.com")])
    newest = list_landings(copied, "purchases")[-1]
    newest.path.write_bytes(newest.path.read_bytes()[:-1] + b"x")  # what lies there is not what was landed
    with pytest.raises(
        ContractBrokenError, match="purchases is red: rule landed_files_whole is broken 1 t"
    ) as told:
        run_build(copied, clock)
    assert f"Ingest again what {newest.manifest_path} names" in told.value.mend
    pointer = read_pointer(copied.releases_dir)
    assert pointer is not None
    assert pointer.version == built.version
    states = {row["table_name"]: row["state"] for row in stored(copied, contract_status)}
    assert states["purchases"] == "red"
    last = max(stored(copied, builds), key=lambda build: build["build_id"])
    assert last["state"] == "failed"
    assert "purchases is red" in last["detail"]["reason"]
    page = (copied.reports_dir / "contracts-latest.html").read_text()
    assert "This build was refused, so nothing was published." in page
    assert f"Everybody goes on reading release {built.version}." in page
    assert str(copied.reports_dir / "contracts-latest.html") in told.value.mend


def test_a_build_leaves_a_page_about_its_contracts_without_personal_data(
    built: BuildReport, built_settings: Settings
) -> None:
    assert built.page == built_settings.reports_dir / f"contracts-{built.version}.html"
    page = built.page.read_text()
    assert "Without an e-mail address or a phone number nobody can be written to." in page
    assert "quill" not in page.lower()


def test_the_release_holds_the_result_of_every_rule(built: BuildReport, built_settings: Settings) -> None:
    query = "SELECT * FROM c360.contract_results WHERE table_name = 'purchases'"
    results = {row["rule"]: row for row in rows(built_settings, query)}
    assert {rule.name for rule in load_contract("purchases").rules} <= results.keys()
    missing = results["contact_details_given"]
    assert (missing["owner"], missing["severity"], missing["rule_state"]) == ("Shop", "warning", "warning")
    assert (missing["rule_checked"], missing["failed"], missing["share"]) == (4, 1, 0.25)
    assert results["order_id_present"]["rule_state"] == "kept"
    assert "landed_files_whole" in results


def test_a_build_while_another_builds_is_refused_by_name(settings: Settings, clock: Clock) -> None:
    with (
        build_lock(settings.build_path.parent),
        pytest.raises(BuildRunningError, match=r"Another build is running \(process \d+, since"),
    ):
        run_build(settings, clock, patience=Patience(0))


def test_dagster_keeps_no_personal_data_of_a_build(built: BuildReport, built_settings: Settings) -> None:
    personal = re.compile(rb"ada.quill@example|ben.quill@example|7700900001|7700900002", re.IGNORECASE)
    for path in built_settings.dagster_dir.rglob("*"):
        if path.is_file():
            assert not personal.search(path.read_bytes()), path.name
    for path in (built_settings.home / "dbt").rglob("*"):
        if path.is_file():
            assert not personal.search(path.read_bytes()), path.name


def test_a_build_of_a_moment_to_come_is_refused(built_settings: Settings, clock: Clock) -> None:
    with pytest.raises(
        UsageError, match="as of 9999-12-31 00:00 has to wait for that: it is 2026-10-30 12:00 UTC"
    ):
        run_build(built_settings, clock, as_of=datetime(9999, 12, 31))


def test_a_build_says_what_changed_since_the_release_before_and_keeps_what_was_known(
    built: BuildReport, copied: Settings, clock: Clock
) -> None:
    land(
        copied,
        clock,
        "purchases",
        [purchase(7, email="cy@example.com"), purchase(8, email="ben.quill@example.com")],
    )
    report = run_build(copied, Clock(NOON + timedelta(hours=1)))
    assert built.changes is None  # the first release has none before it
    assert report.changes is not None
    assert report.changes.since == built.version
    assert report.changes.people == PeopleChanges(before=2, now=3, new=1, split=0, merged=0, gone=0)
    assert [(item.currency, item.more_minor, item.more_orders) for item in report.changes.money] == [
        ("GBP", 2400, 2)
    ]
    assert (report.history.first, report.history.changed, report.history.ended) == (1, 1, 0)
    query = (
        "SELECT order_count, valid_from, valid_to, what_changed FROM c360.customer_360_history"
        " WHERE customer_id = (SELECT customer_id FROM c360.customer_360 WHERE email = 'ben.quill@example.com')"
        " ORDER BY valid_from"
    )
    first, second = (tuple(row.values()) for row in rows(copied, query))
    assert first == (1, NOON, NOON + timedelta(hours=1), None)
    assert second[:3] == (2, NOON + timedelta(hours=1), None)
    assert {"order_count", "net_revenue_minor"} <= set(second[3].split(", "))
    (info,) = rows(copied, "SELECT changes->'people'->>'new' AS new, notes FROM c360.release_info")
    assert info["new"] == "1"
    assert any("No lifetime value" in note for note in info["notes"])  # three customers are too few to tell


def test_every_column_of_a_release_is_in_its_dictionary_and_is_commented_in_its_words(
    built: BuildReport, built_settings: Settings
) -> None:
    columns = rows(
        built_settings,
        "SELECT table_name, column_name, data_type AS type, comment AS description FROM duckdb_columns()"
        " WHERE database_name = 'c360' ORDER BY 1, 2",
    )
    said = rows(
        built_settings,
        "SELECT table_name, column_name, type, description FROM c360.data_dictionary ORDER BY 1, 2",
    )
    assert columns == said
    page = (built_settings.reports_dir / "dictionary.html").read_text()
    assert all(f'id="{row["table_name"]}.{row["column_name"]}"' in page for row in said)
    assert "quill" not in page.lower()


def test_a_build_leaves_dbts_page_of_its_models_with_the_sql_that_ran(
    built: BuildReport, built_settings: Settings
) -> None:
    page = (built_settings.reports_dir / "models.html").read_text()
    assert "How Rapport makes one customer of many records" in page, "its first page is ours"
    assert "model.rapport.customer_360" in page
    assert "max(sale_minor) as largest_order_minor" in page
    assert 'from \\"c360\\".\\"intermediate\\".\\"int_purchases__orders\\"' in page, "the SQL as it ran"
    assert "quill" not in page.lower()


def test_revenue_is_said_to_be_made_of_what_the_shop_sent(
    built: BuildReport, built_settings: Settings
) -> None:
    query = (
        "SELECT source, source_table, source_column, contract FROM c360.lineage"
        " WHERE table_name = 'customer_360' AND column_name = 'net_revenue_minor' ORDER BY ALL"
    )
    found = rows(built_settings, query)
    assert {row["source_table"] for row in found} == {"purchases"}
    assert "net_amount_minor" in {row["source_column"] for row in found}
    assert {row["contract"] for row in found} == {f"purchases {load_contract('purchases').version}"}
