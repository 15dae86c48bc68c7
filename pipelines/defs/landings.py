"""Each landing is one materialisation of a source's table: counts and ids, for a file's name may be a person's."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from dagster import AssetMaterialization

from messaging.settings import Settings
from pipelines.defs.keys import key
from pipelines.landing.manifest import SUFFIX, read_manifest
from pipelines.sources.outreach import SOURCE as OUTREACH
from pipelines.sources.posted_events import SOURCE as POSTED_EVENTS
from pipelines.sources.report import IngestReport, LandingReport

OWN_STORE = (OUTREACH, POSTED_EVENTS)


class EventLog(Protocol):
    """What Dagster hands to an op or asset."""

    def log_event(self, event: AssetMaterialization) -> None:
        """Keep an event of the run."""


def record_landings(log: EventLog, reports: Iterable[IngestReport]) -> int:
    """Tell Dagster of each landing; a delivery that had landed before is none. Give how many rows they accepted."""
    rows = 0
    for report in reports:
        for landing in report.landings:
            if not landing.repeated:
                log.log_event(_event(report.source, landing))
                rows += landing.accepted
    return rows


def _event(source: str, landing: LandingReport) -> AssetMaterialization:
    columns = {"new_columns": len(landing.changes.new), "gone_columns": len(landing.changes.gone)}
    metadata: dict[str, str | int] = {"landing_id": landing.landing_id, **landing.numbers(), **columns}
    return AssetMaterialization(asset_key=key("landed", source, landing.table), metadata=metadata)


def newest_rows(settings: Settings, after: int) -> int:
    """Give when the newest landing with rows in it was written, in nanoseconds; `after` where none came since then.

    What a build itself exports from our own store does not count: it would ask for the next build for ever.
    """
    newest = after
    for path in settings.landing_dir.glob(f"*/*/*{SUFFIX}"):
        written = _written(path)
        if written > newest and path.parent.parent.name not in OWN_STORE and read_manifest(path).accepted:
            newest = written
    return newest


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # erased in between
        return 0
