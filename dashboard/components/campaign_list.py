"""All campaigns at a glance: what each is, where its newest run stands, and when it goes next."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import streamlit as st

from dashboard.components import audience, words
from dashboard.components.tiles import chip
from dashboard.components.words import safe
from dashboard.services import Services
from data_contracts.errors import LibraryError
from messaging.campaigns import Campaign
from messaging.planner import Appointment, RunSummary, list_runs, next_moments

ORDER = ("running", "paused", "planned", "approved", "done", "stopped")  # what needs an eye comes first

RUNS = 200  # the newest, of all campaigns


def link(campaign: str, words_of: str, **further: str) -> str:
    """Give a link to a campaign, as HTML."""
    query = "&".join(f"{name}={quote(value)}" for name, value in {"campaign": campaign, **further}.items())
    return f'<a class="r-who" href="campaigns?{safe(query)}" target="_self">{safe(words_of)}</a>'


def campaigns(parts: Services) -> None:
    """List campaigns, those that run or wait for somebody first; a file that cannot be read tells its line."""
    known, wrong = parts.planner.library.campaigns()
    runs: dict[str, RunSummary] = {}
    for run in list_runs(parts.store, limit=RUNS):
        runs.setdefault(run.campaign, run)
    due, now, zone = next_moments(parts.planner), parts.clock.now(), parts.settings.time_zone
    drawn = [_broken(name, error) for name, error in wrong.items()]
    known.sort(key=lambda campaign: _rank(campaign, runs))
    drawn += [_campaign(each, runs.get(each.name), due.get(each.name), now, zone) for each in known]
    st.html(f'<div class="r-rows" role="list">{"".join(drawn)}</div>')


def _rank(campaign: Campaign, runs: Mapping[str, RunSummary]) -> tuple[int, str]:
    run = runs.get(campaign.name)
    return (ORDER.index(run.state) if run and run.state in ORDER else len(ORDER), campaign.title)


def _campaign(
    campaign: Campaign, run: RunSummary | None, due: Appointment | None, now: datetime, zone: str
) -> str:
    marks = []
    if run:
        state = audience.STATE_WORDS.get(run.state, run.state)
        marks.append(chip(state, audience.STATE_TONES.get(run.state, "")))
    if campaign.shadow:
        marks.append(chip("In shadow: sends nothing", "warn"))
    told = []
    if run:
        told.append(f"{words.count(run.to_send, 'message')}, planned {words.ago(run.planned_at, now)}")
    if campaign.trigger:
        told.append(campaign.trigger.words())
    if due:
        said = "goes" if due.what == "due" else "would go, if it were approved,"
        told.append(f"{said} {words.clock(due.at, zone)}")
    note = "; ".join(told) or "never planned"
    return (
        f'<div class="r-row" role="listitem"><div class="r-grow">{link(campaign.name, campaign.title)}'
        f'<div class="r-muted r-small">{safe(note)}</div></div><div class="r-end r-chips">{"".join(marks)}</div></div>'
    )


def _broken(name: str, error: LibraryError) -> str:
    return (
        f'<div class="r-row" role="listitem"><div class="r-grow">{link(name, words.title(name), tab="Edit")}'
        f'<div class="r-muted r-small">{safe(str(error))}</div></div>'
        f'<div class="r-end">{chip("Cannot be read", "bad")}</div></div>'
    )
