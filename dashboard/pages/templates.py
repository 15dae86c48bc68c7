"""Templates: what messages say, in each channel and language, as any customer would see it."""

import streamlit as st

from dashboard import session
from dashboard.components import frame, words
from dashboard.components.template_editor import editor
from dashboard.components.template_versions import versions
from dashboard.services import Services, services

PURPOSE = "Write what is said, see it as any customer would, and take it back where it was better before."
LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch"}


def main() -> None:
    """Draw the page."""
    session.require("template.look")
    parts = services()
    frame.heading("Templates", PURPOSE, parts)
    parts.customers.release()  # says what to do when there is none
    library = parts.planner.library
    names = library.template_names()
    if not names:
        frame.empty("No template yet", f"Add a file to `{library.folder / 'templates'}`.")
        return
    asked = st.query_params.get("template")
    if asked in names:
        frame.follow("template_name", asked)
    left, middle, right = st.columns([4, 3, 3])
    name = left.selectbox("Template", names, key="template_name", format_func=words.title)
    found = library.template_texts(name)
    texts = {channel: sorted(found[channel], key=lambda tag: (tag != "en", tag)) for channel in found}
    channel = middle.segmented_control(
        "Channel", [*texts], default=next(iter(texts)), format_func=words.channel_name, key=f"channel_{name}"
    ) or next(iter(texts))
    language = (
        right.segmented_control(
            "Language",
            texts[channel],
            default=texts[channel][0],
            format_func=_language,
            key=f"in_{name}_{channel}",
        )
        or texts[channel][0]
    )
    _used(parts, name)
    write, past = st.tabs(["Write", "Versions"])
    with write:
        editor(parts, (channel, name, language))
    with past, st.container(border=True):
        versions(parts, name)


def _language(tag: str) -> str:
    return LANGUAGES.get(tag, tag)


def _used(parts: Services, name: str) -> None:
    campaigns = [
        each.title
        for each in parts.planner.library.campaigns()[0]
        if name in {variant.template for variant in each.variants}
    ]
    told = f"Used by {', '.join(campaigns)}." if campaigns else "No campaign uses it."
    st.html(f'<div class="r-muted r-small">{words.safe(told)}</div>')


with frame.explained():
    main()
