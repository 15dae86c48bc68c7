"""Builds with what their stages took, pairs that may be one person, what arrives, and the audit with its chain."""

from functools import partial
from urllib.parse import quote

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import palette, session
from dashboard.components import charts, desk, frame, words
from dashboard.components.tiles import Row, Tile, rows, tiles
from dashboard.components.words import safe
from dashboard.services import Services
from messaging import audit
from messaging.desk import health

TONES = {"published": "green", "failed": "red", "running": "amber"}
DAGSTER = "http://127.0.0.1:3000"
NEWEST = 50


def builds(parts: Services) -> None:
    """List builds, draw where the newest spent its time, and take the wish for another one."""
    zone = parts.settings.time_zone
    found = health.recent_builds(parts.store)
    if session.may("build.ask"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Build now", key="build_now", type="primary", on_click=_build, args=(parts,))
            st.html(
                f'<a class="r-who" href="{DAGSTER}" target="_blank" rel="noopener">Open Dagster</a>',
                width="content",
            )
        desk.told()
    for each in health.requests(parts.store, 1):
        when = words.clock(each["requested_at"], zone)
        rows(
            [
                Row(
                    f"{each['actor']} asked for a build",
                    when,
                    each["state"],
                    TONES.get(each["state"], "amber"),
                )
            ]
        )
    newest = next((each for each in found if each.stages), None)
    if newest:
        frame.section("Where the newest build spent its time")
        stages(newest)
    frame.section("Builds")
    if not found:
        frame.empty("No build yet", "Land data, then press “Build now”, or run `rapport build`.")
    rows([_build_row(each, zone) for each in found])


def stages(build: health.Build) -> None:
    """Draw the stages of a build by how long they took."""
    told = pd.DataFrame(build.stages, columns=["stage", "seconds", "rows"])
    told = told[told["seconds"] >= 0.05]
    told["stage"] = [words.title(name) for name in told["stage"]]
    told["label"] = [f"{seconds:.1f} s" for seconds in told["seconds"]]
    base = alt.Chart(told).encode(
        x=alt.X("seconds:Q", title="Seconds"),
        y=alt.Y("stage:N", sort=None, title=None, axis=alt.Axis(grid=False, labelLimit=220)),
        tooltip=["stage:N", alt.Tooltip("seconds:Q", format=".1f"), alt.Tooltip("rows:Q", format=",")],
    )
    bars = base.mark_bar(height=14, cornerRadius=2, color=palette.BRAND)
    labels = base.mark_text(align="left", dx=5, color=palette.INK, fontSize=12).encode(text="label:N")
    chart = alt.layer(bars, labels).properties(height=25 * len(told) + 30)
    charts.show(chart, f"How long each stage of build {build.build_id} took", height=None)


def doubts(parts: Services) -> None:
    """List pairs that may be one person; who decides does it on the customer's page."""
    found = health.doubts(parts.customers, session.sight())
    if not found:
        frame.empty("No doubts", "No two customers are so alike that a person should look.")
    drawn = []
    if found and found[0]["doubts"] > len(found):
        told = (
            f"The {len(found)} likeliest of {words.number(found[0]['doubts'])}, as the newest data has them."
        )
        st.html(f'<div class="r-muted r-small">{told}</div>')
    for each in found:
        two = ((each["customer_id"], each["name"]), (each["other_customer_id"], each["other_name"]))
        ways = " and ".join(
            f'<a class="r-who" href="customers?customer={quote(customer_id)}" target="_self">{safe(name or customer_id)}</a>'
            for customer_id, name in two
        )
        likely = f"{words.share(each['probability'])} likely one person"
        drawn.append(
            f'<div class="r-row" role="listitem"><div class="r-grow">{ways}</div><div class="r-end">{likely}</div></div>'
        )
    st.html(f'<div class="r-rows" role="list">{"".join(drawn)}</div>')


def arriving(parts: Services) -> None:
    """Show what did not arrive in the newest week of each channel, beside what is usual."""
    lines = []
    for each in health.arriving(parts.customers):
        usual = each["usual_failed_share"]
        note = f"week of {each['week']:%-d %b %Y}: {words.count(each['sent_count'], 'message')}"
        note += f", {words.number(each['complaint_count'])} complained, {words.number(each['unsubscribe_count'])} opted out"
        end = f"{100 * (each['failed_share'] or 0):.1f} % failed" + (
            f", usually {100 * usual:.1f} %" if usual is not None else ""
        )
        lines.append(Row(words.channel_name(each["channel"]), note, end, "red" if each["alert"] else "green"))
    if not lines:
        frame.empty("Nothing was sent yet", "The first week of messages is counted with the next build.")
    rows(lines)


def audited(parts: Services) -> None:
    """Show who did what, newest first, and whether the chain holds."""
    with parts.store.read() as connection:
        verdict = audit.verify(connection)
        entries = audit.newest(connection, NEWEST)
        kept = audit.head(connection)
    whole = verdict.broken_at is None
    state = "holds" if whole else f"broken at entry {verdict.broken_at}"
    tiles(
        [Tile("Entries", words.number(verdict.events)), Tile("The chain", state, f"newest {kept[:12]}…")],
        dense=True,
    )
    zone = parts.settings.time_zone
    rows(
        [
            Row(f"{each['actor']}: {each['action']}", each["subject"] or "", words.clock(each["at"], zone))
            for each in entries
        ]
    )


def _build(parts: Services) -> None:
    work = partial(health.ask_for_build, parts.store, parts.clock, full=False, actor=session.actor())
    desk.act("Asked for. Dagster begins it within seconds, where it runs (`rapport up`).", work)


def _build_row(build: health.Build, zone: str) -> Row:
    spent = f", {words.duration(build.seconds)}" if build.seconds else ""
    note = build.reason or f"data as of {words.clock(build.as_of, zone)}"
    state = TONES.get(build.state, "amber")
    return Row(build.release or build.build_id, note, f"{build.state}{spent}", state)
