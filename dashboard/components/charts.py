"""Every chart of the app, in one visual language. They draw what messaging counts, and count nothing."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import palette
from dashboard.components import words
from dashboard.components.words import MISSING
from messaging.customers import MonthlyRevenue, WeeklyTouches
from messaging.customers.why import Waterfall, percent

HEIGHT = 270
SO_FAR = "#4f959e"  # a month that is not over: paler than one that is
MAIN_CHANNELS = ("email", "sms", "chat", "whatsapp", "voice")  # the others share one colour and one name


def touches(weeks: Sequence[WeeklyTouches]) -> None:
    """Show touches by week and channel: what customers sent us above the line, what we sent them below."""
    frame = pd.DataFrame(
        {
            "week": [each.week for each in weeks],
            "Channel": [_channel(each.channel) for each in weeks],
            "Direction": ["From customers" if each.direction == "in" else "To customers" for each in weeks],
            "touches": [each.touches for each in weeks],
            "signed": [each.touches if each.direction == "in" else -each.touches for each in weeks],
        }
    )
    known = [_channel(name) for name in MAIN_CHANNELS if _channel(name) in set(frame["Channel"])]
    names = known + sorted(set(frame["Channel"]) - set(known))
    colours = [palette.CHANNELS.get(_key(name), palette.CHANNELS["other"]) for name in names]
    bars = (
        alt.Chart(frame)
        .mark_bar(width={"band": 0.78})
        .encode(
            x=alt.X("yearmonthdate(week):O", title=None, axis=_weeks()),
            y=alt.Y("sum(signed):Q", title="To customers  |  From customers", axis=_mirrored()),
            color=alt.Color("Channel:N", scale=alt.Scale(domain=names, range=colours), legend=_legend()),
            order=alt.Order("Channel:N"),
            tooltip=[
                alt.Tooltip("week:T", title="Week of", format="%-d %B %Y"),
                "Channel",
                "Direction",
                alt.Tooltip("sum(touches):Q", title="Touches", format=","),
            ],
        )
    )
    line = alt.Chart().mark_rule(color=palette.MUTED, strokeWidth=1).encode(y=alt.datum(0))
    show(alt.layer(bars, line, data=frame), "Touches by week and channel, from customers and to customers")


def revenue(months: Sequence[MonthlyRevenue], currency: str) -> None:
    """Show net revenue by month in the company's currency."""
    frame = pd.DataFrame(
        {
            "month": [each.month for each in months],
            "amount": [each.net_revenue_minor / 100 for each in months],
            "orders": [each.order_count for each in months],
            "written": [words.money(each.net_revenue_minor, currency, whole=True) for each in months],
            "part": ["so far" if index == len(months) - 1 else "whole" for index in range(len(months))],
        }
    )
    symbol = words.SYMBOLS.get(currency, f"{currency} ")
    chart = (
        alt.Chart(frame)
        .mark_bar(width={"band": 0.72}, cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        .encode(
            x=alt.X("yearmonth(month):O", title=None, axis=_months()),
            y=alt.Y(
                "amount:Q",
                title=f"Net revenue ({symbol.strip()})",
                axis=alt.Axis(labelExpr=f"'{symbol}' + format(datum.value, '~s')", tickCount=5),
            ),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=["whole", "so far"], range=[palette.BRAND, SO_FAR]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("month:T", title="Month", format="%B %Y"),
                alt.Tooltip("written:N", title="Net revenue"),
                alt.Tooltip("orders:Q", title="Orders", format=","),
            ],
        )
    )
    show(chart, "Net revenue by month; the last month is not over")


def stages(people: Mapping[str, int]) -> None:
    """Show how many people stand at each stage of their life as a customer."""
    known = [stage for stage in words.STAGES if people.get(stage)]
    names = known + sorted(set(people) - set(words.STAGES))
    frame = pd.DataFrame(
        {"stage": [words.stage_name(name) for name in names], "people": [people[n] for n in names]}
    )
    whole = max(sum(people.values()), 1)
    frame["label"] = [f"{words.number(n)}  ({words.share(n, whole)})" for n in frame["people"]]
    base = alt.Chart(frame).encode(
        x=alt.X("people:Q", title="People", axis=alt.Axis(format=",d", tickCount=5, tickMinStep=1)),
        y=alt.Y("stage:N", sort=None, title=None, axis=_names()),
        tooltip=[alt.Tooltip("stage:N", title="Stage"), alt.Tooltip("people:Q", title="People", format=",")],
    )
    labels = base.mark_text(align="left", dx=6, color=palette.INK, fontSize=12).encode(text="label:N")
    chart = alt.layer(base.mark_bar(height=16, cornerRadius=2, color=palette.BRAND), labels)
    show(
        chart.properties(height=30 * len(names) + 10),
        "People by stage of their life as a customer",
        height=None,
    )


