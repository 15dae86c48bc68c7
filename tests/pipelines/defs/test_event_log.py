"""Dagster's event log: one file that several processes write, over connections that stay open."""

import multiprocessing
from pathlib import Path

from dagster import DagsterInstance, asset, materialize

from messaging.settings import read_settings
from pipelines.defs.event_log import EventLog
from pipelines.defs.instance import open_instance


@asset
def parcels() -> None:
    """Stand for any asset."""


def _run_several(home: Path, times: int) -> None:
    with open_instance(read_settings(home=home)) as instance:
        for _ in range(times):
            assert materialize([parcels], instance=instance).success


def _events(instance: DagsterInstance) -> int:
    found = instance.fetch_materializations(parcels.key, limit=100)
    return len(found.records)


def test_an_installations_dagster_keeps_its_events_over_connections_that_stay_open(tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path)
    with open_instance(settings) as instance:
        log = instance.event_log_storage
        assert isinstance(log, EventLog)
        assert materialize([parcels], instance=instance).success
        with open_instance(settings) as another:  # the UI's, say, while the build's is open
            assert _events(another) == 1
        with log.index_connection() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert (settings.dagster_dir / "event_log.db-wal").exists()
    assert not (settings.dagster_dir / "event_log.db-wal").exists()


def test_processes_that_run_at_once_lose_no_event(tmp_path: Path) -> None:
    with open_instance(read_settings(home=tmp_path)):
        pass
    context = multiprocessing.get_context("spawn")
    runners = [context.Process(target=_run_several, args=(tmp_path, 5)) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert [runner.exitcode for runner in runners] == [0, 0, 0]
    with open_instance(read_settings(home=tmp_path)) as instance:
        assert _events(instance) == 15
        assert len(instance.get_runs()) == 15
