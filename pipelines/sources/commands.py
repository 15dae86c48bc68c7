"""The commands of the way in: `ingest` and `quarantine list | show | replay`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.sources.source_commands import sources, suggest_map

if TYPE_CHECKING:
    from pipelines.landing.quarantine import Quarantined, QuarantinedRow, Replay
    from pipelines.sources.intake import IngestReport

app = typer.Typer()
quarantine = typer.Typer(no_args_is_help=True, help="Rows that a contract refused, with their reasons.")
app.add_typer(quarantine, name="quarantine")
app.command()(sources)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Table = Annotated[str | None, typer.Option(help="Only this canonical table, such as purchases.")]


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


@quarantine.command("list")
def list_command(*, table: Table = None, as_json: Json = False) -> None:
    """List the files of which rows are set aside."""
    from messaging.settings import read_settings
    from messaging.terminal import emit
    from pipelines.landing.quarantine import list_quarantine

    items = list_quarantine(read_settings(), _known(table))
    document = {"rows": sum(item.rows for item in items), "files": [item.to_document() for item in items]}
    emit(document, as_json=as_json, human=lambda: _tell_quarantine(items))


@quarantine.command()
def show(
    landing_id: Annotated[
        str, typer.Argument(help="As `rapport quarantine list` shows it; its beginning is enough.")
    ],
    *,
    limit: Annotated[int, typer.Option(min=1, help="Show so many rows.")] = 20,
    as_json: Json = False,
) -> None:
    """Show rows that are set aside, and what is wrong with each. They may hold personal data."""
    from data_contracts.errors import NotFoundError
    from messaging.settings import read_settings
    from messaging.terminal import emit
    from pipelines.landing.quarantine import list_quarantine, show_quarantine

    found = [item for item in list_quarantine(read_settings()) if item.landing_id.startswith(landing_id)]
    if len(found) != 1:
        what = "No" if not found else "More than one"
        raise NotFoundError(
            f"{what} file with rows set aside begins with {landing_id!r}.", "See rapport quarantine list."
        )
    rows = show_quarantine(found[0], limit)
    document = {**found[0].to_document(), "shown": [row.to_document() for row in rows]}
    emit(document, as_json=as_json, human=lambda: _tell_rows(found[0], rows))


@quarantine.command()
def replay(*, table: Table = None, as_json: Json = False) -> None:
    """Judge rows that are set aside again, by the contract as it is now; what passes lands."""
    from messaging.clock import read_clock
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.landing.quarantine import replay_quarantine

    settings = read_settings()
    with progress("Judging again"):
        replays = replay_quarantine(settings, read_clock(settings.home), _known(table), _waiting)
    document = {
        "landed": sum(item.landed for item in replays),
        "still": sum(item.still for item in replays),
        "already_landed": sum(item.already_landed for item in replays),
        "files": [item.to_document() for item in replays],
    }
    emit(document, as_json=as_json, human=lambda: _tell_replays(replays))


def _known(table: str | None) -> str | None:
    from data_contracts.contracts import load_contract

    return load_contract(table).name if table else None


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
    if report.unread:
        say(
            f"{len(report.unread):,} files are of no shape of {report.source} that we know and were left alone."
        )
    if report.quarantined:
        say("See them with: rapport quarantine list")


def _sum(numbers: dict[str, int]) -> str:
    return (
        f"{numbers['rows_in']:,} rows in = {numbers['accepted']:,} accepted"
        f" ({numbers['changed']:,} of them changed) + {numbers['quarantined']:,} quarantined"
        f" + {numbers['already_landed']:,} already landed"
    )


def _tell_quarantine(items: "list[Quarantined]") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for item in items:
        reasons = ", ".join(f"{count:,} x {reason}" for reason, count in item.reasons.items())
        say(
            f"{item.landing_id}  {item.source}/{item.table}  {item.rows:,} rows of {escape(item.file_name)}: {reasons}"
        )
    say(f"{sum(item.rows for item in items):,} rows are set aside." if items else "Nothing is set aside.")


def _tell_rows(item: "Quarantined", rows: "list[QuarantinedRow]") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for row in rows:
        say(f"[bold]{escape(row.source_record_id or 'a record without an id')}[/bold]")
        for sentence in row.reasons.values():
            say(f"  {escape(sentence)}")
        for column, value in row.values.items():
            say(f"    {column}: {escape(value) if value is not None else 'missing'}")
    say(f"{len(rows):,} of {item.rows:,} rows of {escape(item.file_name)}.")


def _tell_replays(replays: "list[Replay]") -> None:
    from messaging.terminal import say

    for item in replays:
        say(
            f"{item.landing_id}  {item.source}/{item.table}: {item.rows:,} rows = {item.landed:,} landed"
            f" + {item.still:,} still set aside + {item.already_landed:,} already landed"
        )
    if not replays:
        say("Nothing is set aside.")
