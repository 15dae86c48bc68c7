"""`rapport build`: the whole way once, in this process, through the same job that the schedule runs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from dagster import Definitions, ExecuteInProcessResult, ResourceDefinition

from data_contracts.errors import BuildError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.defs.assembly import build_definitions
from pipelines.defs.automation import JOB
from pipelines.defs.instance import open_instance
from pipelines.defs.past_days import PAST_JOB
from pipelines.defs.session import BuildOrder, BuildSession, Stage, looks_back, open_session
from pipelines.landing.refusals import Refusal, open_refusals
from pipelines.publishing.changes import ReleaseChanges
from pipelines.publishing.gc import PAST
from pipelines.publishing.history import Recorded
from pipelines.warehouse.dbt_runner import project_hash
from pipelines.warehouse.increment import Increment
from pipelines.warehouse.lock import FOREVER, Patience
from pipelines.warehouse.records import ContractState, TableSum


@dataclass(frozen=True)
class BuildReport:
    """What a build did. Times are naive UTC; `people` counts customers, orders and guests of the release.

    `increment` says whether all was made anew or a part. `page` is the file that tells of the contracts; `refused` are
    deliveries that wait to be mended. `changes` is what differs from the release before, None where there was none to
    compare with; `history` is who is known otherwise; `export` is the folder of parquet files, where one was asked for;
    `past` is the file of a release of a past moment, which readers are not led to.
    """

    version: str
    as_of: datetime
    stages: tuple[Stage, ...]
    sums: tuple[TableSum, ...]
    people: Mapping[str, int]
    contracts: tuple[ContractState, ...]
    row_counts: Mapping[str, int]
    consents: Mapping[str, int]
    increment: Increment = field(default_factory=Increment)
    page: Path | None = None
    refused: tuple[Refusal, ...] = ()
    changes: ReleaseChanges | None = None
    history: Recorded = field(default_factory=Recorded)
    notes: tuple[str, ...] = ()
    export: Path | None = None
    past: Path | None = None

    def to_document(self) -> dict[str, Any]:
        """Give the report as plain data."""
        return {
            "version": self.version,
            "as_of": self.as_of.isoformat(),
            "seconds": round(sum(stage.seconds for stage in self.stages), 3),
            "stages": [asdict(stage) for stage in self.stages],
            "sums": [{**asdict(item), "closes": item.closes} for item in self.sums],
            "people": dict(self.people),
            "contracts": [state.to_document() for state in self.contracts],
            "row_counts": dict(self.row_counts),
            "consents": dict(self.consents),
            "increment": asdict(self.increment),
            "page": str(self.page) if self.page else None,
            "refused": [refusal.to_document() for refusal in self.refused],
            "changes": self.changes.to_document() if self.changes else None,
            "history": asdict(self.history),
            "notes": list(self.notes),
            "export": str(self.export) if self.export else None,
            "past": str(self.past) if self.past else None,
        }


def run_build(
    settings: Settings,
    clock: Clock,
    *,
    full: bool = False,
    as_of: datetime | None = None,
    patience: Patience = FOREVER,
) -> BuildReport:
    """Build and publish what has landed, as of a moment (naive UTC; the clock's now by default).

    A moment before the one that the release which stands tells of is built beside that release, from what the last build
    loaded: what stands, and what is remembered, stays as it is (past.py).

    Raises BuildRunningError when another build holds the lock for longer than our patience,
    ContractBrokenError when a contract is red and BuildError when a stage fails: the last release stands.
    """
    past = as_of is not None and looks_back(settings, as_of)
    with open_session(settings, clock, BuildOrder(full, as_of, past), patience) as session:
        result = _execute(settings, session)
        if not result.success or session.pointer is None:
            raise session.failure or BuildError(
                f"The build failed in {_failed_step(result)}.", f"Dagster's run {result.run_id} tells more."
            )
        report = _report(session)
    return replace(report, page=session.page)  # it is written last


def _execute(settings: Settings, session: BuildSession) -> ExecuteInProcessResult:
    job = warm_definitions(settings).resolve_job_def(PAST_JOB if session.past else JOB)
    session.run_id = str(uuid4())
    with open_instance(settings) as instance:
        return job.execute_in_process(
            instance=instance,
            resources={"build": ResourceDefinition.hardcoded_resource(session)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
            run_id=session.run_id,
        )


def warm_definitions(settings: Settings) -> Definitions:
    """Draw the graph that builds of this home run, where this process has not drawn it yet."""
    return _known_definitions(project_hash(), settings.home.absolute(), settings.time_zone, settings)


@cache
def _known_definitions(_hash: str, _home: Path, _zone: str, settings: Settings) -> Definitions:
    """Draw the graph once in a process: it costs a second, and a demo builds twice."""
    return build_definitions(settings)


def _failed_step(result: ExecuteInProcessResult) -> str:
    failures = [event.step_key for event in result.get_step_failure_events()] if result else []
    return failures[0] if failures and failures[0] else "its set-up"


def _report(session: BuildSession) -> BuildReport:
    assert session.pointer is not None
    return BuildReport(
        version=session.pointer.version,
        as_of=session.as_of,
        stages=tuple(session.stages),
        sums=tuple(session.sums),
        people=session.people,
        contracts=tuple(session.contracts),
        row_counts=session.pointer.row_counts,
        consents=session.consents,
        increment=session.increment,
        refused=tuple(open_refusals(session.settings)),
        changes=session.changes,
        history=session.history or Recorded(),
        notes=tuple(session.notes),
        past=session.settings.releases_dir / PAST / session.pointer.file if session.past else None,
    )
