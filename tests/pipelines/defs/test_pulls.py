"""Dropped files and pulls in Dagster: one materialisation a landing, one schedule a pull, and a broken file stops nobody."""

import json
import os
import sqlite3
import time
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultScheduleStatus,
    Failure,
    JobDefinition,
    build_schedule_context,
    build_sensor_context,
)
from dagster._core.utils import make_new_run_id

from messaging.settings import Settings, read_settings
from pipelines.defs.assembly import build_definitions
from pipelines.defs.pulls import TAG, land_files, pull_data, pull_files_sensor, pull_schedules

from .test_inbox import MESSAGE

MAPPING = """
table: contacts
source: members
record_id: contact/{id}
columns:
  occurred_at: {time: changed}
  external_id: id
  email: email
"""
PULL = """
kind: sql
source: contacts
mapping: members
url: "{MEMBERS_URL}"
table: members
cursor: changed
every: 15 minutes
"""


@pytest.fixture(autouse=True)
def _this_home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))


@pytest.fixture
def members(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give a home with a pull of a small database."""
    with sqlite3.connect(tmp_path / "members.db") as connection:
        connection.execute("CREATE TABLE members (id TEXT, email TEXT, changed TIMESTAMP)")
        rows = [("K-1", "ada@example.com"), ("K-2", "ben@example.com")]
        connection.executemany("INSERT INTO members VALUES (?, ?, '2026-10-01 10:00:00')", rows)
    connection.close()
    for folder, name, text in (("mappings", "members", MAPPING), ("pulls", "members", PULL)):
        (settings.home / folder).mkdir(parents=True)
        (settings.home / folder / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("MEMBERS_URL", f"sqlite:///{tmp_path / 'members.db'}")
    return settings


def drop(settings: Settings, name: str, content: str) -> None:
    folder = settings.inbox_dir / "twilio"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    os.utime(folder / name, (time.time() - 60,) * 2)


def run(
    job: JobDefinition, config: dict[str, object] | None = None
) -> list[tuple[AssetKey, dict[str, object]]]:
    """Run a job and give what was materialised, with its metadata."""
    with DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, run_config=config, raise_on_error=True)
        events = [event.materialization for event in result.all_events if event.is_step_materialization]
        return [
            (event.asset_key, {key: item.value for key, item in event.metadata.items()}) for event in events
        ]


def test_each_landed_file_is_one_materialisation_with_ids_and_counts_alone(settings: Settings) -> None:
    drop(settings, "ada@example.com.json", json.dumps({"messages": [MESSAGE]}))
    drop(settings, "broken.json", "no json")
    ((key, metadata),) = run(land_files)
    assert key == AssetKey(["rapport", "landed", "twilio", "sms_messages"])
    assert {"landing_id", "rows_in", "accepted", "quarantined", "already_landed", "changed"} <= set(metadata)
    assert "ada" not in str(metadata)
    assert (settings.inbox_dir / "twilio" / "refused" / "broken.json").exists()


def test_a_file_that_had_landed_before_is_no_landing(settings: Settings) -> None:
    drop(settings, "one.json", json.dumps({"messages": [MESSAGE]}))
    drop(settings, "two.json", json.dumps({"messages": [MESSAGE]}))
    assert len(run(land_files)) == 1


def test_a_pull_lands_and_is_one_materialisation(members: Settings) -> None:
    ((key, metadata),) = run(pull_data, {"ops": {"pull": {"config": {"name": "members"}}}})
    assert key == AssetKey(["rapport", "landed", "members", "contacts"])
    assert metadata["accepted"] == 2


def test_a_pull_that_fails_is_a_failed_run_with_the_sentence(
    members: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMBERS_URL", "sqlite:////nowhere/at/all.db")
    with pytest.raises(Failure, match="The database at sqlite refused"):
        run(pull_data, {"ops": {"pull": {"config": {"name": "members"}}}})


def test_an_enabled_pull_has_a_schedule_in_the_company_s_zone_that_runs(members: Settings) -> None:
    zoned = read_settings(home=members.home, time_zone="America/New_York")
    (schedule,) = pull_schedules(zoned)
    assert (schedule.name, schedule.cron_schedule) == ("pull_members", "*/15 * * * *")
    assert schedule.execution_timezone == "America/New_York"
    assert schedule.default_status is DefaultScheduleStatus.RUNNING


def test_a_pull_that_waits_or_works_is_not_asked_for_again(members: Settings, tmp_path: Path) -> None:
    (schedule,) = pull_schedules(members)
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        tags = {TAG: "members"}
        run = DagsterRun("pull_data", make_new_run_id(), tags=tags, status=DagsterRunStatus.STARTED)
        with build_schedule_context(instance=instance) as context:
            assert len(schedule.evaluate_tick(context).run_requests or ()) == 1
        instance.add_run(run)
        with build_schedule_context(instance=instance) as context:
            assert not schedule.evaluate_tick(context).run_requests


def test_neither_a_shipped_pull_nor_one_that_is_switched_off_has_a_schedule(members: Settings) -> None:
    path = members.home / "pulls" / "members.yaml"
    path.write_text(path.read_text() + "enabled: false\n")
    assert pull_schedules(members) == []


def test_a_broken_pull_file_takes_no_code_location_down_and_is_told_by_the_sensor(members: Settings) -> None:
    (members.home / "pulls" / "torn.yaml").write_text("kind: rest\nsauce: shop\n")
    definitions = build_definitions(members)
    assert "pull_members" in {each.name for each in definitions.get_repository_def().schedule_defs}
    with (
        build_sensor_context() as context,
        pytest.raises(Failure, match=r"torn\.yaml: line 1: source: field required"),
    ):
        pull_files_sensor(members)(context)


def test_a_pull_file_that_came_later_is_told_of(members: Settings) -> None:
    sensor = pull_files_sensor(members)
    (members.home / "pulls" / "more.yaml").write_text(PULL)
    with build_sensor_context() as context:
        assert "reload the definitions" in str(sensor(context))
