"""One campaign: to whom and what, who gets it and who does not and why, approval, and how it goes."""

import streamlit as st

from dashboard.components import actions, audience, frame, previews, words
from dashboard.components.tiles import chip
from dashboard.components.words import safe
from dashboard.services import Services, display_name, services
from dashboard.services import previews as previews_of
from messaging.campaigns import Content
from messaging.planner import RunReport, RunSummary, list_runs, report
from messaging.planner.reports import audience as audience_of
from messaging.segments import describe

PURPOSE = "See exactly who would get a message and why, approve it, and watch it go."
SHOWN = 8  # people listed at once
MOVING = ("running",)  # states in which the figures change by themselves


def main() -> None:
    """Draw the page: pick a campaign and a run of it, then everything about that run."""
    parts = services()
    frame.heading("Campaigns", PURPOSE, parts)
    parts.customers.release()  # says what to do when there is none
    planner = parts.planner
    names = planner.library.names("campaigns")
    if not names:
        frame.empty("No campaign yet", f"Add a file to `{planner.library.folder / 'campaigns'}`.")
        return
    left, right = st.columns(2, gap="medium")
    newest = next(
        (run.campaign for run in list_runs(parts.store, limit=1) if run.campaign in names), names[0]
    )
    name = left.selectbox("Campaign", names, index=names.index(newest), format_func=words.title)
    runs = {run.run_id: run for run in list_runs(parts.store, name)}
    if not runs:
        _what(planner.library.content(name), parts)
        _plan(name, tell=True)
        return
    run_id = right.selectbox(
        "Run", [*runs], format_func=lambda each: _run_name(runs[each], parts), key=f"run_{name}"
    )
    content = planner.library.content(name)
    _what(content, parts)
    st.fragment(_run, run_every="2s" if runs[run_id].state in MOVING else None)(parts, run_id)
    _audience(parts, run_id)
    if runs[run_id].state in {"done", "stopped"}:
        _plan(name, tell=False)


def _run_name(run: RunSummary, parts: Services) -> str:
    state = audience.STATE_WORDS.get(run.state, run.state)
    return f"{words.clock(run.planned_at, parts.settings.time_zone)} · {state}"


def _what(content: Content, parts: Services) -> None:
    campaign = content.campaign
    sentence = describe(content.segment.rule, parts.planner.library.contract)
    channels = ", then ".join(map(audience.channel_words, campaign.channels))
    with st.container(border=True):
        frame.section(campaign.title, campaign.description)
        chips = [chip(content.message_class.capitalize(), "brand"), chip(f"First {channels}")]
        if campaign.holdout.share:
            chips.append(chip(f"{campaign.holdout.share:.0%} held out to compare"))
        st.html(f'<div class="r-chips">{"".join(chips)}</div>')
        st.html(f'<div class="r-who-rule"><b>{safe(content.segment.title)}</b>: {safe(sentence)}.</div>')


def _run(parts: Services, run_id: str) -> None:
    """Draw what changes while messages go out; runs again by itself every two seconds."""
    with frame.explained():
        told = report(parts.store, run_id)
        key = f"state_{run_id}"
        if st.session_state.setdefault(key, told.state) != told.state:
            st.session_state[key] = told.state
            st.rerun()  # the whole page, for other figures and buttons belong to this state
        with st.container(border=True):
            audience.steps(told.state)
            audience.progress(told)
            audience.figures(told, parts.clock.now())
            actions.buttons(told)


def _plan(name: str, *, tell: bool) -> None:
    with st.container(border=True):
        frame.section(
            "A new run", "Planning decides about everybody and renders each message. It sends nothing."
        )
        st.button(
            "Plan it now", key=f"plan_{name}", type="primary", on_click=actions.act, args=("plan", name)
        )
        if tell:
            actions.told()


def _audience(parts: Services, run_id: str) -> None:
    told = report(parts.store, run_id)
    left, right = st.columns([7, 5], gap="medium")
    with left, st.container(border=True):
        frame.section(
            "Who gets it, who does not", "Everybody whom the segment matched is in exactly one bar."
        )
        audience.closing_sum(told)
        if told.excluded:
            frame.section("Why not")
            audience.reasons(told.excluded)
        if told.not_sent:
            frame.section("Did not get through, or wait")
            audience.reasons(told.not_sent)
    with left, st.container(border=True):
        _people(parts, told)
    with right, st.container(border=True):
        frame.section(
            "As they see it", "Real messages of this run, the one most likely to embarrass us first."
        )
        for message in previews_of(parts, run_id):
            sender = parts.settings.mail_sender if message.channel == "email" else parts.settings.twilio_from
            previews.message(message, sender)


def _people(parts: Services, told: RunReport) -> None:
    groups = audience.groups(told)
    frame.section("Person by person", f"The first {SHOWN} of a group; a name opens the person's card.")
    chosen = st.segmented_control("Group", [*groups], default=next(iter(groups)), key=f"group_{told.run_id}")
    if chosen:
        decision, reason = groups[chosen]
        members = audience_of(parts.store, told.run_id, decision, reason, limit=SHOWN)
        audience.people(
            members, {each.customer_id: display_name(parts, each.customer_id) for each in members}
        )


with frame.explained():
    main()
