"""One run of a campaign: where it stands, who gets it and why not, and what its messages look like."""

import streamlit as st

from dashboard import session
from dashboard.components import actions, audience, campaign_review, frame, previews, words
from dashboard.components.campaign_standing import by_itself
from dashboard.components.tiles import Row, chip, rows
from dashboard.components.words import safe
from dashboard.services import Services
from dashboard.services import previews as previews_of
from messaging.campaigns import Content
from messaging.desk import masking
from messaging.planner import RunSummary, approvals_of, report
from messaging.segments import describe

MOVING = frozenset({"approved", "running"})


def review(parts: Services, content: Content, run: RunSummary) -> None:
    """Show who gets it and who does not, and offer the next step."""
    st.fragment(_run, run_every="2s" if run.state in MOVING else None)(parts, run.run_id)
    by_itself(parts, content, run)
    _audience(parts, run.run_id)
    if run.state in {"done", "stopped"}:
        plan(run.campaign)


def title(run: RunSummary, parts: Services) -> str:
    """Name a run by when it was planned and where it stands."""
    state = audience.STATE_WORDS.get(run.state, run.state)
    return f"{words.clock(run.planned_at, parts.settings.time_zone)} · {state}"


def what(content: Content, parts: Services) -> None:
    """Say what the campaign is: whom, by which channels, and who is held out."""
    campaign = content.campaign
    sentence = describe(content.segment.rule, parts.planner.library.contract, parts.settings.currency)
    channels = ", then ".join(map(audience.channel_words, campaign.channels))
    with st.container(border=True):
        frame.named(campaign.title, campaign.description)
        chips = [chip(content.message_class.capitalize(), "brand"), chip(f"First {channels}")]
        if campaign.holdout.share:
            chips.append(chip(f"{words.share(campaign.holdout.share)} held out to compare"))
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
            if told.halted:
                halted = "It was paused by itself, and goes on when somebody who looked into it says so."
                st.html(
                    f'<div class="r-note-box r-warned" role="alert"><b>{safe(told.halted)}</b><br>{halted}</div>'
                )
            if told.state == "planned":
                _approvals(parts, run_id)
            actions.buttons(told)


def _approvals(parts: Services, run_id: str) -> None:
    """Say who approved a plan that needs more than one, and who is still wanted."""
    so_far = approvals_of(parts.store, run_id, parts.planner.library.contract, parts.settings)
    if so_far.missing:
        rows([Row(so_far.missing, state="amber")])


def plan(name: str) -> None:
    """Offer to plan a new run, and say why the last try brought none."""
    if not session.may("campaign.plan"):
        return
    with st.container(border=True):
        frame.section(
            "A new run", "Planning decides about everybody and renders each message. It sends nothing."
        )
        st.button(
            "Plan it now", key=f"plan_{name}", type="primary", on_click=actions.act, args=("plan", name)
        )
        actions.told(name)


def _audience(parts: Services, run_id: str) -> None:
    told = report(parts.store, run_id)
    left, right = st.container(key="pair_review").columns([7, 5], gap="medium")
    with left, st.container(border=True):
        frame.section(
            "Who gets it, who does not",
            "Everybody whom the segment matched is in exactly one bar; its name opens it.",
        )
        campaign_review.beside_the_last(parts, told)
        campaign_review.funnel(parts, told)
    with right, st.container(border=True):
        frame.section(
            "As they see it", "Real messages of this run, the one most likely to embarrass us first."
        )
        if not session.sight().wrote:
            st.html('<div class="r-muted">Messages name people; your role does not see them.</div>')
            return
        campaign_review.note_look(parts, run_id, "samples")
        for message in previews_of(parts, run_id):
            sender = parts.settings.mail_sender if message.channel == "email" else parts.settings.twilio_from
            previews.message(masking.message(message, session.sight()), sender)
