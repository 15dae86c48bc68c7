"""`rapport demo`: the whole way once, on a company that does not exist."""

from datetime import datetime
from typing import Annotated

import typer

app = typer.Typer()

NEXT = {
    "make up": "the app, Dagster's UI and the sandbox's phones, on this company",
    ".venv/bin/rapport customer anna": "one person, everything known; by name, e-mail, phone, order or id",
    ".venv/bin/rapport campaign report win_back": "who got it, who did not, and why",
    ".venv/bin/rapport quarantine list": "the rows that were set aside, with their reasons",
    "make test": "the second command: it proves all this",
}


@app.command()
def demo(
    *,
    people: Annotated[
        int, typer.Option(help="How many people the company knows.", min=200, max=200_000)
    ] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same company.", min=0)] = 7,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the closing card as one JSON document.")
    ] = False,
) -> None:
    """Make a sample company, merge it, send one campaign to the local sandbox, and show that every sum closes.

    It lives in RAPPORT_HOME. A second run replaces what the first one made, but for the library.
    """
    from messaging.clock import Clock
    from messaging.settings import read_settings
    from messaging.terminal import emit
    from pipelines.samples.card import show
    from pipelines.samples.demo_home import prepare_home
    from pipelines.samples.story import Narrator, tell_story
    from pipelines.samples.times import END

    tell = Narrator()
    noon: datetime = END.astype(datetime)
    settings, told = prepare_home(read_settings().home, noon)
    tell.say("home", told)
    card = tell_story(settings, Clock(noon), people, seed, tell)
    emit(card.to_document(), as_json=as_json, human=lambda: show(card, NEXT))
