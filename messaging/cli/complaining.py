"""`rapport consent complaint`: who is complaining and gets no marketing meanwhile, and that a complaint is settled."""

from typing import Annotated, Any

import typer

from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

complaints = typer.Typer(no_args_is_help=True, help="Open complaints, which rest marketing: look them over.")


@complaints.command("list")
def list_them(
    *,
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=10_000)] = 50,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """List the open complaints, the oldest first."""
    from messaging.cli.opening import looked, opened_store
    from messaging.complaints import list_open

    settings = read_settings()
    with opened_store(settings) as store:
        with store.read() as connection:
            found = list_open(connection, limit)
        looked(settings, store, actor, "consent.complaint.list", found=len(found))
    document = [each | {"opened_at": each["opened_at"].isoformat()} for each in found]
    emit({"complaints": document}, as_json=as_json, human=lambda: _print(found))


@complaints.command("settle")
def settle_it(
    flag_id: Annotated[str, typer.Argument(help="The complaint's id, as `list` names it.")],
    *,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Say that a complaint is settled: marketing may go again, where nothing else forbids it."""
    from messaging import audit
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.complaints import settle

    settings = read_settings()
    now = read_clock(settings.home).now()
    with opened_store(settings) as store, store.write() as connection:
        settle(connection, flag_id, now, actor)
        audit.record(connection, actor, "consent.complaint.settle", flag_id, at=now)
    emit({"settled": flag_id}, as_json=as_json, human=lambda: say("Settled: marketing rests no more for it."))


def _print(found: list[dict[str, Any]]) -> None:
    if not found:
        say("Nobody is complaining.")
    for each in found:
        who = each["customer_id"] or "somebody at one address"
        line = f"{each['flag_id']}  {each['opened_at']:%d %B %Y}  {each['kind']} ({each['source']})  {who}"
        say(plain(line))
