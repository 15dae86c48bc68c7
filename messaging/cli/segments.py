"""`rapport segment`: count many people by rule, look at some, lay sets over one another, upload lists."""

from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.errors import RefusedError, UsageError
from messaging.cli.options import Actor, AsJson
from messaging.settings import Settings, read_settings
from messaging.terminal import emit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from messaging.planner import Planner
    from messaging.release import Snapshot
    from messaging.segments import Segment

segments = typer.Typer(no_args_is_help=True, help="Sets of customers by rule.")
SegmentName = Annotated[str, typer.Argument(help="The segment's name in the library.")]
ListName = Annotated[str, typer.Argument(help="The list's name, by which segments call it.")]
FEWEST, MOST = 2, 8  # segments that are laid over one another
SHOWN = 10


@segments.command("count")
def count(name: SegmentName, *, as_json: AsJson = False) -> None:
    """Count the people of a segment."""
    from rich.markup import escape

    from messaging import segments as rules
    from messaging.cli.opening import opened_planner
    from messaging.segments.sizes import keep_size
    from messaging.terminal import say

    with opened_planner(read_settings()) as planner:
        segment = planner.library.segment(name)
        with _asked(planner) as (snapshot, store):
            lists = _lists(planner, segment, snapshot, store)
            counted = rules.count(snapshot, segment, planner.customers.objectors(snapshot, store), lists)
            release = snapshot.info
        with planner.store.write() as writing:
            keep_size(writing, segment, counted, release, planner.clock.now())
        words = rules.describe(segment.rule, planner.library.contract, planner.settings.currency)
    emit(
        asdict(counted) | {"rule": words},
        as_json=as_json,
        human=lambda: say(
            f"[bold]{counted.matched:,}[/bold] of {counted.people:,} people are "
            + escape(f"“{segment.title}”: {words}.")
        ),
    )


