"""The page on which a customer chooses what to get from us, as they would see it."""

from html import escape

import streamlit as st

from dashboard import session
from dashboard.components import frame
from dashboard.services import Services
from messaging.customers import CustomerCard
from messaging.webhooks.preference_preview import language_for, languages, preview_preferences

SEEN = "preferences_seen"  # whose page was looked at last, which the audit keeps once
HEIGHT = 870  # the longest language, on a tablet


def preferences(parts: Services, card: CustomerCard) -> None:
    """Offer the page, and draw it when asked: to look at it is audited."""
    with st.container(border=True):
        frame.section(
            "What they see when they choose",
            "The page that the link in our messages leads to, with what stands by now. Nothing in it can be pressed here.",
        )
        if not st.toggle("Show their page", key=f"preferences_{card.customer_id}"):
            st.session_state.pop(SEEN, None)
            return
        names = languages()
        lang = st.segmented_control(
            "In which language?",
            [*names],
            default=language_for(card.facts["language"]),
            format_func=names.__getitem__,
            required=True,
            key=f"preferences_lang_{card.customer_id}",
        )
        actor = None if st.session_state.get(SEEN) == card.customer_id else session.actor()
        page = preview_preferences(
            parts.settings,
            parts.customers,
            parts.store,
            parts.clock,
            card.customer_id,
            lang=lang,
            actor=actor,
        )
        st.session_state[SEEN] = card.customer_id
        style = "border:0;width:100%;height:calc(100vh - 4px);background:#fff"
        inside = escape(page, quote=True)
        st.iframe(
            f'<iframe sandbox="" srcdoc="{inside}" title="Their preference page" style="{style}"></iframe>',
            height=HEIGHT,
        )
