"""The first page: how the company and its customers stand with each other today."""

from datetime import datetime, timedelta

import streamlit as st

from dashboard import session
from dashboard.components import charts, frame, needs, words
from dashboard.components.tiles import Row, Tile, rows, tiles
from dashboard.services import Services, overview, services, today
from messaging.customers import RESPONSE_DAYS, CampaignFigures, ContractHealth, Overview
from messaging.desk import masking

PURPOSE = "What needs you today, how many people we know, and what passed between us."


def main() -> None:
    """Draw the page."""
    parts = services()
    frame.heading("Overview", PURPOSE, parts)
    figures = overview(parts)
    _people(figures, parts)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        frame.section("Needs you today", "The most pressing first; each leads to where it is done.")
        needs.needs(masking.today(today(parts), session.sight()), parts.clock.now(), parts.settings.time_zone)
    with right, st.container(border=True):
        frame.section("How we answer", "The newest whole week against what is usual.")
        needs.service_level(figures.service)
    with right, st.container(border=True):
        _campaigns(figures, parts)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        frame.section(
            "Touches by week",
            "Messages, opens and clicks of the last 26 weeks; orders and parcels are not in it.",
        )
        charts.touches([each for each in figures.touches if each.channel in words.SPOKEN])
    with right, st.container(border=True):
        frame.section("Net revenue by month", f"Sales less refunds, in {parts.settings.currency}.")
        charts.revenue(figures.revenue, parts.settings.currency)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        frame.section(
            "Where people stand",
            "Lapsing people have ordered nothing for over 90 days; prospects have not bought yet.",
        )
        charts.stages(figures.lifecycle)
    with right, st.container(border=True):
        _health(figures)


def _people(figures: Overview, parts: Services) -> None:
    last = figures.revenue[-1] if figures.revenue else None
    amount = (
        words.money(last.net_revenue_minor, parts.settings.currency, whole=True) if last else words.MISSING
    )
    tiles(
        [
            Tile("People", words.number(figures.people), f"{words.number(figures.customers)} have bought"),
            *(_reach(figures, channel) for channel in figures.reachable),
            Tile(
                "Net revenue",
                amount,
                f"{words.count(last.order_count, 'order')} in {last.month:%B}" if last else "no orders yet",
            ),
            Tile("Data as of", words.ago(figures.as_of, parts.clock.now()), _built(figures, parts)),
        ]
    )


def _reach(figures: Overview, channel: str) -> Tile:
    reached = figures.reachable.get(channel, 0)
    label = "Can be reached" if channel == "any" else f"by {words.channel_name(channel)}"
    note = f"{words.share(reached, figures.people)} of people"
    return Tile(label, words.number(reached), note, reached / max(figures.people, 1), channel)


def _built(figures: Overview, parts: Services) -> str:
    build = figures.last_build
    if build and build.state == "failed":
        return "the newest build failed; this is the one before"
    if build and build.state == "running":
        return "a build is running now"
    return (
        f"from {words.count(figures.records, 'record')}, {words.day(figures.as_of, parts.settings.time_zone)}"
    )


def _campaigns(figures: Overview, parts: Services) -> None:
    frame.section("Campaigns", "Did those we wrote to buy more often than those held out? Within 30 days.")
    lines = [
        Row(
            words.title(run.campaign),
            f"{words.count(words.total(run.by_state), 'message')}, planned "
            f"{words.ago(run.planned_at, parts.clock.now())}",
            run.state.capitalize(),
            "amber" if run.state in {"planned", "paused"} else "green",
        )
        for run in figures.running
    ]
    lines += [_outcome(each, parts, figures.as_of) for each in figures.campaigns]
    if not lines:
        frame.empty("No campaign yet", "Plan one on the Campaigns page.")
    rows(lines[:7])


def _outcome(each: CampaignFigures, parts: Services, as_of: datetime) -> Row:
    sent = f"{words.number(each.sent)} sent, {words.share(each.delivered, each.sent)} delivered"
    last = words.day(each.last_at, parts.settings.time_zone)
    replies = f", {words.count(each.replied, 'reply', 'replies')}" if each.replied else ""
    note = f"{sent}{replies}; last on {last}"
    is_open = each.last_at is None or each.last_at > as_of - timedelta(days=RESPONSE_DAYS)
    bought = f"{words.share(each.bought_sent, each.sent)} bought{' so far' if is_open else ''}"
    end = (
        f"{bought}, held out {words.share(each.bought_held_out, each.held_out)}" if each.held_out else bought
    )
    return Row(words.title(each.campaign), note, end)


def _health(figures: Overview) -> None:
    st.html('<div id="data-checks"></div>')
    red = sum(each.state == "red" for each in figures.contracts)
    failed = f"{words.count(red, 'table')} failed a check, and campaigns on it wait."
    note = failed if red else "Campaigns can rely on every table."
    frame.section(
        "Data checks", f"{note} Rows that break a rule are set aside with their reason, never lost."
    )
    rows([_contract(each) for each in figures.contracts])
    if not figures.contracts:
        frame.empty("No checks yet", "They run with the first `rapport build`.")


def _contract(each: ContractHealth) -> Row:
    aside = f", {words.number(each.rows_quarantined)} set aside" if each.rows_quarantined else ""
    failed = (
        f"Broken: {', '.join(map(words.title, each.failed_rules[:2]))}"
        if each.failed_rules and each.state != "green"
        else ""
    )
    name = words.table_name(each.table_name)
    return Row(name, failed, f"{words.number(each.rows_checked)} rows{aside}", each.state)


with frame.explained():
    main()
