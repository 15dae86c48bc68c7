"""The commands of identity, put together: one module a command, or a few that belong together."""

import typer

from pipelines.identity.commands.evaluate import evaluate

HELP = "Who is whom: judge, ask why and decide who is one person."

app = typer.Typer(help=HELP, no_args_is_help=True)
app.command("evaluate")(evaluate)


@app.callback(help=HELP)
def identity() -> None:
    """Keep `evaluate` a command of its own while it stands alone."""
