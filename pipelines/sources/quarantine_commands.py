"""`rapport quarantine list | show | replay | discard | dismiss`."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.sentences import counted

if TYPE_CHECKING:
    from messaging.settings import Settings
    from pipelines.landing.quarantine import Quarantined, QuarantinedRow, Replay
    from pipelines.landing.refusals import Refusal

app = typer.Typer(
    no_args_is_help=True, help="Rows and deliveries that a contract refused, with their reasons."
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Table = Annotated[str | None, typer.Option(help="Only this canonical table, such as purchases.")]
Landed = Annotated[
    str, typer.Argument(help="As `rapport quarantine list` shows it; its beginning is enough.")
]
Reason = Annotated[str, typer.Option(help="Why; it is kept with your name and the time.")]
Actor = Annotated[
    str, typer.Option("--actor", help="Who does this, for the record.", default_factory=getpass.getuser)
]


@app.command("list")
def list_command(*, table: Table = None, as_json: Json = False) -> None:
    """List the deliveries that were refused, and the files of which rows are set aside."""
    from messaging.settings import read_settings
    from messaging.terminal import emit
    from pipelines.landing.quarantine import count_discarded, list_quarantine
    from pipelines.landing.refusals import open_refusals

    settings, table = read_settings(), _known(table)
    items, refusals = list_quarantine(settings, table), open_refusals(settings, table)
    document = {
        "rows": sum(item.rows for item in items),
        "files": [item.to_document() for item in items],
        "refused": [refusal.to_document() for refusal in refusals],
        "discarded": count_discarded(settings, table),
    }
    emit(document, as_json=as_json, human=lambda: _tell_quarantine(items, refusals))


@app.command()
def show(
    landing_id: Landed,
    *,
    table: Table = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many rows.")] = 20,
    as_json: Json = False,
) -> None:
    """Show rows that are set aside, and what is wrong with each. They may hold personal data."""
    from messaging.settings import read_settings
    from messaging.terminal import emit
    from pipelines.landing.quarantine import show_quarantine

    item = _found(read_settings(), landing_id, table)
    rows = show_quarantine(item, limit)
    document = {**item.to_document(), "shown": [row.to_document() for row in rows]}
    emit(document, as_json=as_json, human=lambda: _tell_rows(item, rows))


@app.command()
def replay(*, table: Table = None, as_json: Json = False) -> None:
    """Take what is set aside in once more, by the mappings and contracts as they are now; what passes lands."""
    from messaging.clock import read_clock
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.sources.replay import replay as take_again

    settings = read_settings()
    with progress("Judging again"):
        replays = take_again(settings, read_clock(settings.home), _known(table), _waiting)
    document = {
        "landed": sum(item.landed for item in replays),
        "still": sum(item.still for item in replays),
        "already_landed": sum(item.already_landed for item in replays),
        "files": [item.to_document() for item in replays],
    }
    emit(document, as_json=as_json, human=lambda: _tell_replays(replays))
    if any(item.refused for item in replays):
        raise typer.Exit(1)


@app.command()
def discard(
    landing_id: Landed, *, reason: Reason, table: Table = None, actor: Actor, as_json: Json = False
) -> None:
    """Put rows away that can never be mended: they are kept, but no longer count and are not replayed."""
    from messaging.clock import read_clock
    from messaging.settings import read_settings
    from messaging.terminal import emit, say
    from pipelines.landing.lock import landing_lock
    from pipelines.landing.quarantine import discard_rows

    settings = read_settings()
    with landing_lock(settings, _waiting):
        item = _found(settings, landing_id, table)
        path = discard_rows(settings, item, _given(reason), actor, read_clock(settings.home).now())
    document = {**item.to_document(), "discarded": str(path)}
    emit(
        document,
        as_json=as_json,
        human=lambda: say(
            f"{counted(item.rows, 'row is discarded and lies', 'rows are discarded and lie')} in {path}."
        ),
    )


@app.command()
def dismiss(
    delivery: Annotated[
        str, typer.Argument(metavar="SOURCE/TABLE", help="As `rapport quarantine list` shows it.")
    ],
    *,
    reason: Reason,
    actor: Actor,
    as_json: Json = False,
) -> None:
    """Close the refusal of a delivery that will not come again: its contract is no longer red for it."""
    from messaging.clock import read_clock
    from messaging.settings import read_settings
    from messaging.terminal import emit, say
    from pipelines.landing.lock import landing_lock
    from pipelines.landing.refusals import dismiss_refusal
    from pipelines.landing.standing import tell_store

    settings = read_settings()
    clock = read_clock(settings.home)
    with landing_lock(settings, _waiting):
        refusal = dismiss_refusal(settings, delivery, _given(reason), actor, clock.now())
    tell_store(settings, clock)
    emit(
        refusal.to_document(),
        as_json=as_json,
        human=lambda: say(f"The refusal of {delivery} is closed; what it brought has not landed."),
    )


def _known(table: str | None) -> str | None:
    from data_contracts.contracts import load_contract

    return load_contract(table).name if table else None


def _given(reason: str) -> str:
    from data_contracts.errors import UsageError

    if not reason.strip():
        raise UsageError("The reason is empty.", "Say why in --reason: it is kept for those who ask later.")
    return reason.strip()


def _found(settings: "Settings", landing_id: str, table: str | None) -> "Quarantined":
    from data_contracts.errors import NotFoundError
    from pipelines.landing.quarantine import list_quarantine

    found = [
        item for item in list_quarantine(settings, _known(table)) if item.landing_id.startswith(landing_id)
    ]
    if not found:
        raise NotFoundError(
            f"No file with rows set aside begins with {landing_id!r}.", "See rapport quarantine list."
        )
    if len(found) > 1:
        several = ", ".join(f"{item.landing_id} of {item.table}" for item in found[:5])
        raise NotFoundError(
            f"{len(found)} files with rows set aside begin with {landing_id!r}: {several}.",
            "Write more of it, or add --table.",
        )
    return found[0]


def _waiting(holder: str) -> None:
    sys.stderr.write(f"Waiting for {holder}, which is landing files.\n")


def _tell_quarantine(items: "list[Quarantined]", refusals: "list[Refusal]") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for refusal in refusals:
        about = (
            f"{escape(refusal.file_name)} of {refusal.refused_at:%Y-%m-%d %H:%M} UTC was refused as a whole"
        )
        say(f"[bold]{refusal.source}/{refusal.table}[/bold]  {about}: {escape(refusal.reason)}")
        if refusal.record_ids:
            say(f"  for example {escape(', '.join(refusal.record_ids))}")
    for item in items:
        reasons = ", ".join(f"{count:,} x {reason}" for reason, count in item.reasons.items())
        say(
            f"{item.landing_id}  {item.source}/{item.table}  {counted(item.rows, 'row')} of"
            f" {escape(item.file_name)}: {reasons}"
        )
    if items or not refusals:
        say(
            f"{counted(sum(item.rows for item in items), 'row is', 'rows are')} set aside."
            if items
            else "Nothing is set aside."
        )


def _tell_rows(item: "Quarantined", rows: "list[QuarantinedRow]") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for row in rows:
        say(f"[bold]{escape(row.source_record_id or 'a record without an id')}[/bold]")
        for reason, sentence in row.reasons.items():
            owner = f", {row.owners[reason]}" if row.owners.get(reason) else ""
            say(f"  {escape(f'{sentence} ({reason}{owner})')}")
        for column, value in row.values.items():
            say(f"    {column}: {escape(value) if value is not None else 'missing'}")
    say(f"{len(rows):,} of {counted(item.rows, 'row')} of {escape(item.file_name)}.")


def _tell_replays(replays: "list[Replay]") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for item in replays:
        what = "the whole file, read again: " if item.read_again else ""
        say(
            f"{item.landing_id}  {item.source}/{item.table}: {what}{counted(item.rows, 'row')} = {item.landed:,} landed"
            f" + {item.still:,} still set aside + {item.already_landed:,} already landed"
        )
        if item.refused:
            say(f"  {escape(item.refused)}")
    if not replays:
        say("Nothing is set aside.")
