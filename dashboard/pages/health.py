"""Data health: whether every row can be trusted, and what to do where one cannot."""

import streamlit as st

from dashboard import session
from dashboard.components import frame
from dashboard.components.health_builds import arriving, audited, builds, doubts
from dashboard.components.health_checks import checks, fresh, set_aside
from dashboard.components.health_lineage import lineage
from dashboard.services import Services, services

PURPOSE = "What came in, what was set aside and why, and what everything stands on."
TABS = (
    "Contracts",
    "Set aside",
    "Freshness",
    "Lineage",
    "Builds",
    "Identity doubts",
    "Deliverability",
    "Audit",
)


def main() -> None:
    """Draw the page."""
    session.require("health.look")
    parts = services()
    frame.heading("Data health", PURPOSE, parts)
    parts.customers.release()  # says what to do when there is none
    tab = frame.part(TABS, "health_tab")
    with st.container(border=True):
        _draw(tab, parts)


def _draw(tab: str, parts: Services) -> None:
    parts_of = {
        "Contracts": checks,
        "Set aside": set_aside,
        "Freshness": fresh,
        "Lineage": lineage,
        "Builds": builds,
        "Identity doubts": doubts,
        "Deliverability": arriving,
        "Audit": audited,
    }
    parts_of[tab](parts)


with frame.explained():
    main()
