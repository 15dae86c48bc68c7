"""One run of a pull: ask, write whole, land, and only then remember how far it came.

A kill at any point loses nothing and doubles nothing: the watermark moves last, what came after it comes again, and
a record that has landed lands once. A batch that is refused leaves the watermark where it was.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from data_contracts.errors import RapportError, SettingsError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.pulls.deliveries import Batch, write_delivery
from pipelines.pulls.files import Pull
from pipelines.pulls.marks import Mark, mark_document, newest, read_mark, stepped_back
from pipelines.pulls.places import (
    drop_delivery,
    move_watermark,
    pull_lock,
    read_watermarks,
    sweep_deliveries,
)
from pipelines.pulls.reaching import explain
from pipelines.pulls.secrets import without_secrets
from pipelines.pulls.streams import Stream, open_streams
from pipelines.sources.intake import ingest
from pipelines.sources.report import IngestReport


@dataclass(frozen=True)
class Order:
    """What is asked of a run: everything once more, or all from a moment on (naive UTC or as it was written)."""

    everything: bool = False
    since: str = ""


@dataclass(frozen=True)
class StreamReport:
    """What one stream of a pull brought. `since` and `watermark` say from where on and how far; None: from the start."""

    name: str
    rows: int
    since: Mark | None
    watermark: Mark | None
    landed: tuple[IngestReport, ...] = ()
    error: RapportError | None = None

    def total(self, number: str) -> int:
        """Add up one of the numbers of what landed."""
        return sum(getattr(report, number) for report in self.landed)

    def to_document(self) -> dict[str, Any]:
        """Give the report as plain data."""
        return {
            "name": self.name,
            "rows": self.rows,
            "since": mark_document(self.since) if self.since is not None else None,
            "watermark": mark_document(self.watermark) if self.watermark is not None else None,
            "landed": [report.to_document() for report in self.landed],
            "error": str(self.error) if self.error else None,
        }


@dataclass(frozen=True)
class PullReport:
    """What a run of a pull did; a stream that failed keeps no other from landing."""

    pull: str
    streams: tuple[StreamReport, ...]

    @property
    def errors(self) -> list[RapportError]:
        """Give what went wrong, stream by stream."""
        return [stream.error for stream in self.streams if stream.error]

    def to_document(self) -> dict[str, Any]:
        """Give the report as plain data."""
        return {"pull": self.pull, "streams": [stream.to_document() for stream in self.streams]}


@dataclass(frozen=True)
class StreamSight:
    """What a look at a stream saw: its first records as they came, or why there are none."""

    name: str
    asked: str
    since: Mark | None
    tables: tuple[str, ...]
    batch: Batch | None = None
    error: RapportError | None = None


def _ignore(_: object) -> None:
    return


def run_pull(
    settings: Settings,
    clock: Clock,
    pull: Pull,
    order: Order = Order(),
    tell: Callable[[int], None] = _ignore,
) -> PullReport:
    """Run a pull once. `tell` hears how many rows came.

    Raises SettingsError where it cannot begin (a secret or a value is missing), RefusedError where it runs already;
    what a stream meets later stands in its report.
    """
    _refuse_unfilled(pull)
    streams = open_streams(settings, pull)
    with pull_lock(settings, pull.name):
        sweep_deliveries(settings, pull.name)
        marks = read_watermarks(settings, pull.name)
        runs = [_Run(settings, clock, pull, stream, marks.get(stream.name)) for stream in streams]
        return PullReport(pull.name, tuple(run.take(order, tell) for run in runs))


def look(settings: Settings, pull: Pull, rows: int) -> list[StreamSight]:
    """Ask each stream for its first records; nothing lands and no watermark moves."""
    _refuse_unfilled(pull)
    streams = open_streams(settings, pull)
    marks = read_watermarks(settings, pull.name)
    return [_look(settings, pull, stream, marks.get(stream.name), rows) for stream in streams]


def _look(settings: Settings, pull: Pull, stream: Stream, mark: Mark | None, rows: int) -> StreamSight:
    sight = StreamSight(stream.name, stream.asked, _begin(stream, mark), stream.tables)
    try:
        with closing(stream.read(sight.since)) as batches:
            batch = next(batches, None)
    except Exception as error:  # noqa: BLE001 - as in `_Run.take`
        return replace(sight, error=_explained(settings, pull, stream, error))
    return replace(sight, batch=Batch(batch.records[:rows]) if batch else None)


def _explained(settings: Settings, pull: Pull, stream: Stream, error: Exception) -> RapportError:
    """Say why a stream brought nothing. Dagster keeps the sentence, so that no secret may stand in it."""
    hide = partial(without_secrets, settings, pull.plan.model_dump())
    return explain(error, stream.asked, stream.keys, hide)


def _begin(stream: Stream, mark: Mark | None) -> Mark | None:
    return stream.begin if mark is None else stepped_back(mark, stream.overlap)


def _refuse_unfilled(pull: Pull) -> None:
    if pull.missing:
        asked = "; ".join(f"{name}: {what}" for name, what in pull.missing.items())
        raise SettingsError(
            f"The pull {pull.name} asks for {asked}.",
            f"Give it under `with` in RAPPORT_HOME/pulls/{pull.name}.yaml.",
        )


@dataclass(frozen=True)
class _Run:
    settings: Settings
    clock: Clock
    pull: Pull
    stream: Stream
    mark: Mark | None

    def take(self, order: Order, tell: Callable[[int], None]) -> StreamReport:
        """Ask, land and remember; what goes wrong becomes a part of the report."""
        since = self._since(order)
        rows = 0
        try:
            started = self.clock.now()
            batches = self.stream.read(since)
            delivery = write_delivery(self.settings, self.pull.name, self.stream.name, batches, tell)
            rows = delivery.rows
            landed = tuple(self._land(delivery.files))
            reached = self._remember(delivery.mark, since, started)
        except Exception as error:  # noqa: BLE001 - dlt wraps whatever happens in it; one stream must not stop the others
            told = _explained(self.settings, self.pull, self.stream, error)
            return StreamReport(self.stream.name, rows, since, self.mark, error=told)
        drop_delivery(self.settings, self.pull.name, self.stream.name)
        return StreamReport(self.stream.name, rows, since, reached, landed)

    def _since(self, order: Order) -> Mark | None:
        if order.everything:
            return None
        if order.since:
            try:
                return read_mark(order.since, self.stream.form)
            except (ValueError, TypeError):
                raise SettingsError(
                    f"--since is {order.since!r}, which {self.stream.name} cannot begin at.",
                    "Write it like 2026-10-30T12:00:00 (UTC).",
                ) from None
        return _begin(self.stream, self.mark)

    def _land(self, files: tuple[Any, ...]) -> Iterator[IngestReport]:
        plan = self.pull.plan
        for file in files:  # each is a delivery of its own, and lands whole or not at all
            yield ingest(
                self.settings,
                self.clock,
                plan.source,
                [file],
                plan.mapping or None,
                tables=self.stream.tables or None,
            )

    def _remember(self, reached: Mark | None, since: Mark | None, started: datetime) -> Mark | None:
        """Move the watermark to the newest record, unless that would jump over some that were not asked for.

        A moment never moves it past the beginning of this run: a record from the year 2099 must not hide the rest.
        """
        if reached is None or self._leaves_a_gap(since):
            return self.mark
        if isinstance(reached, datetime):
            reached = min(reached, started)
        mark = newest((self.mark, reached))
        if mark is not None and mark != self.mark:
            move_watermark(self.settings, self.pull.name, self.stream.name, mark)
        return mark

    def _leaves_a_gap(self, since: Mark | None) -> bool:
        return since is not None and self.mark is not None and since > self.mark  # type: ignore[operator]
