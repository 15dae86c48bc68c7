"""The commands of the way in: `ingest`, `sources` and `quarantine`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.sentences import counted
from pipelines.sources.quarantine_commands import app as quarantine
from pipelines.sources.source_commands import sources, suggest_map

if TYPE_CHECKING:
    from pipelines.sources.report import FileReport, IngestReport

app = typer.Typer()
app.add_typer(quarantine, name="quarantine")
app.command()(sources)

NAMED = 12  # columns that are told; --json has all of them
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def ingest(  # noqa: PLR0913 - the options of a command are its arguments
    source: Annotated[
        str, typer.Argument(help="A vendor such as shopify, twilio or mail, or a canonical table with --map.")
    ],
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    *,
    mapping: Annotated[
        str | None, typer.Option("--map", help="A shipped mapping's name, or a mapping file.")
    ] = None,
    tables: Annotated[
        str | None,
        typer.Option(help="Take only these canonical tables of a vendor's files: purchases,contacts."),
    ] = None,
    suggest: Annotated[
        bool,
        typer.Option(
            "--suggest-map", help="Land nothing: print a mapping proposed for this one file of a table."
        ),
    ] = False,
    rows: Annotated[
        int | None, typer.Option(min=0, help="Refuse a file that holds another number of records.")
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="The files are whole, though their last line has no end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Land files: read them, check each row by its contract, keep the good ones and set the others aside."""
    if suggest:
        suggest_map(source, paths, named=mapping is not None, as_json=as_json)
        return
    from messaging.clock import read_clock
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.sources.intake import ingest as take

    settings = read_settings()
    with progress(f"Ingesting {source}"):
        report = take(
            settings,
            read_clock(settings.home),
            source,
            paths,
            mapping,
            tables=[table.strip() for table in tables.split(",")] if tables else None,
            complete=complete,
            rows=rows,
            waiting=_waiting,
        )
    emit(report.to_document(), as_json=as_json, human=lambda: _tell_ingest(report))


def _waiting(holder: str) -> None:
    sys.stderr.write(f"Waiting for {holder}, which is landing files.\n")


def _tell_ingest(report: "IngestReport") -> None:
    from messaging.terminal import say

    tables = report.tables()
    for table, numbers in tables.items():
        say(f"{table} from {report.source}: {_sum(numbers)}")
    if len(tables) != 1:
        say(f"[bold]all from {report.source}: {_sum(report.numbers())}[/bold]")
    for reason, count in report.reasons.items():
        say(f"  {count:,} x {reason}")
    if report.opt_outs:
        say(
            f"{counted(report.opt_outs, 'new opt-out')}; what is new counts from now on, before the next message."
        )
    for file in report.files:
        _tell_file(file)
    if report.unread:
        say(
            f"{counted(len(report.unread), 'file is', 'files are')} of no shape of {report.source} that we know: left alone."
        )
    if report.quarantined:
        say("See them with: rapport quarantine list")


def _tell_file(file: "FileReport") -> None:
    """Say what is out of the ordinary in a file."""
    from rich.markup import escape

    from messaging.terminal import say

    if not file.rows_in and not file.unread:
        say(f"{escape(str(file.path))} gave no rows.")
    for landing in file.landings:
        for what, columns in (("new", landing.changes.new), ("no longer there", landing.changes.gone)):
            if columns:
                more = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
                named = ", ".join(columns[:NAMED])
                say(escape(f"  {file.path.name} ({landing.table}), {what}: {named}{more}"))


def _sum(numbers: dict[str, int]) -> str:
    return (
        f"{counted(numbers['rows_in'], 'row')} in = {numbers['accepted']:,} accepted"
        f" ({numbers['changed']:,} of them changed) + {numbers['quarantined']:,} quarantined"
        f" + {numbers['already_landed']:,} already landed"
    )
