"""The app's frame: its pages and their order. Each page is a file of its own."""

from pathlib import Path

import streamlit as st

from dashboard.components import style

st.set_page_config(page_title="Rapport", layout="wide")
style.apply()
st.logo(str(Path(__file__).with_name("components") / "logo.svg"), size="large")
page = st.navigation(
    [
        st.Page("pages/overview.py", title="Overview", default=True),
        st.Page("pages/customers.py", title="Customers"),
        st.Page("pages/campaigns.py", title="Campaigns"),
    ]
)
page.run()
