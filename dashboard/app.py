"""The app's frame: its pages and their order, and who is signed in. Each page is a file of its own."""

from functools import partial

import streamlit as st

from dashboard import session
from dashboard.components import account, drafts, frame, header
from dashboard.navigation import PAGES
from data_contracts.errors import RapportError
from messaging import access

st.set_page_config(page_title="Rapport", layout="wide")
header.draw()
access.identify_by(session.who_acts)
drafts.keep()  # before it is asked whether the session still lasts
with frame.explained():
    try:
        colleague = session.me()
    except RapportError as error:
        closed = partial(frame.closed, error)
        st.navigation([st.Page(closed, title="Sign in", url_path="closed")], position="hidden").run()
        st.stop()
    drafts.take_back(colleague.user_id)
    offered = [access.may(colleague, action) for _, _, action in PAGES]
    page = st.navigation(
        [  # a page that is not for somebody says so by itself: its address may stand in a colleague's message
            st.Page(
                f"pages/{file}.py",
                title=title,
                default=file == PAGES[0][0],
                visibility="visible" if is_offered else "hidden",
            )
            for (file, title, _), is_offered in zip(PAGES, offered, strict=True)
        ]
    )
    account.show(colleague)
    page.run()
