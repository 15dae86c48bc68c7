"""Settings: how this installation is set up, who may use it, and whether its channels answer."""

import streamlit as st

from dashboard import session
from dashboard.components import frame
from dashboard.components.settings_channels import channels
from dashboard.components.settings_company import brand, everything
from dashboard.components.settings_keys import keys
from dashboard.components.settings_people import colleagues
from dashboard.components.settings_rules import capping, quiet_hours
from dashboard.services import services

PURPOSE = (
    "Who may use this, how it reaches people, and by which rules; each with the place where it is changed."
)
PARTS = {
    "Channels": channels,
    "Quiet hours": quiet_hours,
    "Capping": capping,
    "Colleagues": colleagues,
    "Brand": brand,
    "Keys": keys,
    "All settings": everything,
}


def main() -> None:
    """Draw the page: the part that was chosen."""
    parts = services()
    frame.heading("Settings", PURPOSE, parts)
    session.require("settings.look")
    chosen = frame.part([*PARTS], "settings_tab")
    with st.container(border=True), frame.explained():
        PARTS[chosen](parts)


with frame.explained():
    main()
