"""The commands of identity, put together: one module a command, or a few that belong together."""

import typer

from pipelines.identity.commands.deciding import merge, split
from pipelines.identity.commands.decisions import decisions
from pipelines.identity.commands.evaluate import evaluate
from pipelines.identity.commands.journal import journal
from pipelines.identity.commands.policy import policy
from pipelines.identity.commands.train import train
from pipelines.identity.commands.why import why

app = typer.Typer(help="Who is whom: judge, ask why and decide who is one person.", no_args_is_help=True)
app.command("why")(why)
app.command("merge")(merge)
app.command("split")(split)
app.add_typer(decisions, name="decisions")
app.command("journal")(journal)
app.command("policy")(policy)
app.command("evaluate")(evaluate)
app.command("train")(train)
