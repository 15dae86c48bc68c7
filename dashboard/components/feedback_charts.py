"""What customers say of us, drawn: recommendation, satisfaction and reviews by month, and topics."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from dashboard import palette
from dashboard.components import charts, words

NAMES = {"nps": "Would recommend us (NPS)", "csat": "Satisfied (CSAT)", "review": "Reviews"}
SPLIT = {"Good": palette.GOOD, "Between": "#858e9c", "Bad": palette.BAD}


def score(rows: Sequence[Mapping[str, Any]], kind: str) -> float | None:
    """Give a score over some rows: NPS from -100 to 100, else the share of good answers in percent; None without answers."""
    mine = [row for row in rows if row["kind"] == kind]
    answers = sum(row["answers"] for row in mine)
    if not answers:
        return None
    good, bad = sum(row["good"] for row in mine), sum(row["bad"] for row in mine)
    return float(100 * ((good - bad) if kind == "nps" else good) / answers)


def months(rows: Sequence[Mapping[str, Any]], kind: str) -> None:
    """Draw what was answered each month: good, between and bad."""
    mine = [row for row in rows if row["kind"] == kind]
    parts = [
        {"month": row["month"], "Answer": name, "answers": number}
        for row in mine
        for name, number in (
            ("Good", row["good"]),
            ("Between", row["answers"] - row["good"] - row["bad"]),
            ("Bad", row["bad"]),
        )
    ]
    chart = (
        alt.Chart(pd.DataFrame(parts))
        .mark_bar(width={"band": 0.7})
        .encode(
            x=alt.X(
                "yearmonth(month):O",
                title=None,
                axis=alt.Axis(format="%b %y", labelAngle=0, labelOverlap=True),
            ),
            y=alt.Y("answers:Q", title="Answers"),
            color=alt.Color(
                "Answer:N",
                scale=alt.Scale(domain=[*SPLIT], range=[*SPLIT.values()]),
                legend=alt.Legend(orient="top"),
            ),
            order=alt.Order("Answer:N"),
            tooltip=[
                alt.Tooltip("month:T", format="%B %Y"),
                "Answer:N",
                alt.Tooltip("answers:Q", format=","),
            ],
        )
    )
    charts.show(chart, f"{NAMES.get(kind, kind)} by month: good, between and bad", height=210)


def topics(rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw good and bad answers by topic or product, beside the line between them."""
    by_topic: dict[str, list[int]] = {}
    for row in rows:
        good_bad = by_topic.setdefault(words.title(row["topic"]), [0, 0])
        good_bad[0] += row["good"]
        good_bad[1] += row["bad"]
    parts = [
        {"topic": topic, "Answer": name, "answers": sign * number}
        for topic, numbers in by_topic.items()
        for name, number, sign in (("Good", numbers[0], 1), ("Bad", numbers[1], -1))
    ]
    chart = (
        alt.Chart(pd.DataFrame(parts))
        .mark_bar(height=14)
        .encode(
            x=alt.X("answers:Q", title="Bad  |  Good", axis=alt.Axis(labelExpr="abs(datum.value)")),
            y=alt.Y("topic:N", sort=[*by_topic], title=None, axis=alt.Axis(grid=False, labelLimit=220)),
            color=alt.Color(
                "Answer:N",
                scale=alt.Scale(domain=["Good", "Bad"], range=[palette.GOOD, palette.BAD]),
                legend=None,
            ),
            tooltip=["topic:N", "Answer:N"],
        )
        .properties(height=26 * len(by_topic) + 30)
    )
    told = "; ".join(f"{topic}: {good} good, {bad} bad" for topic, (good, bad) in by_topic.items())
    charts.show(chart, f"Answers by topic. {told}", height=None)
