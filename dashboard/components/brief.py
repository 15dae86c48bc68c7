"""The few sentences that spare a customer repeating themselves."""

from collections.abc import Sequence

import streamlit as st

from dashboard.components.words import safe


def sentences(lines: Sequence[str]) -> None:
    """Show them as one short list."""
    items = "".join(f"<li>{safe(line)}</li>" for line in lines)
    st.html(f'<ul class="r-brief">{items}</ul>')
