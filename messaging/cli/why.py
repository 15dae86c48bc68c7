"""`rapport why`: how a message came to be, or why somebody got none."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_contracts.errors import UsageError
from messaging.cli.options import Actor, AsJson
from messaging.settings import Settings, read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from messaging.planner import Why


def why(  # noqa: PLR0913 - the two ways to ask, and how it is told
    message_id: Annotated[str | None, typer.Argument(help="A message's id.")] = None,
    *,
    customer: Annotated[str | None, typer.Option(help="A customer's id, with --campaign.")] = None,
    campaign: Annotated[str | None, typer.Option(help="A campaign's name, with --customer.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a message's page to this file; anything in it is replaced.")
    ] = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Say why somebody got a message or not; of a message step by step, with the proof of each.

    It shows what is known of a person, so who looked is audited.
    """
    if (message_id is None) == (customer is None) or (customer is None) != (campaign is None):
        raise UsageError("Name either a message, or a customer and a campaign.", "See `rapport why --help`.")
    settings = read_settings()
    if message_id is None:
        if html is not None:
            raise UsageError("--html is of a message.", "Name the message instead of --customer.")
        sentences = _not(settings, str(customer), str(campaign), actor)
        emit({"why": sentences}, as_json=as_json, human=lambda: _print_sentences(sentences))
        return
    found = _message(settings, message_id, actor)
    if html is not None:
        _write(html, found)
    document = found.to_document() | ({"page": html} if html else {})
    emit(document, as_json=as_json, human=lambda: _print(document))


def _message(settings: Settings, message_id: str, actor: str) -> "Why":
    from messaging.cli.opening import looked, opened_customers, opened_store
    from messaging.clock import read_clock
    from messaging.planner import Asked, evidence
    from messaging.policy import read_limits
    from messaging.quiet_hours import installed_rules

    now, rules = read_clock(settings.home).now(), installed_rules(settings.home)
    asked = Asked(now, settings.currency, settings.time_zone, rules, read_limits(settings))
    with opened_store(settings) as store, opened_customers(settings) as customers:
        found = evidence(store, customers, message_id, asked)
        looked(settings, store, actor, "message.look", message_id)
    return found


def _not(settings: Settings, customer: str, campaign: str, actor: str) -> list[str]:
    from messaging.cli.opening import looked, opened_customers, opened_store
    from messaging.planner import why_customer

    with opened_store(settings) as store, opened_customers(settings) as customers:
        sentences = why_customer(store, customers, settings, customer, campaign)
        looked(settings, store, actor, "customer.why", customer)
    return sentences


def _write(path: Path, found: "Why") -> None:
    from messaging.planner import draw_why

    try:
        path.write_text(draw_why(found), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The page cannot be written to {path}: {error.strerror}.",
            "Name a file in a folder that is there.",
        ) from error


def _print(document: dict[str, Any]) -> None:
    _print_sentences(document["why"])
    for step in document["steps"]:
        say(f"\n[bold]{plain(step['title'])}[/bold]")
        for fact in step["facts"]:
            proof = f"  [dim]{plain(fact['proof'])}[/dim]" if fact["proof"] else ""
            say(f"  {plain(fact['what'])}: {plain(fact['value'])}{proof}")
    if document.get("page"):
        say(f"\nThe page: {plain(str(document['page']))}")


def _print_sentences(sentences: list[str]) -> None:
    for sentence in sentences:
        say(f"· {plain(sentence)}")
