"""All definitions, in the order in which data flows."""

from dagster import Definitions, in_process_executor

from messaging.settings import Settings
from pipelines.defs.automation import daily_schedule, drop_folder, fresh_landings, refresh, work_requests
from pipelines.defs.churn import churn
from pipelines.defs.complaining import store_complaints
from pipelines.defs.consented import standing_consents, store_consents
from pipelines.defs.contracts import inbound_checks, published_checks
from pipelines.defs.landed import dropped_files, landed_tables, outreach_export
from pipelines.defs.models import model_assets
from pipelines.defs.past_days import past_days
from pipelines.defs.people import people
from pipelines.defs.published import release_asset
from pipelines.defs.pulls import pull_files_sensor, pull_jobs, pull_schedules
from pipelines.defs.resources import build_session
from pipelines.defs.scores import lifetime
from pipelines.defs.sentiments import sentiments
from pipelines.warehouse.dbt_runner import manifest_path


def build_definitions(settings: Settings) -> Definitions:
    """Make the code location of an installation; dbt's manifest gives the models' part of the graph."""
    before_identity, after_identity, after_scoring = model_assets(manifest_path(settings))
    fixed = [
        dropped_files,
        outreach_export,
        landed_tables,
        people,
        store_consents,
        standing_consents,
        store_complaints,
        sentiments,
    ]
    return Definitions(
        assets=[
            dropped_files,
            outreach_export,
            landed_tables,
            before_identity,
            people,
            store_consents,
            standing_consents,
            sentiments,
            after_identity,
            store_complaints,
            lifetime,
            churn,
            after_scoring,
            release_asset(after_scoring),
        ],
        asset_checks=[inbound_checks, published_checks],
        jobs=[*pull_jobs(), refresh, past_days(settings, fixed)],
        schedules=[daily_schedule(settings), *pull_schedules(settings)],
        sensors=[drop_folder, pull_files_sensor(settings), fresh_landings, work_requests],
        resources={"build": build_session},
        executor=in_process_executor,
    )
