"""`rapport template`: templates checked, compared, taken back, looked at as any customer, sent to colleagues."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from messaging.cli.options import Actor, AsJson
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


@templates.command("history")
def history(name: TemplateName, *, actor: Actor, as_json: AsJson = False) -> None:
    """List the versions of a template by their hash: since when each stood in its file, and by whom it was kept."""
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.template_versions import text_hash
    from messaging.templates.editing import current_texts
    from messaging.templates.editing import history as versions

    settings = read_settings()
    library = _library(settings)
    with opened_store(settings) as store:
        found = versions(store, library, name, actor, read_clock(settings.home).now())
    stands = {(file, text_hash(text)) for file, text in current_texts(library, name).items()}

    def human() -> None:
        for each in found:
            mark = "*" if (each.file, each.hash) in stands else " "
            say(
                f"{mark} {each.hash[:12]}  {each.first_at:%Y-%m-%d %H:%M}  {plain(each.first_by)}  {plain(each.file)}"
            )

    document = [asdict(each) | {"stands": (each.file, each.hash) in stands} for each in found]
    emit(document, as_json=as_json, human=human)


@templates.command("diff")
def diff(
    name: TemplateName,
    version: Annotated[
        str | None, typer.Argument(help="A version's hash, or its beginning; the one before, unless told.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what became of a version of a template until now."""
    from messaging.cli.opening import opened_store
    from messaging.templates.editing import diff as changes

    settings = read_settings()
    with opened_store(settings) as store:
        changed = changes(store, _library(settings), name, version)
    emit({"diff": changed}, as_json=as_json, human=lambda: say(plain(changed) or "Nothing changed."))


@templates.command("rollback")
def rollback(
    name: TemplateName,
    version: Annotated[str, typer.Argument(help="A version's hash, or its beginning.")],
    *,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Write a version of a template back into its file; what is planned or under way stays as it is."""
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.templates.editing import roll_back

    settings = read_settings()
    with opened_store(settings) as store:
        back = roll_back(store, _library(settings), name, version, actor, read_clock(settings.home).now())
    emit(
        asdict(back),
        as_json=as_json,
        human=lambda: say(
            f"{plain(back.file)} is what it was as {back.hash[:12]}. Plan its campaigns again."
        ),
    )


def _library(settings: "Settings") -> "Library":
    from messaging.campaigns import Library, fill_library

    fill_library(settings)
    return Library(settings.library_dir)
