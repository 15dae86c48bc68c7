"""`rapport identity decisions`: what people decided, withdrawn where it was wrong, kept as a file for review."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.sentences import counted
from messaging.cli.options import AsJson
from pipelines.identity.commands.deciding import NEXT_BUILD, Author, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.identity_decisions import Decision, Imported, Recorded

decisions = typer.Typer(no_args_is_help=True, help="What people decided about who is one person.")


@decisions.command("list")
def list_decided(
    *,
    withdrawn: Annotated[bool, typer.Option("--all", help="Show withdrawn ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what people decided, who, when and why, the oldest first."""
    from messaging.identity_decisions import list_decisions
    from messaging.settings import read_settings
    from messaging.store import open_store
    from messaging.terminal import emit

    with open_store(read_settings()) as store:
        decided = list_decisions(store)
    listed = [each for each in decided if withdrawn or each.withdrawn_at is None]
    emit(
        [each.to_document() for each in listed],
        as_json=as_json,
        human=lambda: _tell_list(listed, len(decided) - len(listed)),
    )


@decisions.command("withdraw")
def withdraw_decision(
    decision_id: Annotated[str, typer.Argument(metavar="ID", help="A decision's id, such as dec_0199...")],
    *,
    reason: Reason,
    author: Author,
    as_json: AsJson = False,
) -> None:
    """Withdraw a decision: it stays on record, and the next build goes by the evidence again."""
    from messaging.clock import read_clock
    from messaging.identity_decisions import withdraw
    from messaging.settings import read_settings
    from messaging.store import open_store
    from messaging.terminal import emit

    settings = read_settings()
    with open_store(settings) as store:
        recorded = withdraw(store, read_clock(settings.home), decision_id, author=author, reason=reason)
    document = {"decision": recorded.decision.to_document(), "is_new": recorded.is_new}
    emit(document, as_json=as_json, human=lambda: _tell_withdrawn(recorded))


@decisions.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file to write; it is replaced.")],
    *,
    author: Author,
    as_json: AsJson = False,
) -> None:
    """Write the decisions that stand to a file that people can review and keep in git."""
    from messaging import audit
    from messaging.clock import read_clock
    from messaging.identity_decisions import export_decisions, standing_decisions
    from messaging.settings import read_settings
    from messaging.store import open_store
    from messaging.terminal import emit, say

    settings = read_settings()
    with open_store(settings) as store:
        count = len(standing_decisions(store))
        with store.write() as connection:
            now = read_clock(settings.home).now()
            audit.record(connection, author, "identity.export", None, {"decisions": count}, at=now)
        file.write_text(export_decisions(store), encoding="utf-8")
    document = {"file": str(file), "decisions": count}
    emit(document, as_json=as_json, human=lambda: say(f"{counted(count, 'decision')} written."))


@decisions.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A YAML file as `export` writes it.")],
    *,
    author: Author,
    as_json: AsJson = False,
) -> None:
    """Take over the decisions of a file, all of them or none; what stands already is left alone."""
    from contextlib import closing
    from functools import partial

    from messaging.clock import read_clock
    from messaging.customers.records import known_records
    from messaging.identity_decisions import import_decisions
    from messaging.release import ReleaseReader
    from messaging.settings import read_settings
    from messaging.store import open_store
    from messaging.terminal import emit

    settings = read_settings()
    text = _read(file)
    with (
        closing(ReleaseReader(settings.releases_dir)) as reader,
        open_store(settings) as store,
        reader.snapshot() as release,
    ):
        known = partial(known_records, release)
        imported = import_decisions(
            store, read_clock(settings.home), text, author, known=known, name=str(file)
        )
    document = {"new": [each.to_document() for each in imported.new], "already": imported.already}
    emit(document, as_json=as_json, human=lambda: _tell_imported(imported))


def _read(file: Path) -> str:
    from data_contracts.errors import InputError

    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{file} is no text in UTF-8; nothing changed.", "Save it as that.") from None


def _tell_list(listed: "Sequence[Decision]", hidden: int) -> None:
    from messaging.terminal import plain, say

    if not listed and hidden:
        say("No decision stands: all were withdrawn, and --all shows them.")
    elif not listed:
        say("Nobody has decided anything yet, so people are who the evidence says they are.")
    for each in listed:
        say(f"[bold]{each.decision_id}[/bold]  " + plain(f"{each.kind}  {each.one}  {each.other}"))
        say(plain(f"    {each.decided_at:%Y-%m-%d %H:%M} UTC by {each.author}: {each.reason}"))
        if each.withdrawn_at:
            gone = f"{each.withdrawn_at:%Y-%m-%d %H:%M} UTC by {each.withdrawn_by}: {each.withdrawn_reason}"
            say(plain(f"    withdrawn {gone}"))


def _tell_withdrawn(recorded: "Recorded") -> None:
    from messaging.terminal import plain, say

    decision = recorded.decision
    if recorded.is_new:
        say(f"{decision.decision_id} is withdrawn. {NEXT_BUILD} Whoever has opted out stays opted out.")
        return
    say(
        plain(
            f"{decision.decision_id} was withdrawn before, by {decision.withdrawn_by} on"
            f" {decision.withdrawn_at:%Y-%m-%d %H:%M} UTC. Nothing changed."
        )
    )


def _tell_imported(imported: "Imported") -> None:
    from messaging.terminal import say

    say(f"{counted(len(imported.new), 'decision')} taken over, {imported.already:,} stood already.")
    if imported.new:
        say(f"{NEXT_BUILD} Whoever has opted out stays opted out.")
