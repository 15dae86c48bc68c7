"""Where a column comes from and what stands on it: source, model, column, segment, campaign, in one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import palette
from dashboard.components import charts, frame, words
from dashboard.services import Services
from data_contracts.contracts import published_contract, published_contracts
from data_contracts.errors import LibraryError
from messaging.campaigns import Library
from messaging.desk.health import Origin, origins
from messaging.segments import columns_of

MOST = 12  # of one kind: more is no picture
STAGES = ("Comes from", "Table", "Column", "Segments", "Campaigns")
SHORT = 34
FIRST = "order_count"  # shown before anybody chooses


@dataclass(frozen=True)
class Picture:
    """What is drawn: names by stage, and ties between neighbours."""

    stages: tuple[tuple[str, ...], ...]
    ties: frozenset[tuple[int, str, str]]  # the stage of the first, the first and the second


def lineage(parts: Services) -> None:
    """Let somebody pick a column, and draw its way."""
    left, right = st.columns(2)
    names = sorted(published_contracts())
    table = left.selectbox(
        "Table", names, index=names.index("customer_360"), format_func=words.title, key="lineage_table"
    )
    columns = {each.name: each.title for each in published_contract(table).columns}
    start = [*columns].index(FIRST) if FIRST in columns else 0
    column = right.selectbox(
        "Column", [*columns], index=start, format_func=columns.__getitem__, key=f"lineage_{table}"
    )
    found = origins(parts.customers, table, column)
    using = _using(parts.planner.library, column) if table == "customer_360" else ([], [])
    picture = drawn(table, column, found, *using)
    _draw(picture)
    more = len(found) - MOST
    if more > 0:
        st.html(
            f'<div class="r-muted r-small">and {words.count(more, "more column")} that it is made of</div>'
        )
    if not found:
        frame.empty(
            "Nothing is known of it", "The release was built before its lineage was kept; build again."
        )


def drawn(
    table: str,
    column: str,
    found: Sequence[Origin],
    segments: Sequence[str],
    campaigns: Sequence[tuple[str, str]],
) -> Picture:
    """Put the way of a column together; `campaigns` are each a segment and the campaign that it feeds."""
    sources = tuple(dict.fromkeys(each.source for each in found))[:MOST]
    tables = tuple(dict.fromkeys(f"{each.table}.{each.column}".strip(".") for each in found if each.table))[
        :MOST
    ]
    ties = {(0, each.source, f"{each.table}.{each.column}") for each in found if each.table}
    ties |= {(1, each, f"{table}.{column}") for each in tables}
    ties |= {(2, f"{table}.{column}", each) for each in segments}
    ties |= {(3, segment, campaign) for segment, campaign in campaigns}
    stages = (
        sources,
        tables,
        (f"{table}.{column}",),
        tuple(segments)[:MOST],
        tuple(dict.fromkeys(campaign for _, campaign in campaigns))[:MOST],
    )
    return Picture(stages, frozenset(ties))


def _using(library: Library, column: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Name the segments that look at a column, and the campaigns that go to those."""
    segments = []
    for name in library.names("segments"):
        try:
            if column in columns_of(library.segment(name).rule):
                segments.append(name)
        except LibraryError:
            continue
    known = library.campaigns()[0]
    campaigns = [(name, each.name) for name in segments for each in known if each.segment == name]
    return segments, campaigns


def _draw(picture: Picture) -> None:
    tallest = max(len(stage) for stage in picture.stages)
    at: dict[tuple[int, str], tuple[float, float]] = {}
    for place, stage in enumerate(picture.stages):
        for index, name in enumerate(stage):
            at[place, name] = (place, (index + 0.5) * tallest / len(stage))
    points = pd.DataFrame(
        [
            {
                "x": x,
                "y": -y,
                "name": words.title(name) if place in {0, 3, 4} else name,
                "colour": palette.BRAND if place == 2 else palette.CATEGORIES[place],
            }
            for (place, name), (x, y) in at.items()
        ]
    )
    points["short"] = [name if len(name) <= SHORT else f"{name[: SHORT - 1]}…" for name in points["name"]]
    lines = pd.DataFrame(
        [
            {
                "x": at[place, one][0],
                "y": -at[place, one][1],
                "x2": at[place + 1, other][0],
                "y2": -at[place + 1, other][1],
            }
            for place, one, other in sorted(picture.ties)
            if (place, one) in at and (place + 1, other) in at
        ],
        columns=["x", "y", "x2", "y2"],
    )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.05, len(STAGES) - 0.25]))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-tallest, 0.7]))
    ties = (
        alt.Chart(lines).mark_rule(color=palette.MUTED, opacity=0.45).encode(x=x, y=y, x2="x2:Q", y2="y2:Q")
    )
    base = alt.Chart(points).encode(x=x, y=y, tooltip=["name:N"])
    dots = base.mark_circle(size=90, opacity=1).encode(color=alt.Color("colour:N", scale=None))
    beside = {"align": "left", "dx": 9, "fontSize": 12}
    halo = base.mark_text(**beside, stroke=palette.PAPER, strokeWidth=4).encode(text="short:N")
    names = base.mark_text(**beside, color=palette.INK).encode(text="short:N")
    heads = (
        alt.Chart(pd.DataFrame({"x": range(len(STAGES)), "y": 0.45, "name": STAGES}))
        .mark_text(align="left", color=palette.MUTED, fontSize=12, fontWeight="bold")
        .encode(x=x, y=y, text="name:N")
    )
    told = "; ".join(
        f"{title}: {', '.join(stage) or 'none'}" for title, stage in zip(STAGES, picture.stages, strict=True)
    )
    charts.show(
        alt.layer(ties, halo, dots, names, heads).properties(height=30 * tallest + 60), told, height=None
    )
