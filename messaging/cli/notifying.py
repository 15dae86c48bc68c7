"""`rapport notifications`: what is wrong and who was told, snoozing, trying out, and the watch itself."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_contracts.errors import ServiceError, SettingsError, UsageError
from messaging.cli.options import Actor, AsJson
from messaging.settings import Settings, read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from messaging.notifications import Notice, Rules, Watch
    from messaging.notifications.ways import WayOutcome
    from messaging.senders.base import Sender

notifications = typer.Typer(no_args_is_help=True, help="What is wrong, and who is told of it.")


@notifications.command("list")
def list_notices(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
    limit: Annotated[int, typer.Option(help="How many to list, of all.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List what is wrong just now, whom it was told and what is snoozed."""
    from messaging import notifications as room
    from messaging.cli.opening import opened_store
    from messaging.store.times import database_now

    settings = read_settings()
    rules = room.read_rules(settings.home)
    with opened_store(settings) as store, store.read() as connection:
        found = room.newest_notices(connection, limit) if everything else _open(room.open_notices(connection))
        snoozed = room.snoozes(connection, database_now(connection))
        looked = room.looked_at(connection)
    document = {
        "looked_at": looked,
        "notices": [_document(each, rules) for each in found],
        "snoozed": [
            {"event": each.event, "subject": each.subject or None, "until": each.until, "by": each.snoozed_by}
            for each in snoozed
        ],
    }
    emit(document, as_json=as_json, human=lambda: _print(document))


@notifications.command("snooze")
def snooze(
    what: Annotated[str, typer.Argument(help="A notice's id, or an event's name such as contract_red.")],
    *,
    hours: Annotated[float, typer.Option(help="For how many hours; 0 ends it.", min=0, max=720)] = 8,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Tell nobody of a notice, or of a whole event, for some hours; what still is wrong then is told."""
    from messaging import audit
    from messaging import notifications as room
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.store.times import database_now

    settings = read_settings()
    with opened_store(settings) as store, store.write() as connection:
        today = database_now(connection)
        done = room.snooze(connection, what, today + timedelta(hours=hours), actor, today)
        detail = {"event": done.event, "hours": hours}
        at = read_clock(settings.home).now()
        audit.record(connection, actor, "notifications.snooze", what, detail, at=at)
    until = f"until {done.until:%Y-%m-%d %H:%M} UTC" if hours else "no longer"
    about = f" about {done.subject}" if done.subject else ""
    emit(
        {"event": done.event, "subject": done.subject or None, "until": done.until},
        as_json=as_json,
        human=lambda: say(f"{plain(done.event + about)} is snoozed {until}."),
    )


@notifications.command("test")
def try_out(
    *,
    owner: Annotated[str | None, typer.Option(help="Only this owner.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell every owner by each of their ways that this is a test; fails where a way does not work."""
    settings = read_settings()
    watch = _watch(settings)
    owners = watch.rules.owners
    if owner is not None and owner not in owners:
        raise UsageError(f"There is no owner {owner!r}.", f"notifications.yaml has {', '.join(owners)}.")
    outcomes = {name: _try(watch, name) for name in owners if owner in {None, name}}
    document = {name: [each.to_document() for each in ways] for name, ways in outcomes.items()}
    emit({"owners": document}, as_json=as_json, human=lambda: _print_tried(document))
    broken = [f"{name} by {each.way}" for name, ways in outcomes.items() for each in ways if not each.took]
    silent = [name for name, ways in outcomes.items() if not ways]
    if broken or silent:
        wrong = ", ".join([*broken, *(f"{name}, who has no way at all" for name in silent)])
        raise ServiceError(f"Nobody would be told: {wrong}.", "Mend notifications.yaml or the settings.")


@notifications.command("watch")
def watch_it(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Look once, tell what is to be told, and end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at what may be wrong and tell its owners; without --once until it is ended."""
    from messaging import notifications as room
    from messaging.cli.opening import opened_store
    from messaging.cli.sending import ended_by_signal
    from messaging.store import open_store

    settings = read_settings()
    watch = _watch(settings)
    if not once:
        with ended_by_signal() as ending:
            room.run_watch(lambda: open_store(settings), watch, ending)
        return
    with opened_store(settings) as store:
        looked = room.look_once(store, watch)
        room.leave(store, watch)
    emit(looked.to_document(), as_json=as_json, human=lambda: say(_sentence(looked.to_document())))


def _watch(settings: Settings) -> "Watch":
    from messaging.clock import follow_clock
    from messaging.notifications import Watch, read_rules
    from messaging.notifications.ways import Ways
    from messaging.notifications.webhook import read_webhook

    rules = read_rules(settings.home)
    return Watch(
        rules=rules,
        ways=Ways(_senders(settings, rules), read_webhook(settings), settings.mail_sender),
        clock=follow_clock(settings.home),
        company=settings.company_name,
        time_zone=settings.time_zone,
    )


def _senders(settings: Settings, rules: "Rules") -> "dict[str, Sender | str]":
    """Build the senders that owners need; of one that is not set up, give why: the other ways still work."""
    from messaging.senders.build import build_senders

    senders: dict[str, Sender | str] = {}
    for way in sorted({way for owner in rules.owners.values() for way in owner.ways if way != "webhook"}):
        try:
            senders |= build_senders(settings, [way])
        except SettingsError as error:
            senders[way] = error.message
    return senders


def _try(watch: "Watch", name: str) -> "list[WayOutcome]":
    from messaging.notifications.wording import word_test
    from messaging.store.ids import new_id

    telling_id = new_id("tel")
    wording = word_test(telling_id, name, watch.company)
    return watch.ways.tell(watch.rules.owners[name], wording, telling_id, everywhere=True)


def _open(found: "list[Notice]") -> "list[Notice]":
    return [each for each in found if each.ended_at is None]


def _document(notice: "Notice", rules: "Rules") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(notice) | {"owner": rules.owner_of(notice.event), "urgent": rules.urgent(notice.event)}


def _print(document: dict[str, Any]) -> None:
    looked = document["looked_at"]
    for each in document["notices"]:
        state = "over since " + f"{each['ended_at']:%Y-%m-%d %H:%M}" if each["ended_at"] else "open"
        told = f"told {each['told_to']}" if each["told_at"] else "told nobody yet"
        urgent = "[bold]urgent[/bold]  " if each["urgent"] else ""
        say(
            f"{each['notice_id']}  {each['began_at']:%Y-%m-%d %H:%M}  {state}  {urgent}{each['event']}  {told}"
        )
        say(f"  {plain(each['sentence'])}")
    if not document["notices"]:
        say("No notices: nothing is wrong." if looked else "No notices.")
    for each in document["snoozed"]:
        about = f" about {each['subject']}" if each["subject"] else ""
        say(f"Snoozed until {each['until']:%Y-%m-%d %H:%M} UTC: {plain(each['event'] + about)}")
    say(
        f"Last looked at {looked:%Y-%m-%d %H:%M} UTC."
        if looked
        else "Nobody has looked yet: `rapport up` does."
    )


def _print_tried(document: dict[str, Any]) -> None:
    for name, ways in document.items():
        for each in ways:
            say(f"{plain(name)} by {each['way']}: {'told' if each['took'] else plain(each['told'])}")


def _sentence(looked: dict[str, Any]) -> str:
    if not looked["mine"]:
        return "Another process watches this installation already."
    return (
        f"{looked['opened']} new, {looked['ended']} over; "
        f"{looked['told']} messages went to owners, {looked['failed']} owners could not be reached."
    )
