"""Figures in boxes, words in chips, facts in rows. All text is escaped here; callers need not think of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.components.words import css_name, safe

TONES = {"green": "good", "amber": "warn", "red": "bad"}


@dataclass(frozen=True)
class Tile:
    """One figure: what it counts, the figure, and what it means; `filled` (0 to 1) draws a bar below."""

    label: str
    value: str
    note: str = ""
    filled: float | None = None
    channel: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a list: an optional state (green, amber or red), words, and something at its end."""

    text: str
    note: str = ""
    end: str = ""
    state: str = ""


def tiles(figures: Iterable[Tile], *, dense: bool = False) -> None:
    """Show figures side by side; they wrap on narrow screens."""
    boxes = "".join(map(_tile, figures))
    st.html(f'<div class="r-tiles{" r-dense" if dense else ""}">{boxes}</div>')


def rows(lines: Sequence[Row]) -> None:
    """Show a list of facts."""
    st.html(f'<div class="r-rows" role="list">{"".join(map(_row, lines))}</div>')


def chip(text: str, tone: str = "") -> str:
    """Give a short word in a pill as HTML; tone is good, warn, bad or brand."""
    return f'<span class="r-chip{f" r-{tone}" if tone else ""}">{safe(text)}</span>'


def _tile(tile: Tile) -> str:
    bar = ""
    if tile.filled is not None:
        width = max(0.0, min(1.0, tile.filled)) * 100
        bar = f'<div class="r-bar r-ch-{css_name(tile.channel)}"><i style="width:{width:.1f}%"></i></div>'
    return (
        f'<div class="r-tile"><div class="r-label">{safe(tile.label)}</div>'
        f'<div class="r-value">{safe(tile.value)}</div>{bar}<div class="r-note">{safe(tile.note)}</div></div>'
    )


def _row(row: Row) -> str:
    dot = ""
    if row.state:
        tone = TONES.get(row.state, "")
        dot = f'<span class="r-dot r-{tone}" role="img" aria-label="{safe(row.state)}"></span>'
    note = f'<div class="r-muted r-small">{safe(row.note)}</div>' if row.note else ""
    end = f'<div class="r-end r-num">{safe(row.end)}</div>' if row.end else ""
    return (
        f'<div class="r-row" role="listitem">{dot}<div class="r-grow">{safe(row.text)}{note}</div>{end}</div>'
    )
