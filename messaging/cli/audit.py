"""`rapport audit`: who did what, and that nobody changed the record of it."""

from typing import Annotated, Any

import typer

from data_contracts.errors import StoreError
from messaging.cli.options import AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

audits = typer.Typer(
    no_args_is_help=True, help="Who approved, launched, exported, looked at a person, decided."
)


@audits.command("list")
def list_entries(
    *,
    actor: Annotated[str | None, typer.Option(help="Only what this person did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only actions that begin so, such as campaign.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only of this customer, run or message, by id.")] = None,
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was done, the newest first."""
    from messaging import audit
    from messaging.cli.opening import opened_store

    with opened_store(read_settings()) as store, store.read() as connection:
        entries = audit.newest(connection, limit, actor=actor, action=action, subject=subject)
    document = [entry | {"at": entry["at"].isoformat()} for entry in entries]
    emit({"entries": document}, as_json=as_json, human=lambda: _print_entries(document))


@audits.command("verify")
def verify(
    *,
    head: Annotated[
        str | None, typer.Option(help="The head that an earlier verify gave: is it still part of the record?")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Go over the whole record; fails where an entry was changed, put in between or taken out."""
    from messaging import audit
    from messaging.cli.opening import opened_store

    with opened_store(read_settings()) as store, store.read() as connection:
        verdict, newest = audit.verify(connection), audit.head(connection)
        kept = head is None or audit.holds(connection, head)
    if verdict.broken_at is not None:
        raise StoreError(
            f"The audit does not hold from entry {verdict.broken_at} on: it was changed behind our back.",
            "Compare the store with its backups, and ask who can write its file.",
        )
    if not kept:
        raise StoreError(
            f"The audit's {verdict.events:,} entries hold together, but the head you kept is not among them: "
            "its end was cut off, or this is another store.",
            "Compare the store with its backups.",
        )
    emit(
        {"entries": verdict.events, "head": newest},
        as_json=as_json,
        human=lambda: say(
            f"All {verdict.events:,} entries hold. Keep this head elsewhere, and give it to the next verify: {newest}"
        ),
    )


def _print_entries(entries: list[dict[str, Any]]) -> None:
    if not entries:
        say("Nothing of that was recorded.")
    for entry in entries:
        detail = ", ".join(f"{name} {value}" for name, value in (entry["detail"] or {}).items())
        parts = [entry["at"][:19], f"[bold]{plain(entry['actor'])}[/bold]", plain(entry["action"])]
        say("  ".join([*parts, plain(entry["subject"] or ""), plain(detail)]).rstrip())
