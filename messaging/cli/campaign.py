"""`rapport campaign`: from a file to messages on their way, one step a command."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from messaging.cli.options import Actor, AsJson, CampaignName, RunId
from messaging.settings import read_settings
from messaging.terminal import emit, plain, progress, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from messaging.planner import Planner, RunSummary

campaigns = typer.Typer(no_args_is_help=True, help="Plan, approve, launch and measure campaigns.")


@campaigns.command("list")
def list_campaigns(*, as_json: AsJson = False) -> None:
    """List the campaigns of the library and their newest runs."""
    from messaging.cli.cards import print_campaigns
    from messaging.cli.opening import opened_planner
    from messaging.planner import list_runs

    with opened_planner(read_settings()) as planner:
        runs = list_runs(planner.store)
        found, wrong = planner.library.campaigns()
    document: list[dict[str, Any]] = [
        {
            "campaign": each.name,
            "title": each.title,
            "segment": each.segment,
            "channels": each.channels,
            "shadow": each.shadow,
            "runs": [run.to_document() for run in runs if run.campaign == each.name],
        }
        for each in found
    ]
    document += [{"campaign": name, "wrong": str(error)} for name, error in wrong.items()]

    def human() -> None:
        print_campaigns(found, runs)
        for error in wrong.values():
            say(plain(str(error)))

    emit(document, as_json=as_json, human=human)


@campaigns.command("test")
def run_tests(
    names: Annotated[
        list[str] | None, typer.Argument(help="The campaigns' names in the library; all, unless told.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Run the tests of campaigns: made-up customers, each with the message or the reason that it expects."""
    from dataclasses import asdict

    from messaging.campaigns import Library, fill_library
    from messaging.cli.cards import print_trials
    from messaging.planner.trials import try_campaign

    settings = read_settings()
    fill_library(settings)
    library = Library(settings.library_dir)
    tried = {name: try_campaign(library, name, settings) for name in names or library.names("campaigns")}
    document = {
        name: [asdict(each) | {"passed": each.passed} for each in trials] for name, trials in tried.items()
    }
    emit(document, as_json=as_json, human=lambda: print_trials(tried))
    if not all(each.passed for trials in tried.values() for each in trials):
        raise typer.Exit(1)


@campaigns.command("preview")
def rehearse(
    name: CampaignName,
    *,
    number: Annotated[int, typer.Option("--number", "-n", help="For how many people.", min=1, max=50)] = 3,
    as_json: AsJson = False,
) -> None:
    """Render a campaign for some people and show it; nothing is stored or sent."""
    from dataclasses import asdict

    from messaging.cli.cards import print_bubbles, print_rehearsal
    from messaging.cli.opening import opened_planner

    with opened_planner(read_settings()) as planner:
        rehearsal = planner.rehearse(name, number)

    def human() -> None:
        print_rehearsal(rehearsal)
        print_bubbles(rehearsal.messages)

    emit(asdict(rehearsal), as_json=as_json, human=human)


