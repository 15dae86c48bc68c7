"""Consent and privacy: a person's file on one page, and what the law asks to be written down."""

import streamlit as st

from dashboard import session
from dashboard.components import frame, words
from dashboard.components.privacy_file import file_of
from dashboard.components.privacy_import import importing
from dashboard.components.privacy_requests import asked_of_us
from dashboard.components.tiles import Row, rows
from dashboard.services import Services, services
from messaging.desk import masking
from messaging.desk.processing import processing, written

PURPOSE = "What we hold of a person, on which basis we write to them, who looked, and what they say to it."
IMPORT = "Import"
TABS = ("A person's file", "Requests", IMPORT, "Record of processing")
CERTAIN = 0.97


def main() -> None:
    """Draw the page."""
    session.require("consent.look")
    parts = services()
    frame.heading("Consent and privacy", PURPOSE, parts)
    parts.customers.release()  # says what to do when there is none
    offered = [name for name in TABS if name != IMPORT or session.may("consent.import")]
    wanted = st.query_params.get("tab")
    tabs = dict(
        zip(offered, st.tabs(offered, default=wanted if wanted in offered else offered[0]), strict=True)
    )
    one, asked, record = (tabs[name] for name in TABS if name != IMPORT)
    with one:
        _one(parts)
    with asked:
        asked_of_us(parts)
    if IMPORT in tabs:
        with tabs[IMPORT]:
            importing(parts)
    with record:
        _record(parts)


def _one(parts: Services) -> None:
    asked = st.text_input(
        "Whose file?", key="privacy_who", placeholder="Name, e-mail, phone, order or customer number"
    )
    chosen = st.query_params.get("customer")
    if not asked and not chosen:
        frame.empty(
            "Whose file do you want?", "Type what they write to us with; it is opened, and that is audited."
        )
        return
    if asked:
        sight = session.sight()
        hits = [masking.hit(each, sight) for each in parts.customers.find(asked)]
        if not hits:
            frame.empty(f"Nobody found for “{asked}”", "Try another address; we may hold nothing of them.")
            return
        certain = [each for each in hits if each.score >= CERTAIN] or hits
        names = words.apart({each.customer_id: each.display_name or each.customer_id for each in certain})
        chosen = certain[0].customer_id
        if len(certain) > 1:
            chosen = st.selectbox("Whom do you mean?", [*names], index=None, format_func=names.__getitem__)
    if chosen:
        file_of(parts, chosen)


def _record(parts: Services) -> None:
    settings = parts.settings
    frame.section(
        "Record of processing", "As GDPR Art. 30 asks for, written from the data checks of this installation."
    )
    text = written(settings.company_name, settings.company_address)
    st.download_button("Download it", text, "processing.md", "text/markdown")
    for title, is_published in (("What comes in", False), ("What is made of it", True)):
        with st.container(border=True):
            frame.section(title)
            rows(
                [
                    Row(
                        words.table_name(each.name),
                        f"{each.purpose} Personal: {', '.join(each.personal + each.sensitive) or 'nothing'}.",
                        f"kept {each.retention}" if each.retention else "",
                    )
                    for each in processing()
                    if each.is_published == is_published
                ]
            )


with frame.explained():
    main()
