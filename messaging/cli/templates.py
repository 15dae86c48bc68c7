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
    from messaging.templates.previews import Preview

templates = typer.Typer(no_args_is_help=True, help="Check templates and look at them.")
CustomerId = Annotated[str | None, typer.Option("--customer", help="A customer's id; made up, unless told.")]
LanguageTag = Annotated[str | None, typer.Option(help="Such as de; the customer's own, unless told.")]
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


@templates.command("preview")
def preview(  # noqa: PLR0913 - what is shown, as whose
    name: TemplateName,
    *,
    customer: CustomerId = None,
    channel: Annotated[str | None, typer.Option(help="email or sms; each that it has, unless told.")] = None,
    language: LanguageTag = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Render a template as a customer would get it, or somebody made up; nothing is stored or sent."""
    shown = _rendered(name, customer, channel, language, actor)

    def human() -> None:
        for each in shown:
            say(f"[bold]{each.channel} ({each.language})[/bold] {plain(each.subject or '')}")
            say(plain(each.left_out or each.body or ""))

    emit([asdict(each) for each in shown], as_json=as_json, human=human)


@templates.command("send-test")
def send_test(  # noqa: PLR0913 - what is sent, as whose, to whom
    name: TemplateName,
    *,
    to: Annotated[str, typer.Option("--to", help="A colleague's address, of RAPPORT_COLLEAGUES.")],
    customer: CustomerId = None,
    language: LanguageTag = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Send a template by e-mail to a colleague, marked as a test; no cap and no report counts it."""
    from messaging.addresses import read_addresses
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.templates.previews import send_test as send

    settings = read_settings()
    (shown,) = _rendered(name, customer, "email", language, actor)
    with opened_store(settings) as store:
        addresses = read_addresses(settings, store)
        now = read_clock(settings.home).now()
        message_id = send(settings, store, addresses, shown, name, to, actor, now, customer)
    emit(
        {"message_id": message_id},
        as_json=as_json,
        human=lambda: say(f"{message_id} is queued; `rapport dispatch` sends it."),
    )


def _rendered(
    name: str, customer: str | None, channel: str | None, language: str | None, actor: str
) -> "list[Preview]":
    from messaging.cli.opening import looked, opened_customer
    from messaging.clock import read_clock
    from messaging.templates import previews

    settings, person = read_settings(), None
    if customer is not None:
        with opened_customer(settings, customer) as (customers, store, card):
            looked(settings, store, actor, "template.preview", card.customer_id)
            person = previews.facts_of(customers, store, card.customer_id)
    now = read_clock(settings.home).now()
    return previews.preview(
        settings, _library(settings), name, person, now, channel=channel, language=language
    )


def _library(settings: "Settings") -> "Library":
    from messaging.campaigns import Library, fill_library

    fill_library(settings)
    return Library(settings.library_dir)
