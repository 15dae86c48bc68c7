"""Options that several commands share."""

import getpass
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Actor = Annotated[
    str, typer.Option("--actor", help="Who does this, for the record.", default_factory=getpass.getuser)
]
CampaignName = Annotated[str, typer.Argument(help="The campaign's name in the library.")]
RunId = Annotated[str | None, typer.Option("--run", help="A run's id; the newest that fits by default.")]