def waterfall(weights: Waterfall) -> None:
    """Show how a probability came to be: from any two records, each comparison for or against, to the whole."""
    parts = [("Any two records", weights.prior, "", "")]
    parts += [
        (words.title(each.name), each.weight, each.label, f"{each.left or MISSING} | {each.right or MISSING}")
        for each in weights.comparisons
    ]
    rows, at = [], 0.0
    for name, weight, label, values in parts:
        colour = palette.BRAND if weight > 0 else palette.MUTED
        rows.append((name, at, at + weight, f"{weight:+.1f}", label, values, colour))
        at += weight
    likely = percent(weights.probability)
    rows.append(("Together", 0.0, at, f"{at:+.1f}  ({likely})", "", "", palette.INK))
    names = ["name", "from", "to", "weight", "label", "values", "colour"]
    frame = pd.DataFrame(rows, columns=names)
    frame["end"] = frame[["from", "to"]].max(axis=1)
    tooltip = [
        alt.Tooltip("name:N", title="Compared"),
        alt.Tooltip("label:N", title="Found"),
        alt.Tooltip("values:N", title="Values"),
        alt.Tooltip("weight:N", title="Weight (log2 of the odds)"),
    ]
    base = alt.Chart(frame).encode(y=alt.Y("name:N", sort=None, title=None, axis=_names()), tooltip=tooltip)
    reach = alt.Scale(nice=True, padding=70)
    bars = base.mark_bar(height=14, cornerRadius=2).encode(
        x=alt.X("from:Q", title="For one person: right; for two: left", scale=reach, axis=alt.Axis(tickCount=4)), x2="to:Q",
        color=alt.Color("colour:N", scale=None),
    )  # fmt: skip
    labels = base.mark_text(align="left", dx=6, color=palette.INK, fontSize=12).encode(
        x="end:Q", text="weight:N"
    )
    chart = alt.layer(bars, labels).properties(height=26 * len(rows) + 10)
    show(chart, f"Weights that make two records one person with a probability of {likely}", height=None)


def show(chart: alt.LayerChart | alt.Chart, alternative: str, height: int | None = HEIGHT) -> None:
    """Draw a chart in the app's language; `alternative` is read to those who cannot see it."""
    dressed = chart.properties(height=height) if height else chart
    st.altair_chart(_dress(dressed), width="stretch", theme=None, alt=alternative)


def _dress(chart: alt.LayerChart | alt.Chart) -> alt.LayerChart | alt.Chart:
    return (
        chart.configure(
            font=palette.FONT, background="transparent", padding={"left": 0, "right": 8, "top": 6}
        )
        .configure_view(strokeWidth=0)
        .configure_axis(
            labelColor=palette.MUTED,
            titleColor=palette.MUTED,
            titleFontWeight="normal",
            labelFontSize=11.5,
            titleFontSize=11.5,
            gridColor=palette.FAINT,
            domain=False,
            tickColor=palette.FAINT,
        )
        .configure_axisX(grid=False, ticks=False, labelPadding=6)
        .configure_axisY(ticks=False, titlePadding=10)
        .configure_legend(labelColor=palette.INK, labelFontSize=12, symbolType="square", title=None)
    )


def _channel(name: str) -> str:
    return words.channel_name(name) if name in MAIN_CHANNELS else "Other"


def _key(name: str) -> str:
    return next((key for key in MAIN_CHANNELS if words.channel_name(key) == name), "other")


def _legend() -> alt.Legend:
    return alt.Legend(orient="top", title=None, offset=4)


def _weeks() -> alt.Axis:
    return alt.Axis(labelExpr="date(datum.value) <= 7 ? timeFormat(datum.value, '%b') : ''", labelAngle=0)


def _months() -> alt.Axis:
    label = "month(datum.value) % 3 == 0 ? timeFormat(datum.value, '%b %y') : ''"
    return alt.Axis(labelExpr=label, labelAngle=0, labelOverlap=False)


def _mirrored() -> alt.Axis:
    return alt.Axis(labelExpr="format(abs(datum.value), '~s')", tickCount=6)


def _names() -> alt.Axis:
    return alt.Axis(labelLimit=260, labelFontSize=12.5, labelColor=palette.INK, labelPadding=8, grid=False)
