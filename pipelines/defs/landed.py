"""From files to tables: dropped files are ingested, what we sent is exported, all that landed is loaded."""

from collections.abc import Iterator

from dagster import AssetExecutionContext, AssetSpec, MaterializeResult, asset, multi_asset

from data_contracts.contracts import contract_names, inbound_contracts
from pipelines.defs.basis import basis_of
from pipelines.defs.inbox import take_dropped_files
from pipelines.defs.keys import key
from pipelines.defs.landings import record_landings
from pipelines.defs.resources import session_of
from pipelines.landing.manifest import list_landings
from pipelines.sources.contact_forms import export_forms
from pipelines.sources.outreach import export_outreach
from pipelines.sources.own_mail_events import export_mail_events
from pipelines.sources.posted_events import export_events
from pipelines.sources.survey_answers import export_surveys
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.increment import begin, leave
from pipelines.warehouse.load import load_tables

GROUP = "landing"


@asset(
    key=key("dropped_files"),
    group_name=GROUP,
    required_resource_keys={"build"},
    description="Files that people dropped under inbox/<source>/, ingested, and moved to done/ or refused/.",
)
def dropped_files(context: AssetExecutionContext) -> MaterializeResult[None]:
    """Ingest what lies in the drop folder."""
    session = session_of(context)
    with session.stage("drop folder") as stage:
        taken = take_dropped_files(session.settings, session.clock)
        stage.rows = record_landings(context, [file.report for file in taken if file.report])
    refused = sum(1 for file in taken if file.refused)
    return MaterializeResult(metadata={"files": len(taken), "refused": refused, "rows": stage.rows})


@asset(
    key=key("outreach_export"),
    group_name=GROUP,
    required_resource_keys={"build"},
    description="What we sent, whom we held out, who answered, opened or followed a link, and what was posted to us.",
)
def outreach_export(context: AssetExecutionContext) -> MaterializeResult[None]:
    """Land what changed in our own store since the last build."""
    session = session_of(context)
    with session.stage("outreach export") as stage:
        reports = [
            export(session.settings, session.store, session.clock, full=session.full)
            for export in (export_outreach, export_mail_events, export_forms, export_events, export_surveys)
        ]
        stage.rows = sum(report.accepted for report in reports)
    rows = sum(report.rows_in for report in reports)
    return MaterializeResult(metadata={"rows": rows, "new_or_changed": stage.rows})


@multi_asset(
    name="landed_tables",
    specs=[
        AssetSpec(
            key("landing", table),
            deps=[key("dropped_files"), key("outreach_export")],
            group_name=GROUP,
            description=f"Rows of {table} that its contract let through.",
        )
        for table in contract_names("inbound")
    ],
    required_resource_keys={"build"},
)
def landed_tables(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
    """Load the landed files that are whole, each once."""
    session = session_of(context)
    columns = {table: contract.duckdb_columns() for table, contract in inbound_contracts().items()}
    with session.stage("load") as stage, open_warehouse(session.settings.build_path) as connection:
        made, session.basis = leave(connection), basis_of(session.settings)
        loads = load_tables(connection, columns, list_landings(session.settings), full=session.full)
        session.increment = begin(
            connection, loads, made, session.basis, full=session.full or not session.whole
        )
        stage.rows = sum(load.new_rows for load in loads)
        session.refused = {load.table: load.refused for load in loads if load.refused}
    for load in loads:
        counts = {"rows": load.rows, "new_rows": load.new_rows, "files": load.landings}
        yield MaterializeResult(
            key("landing", load.table), metadata={**counts, "refused_files": len(load.refused)}
        )
