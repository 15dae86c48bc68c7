"""Feedback: how customers say we are, by month and topic, and who is unhappy and waits for somebody to see to it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.components import feedback_charts, frame, words
from dashboard.components.feedback_unhappy import unhappy_people
from dashboard.components.tiles import Row, Tile, rows, tiles
from dashboard.services import services
from messaging.desk.feedback import Feedback, feedback, unhappy

PURPOSE = "How customers say we are, what they ask for, and who is unhappy and waits for somebody."
SPANS = {"90 days": 90, "12 months": 365, "3 years": 1095}
BUYERS = {True: "Verified buyers", False: "Not verified"}


def main() -> None:
    """Draw the page."""
    session.require("feedback.look")
    parts = services()
    frame.heading("Feedback", PURPOSE, parts)
    now = parts.customers.release().as_of
    span = (
        st.segmented_control("Of the last", [*SPANS], default="12 months", key="feedback_span") or "12 months"
    )
    since = now - timedelta(days=SPANS[span])
    said = feedback(parts.customers, since, now)
    if not said.months:
        what = "Answers to surveys and reviews appear here with the next build; the shipped surveys ask for them."
        frame.empty("Nobody has told us yet how they feel", what)
        return
    _figures(said)
    left, right = st.columns(2, gap="medium")
    with left:
        _months(said)
        _topics(said)
    with right:
        with st.container(border=True):
            frame.section(
                "Unhappy, newest first", "A name opens the customer, where a follow-up is promised and kept."
            )
            unhappy_people(parts, unhappy(parts.customers, parts.store, since, session.sight()))
        _asked(said, span)


def _figures(said: Feedback) -> None:
    kinds = feedback_charts.NAMES
    number = {kind: sum(row["answers"] for row in said.months if row["kind"] == kind) for kind in kinds}
    nps, csat, good = (feedback_charts.score(said.months, kind) for kind in ("nps", "csat", "review"))
    mentions = sum(row["mentions"] for row in said.social)
    tones = [row["tone"] * row["mentions"] for row in said.social if row["tone"] is not None]
    tone = f"tone {sum(tones) / mentions:+.2f} of 1" if mentions and tones else ""
    tiles(
        [
            Tile("Would recommend us", _or_none(nps, "+.0f"), f"NPS of {number['nps']:,} answers"),
            Tile("Satisfied", _or_none(csat, ".0f", " %"), f"of {number['csat']:,} answers"),
            Tile("Good reviews", _or_none(good, ".0f", " %"), f"of {number['review']:,}"),
            Tile("Social mentions", words.number(mentions), tone),
        ],
        dense=True,
    )


def _or_none(value: float | None, how: str, unit: str = "") -> str:
    return words.MISSING if value is None else f"{value:{how}}{unit}"


def _months(said: Feedback) -> None:
    names = feedback_charts.NAMES
    kinds = [kind for kind in names if any(row["kind"] == kind for row in said.months)]
    with st.container(border=True):
        frame.section("By month")
        asked = st.segmented_control(
            "Of", kinds, default=kinds[0], format_func=names.__getitem__, key="feedback_kind"
        )
        kind = asked or kinds[0]
        feedback_charts.months(said.months, kind)
        if kind == "review":
            rows([_buyers(row) for row in said.reviews])


def _buyers(row: Mapping[str, Any]) -> Row:
    mark = f"{words.share(row['share'])} of the best mark on average"
    return Row(BUYERS[bool(row["is_verified"])], mark, words.count(row["answers"], "review"))


def _topics(said: Feedback) -> None:
    with st.container(border=True):
        frame.section("By topic", "Of the ticket that was asked about, or the product that was reviewed.")
        if said.topics:
            feedback_charts.topics(said.topics)
        else:
            st.html('<div class="r-muted r-small">No answer names a ticket or a product yet.</div>')


def _asked(said: Feedback, span: str) -> None:
    with st.container(border=True):
        frame.section("What they ask for", f"Conversations of the last {span}, beside as long a time before.")
        rows(
            [
                Row(
                    words.title(row["topic"]),
                    f"{words.number(row['complaints'])} of them complaints",
                    f"{words.number(row['now'])}, before {words.number(row['before'])}",
                    "amber" if row["now"] > row["before"] else "",
                )
                for row in said.asked
            ]
        )


with frame.explained():
    main()
