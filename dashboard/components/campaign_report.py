"""What a run brought: who read it, what it cost, and what it changed beside those held out."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import palette
from dashboard.components import charts, frame, words
from dashboard.components.tiles import Row, Tile, rows, tiles
from dashboard.components.words import safe
from messaging.planner import Lift, LiftReport, RunReport


def report(told: RunReport, lift: LiftReport | None, currency: str, zone: str) -> None:
    """Show everything that is known of a run by now."""
    with st.container(border=True):
        frame.section("What became of it", "Machines that open mails and follow links are counted apart.")
        _figures(told, currency)
        _channels(told)
    with st.container(border=True):
        frame.section("What it changed")
        if lift is None:
            st.html(
                '<div class="r-muted">Nobody was held out to compare with, or it was not launched yet.</div>'
            )
        else:
            changed(lift, currency, zone)
    if len(told.by_variant) > 1:
        with st.container(border=True):
            frame.section("By variant")
            _variants(told)


def changed(lift: LiftReport, currency: str, zone: str) -> None:
    """Show what those who were written to did beside those held out, with the range in which the truth lies."""
    closes, until = words.clock(lift.ends_at, zone), words.clock(lift.as_of, zone)
    early = f"Too early to say: the window closes on {closes}, and the data ends on {until}."
    st.html(f'<div class="r-note-box"><b>{safe(lift.verdict if lift.is_over else early)}</b></div>')
    told = [each for each in lift.lifts if each.effect]
    if told:
        differences(told, lift.goal)
    groups = [*((each.variant, each.written) for each in lift.lifts), ("held out", lift.held_out)]
    rows(
        [
            Row(
                "Held out" if name == "held out" else "Written to" if name == "all" else f"Variant {name}",
                f"{words.number(group.reached)} of {words.count(group.people, 'person', 'people')}: {lift.goal}",
                words.share(group.reached, group.people),
            )
            for name, group in groups
        ]
    )
    for each in told:
        assert each.effect is not None
        money = each.effect.money
        low, high = (words.money(round(value), currency) for value in (money.low, money.high))
        name = "" if each.variant == "all" else f" with variant {each.variant}"
        sure = "" if money.is_clear else "; that may be chance"
        told_money = (
            f"Each person brought {words.money(round(money.difference), currency)} more{name} "
            f"within {lift.within_days} days (between {low} and {high}){sure}."
        )
        st.html(f'<div class="r-muted r-small">{safe(told_money)}</div>')


def differences(lifts: Sequence[Lift], goal: str) -> None:
    """Draw each variant's difference as a point with its interval, beside the line where nothing changed."""
    frame_ = pd.DataFrame(
        [
            {
                "name": "Written to" if each.variant == "all" else f"Variant {each.variant}",
                "difference": each.effect.share.difference * 100,
                "low": each.effect.share.low * 100,
                "high": each.effect.share.high * 100,
                "colour": palette.GOOD
                if each.effect.share.low > 0
                else palette.BAD
                if each.effect.share.high < 0
                else palette.MUTED,
            }
            for each in lifts
            if each.effect
        ]
    )
    title = "Of 100 people so many more did it than of those held out"
    base = alt.Chart(frame_).encode(y=alt.Y("name:N", title=None, axis=alt.Axis(grid=False)))
    tooltip = [
        alt.Tooltip("difference:Q", title="Difference", format="+.2f"),
        alt.Tooltip("low:Q", title="At least", format="+.2f"),
        alt.Tooltip("high:Q", title="At most", format="+.2f"),
    ]
    ranges = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title=title), x2="high:Q", color=alt.Color("colour:N", scale=None), tooltip=tooltip
    )
    points = base.mark_circle(size=130, opacity=1).encode(
        x="difference:Q", color=alt.Color("colour:N", scale=None), tooltip=tooltip
    )
    nothing = alt.Chart().mark_rule(color=palette.INK, strokeDash=[4, 3]).encode(x=alt.datum(0))
    chart = alt.layer(nothing, ranges, points, data=frame_).properties(height=46 * len(frame_) + 40)
    told = "; ".join(
        f"{row.name_}: {row.difference:+.1f}, between {row.low:+.1f} and {row.high:+.1f}"
        for row in frame_.rename(columns={"name": "name_"}).itertuples()
    )
    charts.show(chart, f"{goal}, of 100 people beside those held out. {told}", height=None)


def _figures(told: RunReport, currency: str) -> None:
    sent = sum(told.messages.get(state, 0) for state in ("sent", "delivered", "unknown"))
    readers = told.readers
    machines = readers.opened_by_machines
    cost = (
        ("unknown", "no price list is set")
        if sent and not told.cost
        else (words.cost(told.cost, currency), "promised to providers")
    )
    tiles(
        [
            Tile("Sent", words.number(sent), f"of {words.number(told.to_send)}"),
            Tile("Delivered", *_of(told.messages.get("delivered", 0), sent)),
            Tile("Opened", words.number(readers.opened), f"{words.number(machines)} more by machines"),
            Tile("Clicked", *_of(readers.clicked, sent)),
            Tile("Replied", *_of(told.replies, sent)),
            Tile("Opted out", *_of(told.stops, sent)),
            Tile("Complained", *_of(readers.complained, sent)),
            Tile("Cost", *cost),
        ],
        dense=True,
    )


def _of(number: int, whole: int) -> tuple[str, str]:
    return words.number(number), f"{words.share(number, whole)} of those sent" if whole else ""


def _channels(told: RunReport) -> None:
    lines = []
    for channel, states in sorted(told.by_channel.items()):
        note = ", ".join(f"{words.number(number)} {state}" for state, number in states.items() if number)
        lines.append(Row(words.channel_name(channel), note, words.number(sum(states.values()))))
    rows(lines)


def _variants(told: RunReport) -> None:
    lines = []
    for name, each in sorted(told.by_variant.items()):
        opened, clicked = (
            words.share(number, each.messages) for number in (each.readers.opened, each.readers.clicked)
        )
        note = f"{opened} opened, {clicked} clicked, {words.number(each.readers.bounced)} came back"
        lines.append(Row(f"Variant {name}", note, words.count(each.messages, "message")))
    rows(lines)
