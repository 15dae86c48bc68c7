"""`rapport template`: templates checked, compared, taken back, looked at as any customer, sent to colleagues."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from messaging.cli.options import AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from messaging.campaigns import Library
    from messaging.settings import Settings

templates = typer.Typer(no_args_is_help=True, help="Check templates and look at them.")
TemplateName = Annotated[str, typer.Argument(help="The template's name in the library.")]


@templates.command("check")
def check(
    name: Annotated[
        str | None, typer.Argument(help="The template's name in the library; all, unless told.")
    ] = None,
    *,
    segments: Annotated[
        int, typer.Option("--segments", help="Warn of an SMS of more segments than that.", min=1, max=10)
    ] = 2,
    as_json: AsJson = False,
) -> None:
    """Hold templates against what is known of a customer, and say what could be better; ends with 1 on an error."""
    from messaging.templates import check_templates

    found = check_templates(_library(read_settings()), name, segments)
    wrong = sum(each.level == "error" for each in found)

    def human() -> None:
        for each in found:
            place = f"{each.file}:{each.line}" if each.line else each.file
            say(f"{plain(place)} {each.level}: {plain(each.sentence)} {plain(each.mend)}")
        say(f"{wrong} errors, {len(found) - wrong} warnings.")

    emit([asdict(each) for each in found], as_json=as_json, human=human)
    if wrong:
        raise typer.Exit(1)


def _library(settings: "Settings") -> "Library":
    from messaging.campaigns import Library, fill_library

    fill_library(settings)
    return Library(settings.library_dir)
