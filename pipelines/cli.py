"""The commands of this package: `demo`, `build`, `sample`, `ingest`, `pull`, `quarantine`, `contract` and `identity`."""

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.sentences import counted
from pipelines.contracts.commands import app as contracts_app
from pipelines.defs.moments import parse_moment
from pipelines.identity.commands import app as identity_app
from pipelines.pulls.commands import app as pulls_app
from pipelines.samples.command import app as sample_app
from pipelines.samples.demo import app as demo_app
from pipelines.sources.commands import app as landing_app

if TYPE_CHECKING:
    from datetime import datetime

    from messaging.settings import Settings
    from pipelines.defs.build import BuildReport
    from pipelines.warehouse.increment import Increment
    from pipelines.warehouse.lock import Holder

app = typer.Typer()


class Export(StrEnum):
    """What a release can be written as, beside its DuckDB file."""

    PARQUET = "parquet"


app.add_typer(demo_app)
app.add_typer(sample_app)
app.add_typer(landing_app)
app.add_typer(pulls_app, name="pull")
app.add_typer(contracts_app, name="contract")
app.add_typer(identity_app, name="identity")


@app.command()
def build(
    *,
    full: Annotated[bool, typer.Option(help="Build every table afresh; identities are kept.")] = False,
    as_of: Annotated[
        str,
        typer.Option(
            help="The moment it tells of, such as 2026-10-30T12:00 (UTC unless it says). One before the release that"
            " stands is built beside it."
        ),
    ] = "",
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail at once where a build runs already.")
    ] = False,
    export: Annotated[
        Export | None, typer.Option(help="Also write each published table as a file that any BI tool reads.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON document.")] = False,
) -> None:
    """Check what landed, model it, resolve people and publish a release; through Dagster, in this process."""
    from messaging.clock import read_clock
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.warehouse.lock import Patience

    moment = parse_moment(as_of) if as_of else None
    settings = read_settings()
    patience = Patience(0.0 if no_wait else None, _tell_waiting)
    if export and moment:
        _require_a_release_that_will_stand(settings, moment)
    with progress("Building"):
        from pipelines.defs.build import run_build  # Dagster and dbt: 5 CPU s

        report = run_build(settings, read_clock(settings.home), full=full, as_of=moment, patience=patience)
        if export:
            from pipelines.publishing.export import export_release

            report = replace(report, export=export_release(settings.releases_dir, report.version))
    emit(report.to_document(), as_json=as_json, human=lambda: _tell(report))


def _require_a_release_that_will_stand(settings: "Settings", moment: "datetime") -> None:
    from data_contracts.errors import UsageError
    from pipelines.defs.session import looks_back

    if looks_back(settings, moment):
        raise UsageError(
            "--export writes the release that stands, and that of a moment before it will not come to stand.",
            "Leave --export away: the build says which file tells of the moment, and DuckDB opens it.",
        )


def _tell_waiting(holder: "Holder | None") -> None:
    who = f" ({holder})" if holder else ""
    typer.echo(f"Another build is running{who}; waiting for it.", err=True)


def _tell_changes(report: "BuildReport") -> None:
    from rich.markup import escape

    from messaging.terminal import say
    from pipelines.publishing.told import told

    for line in told(report.changes, report.history) if report.changes else ():
        say(escape(line))
    for note in report.notes:
        say(f"  Note: {escape(note)}")


def _what_was_built(increment: "Increment") -> str:
    if not increment.is_part:
        return f"Everything was built. {increment.reason}"
    records, people = counted(increment.records, "record"), counted(increment.people, "customer")
    return f"Built what changed: {records} that came or came anew, and {people} whom that concerns."


def _tell(report: "BuildReport") -> None:
    from messaging.terminal import say

    for stage in report.stages:
        say(f"  {stage.name:<22} {stage.seconds:6.1f} s {stage.rows:>12,}")
    say(_what_was_built(report.increment))
    landed = sum(item.landed for item in report.sums)
    staged = sum(item.staged for item in report.sums)
    superseded = sum(item.superseded for item in report.sums)
    say(f"{counted(landed, 'row')} landed = {staged:,} staged + {counted(superseded, 'older version')}")
    if not landed:
        say("Nothing has landed yet, so the view is empty: `rapport ingest` takes your files.")
    people = report.people
    say(
        f"{counted(people['customers'], 'customer')}; {counted(people['orders'], 'order')},"
        f" {people['guest_orders']:,} of them by guests"
    )
    for state in report.contracts:
        if state.state != "green":
            aside = [f"{counted(state.rows_quarantined, 'row')} set aside"] if state.rows_quarantined else []
            broken = [f"{rule.rule} broken {counted(rule.failed, 'time')}" for rule in state.failed]
            say(f"  {state.table} is {state.state}: {', '.join(aside + broken)}")
    for refusal in report.refused:
        say(f"  {refusal.source}/{refusal.table}: a delivery was refused as a whole: {refusal.reason}")
    if report.refused:
        say("  What landed before stands in this release; see rapport quarantine list.")
    _tell_changes(report)
    if report.export:
        say(f"Parquet, table by table: {report.export}")
    if report.page:
        say(f"Contracts, table by table: {report.page}")
    if report.past:
        say(
            f"[bold]{report.past}[/bold] tells of {report.as_of:%Y-%m-%d %H:%M} UTC; the release that stands stays."
        )
        return
    say(f"[bold]Release {report.version}[/bold] stands, as of {report.as_of:%Y-%m-%d %H:%M} UTC.")
