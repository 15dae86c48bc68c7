"""When a build runs by itself: once a day, when a file is dropped, when somebody asks for one in the app."""

import hashlib
import json
from collections.abc import Iterator

from dagster import (
    AssetSelection,
    DagsterInstance,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    ScheduleDefinition,
    SensorEvaluationContext,
    SkipReason,
    define_asset_job,
    in_process_executor,
    sensor,
)

from messaging.clock import read_clock
from messaging.settings import Settings, read_settings
from messaging.store import open_store
from pipelines.defs.inbox import settled_files
from pipelines.defs.keys import PREFIX
from pipelines.defs.session import INTERRUPTED
from pipelines.defs.work_requests import (
    REQUEST_TAG,
    fail_requests,
    running_requests,
    take_requests,
    waiting_requests,
)

JOB = "refresh"
DAILY = "0 4 * * *"  # after midnight's exports have come in, before anybody is at work
INBOX_SECONDS = 30
REQUEST_SECONDS = 5

refresh = define_asset_job(
    JOB,
    selection=AssetSelection.key_prefixes(PREFIX),
    description="Everything once: land, check, model, resolve, model, check, publish.",
    executor_def=in_process_executor,  # one process holds the warehouse's lock and dbt's runner
)


def daily_schedule(settings: Settings) -> ScheduleDefinition:
    """Make the daily build, at four in the company's own time zone."""
    return ScheduleDefinition(
        name="daily_refresh",
        job=refresh,
        cron_schedule=DAILY,
        execution_timezone=settings.time_zone,
        default_status=DefaultScheduleStatus.RUNNING,
    )


@sensor(
    name="drop_folder",
    job=refresh,
    minimum_interval_seconds=INBOX_SECONDS,
    default_status=DefaultSensorStatus.RUNNING,
    description="Asks for a build when whole files lie in inbox/<source>/; the build ingests and moves them.",
)
def drop_folder(context: SensorEvaluationContext) -> RunRequest | SkipReason:
    """Ask once for the set of files that lie there, by a name that carries no file's name."""
    files = settled_files(read_settings())
    if not files:
        return SkipReason("No file waits in the drop folder.")
    waiting = sorted((str(file.path), file.path.stat().st_mtime_ns) for file in files)
    seen = hashlib.sha256(json.dumps(waiting).encode()).hexdigest()  # a file's name may be a person's
    if seen == context.cursor:
        return SkipReason("The build that takes these files was asked for.")
    context.update_cursor(seen)
    return RunRequest(tags={"rapport/files": str(len(files))})


@sensor(
    name="work_requests",
    job=refresh,
    minimum_interval_seconds=REQUEST_SECONDS,
    default_status=DefaultSensorStatus.RUNNING,
    description="Starts the builds that were asked for in the app.",
)
def work_requests(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """Start one run for each request that waits, and give up those whose run died."""
    settings = read_settings()
    with open_store(settings) as store:
        dead = [request for request in running_requests(store) if _has_died(context.instance, request)]
        if dead:
            fail_requests(store, dead, INTERRUPTED, read_clock(settings.home).now())
        requests = waiting_requests(store)
        take_requests(store, requests)
    if not requests:
        yield SkipReason("Nobody asks for a build.")
    for request in requests:
        yield RunRequest(
            run_key=request.request_id,
            run_config={"resources": {"build": {"config": {"full": request.full}}}},
            tags={REQUEST_TAG: request.request_id},
        )


def _has_died(instance: DagsterInstance, request_id: str) -> bool:
    """Say whether the run of a request has ended; a run that ends by itself settles its request."""
    runs = instance.get_runs(filters=RunsFilter(tags={REQUEST_TAG: request_id}))
    return bool(runs) and all(run.is_finished for run in runs)
