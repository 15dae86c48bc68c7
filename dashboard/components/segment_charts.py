"""A segment over time, and laid over others. They draw what messaging counts."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard import palette
from dashboard.components import charts, words
from messaging.segments import Overlap
from messaging.segments.sizes import Size

PEOPLE = "datum.value < 10000 ? format(datum.value, ',') : format(datum.value, '~s')"
FEWEST = 2  # releases that make a history


def history(sizes: Sequence[Size], zone: str) -> None:
    """Show how many people a segment had in each release in which it was counted."""
    frame = pd.DataFrame(
        {
            "at": [words.local(each.as_of, zone).replace(tzinfo=None) for each in sizes],
            "people": [each.matched for each in sizes],
            "share": [words.share(each.matched, each.people) for each in sizes],
        }
    )
    base = alt.Chart(frame).encode(
        x=alt.X("at:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=6, labelAngle=0)),
        y=alt.Y("people:Q", title="People", axis=alt.Axis(labelExpr=PEOPLE, tickCount=5, tickMinStep=1)),
        tooltip=[
            alt.Tooltip("at:T", title="Data of", format="%-d %B %Y, %H:%M"),
            alt.Tooltip("people:Q", title="People", format=","),
            alt.Tooltip("share:N", title="Of all"),
        ],
    )
    area = base.mark_area(color=palette.BRAND, opacity=0.12)
    line = base.mark_line(color=palette.BRAND, point={"color": palette.BRAND, "size": 46})
    told = f"People in the segment in {len(sizes)} releases, from {sizes[0].matched} to {sizes[-1].matched}"
    charts.show(alt.layer(area, line), told, height=190)


def overlap(laid: Overlap, name: str, titles: dict[str, str]) -> None:
    """Show how many people of a segment each of the others has too, and how many it has alone."""
    whole = laid.matched[name]
    rows = []
    for other, title in titles.items():
        shared = laid.pairs.get((name, other), laid.pairs.get((other, name), 0))
        of_both = f"{words.share(shared, whole)} of this, {words.share(shared, laid.matched[other])} of it"
        label = f"{words.number(shared)}  ({of_both})"
        rows.append((title, shared, label))
    frame = pd.DataFrame(rows, columns=["title", "people", "label"])
    names = alt.Axis(labelLimit=220, labelFontSize=12.5, labelPadding=8, grid=False)
    base = alt.Chart(frame).encode(
        x=alt.X(
            "people:Q", title="People in both", scale=alt.Scale(domain=[0, max(whole, 1) * 1.6]),
            axis=alt.Axis(format=",d", tickCount=4, tickMinStep=1),
        ),
        y=alt.Y("title:N", sort=None, title=None, axis=names),
        tooltip=[alt.Tooltip("title:N", title="Segment"), alt.Tooltip("label:N", title="In both")],
    )  # fmt: skip
    bars = base.mark_bar(height=16, cornerRadius=2, color=palette.BRAND)
    labels = base.mark_text(align="left", dx=6, color=palette.INK, fontSize=12).encode(text="label:N")
    chart = alt.layer(bars, labels).properties(height=32 * len(rows) + 10)
    charts.show(
        chart,
        f"People of this segment who are in others too: {'; '.join(row[2] for row in rows)}",
        height=None,
    )
