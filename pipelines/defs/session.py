"""One build, from taking the lock to telling the store how it ended; every asset of the run works inside it.

A session holds the build's moment (`as_of`), what each stage took, and the contracts' verdicts. It is opened
by `run_build` in a command's own process, and by the Dagster resource of the same name in a run that the
daemon starts.
"""

import gc
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import insert, update

from data_contracts.errors import BuildError, RapportError, UsageError
from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import Store, open_store
from messaging.store.ids import new_id
from messaging.store.tables import builds
from pipelines.defs.contract_page import leave_page
from pipelines.defs.past import past_warehouse
from pipelines.identity.people import IdentityReport
from pipelines.publishing.changes import ReleaseChanges
from pipelines.publishing.history import Recorded
from pipelines.publishing.pointer import Pointer, read_pointer
from pipelines.redaction import redacted
from pipelines.warehouse.connection import memory_of_builds, open_warehouse
from pipelines.warehouse.increment import Basis, Increment, leave
from pipelines.warehouse.lock import Patience, build_lock
from pipelines.warehouse.records import ContractState, TableSum

INTERRUPTED = "The build was interrupted; the release before it stands."


@dataclass
class Stage:
    """What one stage took: wall and CPU seconds of this process, rows it left, peak memory so far."""

    name: str
    rows: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True)
class BuildOrder:
    """What is asked of a build: all tables afresh; the moment (naive UTC) that it tells of, if not now.

    `past` is for a moment before the release that stands: it is built beside it (past.py).
    """

    full: bool = False
    as_of: datetime | None = None
    past: bool = False


@dataclass
class BuildSession:
    """What the stages of one build share. Times are naive UTC."""

    settings: Settings
    clock: Clock
    store: Store
    build_id: str
    as_of: datetime
    full: bool = False
    past: bool = False
    whole: bool = True  # whether every asset is made, not a few that somebody chose
    basis: Basis | None = None  # by what it is made; known when loading begins
    increment: Increment = field(default_factory=Increment)  # what of the warehouse this build makes anew
    run_id: str = ""
    stages: list[Stage] = field(default_factory=list)
    contracts: list[ContractState] = field(default_factory=list)
    refused: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # landed files that are not what was landed
    sums: list[TableSum] = field(default_factory=list)
    identity: IdentityReport | None = None
    people: dict[str, int] = field(default_factory=dict)
    consents: dict[str, int] = field(default_factory=dict)
    compiled: dict[str, str] = field(
        default_factory=dict
    )  # the SQL of each model that this build ran, by dbt's id
    changes: ReleaseChanges | None = None
    history: Recorded | None = None
    notes: list[str] = field(
        default_factory=list
    )  # sentences of the release about what was refused or left out
    pointer: Pointer | None = None
    page: Path | None = None
    failure: RapportError | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage; what goes wrong in it becomes a RapportError that carries no personal data."""
        stage = Stage(name)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield stage
        except RapportError as error:
            self.failure = error
            raise
        except (duckdb.Error, OSError, ValueError, LookupError, TypeError) as error:
            self.failure = BuildError(f"{name} failed: {type(error).__name__}: {redacted(str(error))}")
            raise self.failure from None  # Dagster keeps exceptions, and a database's may quote the row
        finally:
            stage.seconds = time.perf_counter() - wall
            stage.cpu_seconds = time.process_time() - cpu
            stage.peak_mb = peak_megabytes()
            self.stages.append(stage)


@contextmanager
def open_session(
    settings: Settings,
    clock: Clock,
    order: BuildOrder,
    patience: Patience,
    *,
    recorded: bool = True,
) -> Iterator[BuildSession]:
    """Hold the build's lock and the store for the length of one build, and record in the store how it ended.

    `recorded` is False for a run of a few assets only, which neither publishes nor fails as a build. Raises
    BuildRunningError when another build holds the lock for longer than our patience, and UsageError for a moment that
    has not come yet (history would wait for it, and record nothing until then) and for one before the release that stands,
    unless the order is for a past one: nobody who reads the release that stands is ever taken back in time.
    """
    now = clock.now()
    if order.as_of and order.as_of > now:
        raise UsageError(
            f"A build as of {order.as_of:%Y-%m-%d %H:%M} has to wait for that: it is {now:%Y-%m-%d %H:%M} UTC.",
            "Give a moment that has passed, or none.",
        )
    with ExitStack() as stack:
        stack.enter_context(build_lock(settings.build_path.parent, patience))
        stack.enter_context(rare_collections())
        stack.enter_context(memory_of_builds(settings.build_memory_mb))
        store = stack.enter_context(open_store(settings))
        as_of = order.as_of or clock.now()
        session = BuildSession(
            settings,
            clock,
            store,
            new_id("bld"),
            as_of,
            full=order.full or order.past,
            past=order.past,
            whole=recorded,
        )
        if order.past:
            stack.enter_context(past_warehouse(session))
        elif order.as_of and looks_back(settings, order.as_of):
            raise UsageError(
                f"A build as of {order.as_of:%Y-%m-%d %H:%M} would take every reader back behind the release that stands.",
                "Select that day in the job `past_days`, or run `rapport build --as-of`: both build it beside that release.",
            )
        elif recorded:
            stack.enter_context(_recorded(session))
        elif settings.build_path.exists():
            with open_warehouse(settings.build_path) as connection:
                leave(connection)  # a few assets are always made whole, and the next build makes the others
        yield session


def looks_back(settings: Settings, as_of: datetime) -> bool:
    """Say whether a moment lies before the one that the release which stands tells of."""
    stands = read_pointer(settings.releases_dir)
    return stands is not None and as_of < stands.as_of


@contextmanager
def _recorded(session: BuildSession) -> Iterator[None]:
    _record_start(session)
    try:
        yield
    finally:
        _record_end(session)
        session.page = leave_page(session)


def _record_start(session: BuildSession) -> None:
    with session.store.write() as connection:
        # we hold the lock, so a build that still says it runs was killed
        connection.execute(
            update(builds)
            .where(builds.c.state == "running")
            .values(state="failed", finished_at=session.clock.now(), detail={"reason": INTERRUPTED})
        )
        connection.execute(
            insert(builds).values(
                build_id=session.build_id,
                as_of=session.as_of,
                started_at=session.clock.now(),
                state="running",
            )
        )


def _record_end(session: BuildSession) -> None:
    pointer = session.pointer
    detail: dict[str, Any] = {"stages": [asdict(stage) for stage in session.stages]}
    if pointer:
        detail["row_counts"] = dict(pointer.row_counts)
    else:
        detail["reason"] = str(session.failure) if session.failure else INTERRUPTED
    with session.store.write() as connection:
        connection.execute(
            update(builds)
            .where(builds.c.build_id == session.build_id)
            .values(
                state="published" if pointer else "failed",
                release_version=pointer.version if pointer else None,
                finished_at=session.clock.now(),
                detail=detail,
            )
        )


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python look for garbage once in 100,000 new objects instead of 700, for the length of a build.

    A build holds dbt's manifest and Dagster's graph, more than a million objects that live to its end, and each look
    walks over many of them: it was a fifth of a build's CPU time (2026-11-22: 11 of 57 seconds).
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def peak_megabytes() -> float:
    """Give the most memory that this process has held so far, in MB (Linux counts in KiB, macOS in bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024) if sys.platform == "darwin" else peak / 1024
