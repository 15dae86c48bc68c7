"""`rapport campaign shadow`: what a campaign in shadow mode would have done, day by day."""

from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.errors import RefusedError
from messaging.cli.options import AsJson, CampaignName
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.planner import ShadowDay


def shadow(
    name: CampaignName,
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Plan today's now, unless that was done; nothing is sent.")
    ] = False,
    days: Annotated[int, typer.Option(help="Show so many days, the newest last.", min=1, max=3650)] = 30,
    as_json: AsJson = False,
) -> None:
    """Show what a campaign in shadow mode would have done, day by day; nothing is sent."""
    from messaging.cli.opening import opened_planner
    from messaging.planner import Shadows, shadow_days_of

    with opened_planner(read_settings()) as planner:
        shadowed = planner.library.campaign(name).shadow
        if plan:
            Shadows(planner).plan(name, anew=True)
        found = shadow_days_of(planner.store, name, days)
    if not found and not shadowed:
        raise RefusedError(
            f"Campaign {name!r} is not in shadow mode, and never was.",
            "Write `shadow: true` into its file.",
        )
    document = {"campaign": name, "shadow": shadowed, "days": [each.to_document() for each in found]}
    emit(document, as_json=as_json, human=lambda: _print(found))


def _print(days: "Sequence[ShadowDay]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    if not days:
        say(
            "No day is planned yet: the dispatcher of `rapport up` does it from 9 o'clock on, and --plan now."
        )
        return
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    table.add_column("Day", no_wrap=True, min_width=10)
    for column in ("Match", "Came", "Went", "To send", "Held out", "Left out", "Cost"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in days:
        table.add_row(each.day.isoformat(), *_figures(each))
    Console(highlight=False).print(table)
    planned: ShadowDay | None = None
    for each in days:
        if note := _note(each, planned):
            say(f"{each.day}: {plain(note)}")
        planned = each if each.state == "planned" else planned
    if planned:
        _print_newest(planned)


def _figures(day: "ShadowDay") -> list[str]:
    from messaging.policy.prices import MILLION

    if day.state != "planned":
        return [{"taken": "not yet", "failed": "failed"}[day.state]]
    left_out = sum(day.excluded.values())
    cost = "" if day.cost is None else f"{day.cost / MILLION:,.2f} {day.currency or ''}".rstrip()
    counts = (day.matched, day.came, day.went, day.to_send, day.held_out, left_out)
    return [*("" if each is None else f"{each:,}" for each in counts), cost]


def _note(day: "ShadowDay", before: "ShadowDay | None") -> str:
    """Say what a reader of the figures has to know of a day."""
    if day.told:
        return day.told
    if before and day.content_hash and before.content_hash != day.content_hash:
        return "its files say something else than on the day before."
    return ""


def _print_newest(day: "ShadowDay") -> None:
    """Say by which channels it would have gone, who gets which variant, and why people were left out."""
    from messaging.cli.cards import CHANNELS, REASONS

    parts = [f"{number:,} by {CHANNELS.get(name, name)}" for name, number in sorted(day.by_channel.items())]
    parts += [f"{number:,} get {name}" for name, number in sorted(day.by_variant.items())]
    why = sorted(day.excluded.items(), key=lambda each: (-each[1], each[0]))
    parts += [f"{number:,} left out ({REASONS.get(reason, reason)})" for reason, number in why]
    told = ", ".join(parts) or "nobody matches"
    say(f"{day.day}: {plain(told)}. Upon release {plain(day.release_version or '')}; nothing was sent.")
