"""`rapport dispatch` and `upgrade`."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from messaging.cli.options import AsJson
from messaging.settings import read_settings
from messaging.terminal import counting, emit, plain, say

if TYPE_CHECKING:
    from messaging.dispatch import DispatchReport
    from messaging.settings import Settings
    from messaging.store import Store


def dispatch(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is left that may go now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send what is approved and due; without --once until it is ended."""
    from messaging import outbox
    from messaging.addresses import read_addresses
    from messaging.cli.opening import opened_missed, opened_store
    from messaging.clock import follow_clock
    from messaging.customers.merges import Merges
    from messaging.deliverability import Breaker, read_tolerance
    from messaging.dispatch import dispatch_once, dying_at, run_dispatcher
    from messaging.policy import read_limits
    from messaging.quiet_hours import installed_rules
    from messaging.release import ReleaseReader
    from messaging.senders.build import build_senders
    from messaging.senders.rates import read_rates

    settings = read_settings()
    clock, senders = follow_clock(settings.home), build_senders(settings)
    with (
        ended_by_signal() as ending,
        opened_store(settings) as store,
        opened_missed(settings, store) as missed,
    ):
        read_addresses(settings, store)  # refuses a lost pepper: opt-outs would not be recognised
        missed.try_to_look()  # who opted out while nobody was there gets nothing
        options: dict[str, Any] = {
            "merges": Merges(ReleaseReader(settings.releases_dir), store),
            "limits": read_limits(settings),
            "breaker": Breaker(read_tolerance(settings.home)),
            "rules": installed_rules(settings.home),
            "rates": read_rates(settings),
            "die_at": dying_at(settings),
        }
        due = None
        if once:
            with store.read() as connection:
                due = outbox.waiting(connection, clock.now(), senders)
        told = f"Sending {due:,} messages" if once else "Sending"
        with missed.looking(), going_by_themselves(settings, store, once=once), counting(told, due) as show:
            options["on_report"] = _counted(show)
            if once:
                report = dispatch_once(store, senders, clock, stop_event=ending, **options)
            else:
                report = run_dispatcher(store, senders, clock, ending, **options)
        document = report.to_document()
        if once:
            with store.read() as connection:
                left = outbox.remaining(connection, clock.now(), options["rates"], senders)
            document["remaining"] = [each.to_document() for each in left]
    emit(document, as_json=as_json, human=lambda: _print_dispatch(document))


@contextmanager
def going_by_themselves(settings: "Settings", store: "Store", *, once: bool) -> Iterator[None]:
    """Launch campaigns when they are due or triggered, and plan those in shadow mode, beside a dispatcher that runs on."""
    if once:
        yield
        return
    from messaging.planner import Shadows, build_planner
    from messaging.planner.schedules import Schedules
    from messaging.planner.triggers import Triggers

    planner = build_planner(settings, store=store)
    try:
        with Schedules(planner).watching(), Shadows(planner).watching(), Triggers(planner).watching():
            yield
    finally:
        planner.customers.close()


def _counted(show: Callable[[float, str], None]) -> Callable[["DispatchReport"], None]:
    """Give what is told of each step of a dispatch, and shows the sum of all."""
    from messaging.dispatch import DispatchReport
    from messaging.dispatch.report import add

    total = DispatchReport()

    def told(step: DispatchReport) -> None:
        add(total, step)
        done = total.called - total.retried + sum(total.skipped.values())
        show(done, ", ".join(_parts(total.to_document())))

    return told


@contextmanager
def ended_by_signal() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C or SIGTERM sets, so that calls under way are still written down."""
    ending = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: ending.set())
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_dispatch(report: dict[str, Any]) -> None:
    left = report.get("remaining")
    if left is None:  # of a dispatcher that ran until it was ended
        say(", ".join(_parts(report)) + ".")
    elif any(report[name] for name in ("called", "recovered", "not_made", "skipped")):
        say(", ".join(_parts(report | {"waiting": {}})) + ".")
    else:
        say("Nothing may go now." if left else "Nothing waits.")
    for each in left or ():
        say(plain(_left(each)))
    for sender, why in report["resting"].items():
        say(f"[bold]{plain(sender)}[/bold] rests. {plain(why)}")


def _parts(report: dict[str, Any]) -> list[str]:
    parts = [f"[bold]{report['accepted']:,}[/bold] sent"]
    words = {each: each for each in ("failed", "unknown", "recovered")} | {"not_made": "given back"}
    words["retried"] = "try in vain" if report["retried"] == 1 else "tries in vain"
    parts += [f"{report[key]:,} {word}" for key, word in words.items() if report[key]]
    parts += [f"{number:,} wait ({_word(reason)})" for reason, number in report["waiting"].items()]
    return parts + [f"{number:,} skipped ({_word(reason)})" for reason, number in report["skipped"].items()]


def _word(reason: str) -> str:
    from messaging.cli.cards import REASONS

    return REASONS.get(reason, reason.replace("_", " "))


def _left(each: dict[str, Any]) -> str:
    """Say of messages that did not go why, and when the first may."""
    number, channel, one = f"{each['messages']:,}", each["channel"], each["messages"] == 1
    until = f"{each['first_at']:%Y-%m-%d %H:%M} UTC" if each["first_at"] else ""
    match each["kind"]:
        case "held":
            waits = f"waits until {until}" if one else f"wait, the first until {until}"
            return f"{number} {waits} ({_word(each['reason'] or 'it was planned so')})."
        case "retry":
            again = f"is tried again at {until}" if one else f"are tried again, the first at {until}"
            return f"{number} {again}: {each['detail']}"
        case "paused":
            return f"{number} {'belongs' if one else 'belong'} to a run that is paused."
        case "rest":
            return (
                f"{number} by {channel} {'waits for its' if one else 'wait for their'} sender until {until}."
            )
        case "no_sender":
            return f"{number} by {channel} {'has' if one else 'have'} no sender: none is set up for that channel."
        case _:
            return f"{number} by {channel} may go, and {'was' if one else 'were'} left."


def upgrade(*, as_json: AsJson = False) -> None:
    """Bring the store and the library to this version; nothing of yours is overwritten."""
    from dataclasses import asdict

    from messaging.addresses import read_addresses
    from messaging.campaigns import fill_library
    from messaging.cli.opening import opened_store
    from messaging.links import read_links

    settings = read_settings()
    with opened_store(settings) as store:
        state = store.schema_state()
        read_addresses(settings, store)
        read_links(settings)
    filled = fill_library(settings)
    emit(
        {"store": state, "library": asdict(filled)},
        as_json=as_json,
        human=lambda: say(
            f"The store is {state}. The library got {len(filled.copied)} files, {len(filled.kept)} stay."
        ),
    )
