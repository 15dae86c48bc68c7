"""What readers see of the company, and every setting with the place it was read from."""

import streamlit as st

from dashboard.components import frame
from dashboard.components.settings_brand import look
from dashboard.components.settings_told import from_where
from dashboard.components.tiles import Row, rows
from dashboard.components.words import safe
from dashboard.services import Services
from dashboard.session import sight
from messaging.desk.settings import told
from messaging.setting_places import origin


def brand(parts: Services) -> None:
    """Show the name, the addresses and the look that messages carry, and where each is changed."""
    settings = parts.settings
    frame.section("What readers see of you")
    shown = (
        ("Name", settings.company_name, "RAPPORT_COMPANY_NAME"),
        ("Postal address", settings.company_address, "RAPPORT_COMPANY_ADDRESS"),
        ("Where customers reach you", settings.contact, "RAPPORT_COMPANY_CONTACT"),
        ("E-mail comes from", f"{settings.mail_name} <{settings.mail_sender}>", "RAPPORT_MAIL_FROM"),
    )
    rows([
        Row(f"{label}: {value or 'not set'}", f"{name} · {from_where(origin(settings, name))}",
            state="" if value else "amber")
        for label, value, name in shown
    ])  # fmt: skip
    if not settings.company_address:
        st.html(
            '<div class="r-note-box">Marketing mail has to show a postal address: set RAPPORT_COMPANY_ADDRESS.</div>'
        )
    look(parts)


def everything(parts: Services) -> None:
    """List all settings; they are read when a process starts, and secrets never leave it."""
    frame.section(
        "All settings",
        "Read when Rapport starts, colour and logo always: the environment first, then .env, then settings.env in "
        "RAPPORT_HOME. What each is for stands in docs/settings.md. Of secrets only whether they are set is shown.",
    )
    lines = "".join(
        f"<tr><td><code>{safe(each.name)}</code></td><td>{safe(each.value) or '<i>nothing</i>'}</td>"
        f"<td>{safe(from_where(each.origin))}</td></tr>"
        for each in told(parts.settings, sight())
    )
    head = "<tr><th>Setting</th><th>What it is</th><th>Where from</th></tr>"
    st.html(f'<div class="r-settings"><table>{head}{lines}</table></div>')
