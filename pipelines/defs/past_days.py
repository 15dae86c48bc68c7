"""Past days, built from Dagster: one by one, or many as a backfill."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dagster import (
    AssetsDefinition,
    AssetSelection,
    daily_partitioned_config,
    define_asset_job,
    in_process_executor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from messaging.settings import Settings
from pipelines.defs.keys import LANE, PREFIX

PAST_JOB = "past_days"
FIRST_DAY = "2000-01-01"  # `rapport build --as-of` takes older ones, too


def past_days(settings: Settings, fixed: Sequence[AssetsDefinition]) -> UnresolvedAssetJobDefinition:
    """Make the job that builds past days, each as of its end in the company's own time zone.

    Its days can be selected one by one or as a backfill. They stand on what the last build loaded and found out, so it runs
    without the assets `fixed` and what judges landed data. The assets themselves have no partitions: what they make of a
    past day goes into a release of that day, and what stands is no part of it.
    """

    @daily_partitioned_config(start_date=FIRST_DAY, timezone=settings.time_zone)
    def day(_start: datetime, end: datetime) -> dict[str, Any]:
        config = {"as_of": end.astimezone(UTC).isoformat(), "past": True}
        return {"resources": {"build": {"config": config}}}

    return define_asset_job(
        PAST_JOB,
        selection=AssetSelection.key_prefixes(PREFIX) - AssetSelection.assets(*fixed),
        config=day,
        description="A past day, from what is known today: a release of its own, beside the one that stands.",
        tags={LANE: "build"},
        executor_def=in_process_executor,
    )
