"""The app's header: the company's logo and a line in its colour where it has set them, and ours where not."""

from pathlib import Path

import streamlit as st

from dashboard.components import style
from dashboard.services import services
from data_contracts.errors import RapportError
from messaging.brand import Brand, worn

OURS = Path(__file__).with_name("logo.svg")
LINKS = Path(__file__).with_name("links.js").read_text(encoding="utf-8")


def draw() -> None:
    """Put styles, logo and the way of our links into the page; call it once a run, first."""
    brand = _brand()
    style.apply(_line(brand.colour) if brand and brand.colour else "")
    st.html(f"<script>{LINKS}</script>", unsafe_allow_javascript=True)
    st.logo(str(brand.logo if brand and brand.logo else OURS), size="large")


def _brand() -> Brand | None:
    """Read how the company looks; nothing where its settings or its store cannot be opened, which the page tells."""
    try:
        return worn(services().settings)
    except RapportError:
        return None


def _line(colour: str) -> str:
    return f'[data-testid="stAppViewContainer"] {{ border-top: 4px solid {colour}; }}'
