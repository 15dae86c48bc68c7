"""A past day is built beside what stands, from what is known today, and touches nothing of what stands."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts.errors import BuildError, UsageError
from messaging.clock import Clock, pin_clock
from messaging.settings import Settings, read_settings
from pipelines.defs.assembly import build_definitions
from pipelines.defs.automation import JOB
from pipelines.defs.build import BuildReport, run_build
from pipelines.defs.instance import open_instance
from pipelines.defs.past_days import PAST_JOB
from pipelines.defs.session import BuildOrder, open_session
from pipelines.publishing.pointer import read_pointer
from pipelines.warehouse.lock import FOREVER

from .conftest import NOON, land, purchase

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # five builds
SECOND = datetime(2026, 10, 2, 23)  # the end of 2 October in London, UTC


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS day (READ_ONLY)")
        connection.execute("USE day")
        return connection.execute(query).fetchall()


def contents(settings: Settings) -> dict[str, str]:
    """Give the hash of each file that says what stands or what is remembered."""
    files = [
        settings.build_path,
        settings.state_path,
        *settings.releases_dir.glob("*.*"),
        *settings.landing_dir.rglob("*.*"),
    ]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


@dataclass
class Backfilled:
    """A home in which days were built through Dagster, and what stood before."""

    settings: Settings
    before: dict[str, str]
    after: dict[str, str]

    def day(self, as_of: datetime) -> Path:
        """Give the newest release that tells of a moment."""
        pattern = f"past/c360-{as_of:%Y%m%dT%H%M%S}-*.duckdb"
        return max(self.settings.releases_dir.glob(pattern), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def backfilled(
    built: BuildReport, built_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backfilled]:
    """Run the job for two days as a backfill does: a run a partition, with the resource that the daemon gives."""
    home = tmp_path_factory.mktemp("days") / "home"
    shutil.copytree(built_settings.home, home)
    settings, patch = read_settings(home=home), pytest.MonkeyPatch()
    patch.setenv("RAPPORT_HOME", str(home))
    pin_clock(home, NOON)
    before = contents(settings)
    job = build_definitions(settings).resolve_job_def(PAST_JOB)
    with open_instance(settings) as instance:
        for day in ("2026-10-02", "2026-10-05"):
            assert job.execute_in_process(partition_key=day, instance=instance).success
    yield Backfilled(settings, before, contents(settings))
    patch.undo()


def test_a_backfill_leaves_every_file_that_stands_or_remembers_as_it_was(
    backfilled: Backfilled, built: BuildReport
) -> None:
    assert backfilled.after == backfilled.before
    pointer = read_pointer(backfilled.settings.releases_dir)
    assert pointer is not None
    assert (pointer.version, pointer.as_of) == (built.version, NOON)
    assert not (backfilled.settings.build_path.parent / "past").exists(), "its warehouse goes with the build"


def test_the_release_of_a_day_holds_who_had_done_something_by_then_and_what(backfilled: Backfilled) -> None:
    query = "SELECT email, order_count, net_revenue_minor FROM customer_360 ORDER BY email"
    assert rows(backfilled.day(SECOND), query) == [("ada.quill@example.com", 2, 2400)]
    assert rows(backfilled.day(SECOND + timedelta(days=3)), query) == [
        ("ada.quill@example.com", 2, 2400),
        ("ben.quill@example.com", 1, 1200),
    ]
    ((newest,),) = rows(backfilled.day(SECOND), "SELECT max(occurred_at) FROM customer_timeline")
    assert newest == datetime(2026, 10, 2, 10)


def test_the_release_of_a_day_says_of_when_it_tells_and_what_it_cannot_know(backfilled: Backfilled) -> None:
    (row,) = rows(backfilled.day(SECOND), "SELECT as_of, built_at, notes FROM release_info")
    as_of, built_at, notes = row
    assert (as_of, built_at) == (SECOND, NOON)
    assert any("tells of 2026-10-02 23:00 UTC" in note for note in notes)
    assert any("as they are known today" in note for note in notes)
    assert any("months in which no build ran stay empty" in note for note in notes)
    assert rows(backfilled.day(SECOND), "FROM customer_360_history") == [], (
        "no build had told anything by then"
    )
    assert rows(backfilled.day(SECOND), "FROM metric_rfm_migration") == []


def test_customers_of_a_past_day_have_the_ids_of_today(backfilled: Backfilled) -> None:
    pointer = read_pointer(backfilled.settings.releases_dir)
    assert pointer is not None
    query = "SELECT customer_id FROM customer_360 WHERE email = 'ada.quill@example.com'"
    today = rows(backfilled.settings.releases_dir / pointer.file, query)
    assert rows(backfilled.day(SECOND), query) == today


def test_a_later_build_is_what_it_would_have_been_and_a_day_built_again_has_what_came_late(
    backfilled: Backfilled, built: BuildReport, built_settings: Settings, tmp_path: Path
) -> None:
    without = read_settings(home=tmp_path / "without")
    shutil.copytree(built_settings.home, without.home)
    reports, later = [], Clock(NOON + timedelta(hours=1))
    for settings in (backfilled.settings, without):
        land(
            settings,
            later,
            "purchases",
            [purchase(2, source_record_id="line/late", order_id="late", email="cy@example.com")],
        )
        reports.append(run_build(settings, later))
    after, alone = reports
    assert after.changes is not None
    assert alone.changes is not None
    assert after.changes.to_document() == alone.changes.to_document()
    assert after.history == alone.history
    queries = (
        "SELECT * EXCLUDE (customer_id) FROM customer_360 ORDER BY email",
        "SELECT * EXCLUDE (customer_id, build_id) FROM customer_360_history ORDER BY ALL",
    )
    for query in queries:
        found = [
            rows(settings.releases_dir / f"c360-{report.version}.duckdb", query)
            for settings, report in zip((backfilled.settings, without), reports, strict=True)
        ]
        assert found[0] == found[1]
        assert found[0]
    again = run_build(backfilled.settings, later, as_of=SECOND)
    assert again.past == backfilled.day(SECOND)
    assert again.people["customers"] == 2
    assert again.changes is None
    stands = read_pointer(backfilled.settings.releases_dir)
    assert stands is not None
    assert stands.version == after.version


def test_a_day_is_told_as_of_its_end_in_the_companys_zone(settings: Settings) -> None:
    job = build_definitions(settings).resolve_job_def(PAST_JOB)
    config = job.partitioned_config
    assert config is not None
    assert settings.time_zone == "Europe/London"
    for day, end in (
        ("2026-10-24", "2026-10-24T23:00"),
        ("2026-10-25", "2026-10-26T00:00"),
    ):  # the clocks go back
        given = config.get_run_config_for_partition_key(day)["resources"]["build"]["config"]
        assert given == {"as_of": f"{end}:00+00:00", "past": True}


def test_the_job_of_past_days_neither_lands_nor_decides_who_is_whom_nor_writes_to_the_store(
    settings: Settings,
) -> None:
    definitions = build_definitions(settings)
    whole, days = (definitions.resolve_job_def(name).asset_layer for name in (JOB, PAST_JOB))
    left_out = {key.to_user_string() for key in whole.selected_asset_keys - days.selected_asset_keys}
    assert {key.split("/")[1] for key in left_out} == {
        *("dropped_files", "outreach_export", "landing", "identity"),
        *("store_consents", "store_complaints", "store", "scoring"),
    }
    assert {key for key in left_out if "scoring" in key} == {"rapport/scoring/sentiments"}


def test_a_day_before_the_first_record_is_refused(backfilled: Backfilled) -> None:
    with pytest.raises(UsageError, match="No record is of 2026-09-01 00:00 UTC or before"):
        run_build(backfilled.settings, Clock(NOON), as_of=datetime(2026, 9, 1))
    assert list(backfilled.settings.build_path.parent.glob("past*")) == []


def test_no_past_day_can_be_told_of_before_anything_was_built(settings: Settings) -> None:
    order = BuildOrder(as_of=SECOND, past=True)
    with (
        pytest.raises(BuildError, match="Nothing has been built yet"),
        open_session(settings, Clock(NOON), order, FOREVER),
    ):
        pass


def test_a_build_of_everything_never_takes_readers_back_in_time(backfilled: Backfilled) -> None:
    with (
        pytest.raises(UsageError, match="would take every reader back behind the release that stands"),
        open_session(backfilled.settings, Clock(NOON), BuildOrder(as_of=SECOND), FOREVER),
    ):
        pass
