"""The commands of pulls: `pull list`, `pull run` and `pull check`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_contracts.sentences import counted

if TYPE_CHECKING:
    from messaging.settings import Settings
    from pipelines.pulls.files import Pull
    from pipelines.pulls.looking import Sight
    from pipelines.pulls.marks import Mark
    from pipelines.pulls.running import PullReport

app = typer.Typer(
    no_args_is_help=True, help="Databases, HTTP APIs and mailboxes that are asked for what is new."
)

Name = Annotated[str, typer.Argument(help="As `rapport pull list` names it.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_command(*, as_json: Json = False) -> None:
    """List the pulls: your own, those that are shipped, and files that cannot be used."""
    from messaging.settings import read_settings
    from messaging.terminal import emit
    from pipelines.pulls.files import list_pulls

    settings = read_settings()
    good, broken = list_pulls(settings)
    document = {
        "pulls": [_document(settings, pull) for pull in good],
        "broken": [{"name": item.name, "path": str(item.path), "error": str(item.error)} for item in broken],
    }
    emit(document, as_json=as_json, human=lambda: _tell_list(document))


@app.command()
def run(
    name: Name,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Ask for everything again; what has landed lands once.")
    ] = False,
    since: Annotated[
        str,
        typer.Option(help="Ask from this moment on, such as 2026-10-30T12:00:00 (UTC), or from this number."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Ask for what is new since the last run, and land it."""
    from data_contracts.errors import UsageError
    from messaging.clock import read_clock
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.pulls.files import load_pull
    from pipelines.pulls.running import Order, run_pull

    if everything and since:
        raise UsageError("--all and --since do not go together.", "Leave one of them away.")
    settings = read_settings()
    pull = load_pull(settings, name)
    with progress(f"Pulling {name}") as advance:
        report = run_pull(settings, read_clock(settings.home), pull, Order(everything, since), advance)
    emit(report.to_document(), as_json=as_json, human=lambda: _tell_run(report))
    if report.errors:
        raise typer.Exit(1)


@app.command()
def check(name: Name, *, as_json: Json = False) -> None:
    """Ask for a first page and show five rows as they would land; nothing lands."""
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.pulls.files import load_pull
    from pipelines.pulls.looking import check_pull

    settings = read_settings()
    pull = load_pull(settings, name)
    head = _document(settings, pull)
    with progress(f"Asking {name}"):
        sights = check_pull(settings, pull)
    document = {**head, "streams": [sight.to_document() for sight in sights]}
    emit(document, as_json=as_json, human=lambda: _tell_check(head, sights))
    if any(sight.error for sight in sights):
        raise typer.Exit(1)


def _document(settings: "Settings", pull: "Pull") -> dict[str, Any]:
    from pipelines.pulls.looking import secrets_of

    plan = pull.plan
    return {
        "name": pull.name,
        "kind": plan.kind,
        "source": plan.source,
        "description": plan.description,
        "own": pull.own,
        "enabled": pull.own and plan.enabled,
        "every": plan.every if pull.cron else "",
        "cron": pull.cron,
        "asks": dict(pull.missing),
        "secrets": secrets_of(settings, pull),
    }


def _tell_list(document: dict[str, Any]) -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for pull in document["pulls"]:
        state = (f"every {pull['every']}" if pull["every"] else "by hand") if pull["enabled"] else "shipped"
        state = "off" if pull["own"] and not pull["enabled"] else state
        missing = [*pull["asks"], *(name for name, there in pull["secrets"].items() if not there)]
        wants = f"; wants {', '.join(missing)}" if missing else ""
        say(f"[bold]{pull['name']:<20}[/] {state + wants}")
        if pull["description"]:
            say(f"{'':<20} {escape(pull['description'])}")
    for item in document["broken"]:
        say(f"[bold]{item['name']:<20}[/] [red]broken[/]: {escape(item['error'])}")


def _tell_run(report: "PullReport") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for stream in report.streams:
        if stream.error:
            say(f"[bold]{stream.name}[/] [red]failed[/]: {escape(str(stream.error))}")
            continue
        counts = [f"{stream.total(key):,} {word}" for key, word in _WORDS]
        say(
            f"[bold]{stream.name}[/]: {counted(stream.rows, 'record')} since {_since(stream.since)};"
            f" rows: {', '.join(counts)}"
        )


_WORDS = (("accepted", "accepted"), ("quarantined", "set aside"), ("already_landed", "already landed"))


def _since(mark: "Mark | None") -> str:
    return "the beginning" if mark is None else str(mark)


def _tell_check(head: dict[str, Any], sights: "list[Sight]") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for secret, there in head["secrets"].items():
        say(f"{secret} is {'set' if there else '[red]not set[/]'}.")
    for sight in sights:
        if sight.error:
            say(f"[bold]{sight.name}[/] [red]failed[/]: {escape(str(sight.error))}")
            continue
        more = "nothing new" if not sight.records else f"{counted(sight.records, 'record')} looked at"
        say(f"[bold]{sight.name}[/] at {sight.asked}, since {_since(sight.since)}: {more}.")
        for table, rows in sight.rows.items():
            for row in rows:
                cells = ", ".join(f"{column}={cell[:60]}" for column, cell in row.items())
                say(f"  {table}: {escape(cells)}")
