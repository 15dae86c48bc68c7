"""`rapport outbox`: what waits, what failed and how to mend it; another try, or none."""

from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import typer

from data_contracts.errors import UsageError
from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, progress, say

outboxes = typer.Typer(no_args_is_help=True, help="What waits, what failed and how to mend it.")
LOT = 500
MessageIds = Annotated[list[str], typer.Argument(help="The messages' ids, as `list` names them.")]


@outboxes.command("list")
def list_them(
    *,
    state: Annotated[
        str, typer.Option(help="failed, queued, unknown, or another state; `all` for all.")
    ] = "failed",
    run: Annotated[str | None, typer.Option("--run", help="Only of this run.")] = None,
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages by state, those that failed unless you say otherwise, each with how to mend it."""
    from messaging import outbox
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.outbox.states import State

    known, settings = get_args(State), read_settings()
    if state != "all" and state not in known:
        raise UsageError(f"--state is {state!r}.", f"It is one of {', '.join(known)}, all.")
    with opened_store(settings) as store, store.read() as connection:
        found = outbox.letters(connection, known if state == "all" else [state], run_id=run, limit=limit)
        counts = outbox.counts(connection, run)
        resting = outbox.left_alone(connection)
    document = {
        "messages": [each.to_document() for each in found],
        "counts": counts,
        "resting": {one.sender: one.sentence for one in resting},
    }
    now = read_clock(settings.home).now()
    emit(document, as_json=as_json, human=lambda: _print(document, now))


@outboxes.command("show")
def show(
    message_id: Annotated[str, typer.Argument(help="The message's id.")], *, as_json: AsJson = False
) -> None:
    """Show one message: every call, what the provider said since, what people decided; not its words."""
    from messaging import outbox
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock

    settings = read_settings()
    with opened_store(settings) as store, store.read() as connection:
        document = outbox.letter(connection, message_id)
    now = read_clock(settings.home).now()
    emit(document, as_json=as_json, human=lambda: _print_one(document, now))


@outboxes.command("retry")
def retry(
    message_ids: Annotated[
        list[str] | None, typer.Argument(help="The messages' ids, as `list` names them; none with --run.")
    ] = None,
    *,
    actor: Actor,
    run: Annotated[str | None, typer.Option("--run", help="All of this run that were refused.")] = None,
    code: Annotated[int | None, typer.Option(help="With --run: only those refused with this code.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let messages go again that the provider refused, by their ids or those of a run; each passes the gate again."""
    from messaging import outbox

    if bool(message_ids) == bool(run) or (code is not None and not run):
        raise UsageError(
            "`rapport outbox retry` takes the ids of messages, or --run with or without --code.",
            "Give one of the two.",
        )
    if run:
        _retry_run(run, code, actor, as_json=as_json)
        return
    message_ids = message_ids or []
    _do("message.retry", outbox.retry, message_ids, actor, "{} go again.", as_json=as_json)


@outboxes.command("discard")
def discard(message_ids: MessageIds, *, actor: Actor, as_json: AsJson = False) -> None:
    """End messages that shall not go (again)."""
    from messaging import outbox

    _do("message.discard", outbox.discard, message_ids, actor, "{} were ended.", as_json=as_json)


def _retry_run(run_id: str, code: int | None, actor: str, *, as_json: bool) -> None:
    """Let them go lot by lot, so that a dispatcher beside us is never kept waiting; tell of each lot."""
    from messaging import audit, outbox
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock

    settings, done, last = read_settings(), 0, ""
    now = read_clock(settings.home).now()
    with opened_store(settings) as store, progress("Letting them go again") as advance:
        with store.read() as connection:
            outbox.require_run(connection, run_id)
        while True:
            with store.write() as connection:
                lot = outbox.retry_run(connection, run_id, code, now, LOT, last)
                for message_id in lot:
                    audit.record(connection, actor, "message.retry", message_id, at=now)
            if not lot:
                break
            done, last = done + len(lot), lot[-1]
            advance(len(lot))
    emit({"messages": done}, as_json=as_json, human=lambda: say(f"{done:,} go again."))


def _do(  # noqa: PLR0913 - one deed, and how it is told
    action: str, deed: Any, message_ids: list[str], actor: str, told: str, *, as_json: bool
) -> None:
    from messaging import audit
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock

    settings = read_settings()
    now = read_clock(settings.home).now()
    with opened_store(settings) as store, store.write() as connection:
        done = deed(connection, list(dict.fromkeys(message_ids)), now)
        for message_id in dict.fromkeys(message_ids):
            audit.record(connection, actor, action, message_id, at=now)
    emit({"messages": done}, as_json=as_json, human=lambda: say(told.format(f"{done:,}")))


def _print(document: dict[str, Any], now: datetime) -> None:
    counts = ", ".join(f"{number:,} {state}" for state, number in sorted(document["counts"].items()))
    say(f"The outbox holds {counts}." if counts else "The outbox is empty.")
    for each in document["messages"]:
        code = f" {each['error_code']}" if each["error_code"] else ""
        about = f"{each['channel']}, {plain(each['campaign'] or each['message_class'])}"
        say(f"[bold]{each['message_id']}[/bold]  {each['state']}{code}  {about}")
        for words in (each["detail"], _waits(each, now), each["mend"]):
            if words:
                say(f"  {plain(words)}")
    for sender, why in document["resting"].items():
        say(f"[bold]{plain(sender)}[/bold] rests. {plain(why)}")


def _waits(each: dict[str, Any], now: datetime) -> str:
    """Say until when a message that has not gone yet waits; `now` is by the installation's clock, as `send_after` is."""
    clocks = {"send_after": now, "retry_at": datetime.now(UTC).replace(tzinfo=None)}
    moments = [each[name] for name, today in clocks.items() if each[name] is not None and each[name] > today]
    if each["state"] not in {"planned", "queued"} or not moments:
        return ""
    return f"It waits until {max(moments):%Y-%m-%d %H:%M} UTC."


def _print_one(document: dict[str, Any], now: datetime) -> None:
    say(f"[bold]{document['message_id']}[/bold]  {document['state']}  {document['channel']}")
    for words in (document["detail"], _waits(document, now), document["mend"]):
        if words:
            say(f"  {plain(words)}")
    for each in document["attempts"]:
        code = f" {each['error_code']}" if each["error_code"] else ""
        say(
            f"  call {each['number']}  {each['started_at']:%Y-%m-%d %H:%M:%S}  {each['outcome'] or 'under way'}{code}"
        )
    for each in document["callbacks"]:
        say(f"  told    {each['received_at']:%Y-%m-%d %H:%M:%S}  {plain(each['status'])}")
    for each in document["decisions"]:
        said = f"{plain(each['decided_by'])}: {each['verdict']}, {plain(each['reason'])}"
        say(f"  decided {each['decided_at']:%Y-%m-%d %H:%M:%S}  {said}")
