"""A campaign that goes by itself: when next, under whose approval, and how to begin or end that."""

from functools import partial
from itertools import islice

import streamlit as st

from dashboard import session
from dashboard.components import desk, frame, words
from dashboard.components.tiles import Row, rows
from dashboard.services import Services
from messaging.campaigns import Campaign, Content
from messaging.planner import RunSummary, ShadowDay, shadow_days_of
from messaging.planner.standing import approve_standing, standing, withdraw

NEXT = 3
DAYS = 14  # of a campaign in shadow


def by_itself(parts: Services, content: Content, run: RunSummary) -> None:
    """Show it for a campaign with a schedule or a trigger; nothing for any other."""
    campaign = content.campaign
    if campaign.schedule is None and campaign.trigger is None:
        return
    with parts.store.read() as connection:
        names = [name for each in standing(connection, campaign.name) for name in each.names]
    told = "Nobody approved that yet: it does not go by itself."
    if names:
        told = f"Approved for each time by {', '.join(names)}."
    with st.container(border=True):
        note = "An approval that stands lets it go each time it is due, until it is withdrawn."
        frame.section("By itself", note)
        rows([*_when(parts, campaign), Row(told, state="green" if names else "amber")])
        with st.container(horizontal=True):
            if run.state == "planned" and session.may("campaign.approve_standing"):
                key = f"standing_{run.run_id}"
                st.button("Approve it for every time", key=key, on_click=_approve, args=(parts, run.run_id))
            if names and session.may("campaign.withdraw_standing"):
                args = (parts, campaign.name)
                st.button("Withdraw it", key=f"withdraw_{campaign.name}", on_click=_withdraw, args=args)
        desk.told()


def in_shadow(parts: Services, content: Content) -> None:
    """Show, for a campaign in shadow mode, what each day's plan would have sent."""
    if not content.campaign.shadow:
        return
    with st.container(border=True):
        note = (
            "Planned once a day on live data; it sends nothing. Take `shadow` out of its file to let it go."
        )
        frame.section("In shadow", note.replace("`", ""))
        days = shadow_days_of(parts.store, content.campaign.name, DAYS)
        if not days:
            frame.empty("No day was planned yet", "The first plan is made today from nine o'clock on.")
        rows([_day(each) for each in reversed(days)])


def _day(each: ShadowDay) -> Row:
    name = f"{each.day:%a %d %b}"
    if each.state != "planned":
        is_bad = each.state == "failed"
        return Row(
            name, each.told or "", "Failed" if is_bad else "Being planned", "red" if is_bad else "amber"
        )
    told = [f"{words.number(each.matched or 0)} matched", f"{words.number(each.held_out or 0)} held out"]
    if each.came is not None and each.went is not None:
        told.append(f"{words.number(each.came)} came, {words.number(each.went)} went")
    if each.cost is not None and each.currency:
        told.append(words.cost(each.cost, each.currency))
    return Row(name, ", ".join(told), words.count(each.to_send or 0, "message"))


def _when(parts: Services, campaign: Campaign) -> list[Row]:
    found = [Row(campaign.trigger.words())] if campaign.trigger else []
    if campaign.schedule:
        zone = parts.settings.time_zone
        local = "by each customer's own clock" if campaign.schedule.customer_local else ""
        moments = campaign.schedule.moments(parts.clock.now(), zone)
        found += [Row(words.clock(each.at, zone), local) for each in islice(moments, NEXT)]
    return found


def _approve(parts: Services, run_id: str) -> None:
    desk.act("Your approval stands.", partial(approve_standing, parts.planner, run_id, session.actor()))


def _withdraw(parts: Services, campaign: str) -> None:
    desk.act(
        "It does not go by itself any more.", partial(withdraw, parts.planner, campaign, session.actor())
    )
