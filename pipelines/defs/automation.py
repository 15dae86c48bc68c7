"""When a build runs by itself: once a day, when something has landed, when somebody asks for one in the app."""

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
from pipelines.defs.keys import LANE, PREFIX
from pipelines.defs.landings import newest_rows
from pipelines.defs.pulls import UNDER_WAY, land_files
from pipelines.defs.session import INTERRUPTED
from pipelines.defs.work_requests import (
    REQUEST_TAG,
    fail_requests,
    running_requests,
    take_requests,
    waiting_requests,
)
from pipelines.publishing.pointer import POINTER

JOB = "refresh"
DAILY = "0 4 * * *"  # after midnight's exports have come in, before anybody is at work
INBOX_SECONDS = 15
LANDED_SECONDS = 15
REQUEST_SECONDS = 5

refresh = define_asset_job(
    JOB,
    selection=AssetSelection.key_prefixes(PREFIX),
    description="Everything once: land, check, model, resolve, model, check, publish.",
    tags={LANE: "build"},
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
    job=land_files,
    minimum_interval_seconds=INBOX_SECONDS,
    default_status=DefaultSensorStatus.RUNNING,
    description="Has the whole files that lie in inbox/<source>/ landed and moved.",
)
def drop_folder(context: SensorEvaluationContext) -> RunRequest | SkipReason:
    """Ask once for the set of files that lie there, by a name that carries no file's name."""
    files = settled_files(read_settings())
    if not files:
        return SkipReason("No file waits in the drop folder.")
    waiting = sorted((str(file.path), file.path.stat().st_mtime_ns) for file in files)
    seen = hashlib.sha256(json.dumps(waiting).encode()).hexdigest()  # a file's name may be a person's
    if seen == context.cursor:
        return SkipReason("The run that takes these files was asked for.")
    context.update_cursor(seen)
    return RunRequest(tags={"rapport/files": str(len(files))})


@sensor(
    name="fresh_landings",
    job=refresh,
    minimum_interval_seconds=LANDED_SECONDS,
    default_status=DefaultSensorStatus.RUNNING,
    description="Asks for a build when rows have landed that the newest one has not seen, whoever landed them.",
)
def fresh_landings(context: SensorEvaluationContext) -> RunRequest | SkipReason:
    """Ask for one build at a time; what lands while it runs is asked for when it has ended."""
    settings = read_settings()
    seen = int(context.cursor) if context.cursor else _built_at(settings)
    newest = newest_rows(settings, seen)
    if newest == seen:
        context.update_cursor(str(seen))
        return SkipReason("Nothing has landed since the last build was asked for.")
    if context.instance.get_runs(filters=RunsFilter(job_name=JOB, statuses=UNDER_WAY), limit=1):
        return SkipReason("A build is running; the next one takes what has landed since.")
    context.update_cursor(str(newest))
    return RunRequest()


def _built_at(settings: Settings) -> int:
    """Give when the newest release came (nanoseconds): where nothing is known, what landed before it is in it."""
    pointer = settings.releases_dir / POINTER
    return pointer.stat().st_mtime_ns if pointer.exists() else 0


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
