"""Campaigns: which there are and when they go; who would get one and why; what it says; and what it changed."""

import streamlit as st

from dashboard import session
from dashboard.components import (
    campaign_editing,
    campaign_list,
    campaign_report,
    campaign_run,
    campaign_standing,
    desk,
    frame,
    words,
)
from dashboard.components.campaign_calendar import month
from dashboard.components.campaign_why import asking
from dashboard.services import Services, lift_of, services
from data_contracts.errors import LibraryError, NotFoundError
from messaging.planner import list_runs, report

PURPOSE = "See exactly who would get a message and why, approve it, and watch it go."
ALL = ("All campaigns", "Calendar", "Why, and why not")
TABS = ("Review", "Report", "Edit")


def main() -> None:
    """Draw the page: all campaigns, or the one that the address names."""
    session.require("campaign.look")
    parts = services()
    frame.heading("Campaigns", PURPOSE, parts)
    parts.customers.release()  # says what to do when there is none
    chosen = st.query_params.get("campaign")
    if chosen:
        _one(parts, chosen)
    else:
        _all(parts)


def _all(parts: Services) -> None:
    planner = parts.planner
    names = planner.library.names("campaigns")
    if not names:
        frame.empty("No campaign yet", f"Add a file to `{planner.library.folder / 'campaigns'}`.")
        return
    asked = ALL[2] if st.query_params.get("why") else ALL[0]
    listed, dates, why = st.tabs(ALL, default=asked)
    with listed:
        for name in campaign_editing.unsaved():
            label = words.label(f"Go on with {words.title(name)}, which is not saved")
            st.button(label, key=f"go_on_{name}", on_click=_go_on, args=(name,))
        with st.container(border=True):
            campaign_list.campaigns(parts)
        if session.may("campaign.save"):
            with (
                st.form("new_campaign", border=False),
                st.container(horizontal=True, vertical_alignment="bottom"),
            ):
                st.text_input("A new campaign", key="new_title", max_chars=60, placeholder="Spring lamps")
                st.selectbox("Begin as", names, key="new_like", format_func=words.title)
                st.form_submit_button("Begin", on_click=_begin, args=(parts,))
            desk.told()
    with dates:
        month(parts)
    with why:
        asking(parts, names)


def _close() -> None:
    for name in ("campaign", "tab", "run"):
        st.query_params.pop(name, None)


def _go_on(name: str) -> None:
    st.query_params.from_dict({"campaign": name, "tab": "Edit"})


def _begin(parts: Services) -> None:
    name = campaign_editing.begin(
        parts, str(st.session_state["new_title"]), str(st.session_state["new_like"])
    )
    if name:
        _go_on(name)


def _one(parts: Services, name: str) -> None:
    st.button("← All campaigns", type="tertiary", on_click=_close)  # a link would lose what is not saved
    library = parts.planner.library
    runs = {run.run_id: run for run in list_runs(parts.store, name)}
    try:
        content = library.content(name)
    except (LibraryError, NotFoundError) as error:
        if campaign_editing.draft(name) not in st.session_state and name not in library.names("campaigns"):
            frame.trouble(error)
            return
        frame.named(words.title(name))
        campaign_editing.editor(parts, name)
        return
    campaign_run.what(content, parts)
    tab = frame.part(TABS, f"tab_{name}")
    if tab == "Edit":
        campaign_editing.editor(parts, name)
        return
    campaign_standing.in_shadow(parts, content)
    if not runs:
        campaign_run.plan(name)
        return
    if (asked_run := st.query_params.get("run")) in runs:
        frame.follow(f"run_{name}", asked_run)
    titles = words.apart({run_id: campaign_run.title(run, parts) for run_id, run in runs.items()})
    run_id = st.selectbox("Run", [*runs], format_func=titles.__getitem__, key=f"run_{name}")
    if tab == "Report":
        settings = parts.settings
        campaign_report.report(
            report(parts.store, run_id), lift_of(parts, run_id), settings.currency, settings.time_zone
        )
        return
    campaign_run.review(parts, content, runs[run_id])


with frame.explained():
    main()