@segments.command("preview")
def preview(
    name: SegmentName,
    *,
    limit: Annotated[int, typer.Option(help="How many to show.", min=1, max=1000)] = 10,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Show some people of a segment, with the columns that its rules look at."""
    from messaging import segments as rules
    from messaging.cli.cards import print_rows
    from messaging.cli.opening import looked, opened_planner

    settings = read_settings()
    with opened_planner(settings) as planner:
        segment = planner.library.segment(name)
        with _asked(planner) as (snapshot, store):
            lists = _lists(planner, segment, snapshot, store)
            objectors = planner.customers.objectors(snapshot, store)
            rows = rules.preview(snapshot, segment, objectors, limit, lists)
        looked(settings, planner.store, actor, "segment.preview", name, shown=len(rows))
    emit(rows, as_json=as_json, human=lambda: print_rows(segment.title, rows))


@segments.command("overlap")
def overlap(
    names: Annotated[list[str], typer.Argument(help="Two to eight segments of the library.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Lay segments over one another: how many people each two of them share."""
    from messaging import segments as rules
    from messaging.cli.cards import print_rows
    from messaging.cli.opening import opened_planner

    if not FEWEST <= len(set(names)) == len(names) <= MOST:
        raise UsageError(f"{len(names)} segments were named.", f"Name {FEWEST} to {MOST} different ones.")
    with opened_planner(read_settings()) as planner:
        found = [planner.library.segment(name) for name in names]
        with _asked(planner) as (snapshot, store):
            lists: dict[str, frozenset[str]] = {}
            for each in found:
                lists |= _lists(planner, each, snapshot, store)
            laid = rules.overlap(snapshot, found, planner.customers.objectors(snapshot, store), lists)
    pairs = [{"one": one, "other": other, "people": number} for (one, other), number in laid.pairs.items()]
    document = {"matched": dict(laid.matched), "pairs": pairs, "any": laid.any, "all": laid.all}
    rows = [{"segments": name, "people": number} for name, number in laid.matched.items()]
    rows += [{"segments": f"{each['one']} and {each['other']}", "people": each["people"]} for each in pairs]
    rows += [{"segments": "any of them", "people": laid.any}, {"segments": "all of them", "people": laid.all}]
    emit(document, as_json=as_json, human=lambda: print_rows("Overlap", rows))


@segments.command("changes")
def changes(
    name: SegmentName,
    *,
    limit: Annotated[int, typer.Option(help="How many people to name of each.", min=0, max=100_000)] = SHOWN,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Tell who came into a segment and who left it since the release before."""
    from messaging import segments as rules
    from messaging.cli.opening import looked, opened_planner
    from messaging.terminal import say

    settings = read_settings()
    with opened_planner(settings) as planner:
        segment = planner.library.segment(name)
        with _asked(planner) as (snapshot, store), planner.customers.reader.earlier() as before:
            if before is None:
                raise RefusedError(
                    "There is no release before the newest.", "Run `rapport build` again, and ask then."
                )
            lists = _lists(planner, segment, snapshot, store)
            objectors = planner.customers.objectors(snapshot, store)
            found = rules.changes(snapshot, before, segment, objectors, lists)
        looked(settings, planner.store, actor, "segment.changes", name, shown=limit)
    document = asdict(found) | {
        "entered_people": len(found.entered),
        "left_people": len(found.left),
        "entered": found.entered[:limit],
        "left": found.left[:limit],
    }

    def human() -> None:
        say(
            f"[bold]{found.matched:,}[/bold] people now, {found.matched_before:,} in the release of"
            f" {found.before_as_of:%-d %B %Y %H:%M}: {len(found.entered):,} came, {len(found.left):,} left."
        )
        for word, people in (("came", found.entered), ("left", found.left)):
            for each in people[:limit]:
                say(f"  {word}  {each}")

    emit(document, as_json=as_json, human=human)


@segments.command("history")
def history(name: SegmentName, *, as_json: AsJson = False) -> None:
    """Show how many people a segment had in each release in which it was counted."""
    from messaging.cli.cards import print_rows
    from messaging.cli.opening import opened_planner
    from messaging.segments.sizes import sizes

    with opened_planner(read_settings()) as planner:
        segment = planner.library.segment(name)
        with planner.store.read() as store:
            found = [asdict(each) for each in sizes(store, segment)]
    emit(found, as_json=as_json, human=lambda: print_rows(segment.title, found))


@segments.command("upload")
def upload(
    name: ListName,
    path: Annotated[Path, typer.Argument(help="A CSV with a column customer_id, email or phone.")],
    *,
    country: Annotated[
        str | None, typer.Option(help="Where telephone numbers without a country code are, such as GB.")
    ] = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Upload a list of customers, in place of the one before under its name."""
    from messaging.cli.opening import opened_planner
    from messaging.segments import lists
    from messaging.terminal import say

    rows = lists.read_list_file(path, country)
    with (
        opened_planner(read_settings()) as planner,
        planner.customers.reader.snapshot() as snapshot,
        planner.store.write() as store,
    ):
        uploaded = lists.upload(store, snapshot, name, rows, actor, planner.clock.now())

    def human() -> None:
        say(f"[bold]{uploaded.matched:,}[/bold] customers are on the list {name}, of {uploaded.rows:,} rows.")
        if uploaded.unknown_lines:
            lines = ", ".join(map(str, uploaded.unknown_lines[:SHOWN]))
            more = ", …" if len(uploaded.unknown_lines) > SHOWN else ""
            say(f"{len(uploaded.unknown_lines):,} rows name nobody whom we know: lines {lines}{more}")

    emit(asdict(uploaded), as_json=as_json, human=human)


@segments.command("lists")
def show_lists(*, as_json: AsJson = False) -> None:
    """Show the lists that were uploaded."""
    from messaging.cli.cards import print_rows
    from messaging.cli.opening import opened_store
    from messaging.segments.lists import all_lists

    with opened_store(read_settings()) as store, store.read() as connection:
        found = [asdict(each) for each in all_lists(connection)]
    rows = [{key: value for key, value in each.items() if key != "unknown_lines"} for each in found]
    emit(rows, as_json=as_json, human=lambda: print_rows("Lists", rows))


@segments.command("remove")
def remove(name: ListName, *, actor: Actor, as_json: AsJson = False) -> None:
    """Take an uploaded list away; segments that name it can then no longer be asked."""
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.segments import lists
    from messaging.terminal import say

    settings: Settings = read_settings()
    with opened_store(settings) as store, store.write() as connection:
        lists.remove(connection, name, actor, read_clock(settings.home).now())
    emit({"removed": name}, as_json=as_json, human=lambda: say(f"The list {name} is gone."))


@contextmanager
def _asked(planner: "Planner") -> "Iterator[tuple[Snapshot, Connection]]":
    """Hold the release and the store for a few questions."""
    with planner.customers.reader.snapshot() as snapshot, planner.store.read() as store:
        yield snapshot, store


def _lists(
    planner: "Planner", segment: "Segment", snapshot: "Snapshot", store: "Connection"
) -> "dict[str, frozenset[str]]":
    from messaging.segments.lists import read_lists

    return read_lists(store, segment, planner.customers.merged(snapshot, store))
