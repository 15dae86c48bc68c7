"""`rapport campaign schedule`: when a campaign goes by itself, and by whose approval."""

from typing import Annotated, Any

import typer

from messaging.cli.options import Actor, AsJson, CampaignName
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say


def schedule(
    name: CampaignName,
    *,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="End its standing approval: it goes by itself no more.")
    ] = False,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Show the next five moments at which a campaign is due, or what triggers it, and whose approval stands."""
    from itertools import islice

    from messaging.campaigns import refuse_past_start
    from messaging.cli.opening import opened_planner
    from messaging.planner import standing as stands
    from messaging.planner.triggered import counted, open_runs

    settings = read_settings()
    with opened_planner(settings) as planner:
        if withdraw:
            stands.withdraw(planner, name, actor)
        content, now = planner.library.content(name), planner.clock.now()
        campaign = content.campaign
        refuse_past_start(campaign, content.document["campaign"]["text"], now, settings.time_zone)
        moments = campaign.schedule.moments(now, settings.time_zone) if campaign.schedule else iter(())
        due = list(islice(moments, 5))
        with planner.store.read() as connection:
            names = [who for each in stands.standing(connection, name) for who in each.names]
            runs = open_runs(connection, name)
            listening = runs[0] if runs else None
            counts = counted(connection, listening.run_id) if listening else {}

    def human() -> None:
        told = [f"{each.wall:%a %Y-%m-%d %H:%M} (due {each.at:%Y-%m-%d %H:%M} UTC)" for each in due]
        told += [campaign.trigger.words()] if campaign.trigger else []
        if listening:
            happened = ", ".join(f"{number:,} {state.replace('_', ' ')}" for state, number in counts.items())
            since = f"{listening.opened_at:%Y-%m-%d %H:%M} UTC"
            told.append(
                f"Run {listening.run_id} is {listening.state} since {since}: {happened or 'nothing yet'}."
            )
        say(plain("\n".join(told) or "No schedule, and no trigger."))
        say(
            plain(
                f"Approved for each time by {', '.join(names)}."
                if names
                else "No standing approval: it does not go by itself."
            )
        )

    document: dict[str, Any] = {"campaign": name, "approved_by": names, "trigger": None}
    if campaign.trigger:
        told = {"says": campaign.trigger.words(), "run_id": listening.run_id if listening else None}
        document["trigger"] = told | {"happened": dict(counts)}
    emit(
        document | {"next": [{"wall": each.wall, "due_at": each.at} for each in due]},
        as_json=as_json,
        human=human,
    )
