"""`rapport reconcile`: settle messages of which nobody knows whether they went, by evidence or by a person's word."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, cast

import typer

from data_contracts.errors import UsageError
from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from messaging.reconcile import Unclear, Verdict

SILENT_ASKED = 1_000  # messages, by hand; each is a request
VERDICTS = ("sent", "not-sent", "dropped")

settling = typer.Typer(
    invoke_without_command=True, help="Settle messages of which nobody knows whether they went."
)


@settling.callback()
def reconcile(
    context: typer.Context,
    *,
    resend_marketing: Annotated[
        bool, typer.Option("--resend-marketing", help="Send again what the provider surely does not have.")
    ] = False,
    review: Annotated[
        bool, typer.Option("--review", help="Change nothing: list what is not settled, with its evidence.")
    ] = False,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Settle messages of which nobody knows whether they went, by what the provider says."""
    if context.invoked_subcommand is not None:
        return
    if review and resend_marketing:
        raise UsageError("--review changes nothing, and --resend-marketing does.", "Leave one of them out.")
    if review:
        _review(actor, as_json=as_json)
    else:
        _settle(resend_marketing=resend_marketing, as_json=as_json)


def _settle(*, resend_marketing: bool, as_json: bool) -> None:
    from messaging.cli.opening import opened_missed, opened_store
    from messaging.clock import read_clock
    from messaging.reconcile import ask_silent
    from messaging.reconcile import reconcile as settle
    from messaging.senders.build import build_senders

    settings = read_settings()
    with opened_store(settings) as store, opened_missed(settings, store) as missed:
        senders = build_senders(settings)
        heard = missed.try_to_look()  # an opt-out that did not reach us counts before anything goes again
        settled = settle(store, senders, read_clock(settings.home), resend_marketing=resend_marketing)
        told = ask_silent(store, senders, read_clock(settings.home), SILENT_ASKED)
    report = settled.to_document() | {"told": told, "heard": heard}
    emit(report, as_json=as_json, human=lambda: _print_settled(report))


def _print_settled(report: Mapping[str, int | None]) -> None:
    say(f"{report['sent']} had gone, {report['requeued']} go again, {report['left']} wait for a person.")
    if report["told"]:
        say(f"{report['told']} that were silent have a word of their provider now.")
    if report["heard"] is None:
        say("Twilio could not be asked for messages that did not reach us.")
    elif report["heard"]:
        say(f"{report['heard']} messages that had not reached us were fetched and heard.")


def _review(actor: str, *, as_json: bool) -> None:
    from messaging.cli.opening import looked, opened_store
    from messaging.reconcile import unclear

    settings = read_settings()
    with opened_store(settings) as store:
        found = unclear(store)
        looked(settings, store, actor, "message.review", found=len(found))
    emit({"messages": [each.to_document() for each in found]}, as_json=as_json, human=lambda: _print(found))


@settling.command("decide")
def decide(
    message_id: Annotated[str, typer.Argument(help="The message's id, as --review names it.")],
    verdict: Annotated[
        str, typer.Argument(help="sent, not-sent (it goes again), or dropped (it did not go, and shall not).")
    ],
    *,
    reason: Annotated[str, typer.Option(help="How you know, for the record.")],
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Settle one message by your word; before it goes again, the provider is asked once more."""
    from dataclasses import asdict

    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.reconcile import decide as settle
    from messaging.senders.build import build_senders

    if verdict not in VERDICTS:
        raise UsageError(f"The verdict is {verdict!r}.", f"It is one of {', '.join(VERDICTS)}.")
    if not reason.strip():
        raise UsageError("--reason is empty.", "Say how you know.")
    settings = read_settings()
    with opened_store(settings) as store:
        decided = settle(
            store,
            build_senders(settings),
            read_clock(settings.home),
            message_id,
            cast("Verdict", verdict),
            reason=reason,
            actor=actor,
        )
    emit(asdict(decided), as_json=as_json, human=lambda: say(f"{decided.message_id}: {decided.told}"))


def _print(found: "list[Unclear]") -> None:
    if not found:
        say("Of every message it is known whether it went.")
    for each in found:
        call = each.calls[-1]
        waits = "waits for you" if each.waits else "still settles by itself"
        say(f"[bold]{each.message_id}[/bold]  {each.channel}, {each.message_class}, {waits}")
        say(
            f"  asked     call {call['number']} at {call['started_at']:%Y-%m-%d %H:%M:%S} UTC, to {plain(each.to or '')}"
        )
        say(f"  text      {plain(each.body)}")
        say(f"  answer    {plain(each.detail or '')}")
        seen = "It was not asked yet." if each.look is None else each.look.sentence
        when = (
            ""
            if each.look is None
            else f" ({each.look.looks} times, last {each.look.looked_at:%H:%M:%S} UTC)"
        )
        say(f"  provider  {plain(seen)}{when}")
    if any(each.waits for each in found):
        say("Decide each: rapport reconcile decide MESSAGE sent|not-sent|dropped --reason ...")
