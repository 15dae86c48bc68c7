"""Puts the style sheet into a page. Icons are masks in CSS, so that nothing is fetched for them."""

from pathlib import Path

import streamlit as st

from dashboard import palette

SHEET = Path(__file__).with_name("style.css")
WHEELS = "M7 19a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM17 19a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2z"
ICON_PATHS = {  # drawn on a 24 x 24 grid, as SVG path data
    "email": "M3 5h18v14H3zM3 6l9 7 9-7",
    "sms": "M4 4h16v12H9l-5 4z",
    "chat": "M4 5h11v8H8l-4 3zM9 16h7l4 3V9h-2",
    "whatsapp": "M4 20l1.5-4A8 8 0 1 1 9 19zM9 9c0 4 3 6 6 6",
    "order": "M6 8h12l1 12H5zM9 8a3 3 0 0 1 6 0",
    "refund": "M9 6L4 11l5 5M4 11h10a5 5 0 0 1 0 10h-2",
    "shipment": f"M3 7h11v9H3zM14 10h4l3 3v3h-7z{WHEELS}",
    "consent": "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5",
    "contact": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 4-7 8-7s7 2 8 7",
    "outreach": "M4 10v4h3l9 5V5l-9 5zM19 9a4 4 0 0 1 0 6",
    "event": "M3 12h4l3-7 4 14 3-7h4",
    "ticket": "M4 8h16v3a2 2 0 0 0 0 4v3H4v-3a2 2 0 0 0 0-4zM14 8v10",
    "call": "M6 3l4 1 1 5-3 2a12 12 0 0 0 5 5l2-3 5 1 1 4c-1 2-3 3-5 3A16 16 0 0 1 3 8c0-2 1-4 3-5z",
    "review": "M12 3l2.7 5.8 6.3.8-4.6 4.4 1.2 6.3-5.6-3.1-5.6 3.1 1.2-6.3L3 9.6l6.3-.8z",
    "survey": "M4 4h16v16H4zM8 16v-4M12 16V8M16 16v-6",
    "form": "M5 3h14v18H5zM8 8h8M8 12h8M8 16h5",
    "social": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM16 8v2a2 2 0 0 0 4 0V9a8 8 0 1 0-3 7",
}
LINE = "fill='none' stroke='black' stroke-width='1.8' stroke-linecap='round' stroke-linejoin='round'"
COLOURS: tuple[str, ...] = ("ink", "muted", "faint", "mist", "brand", "brand_soft", "good", "good_soft")
COLOURS += ("warn", "warn_soft", "bad", "bad_soft")


def apply(header: str = "") -> None:
    """Put the style sheet into the page, with a style of the header's own; call it once a run, first."""
    st.html(f"<style>{variables()}{SHEET.read_text()}{header}</style>")


def variables() -> str:
    """Give colours and icons as CSS variables."""
    colours = "".join(f"--r-{name.replace('_', '-')}:{getattr(palette, name.upper())};" for name in COLOURS)
    channels = "".join(f".r-ch-{name}{{--r-colour:{colour}}}" for name, colour in palette.CHANNELS.items())
    icons = "".join(f".r-icon-{name}{{--r-icon:{_icon(path)}}}" for name, path in ICON_PATHS.items())
    return f":root{{{colours}}}{channels}{icons}"


def _icon(path: str) -> str:
    opening = f"%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' {LINE}%3E"
    return f"url(\"data:image/svg+xml,{opening}%3Cpath d='{path}'/%3E%3C/svg%3E\")"
