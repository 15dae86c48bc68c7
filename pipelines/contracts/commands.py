"""The commands about contracts: `contract show` and `contract diff`."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from data_contracts.model import Contract, Rule, SetRule
    from pipelines.contracts.impact import Impact

app = typer.Typer(
    no_args_is_help=True, help="Contracts: what every table promises, and whom a change breaks."
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
KINDS = {
    "models": "models that use it",
    "mappings": "mappings",
    "segments": "segments",
    "templates": "templates",
    "campaigns": "campaigns",
    "feeds": "what is made from it",
}
MOST = 8  # names in a line; --json has all


@app.command()
def show(
    table: Annotated[str, typer.Argument(help="The name of a table, or a contract file.")],
    *,
    as_json: Json = False,
) -> None:
    """Show what a table promises: who answers for it, its columns, and each rule as a sentence."""
    from data_contracts.contracts import find_contract
    from messaging.terminal import emit
    from pipelines.contracts.card import contract_document

    contract = find_contract(table)
    emit(contract_document(contract), as_json=as_json, human=lambda: _tell_contract(contract))


@app.command("diff")
def diff_command(
    old: Annotated[str, typer.Argument(help="A contract file, or the name of a table for the shipped one.")],
    new: Annotated[str, typer.Argument(help="A contract file, or the name of a table for the shipped one.")],
    *,
    as_json: Json = False,
) -> None:
    """Say what differs between two versions of a contract and whom it breaks, by name; exit 1 where it does."""
    from data_contracts.contracts import find_contract
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.contracts.impact import weigh

    versions = find_contract(old), find_contract(new)
    with progress("Asking the models"):
        impacts = weigh(*versions, read_settings())
    breaking = sum(1 for impact in impacts if impact.difference.kind == "breaking")
    emit(
        {"breaking": breaking, "differences": [impact.to_document() for impact in impacts]},
        as_json=as_json,
        human=lambda: _tell_impacts(impacts),
    )
    if breaking:
        raise typer.Exit(1)


def _tell_contract(contract: "Contract") -> None:
    from rich.markup import escape

    from data_contracts.durations import in_words
    from messaging.terminal import say

    kept = f", kept {in_words(contract.retention)}" if contract.retention else ""
    say(f"[bold]{contract.name}[/bold] {contract.version}: {escape(contract.purpose)}")
    say(f"{escape(contract.grain)} {contract.owner or 'Nobody'} answers for it{kept}.")
    for column in contract.columns:
        own = f", kept {in_words(column.retention)}" if column.retention != contract.retention else ""
        given = ", always given" if column.required else ""
        about = f"{column.type}, {column.classification}{given}{own}"
        say(f"\n[bold]{column.name}[/bold] ({escape(column.title)}; {about})")
        say(f"  {escape(column.description)}")
        for rule in column.rules:
            say(f"  - {_rule_line(rule, contract)}")
    say("\n[bold]Across columns and rows[/bold]")
    for each in contract.table_rules:
        say(f"  - {_rule_line(each, contract)}")


def _rule_line(rule: "Rule | SetRule", contract: "Contract") -> str:
    from rich.markup import escape

    owner = f", {escape(rule.owner)}" if rule.owner != contract.owner else ""
    limit = f", at most {rule.threshold:.0%} of a batch" if rule.severity == "critical" else ""
    return f"{escape(rule.sentence)} [dim]({rule.name}, {rule.severity}{limit}{owner})[/dim]"


def _tell_impacts(impacts: "list[Impact]") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for impact in impacts:
        say(f"{impact.difference.kind}: {escape(impact.difference.what)}")
        for kind, names in impact.breaks.items():
            more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
            say(f"    {KINDS[kind]}: {escape(', '.join(names[:MOST]))}{more}")
        if impact.difference.kind == "breaking" and not impact.breaks:
            say("    nobody that we know of")
    if not impacts:
        say("The contracts promise the same.")
