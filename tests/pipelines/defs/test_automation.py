"""When a build runs by itself."""

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RunRequest,
    SkipReason,
    build_sensor_context,
)
from dagster._core.utils import make_new_run_id
from sqlalchemy import insert, select

from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from messaging.store import open_store
from messaging.store.ids import new_id
from messaging.store.tables import work_requests as requests
from pipelines.defs.automation import JOB, daily_schedule, drop_folder, fresh_landings, work_requests
from pipelines.defs.work_requests import REQUEST_TAG
from pipelines.publishing.pointer import POINTER

from .conftest import NOON, PURCHASES, TEXTS, land


@pytest.fixture(autouse=True)
def _this_home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))


def drop(settings: Settings, name: str, age: float = 60) -> Path:
    folder = settings.inbox_dir / "twilio"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("{}")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def look(cursor: str | None = None) -> tuple[Any, str | None]:
    with (
        DagsterInstance.ephemeral() as instance,
        build_sensor_context(instance=instance, cursor=cursor) as context,
    ):
        return drop_folder(context), context.cursor


def ask(settings: Settings) -> list[Any]:
    with DagsterInstance.ephemeral() as instance, build_sensor_context(instance=instance) as context:
        return list(work_requests(context))  # type: ignore[call-overload]


def test_the_daily_build_runs_at_four_in_the_company_s_own_zone(settings: Settings) -> None:
    schedule = daily_schedule(read_settings(home=settings.home, time_zone="America/New_York"))
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 4 * * *", "America/New_York")


def test_an_empty_drop_folder_asks_for_nothing() -> None:
    assert isinstance(look()[0], SkipReason)


def test_a_dropped_file_is_landed_by_one_run_and_not_asked_for_again_until_something_changes(
    settings: Settings,
) -> None:
    drop(settings, "messages.json")
    request, cursor = look()
    assert isinstance(request, RunRequest)
    assert isinstance(look(cursor)[0], SkipReason)
    drop(settings, "more.json")
    assert isinstance(look(cursor)[0], RunRequest)


def test_neither_the_request_nor_its_cursor_names_the_file(settings: Settings) -> None:
    drop(settings, "ada@example.com.json")
    request, cursor = look()
    assert "ada@" not in f"{request} {cursor}"  # hashes may hold any three letters


@pytest.mark.parametrize("name", [".hidden.json", "half.json.part", "half.tmp"])
def test_an_unfinished_name_is_left_alone(settings: Settings, name: str) -> None:
    drop(settings, name)
    assert isinstance(look()[0], SkipReason)


def test_a_file_that_was_written_to_a_moment_ago_waits(settings: Settings) -> None:
    drop(settings, "messages.json", age=0)
    assert isinstance(look()[0], SkipReason)


def test_a_request_from_the_app_starts_one_build_with_what_it_asked_for(settings: Settings) -> None:
    request_id = new_id("wrk")
    row = {
        "request_id": request_id,
        "kind": "build",
        "arguments": {"full": True},
        "actor": "ada",
        "state": "waiting",
        "requested_at": datetime.fromisoformat("2026-10-30T12:00"),
    }
    with open_store(settings) as store, store.write() as connection:
        connection.execute(insert(requests).values(row))
    (request,) = ask(settings)
    assert request.tags[REQUEST_TAG] == request_id
    assert request.run_config == {"resources": {"build": {"config": {"full": True}}}}
    assert isinstance(ask(settings)[0], SkipReason)
    with open_store(settings) as store, store.read() as connection:
        assert connection.execute(select(requests.c.state)).scalar() == "running"
    assert row["requested_at"] == NOON


def watch(instance: DagsterInstance, cursor: str | None = None) -> tuple[Any, str | None]:
    with build_sensor_context(instance=instance, cursor=cursor) as context:
        return fresh_landings(context), context.cursor


def test_fresh_rows_ask_for_one_build_and_not_again_until_more_come(settings: Settings, clock: Clock) -> None:
    with DagsterInstance.ephemeral() as instance:
        assert isinstance(watch(instance)[0], SkipReason)
        land(settings, clock, "purchases", PURCHASES)
        request, cursor = watch(instance)
        assert isinstance(request, RunRequest)
        assert isinstance(watch(instance, cursor)[0], SkipReason)
        land(settings, clock, "sms_messages", TEXTS)
        assert isinstance(watch(instance, cursor)[0], RunRequest)


def test_what_is_in_the_release_already_asks_for_no_build(settings: Settings, clock: Clock) -> None:
    land(settings, clock, "purchases", PURCHASES)
    settings.releases_dir.mkdir(parents=True)
    (settings.releases_dir / POINTER).write_text("{}")
    with DagsterInstance.ephemeral() as instance:
        assert isinstance(watch(instance)[0], SkipReason)


def test_a_landing_without_rows_and_our_own_export_ask_for_no_build(settings: Settings, clock: Clock) -> None:
    land(settings, clock, "purchases", [{**PURCHASES[0], "source": "rapport"}])
    land(settings, clock, "purchases", [{**PURCHASES[1], "occurred_at": "unreadable: never"}])
    with DagsterInstance.ephemeral() as instance:
        assert isinstance(watch(instance)[0], SkipReason)


def test_while_a_build_runs_the_next_one_waits_and_is_asked_for_then(
    settings: Settings, clock: Clock
) -> None:
    land(settings, clock, "purchases", PURCHASES)
    with DagsterInstance.ephemeral() as instance:
        run = instance.add_run(
            DagsterRun(job_name=JOB, run_id=make_new_run_id(), status=DagsterRunStatus.STARTED)
        )
        request, cursor = watch(instance)
        assert isinstance(request, SkipReason)
        instance.report_run_canceled(run)
        assert isinstance(watch(instance, cursor)[0], RunRequest)
