"""What comes in by itself: dropped files are landed by one job, pulls by another, each pull on its own schedule.

A build follows as soon as something has landed (`automation.fresh_landings`).
"""

from collections.abc import Sequence
from functools import partial

from dagster import (
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    Failure,
    JobDefinition,
    OpExecutionContext,
    RunsFilter,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    in_process_executor,
    job,
    op,
    sensor,
)

from data_contracts.errors import RefusedError
from messaging.clock import read_clock
from messaging.settings import Settings, read_settings
from pipelines.defs.inbox import take_dropped_files
from pipelines.defs.keys import LANE
from pipelines.defs.landings import record_landings
from pipelines.pulls.files import Pull, list_pulls, load_pull

PULL = "pull"
TAG = "rapport/pull"
UNDER_WAY = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
]
FILES_SECONDS = 60


@op(description="Lands what lies whole in inbox/<source>/, and moves it to done/ or refused/.")
def take_files(context: OpExecutionContext) -> None:
    """Land the dropped files; one that is refused keeps no other from landing."""
    settings = read_settings()
    taken = take_dropped_files(settings, read_clock(settings.home))
    rows = record_landings(context, [file.report for file in taken if file.report])
    refused = sum(1 for file in taken if file.refused)
    context.log.info("%d files taken, %d of them refused, %d rows landed", len(taken), refused, rows)


@job(
    name="land_files",
    tags={LANE: "landing"},
    executor_def=in_process_executor,
    description="Lands the files of the drop folder; a build follows.",
)
def land_files() -> None:
    """Land the dropped files."""
    take_files()


@op(name=PULL, config_schema={"name": str}, description="Asks another system for what is new, and lands it.")
def pull_once(context: OpExecutionContext) -> None:
    """Run a pull; streams that worked have landed, whatever became of the others."""
    from pipelines.pulls.running import run_pull  # DuckDB and pyarrow

    settings = read_settings()
    pull = load_pull(settings, context.op_config["name"])
    try:
        report = run_pull(settings, read_clock(settings.home), pull)
    except RefusedError as error:
        context.log.warning(str(error))  # it runs already: what that run brings is what this one would
        return
    for stream in report.streams:
        rows = record_landings(context, stream.landed)
        context.log.info("%s: %d records came, %d rows landed", stream.name, stream.rows, rows)
    if report.errors:
        raise Failure(" ".join(str(error) for error in report.errors), allow_retries=False)


@job(
    name="pull_data",
    tags={LANE: "landing"},
    executor_def=in_process_executor,
    description="Runs one pull: a database, an HTTP API or a mailbox; a build follows.",
)
def pull_data() -> None:
    """Run one pull."""
    pull_once()


def pull_jobs() -> list[JobDefinition]:
    """Give the two jobs that land."""
    return [land_files, pull_data]


def pull_schedules(settings: Settings) -> list[ScheduleDefinition]:
    """Make a schedule for each pull that the company has enabled; a broken file keeps no other from its schedule."""
    good, _ = list_pulls(settings)
    return [_schedule(settings, pull) for pull in good if pull.cron]


def _schedule(settings: Settings, pull: Pull) -> ScheduleDefinition:
    return ScheduleDefinition(
        name=f"{PULL}_{pull.name}",
        job=pull_data,
        cron_schedule=pull.cron,
        execution_timezone=settings.time_zone,
        run_config={"ops": {PULL: {"config": {"name": pull.name}}}},
        tags={TAG: pull.name},
        should_execute=partial(_is_idle, pull.name),
        default_status=DefaultScheduleStatus.RUNNING,
        description=f"Runs the pull {pull.name} {pull.plan.every}.",
    )


def _is_idle(name: str, context: ScheduleEvaluationContext) -> bool:
    """Say whether no run of a pull waits or works: what that one brings is what another would."""
    under_way = RunsFilter(tags={TAG: name}, statuses=UNDER_WAY)
    return not context.instance.get_runs(filters=under_way, limit=1)


def pull_files_sensor(settings: Settings) -> SensorDefinition:
    """Make the sensor that says which pull files are broken, or came after the schedules were made."""
    scheduled = _schedules_of(list_pulls(settings)[0])

    @sensor(
        name="pull_files",
        job=pull_data,
        minimum_interval_seconds=FILES_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Fails, with the reason, where a pull file cannot be used. It starts nothing: the schedules do.",
    )
    def pull_files(_: SensorEvaluationContext) -> SkipReason:
        good, broken = list_pulls(read_settings())
        if broken:
            raise Failure(" ".join(str(item.error) for item in broken), allow_retries=False)
        if _schedules_of(good) != scheduled:
            return SkipReason(
                "The pull files have changed: reload the definitions, and the schedules follow."
            )
        return SkipReason(f"{len(scheduled)} pulls run by themselves; every pull file can be used.")

    return pull_files


def _schedules_of(pulls: Sequence[Pull]) -> dict[str, str]:
    return {pull.name: pull.cron for pull in pulls if pull.cron}
