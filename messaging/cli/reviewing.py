"""`rapport consent review`: opt-outs in people's own words and what nobody proved, which a person decides."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_contracts.errors import UsageError
from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from messaging.inbox import Review

reviews = typer.Typer(
    no_args_is_help=True,
    help="Opt-outs in people's own words and opt-ins of unproven senders: look them over.",
)
ReviewId = Annotated[str, typer.Argument(help="The review's id, as `list` names it.")]
STATES = ("waiting", "confirmed", "lifted", "all")
DOUBTS = {
    "form": "anybody can write this address into the form",
    "mail_unverified": "neither DKIM nor SPF passed for the domain of From",
    "sender_unproven": "nothing proves who sent it",
    "automatic": "a program wrote it, by its headers",
}


@reviews.command("list")
def list_them(
    *,
    state: Annotated[str, typer.Option(help="waiting, confirmed, lifted or all.")] = "waiting",
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=10_000)] = 50,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """List what was taken for an opt-out and obeyed, and opt-ins that were not, the oldest first."""
    from typing import cast

    from messaging import inbox
    from messaging.cli.opening import looked, opened_store

    if state not in STATES:
        raise UsageError(f"--state is {state!r}.", f"It is one of {', '.join(STATES)}.")
    settings = read_settings()
    with opened_store(settings) as store:
        with store.read() as connection:
            found = inbox.list_reviews(connection, None if state == "all" else cast("Any", state), limit)
        looked(settings, store, actor, "consent.review.list", found=len(found))
    emit({"reviews": [_document(each) for each in found]}, as_json=as_json, human=lambda: _print(found))


@reviews.command("confirm")
def confirm(review_id: ReviewId, *, actor: Actor, as_json: AsJson = False) -> None:
    """Say that it was an opt-out: it stays in force. Of an opt-in: that it is theirs, and counts from now on."""
    _decide(review_id, "confirm", actor, as_json=as_json)


@reviews.command("lift")
def lift(review_id: ReviewId, *, actor: Actor, as_json: AsJson = False) -> None:
    """Say that it was none: what it changed is taken back, and nothing else. An opt-in stays without effect."""
    _decide(review_id, "lift", actor, as_json=as_json)


def _decide(review_id: str, decision: str, actor: str, *, as_json: bool) -> None:
    from messaging import audit, inbox
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock

    settings = read_settings()
    now = read_clock(settings.home).now()
    with opened_store(settings) as store, store.write() as connection:
        act = inbox.confirm if decision == "confirm" else inbox.lift
        review = act(connection, review_id, actor, now)
        audit.record(connection, actor, f"consent.review.{decision}", review_id, at=now)
    emit(_document(review), as_json=as_json, human=lambda: say(_sentence(review)))


def _sentence(review: "Review") -> str:
    if review.asks == "start" or review.doubt == "automatic":
        return (
            "Confirmed: it counts from now on."
            if review.state == "confirmed"
            else "Lifted: it never counted."
        )
    if review.state == "confirmed" and review.doubt:
        return "Confirmed: it counts in full from now on."
    if review.state == "confirmed":
        return "Confirmed: it stays in force."
    if review.still_silent:
        return (
            f"Lifted, but the address stays blocked on {', '.join(review.still_silent)}: it said so besides."
        )
    return "Lifted: what stood before stands again."


def _document(review: "Review") -> dict[str, Any]:
    from dataclasses import asdict

    moments = {
        name: value.isoformat() if value else None
        for name, value in (("created_at", review.created_at), ("decided_at", review.decided_at))
    }
    return asdict(review) | moments | {"still_silent": list(review.still_silent)}


def _print(found: "list[Review]") -> None:
    if not found:
        say("Nothing is waiting.")
        return
    for each in found:
        scope = "every channel" if each.scope == "everything" else each.channel
        say(f"{each.review_id}  {each.created_at:%Y-%m-%d %H:%M}  {each.state}  {scope}")
        say(f"  {plain(each.body)}")
        if each.asks == "start":
            say(f"  asks to be written to again, not obeyed: {DOUBTS.get(each.doubt or '', each.doubt)}")
        else:
            say(f"  matched: {plain(each.words)}  ({each.language}, {each.rule})")
        if each.asks == "stop" and each.doubt:
            obeyed = "not obeyed" if each.doubt == "automatic" else "ended marketing to this address alone"
            say(f"  {obeyed}: {DOUBTS.get(each.doubt, each.doubt)}")
