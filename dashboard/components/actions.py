"""What buttons do: one step of the planner, and then what came of it as a sentence."""

from typing import TYPE_CHECKING, Literal

import streamlit as st

from dashboard.components import frame
from dashboard.components.words import safe
from dashboard.services import services
from dashboard.session import actor, may
from data_contracts.errors import RapportError
from messaging.planner import Planner, RunReport, RunSummary

if TYPE_CHECKING:
    from collections.abc import Callable

Verb = Literal["plan", "approve", "launch", "pause", "resume", "stop"]
OFFERED: dict[str, tuple[tuple[Verb, str], ...]] = {  # by the run's state
    "planned": (("approve", "Approve this plan"), ("stop", "Discard it")),
    "approved": (("launch", "Launch"), ("stop", "Discard it")),
    "running": (("pause", "Pause"), ("stop", "Stop for good")),
    "paused": (("resume", "Go on"), ("stop", "Stop for good")),
}
MAIN = frozenset({"approve", "launch", "resume"})  # what the page wants the eye to find first
TOLD = "told"  # the key under which a session keeps what the last action brought
DONE = {
    "plan": "Planned. Look at who gets it and at the messages, then approve.",
    "approve": "Approved: exactly what you see here will run.",
    "launch": "Launched. Its messages go from now on.",
    "pause": "Paused: what has not gone yet is held back.",
    "resume": "It goes on.",
    "stop": "Stopped: what had not gone yet was called back.",
}


def act(verb: Verb, target: str) -> None:
    """Take a step with a campaign (plan) or a run (everything else); remember what to tell."""
    try:
        with st.spinner("Deciding about everybody ..." if verb == "plan" else "One moment ..."):
            summary = take(services().planner, verb, target)
    except RapportError as error:
        st.session_state[TOLD] = (target, error)
        return
    done = verb != "approve" or summary.state == "approved"
    sentences = [DONE[verb] if done else "Your approval is kept.", *summary.notices]
    st.session_state[TOLD] = (summary.run_id, sentences)
    st.session_state[f"run_{summary.campaign}"] = summary.run_id


def take(planner: Planner, verb: Verb, target: str) -> RunSummary:
    """Call the planner's step of that name."""
    if verb == "plan":
        return planner.plan(target, actor())
    steps: dict[str, Callable[[str, str], RunSummary]] = {
        "approve": planner.approve,
        "launch": planner.launch,
        "pause": planner.pause,
        "resume": planner.resume,
        "stop": planner.stop,
    }
    return steps[verb](target, actor())


def buttons(report: RunReport) -> None:
    """Offer what can be done with a run in its state, and say what the last step brought."""
    with st.container(horizontal=True):
        for verb, label in OFFERED.get(report.state, ()):
            if not may(f"campaign.{verb}"):
                continue
            kind: Literal["primary", "secondary"] = "primary" if verb in MAIN else "secondary"
            st.button(
                label, key=f"{verb}_{report.run_id}", type=kind, on_click=act, args=(verb, report.run_id)
            )
    told(report.run_id)


def told(target: str) -> None:
    """Say what came of the last action in this session, until the next one, where it was with this run or campaign."""
    about, outcome = st.session_state.get(TOLD, (None, None))
    if about != target:
        return
    if isinstance(outcome, RapportError):
        frame.trouble(outcome)
    elif outcome:
        done, *notices = outcome
        notes = "".join(f"<br>{safe(notice)}" for notice in notices)
        st.html(f'<div class="r-note-box" role="status"><b>{safe(done)}</b>{notes}</div>')