@campaigns.command("plan")
def plan(
    name: CampaignName,
    *,
    samples: Annotated[
        int, typer.Option(help="Show so many of its messages, the worst first.", min=0, max=10)
    ] = 10,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Decide about everybody in the segment and render their messages; nothing goes yet."""
    from dataclasses import replace

    from messaging import segments
    from messaging.cli.cards import print_bubbles, print_plan
    from messaging.cli.opening import looked, opened_planner
    from messaging.planner import outlook
    from messaging.policy import read_limits
    from messaging.segments.lists import read_lists

    settings = read_settings()
    with opened_planner(settings) as planner:
        content = planner.library.content(name)
        segment = content.segment
        with planner.customers.reader.snapshot() as snapshot, planner.store.read() as store:
            lists = read_lists(store, segment, planner.customers.merged(snapshot, store))
            objectors = planner.customers.objectors(snapshot, store)
            matched = segments.count(snapshot, segment, objectors, lists).matched
        with progress(f"Planning for {matched:,} people", matched) as advance:
            summary = planner.plan(name, actor, advance)
        summary = replace(summary, samples=summary.samples[:samples])
        if summary.samples:
            shown = len(summary.samples)
            looked(settings, planner.store, actor, "campaign.look", summary.run_id, shown=shown)
        ahead = outlook(planner.store, planner.customers, summary.run_id, read_limits(planner.settings))
    then = "`approve` it" if content.campaign.trigger is None else "let it listen with `approve --standing`"
    next_step = f"Look at it with `rapport campaign report {name} --ugliest 3`, then {then}."

    def human() -> None:
        print_bubbles(summary.samples)
        print_plan(summary, ahead, next_step)

    emit(summary.to_document() | {"outlook": ahead.to_document()}, as_json=as_json, human=human)


@campaigns.command("approve")
def approve(
    name: CampaignName,
    *,
    run: RunId = None,
    standing: Annotated[
        bool,
        typer.Option("--standing", help="For every due moment of its schedule, or for its trigger."),
    ] = False,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Approve the newest plan of a campaign, exactly as it was planned; say who is still wanted."""
    from messaging.cli.opening import opened_planner
    from messaging.planner.standing import approve_standing

    with opened_planner(read_settings()) as planner:
        if standing:
            names = approve_standing(planner, planner.run_of(name, run, "planned"), actor)
            told = f"{name} goes by itself, approved by {', '.join(names)}."
            emit({"campaign": name, "approved_by": names}, as_json=as_json, human=lambda: say(plain(told)))
            return
        summary = planner.approve(planner.run_of(name, run, "planned"), actor)
    _told(summary, "Now `launch` it." if summary.state == "approved" else "", as_json=as_json)


@campaigns.command("launch")
def launch(name: CampaignName, *, run: RunId = None, actor: Actor, as_json: AsJson = False) -> None:
    """Let the messages of an approved run go."""
    _act(
        name,
        run,
        ("approved",),
        lambda planner, run_id: planner.launch(run_id, actor),
        "`rapport dispatch` sends it.",
        as_json=as_json,
    )


@campaigns.command("pause")
def pause(name: CampaignName, *, run: RunId = None, actor: Actor, as_json: AsJson = False) -> None:
    """Hold back what has not gone yet."""
    _act(
        name,
        run,
        ("running",),
        lambda planner, run_id: planner.pause(run_id, actor),
        "`resume` goes on.",
        as_json=as_json,
    )


@campaigns.command("resume")
def resume(
    name: CampaignName,
    *,
    run: RunId = None,
    anyway: Annotated[
        str | None,
        typer.Option(help="Also where it was planned too long ago, or did harm: the reason, for the audit."),
    ] = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Let a paused run go on."""
    _act(
        name,
        run,
        ("paused",),
        lambda planner, run_id: planner.resume(run_id, actor, anyway),
        "It goes on.",
        as_json=as_json,
    )


@campaigns.command("stop")
def stop(name: CampaignName, *, run: RunId = None, actor: Actor, as_json: AsJson = False) -> None:
    """End a run for good and call back what has not gone yet."""
    states = ("running", "paused", "approved", "planned")
    _act(
        name,
        run,
        states,
        lambda planner, run_id: planner.stop(run_id, actor),
        "It has ended.",
        as_json=as_json,
    )


@campaigns.command("report")
def report(
    name: CampaignName,
    *,
    run: RunId = None,
    ugliest: Annotated[int, typer.Option(help="Show so many of the most embarrassing messages.", max=50)] = 0,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Show how a run stands: everybody matched, and what became of each; the sums close."""
    from dataclasses import asdict

    from messaging import planner as planning
    from messaging.cli.cards import print_bubbles, print_lift, print_report
    from messaging.cli.opening import looked, opened_planner

    settings = read_settings()
    with opened_planner(settings) as planner:
        run_id = planner.run_of(name, run)
        if ugliest:
            looked(settings, planner.store, actor, "campaign.look", run_id, shown=ugliest)
        counted = planning.report(planner.store, run_id)
        changed = planning.lift(planner.store, planner.customers, run_id)
        shown = planning.ugliest(planner.store, planner.customers, run_id, ugliest) if ugliest else []

    def human() -> None:
        print_report(counted)
        if changed:
            print_lift(changed, settings.currency)
        print_bubbles(shown)

    document = counted.to_document() | {"lift": changed.to_document() if changed else None}
    emit(document | {"ugliest": [asdict(each) for each in shown]}, as_json=as_json, human=human)


def _act(  # noqa: PLR0913 - one step on one run
    name: str,
    run: str | None,
    states: tuple[str, ...],
    step: "Callable[[Planner, str], RunSummary]",
    next_step: str,
    *,
    as_json: bool,
) -> None:
    from messaging.cli.opening import opened_planner

    with opened_planner(read_settings()) as planner:
        summary = step(planner, planner.run_of(name, run, *states))
    _told(summary, next_step, as_json=as_json)


def _told(summary: "RunSummary", next_step: str, *, as_json: bool) -> None:
    from messaging.cli.cards import print_summary

    emit(summary.to_document(), as_json=as_json, human=lambda: print_summary(summary, next_step))
