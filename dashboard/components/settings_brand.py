"""The company's colour and logo: how readers see them, set and taken back on the page."""

import streamlit as st

from dashboard.components import frame
from dashboard.components.settings_told import do, from_where, told
from dashboard.components.words import safe
from dashboard.services import Services
from dashboard.session import actor, may
from messaging import brand, colours, logos
from messaging.brand import COLOUR, LOGO, MAIL_COLOUR, Brand
from messaging.desk.templates import layouts_without
from messaging.setting_places import is_ours_to_write, origin
from messaging.settings import HOME_SETTINGS

OFFERED, UPLOADS = "set_colour_offered", "set_logo_uploads"
SHARP = "A PNG with a transparent background that is some 500 pixels wide looks sharp everywhere."


def look(parts: Services) -> None:
    """Show colour and logo as readers see them, and let those change them who may."""
    frame.section(
        "Colour and logo",
        "At the head of mails, on the pages that customers see, and of this app. Seen at once.",
    )
    told()
    worn = brand.worn(parts.settings)
    with st.container(key="pair_brand"):
        left, right = st.columns(2, gap="large")
    with left:
        st.html(_as_seen(worn))
        for file, word in layouts_without(parts.settings):
            st.html(f'<div class="r-note-box r-warned">{safe(_not_in(file, word))}</div>')
    with right:
        if not may("brand.save"):
            st.html('<div class="r-muted r-small">Marketers and admins change them.</div>')
            return
        _colour(parts, worn)
        _logo(parts, worn)


def _as_seen(worn: Brand) -> str:
    """Draw the head of a mail and a button, as on the pages that customers see."""
    colour = worn.colour or MAIL_COLOUR
    name = safe(worn.name)
    head = f'<img src="{brand.inlined(worn.logo)}" alt="{name}">' if worn.logo else name
    return (
        f'<div class="r-brand-look" role="img" aria-label="The head of a mail"><div class="r-brand-card">'
        f'<div class="r-brand-head" style="color:{colour}">{head}</div>'
        "<p>So your mails begin, and so look the buttons of the pages that customers see.</p>"
        f'<span class="r-brand-button" style="background:{colour}">Save</span></div></div>'
        f'<div class="r-caption"><span>{safe(_told_colour(worn))}</span></div>'
    )


def _told_colour(worn: Brand) -> str:
    """Say which colour this is, and how well text in it can be read."""
    if not worn.colour:
        return f"No colour of your own: mails take {MAIL_COLOUR}."
    worst = min(colours.contrast(worn.colour, ground) for ground in colours.GROUNDS.values())
    return f"{worn.colour}, a contrast of {worst:.1f}:1 where it is least"


def _colour(parts: Services, worn: Brand) -> None:
    if not is_ours_to_write(parts.settings, COLOUR):
        _elsewhere(parts, COLOUR, "The colour")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.session_state.setdefault("set_colour", worn.colour or MAIL_COLOUR)
        st.color_picker("Colour", key="set_colour")
        st.button("Save the colour", key="set_colour_save", on_click=_save_colour, args=(parts,))
        if worn.colour:
            st.button("Remove it", key="set_colour_none", on_click=_save_colour, args=(parts, ""))
        if offered := st.session_state.pop(OFFERED, None):
            st.button(
                f"Take {offered}",
                key="set_colour_offer",
                type="primary",
                on_click=_save_colour,
                args=(parts, offered),
            )


def _logo(parts: Services, worn: Brand) -> None:
    if not is_ours_to_write(parts.settings, LOGO):
        _elsewhere(parts, LOGO, "The logo")
        return
    with st.container(key="set_logo"):
        given = st.file_uploader(
            f"Logo, a PNG or a JPEG of at most {logos.LARGEST // 1000} kB",
            key=_upload_key(),
            max_upload_size=1,  # MB; what is larger than a logo may be is refused in our words
            help=SHARP,
        )
    with st.container(horizontal=True):
        st.button(
            "Save the logo",
            key="set_logo_save",
            disabled=given is None,
            on_click=_save_logo,
            args=(parts,),
        )
        if worn.logo:
            st.button("Remove it", key="set_logo_none", on_click=_no_logo, args=(parts,))


def _save_colour(parts: Services, colour: str | None = None) -> None:
    wanted = st.session_state["set_colour"] if colour is None else colour

    def work() -> str:
        kept = brand.save_colour(parts.settings, parts.store, wanted, actor=actor(), now=parts.clock.now())
        st.session_state["set_colour"] = kept or MAIL_COLOUR
        return f"The colour is {kept} now." if kept else "There is no colour any more: mails take ours."

    do(work)
    if (read := colours.read_colour(wanted)) and colours.unreadable(read):
        st.session_state[OFFERED] = colours.nearest_readable(read)


def _save_logo(parts: Services) -> None:
    given = st.session_state.get(_upload_key())

    def work() -> str | None:
        if given is None:
            return None
        brand.save_logo(parts.settings, parts.store, given.getvalue(), actor=actor(), now=parts.clock.now())
        st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1  # a new, empty place to give one
        return "The logo is kept. Look whether it can be seen well."

    do(work)


def _no_logo(parts: Services) -> None:
    def work() -> str:
        brand.save_logo(parts.settings, parts.store, None, actor=actor(), now=parts.clock.now())
        return "There is no logo any more; mails of before keep theirs."

    do(work)


def _upload_key() -> str:
    return f"set_logo_file_{st.session_state.get(UPLOADS, 0)}"


def _elsewhere(parts: Services, name: str, what: str) -> None:
    place = from_where(origin(parts.settings, name))
    sentence = f"{what} is set by {name} in {place}, which wins over {HOME_SETTINGS}: change it there."
    st.html(f'<div class="r-note-box">{safe(sentence)}</div>')


def _not_in(file: str, word: str) -> str:
    return f"Your own {file} does not show it: name {word} there as the shipped one does (docs/templates.md)."
