"""Who gets a campaign and who does not, before anybody is written to: each group leads to its people and their reasons."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import streamlit as st

from dashboard import palette, session
from dashboard.components import audience, frame, words
from dashboard.components.tiles import Tile, tiles
from dashboard.components.words import safe
from dashboard.services import Services, display_name, outlook_of
from messaging.access import Sight
from messaging.desk.looking import look_at_run
from messaging.planner import RunReport
from messaging.planner import audience as audience_of

PAGE = 25  # people at a time
ROOM = 78  # percent of a line: the figures stand behind the bar
HELD, OUT = "#8d6bb0", "#a5815d"


@dataclass(frozen=True)
class Group:
    """One bar of the funnel: what it is called, its people, and the decision and reason that make it up."""

    name: str
    people: int
    colour: str
    decision: str
    reason: str | None = None


def groups(report: RunReport) -> list[Group]:
    """Give the parts whose sum is everybody whom the segment matched, in the order in which they fall away."""
    left_out = [
        Group(audience.reason_name(each), each.people, OUT, "excluded", each.reason)
        for each in sorted(report.excluded, key=lambda each: -each.people)
    ]
    held = [Group("Held out to compare", report.held_out, HELD, "holdout")] if report.held_out else []
    return [*left_out, *held, Group("Get the message", report.to_send, palette.BRAND, "send")]


def funnel(parts: Services, report: RunReport) -> None:
    """Draw the funnel; a bar's name opens its people below."""
    key, found = f"group_{report.run_id}", groups(report)
    with st.container(gap=None):
        _bar(Group("Matched", report.matched, palette.INK, ""), report.matched, 0, None)
        before = 0
        for each in found:
            _bar(each, report.matched, before, key)
            before += each.people
    told = [f"{words.number(each.people)} {each.name.lower()}" for each in reversed(found) if each.people]
    st.html(
        f'<div class="r-sum r-small"><b>{words.number(report.matched)} matched</b> = {safe(" + ".join(told))}</div>'
    )
    if report.not_sent:
        frame.section("Did not get through, or wait")
        audience.reasons(report.not_sent)
    chosen = next((each for each in found if each.name == st.session_state.get(key)), found[-1])
    _people(parts, report, chosen)


def beside_the_last(parts: Services, report: RunReport) -> None:
    """Show what the plan will do, beside the last plan of its campaign."""
    ahead = outlook_of(parts, report.run_id)
    channels = ", ".join(
        f"{words.number(sum(states.values()))} by {words.channel_name(channel)}"
        for channel, states in sorted(report.by_channel.items(), key=lambda pair: -sum(pair[1].values()))
    )
    zone = parts.settings.time_zone
    night = (
        f"those who wait for their hour by {words.clock(ahead.waits_until, zone)}"
        if ahead.waits_until
        else ""
    )
    price = words.cost(ahead.cost, ahead.currency) if ahead.cost is not None else "unknown"
    figures = [
        Tile("Get the message", words.number(report.to_send), channels),
        Tile("Cost", price, "by the price list" if ahead.cost is not None else "no price list is set"),
        Tile("Goes", _takes(ahead.hours), night or "nobody has to wait for the morning"),
    ]
    if ahead.before:
        figures.append(
            Tile(
                "Since the last plan",
                f"+{words.number(len(ahead.entered))} {words.MINUS}{words.number(len(ahead.left))}",
                "came into the segment, and left it",
            )
        )
    if len(ahead.by_variant) > 1:
        shares = [f"{name}: {words.number(people)}" for name, people in sorted(ahead.by_variant.items())]
        figures.append(Tile("Variants", words.number(len(shares)), ", ".join(shares)))
    tiles(figures, dense=True)
    sight = session.sight()
    for title, ids in (("Who came", ahead.entered), ("Who left", ahead.left)):
        if ids:
            with st.expander(f"{title} ({words.number(len(ids))})"):
                _names(parts, ids[:PAGE], sight)


def _takes(hours: float | None) -> str:
    return words.count(math.ceil(hours), "hour") if hours else "at once"


def _bar(group: Group, whole: int, before: int, key: str | None) -> None:
    left, right = st.columns([3, 7], vertical_alignment="center", gap="small")
    if key is None:
        left.html(f'<div class="r-strong">{safe(group.name)}</div>')
    else:
        args = (key, group.name)
        left.button(group.name, key=f"{key}_{group.name}", type="tertiary", on_click=_choose, args=args)
    width, offset = (ROOM * each / max(whole, 1) for each in (group.people, before))
    told = safe(f"{group.name}: {group.people} of {whole}")
    right.html(
        f'<div class="r-funnel" role="img" aria-label="{told}">'
        f'<i style="margin-left:{offset:.2f}%;width:{max(width, 0.4):.2f}%;background:{group.colour}"></i>'
        f'<span class="r-num r-small">{words.number(group.people)} '
        f'<span class="r-muted">({words.share(group.people, whole)})</span></span></div>'
    )


def _choose(key: str, name: str) -> None:
    st.session_state[key] = name
    st.session_state[f"{key}_page"] = 0


def _people(parts: Services, report: RunReport, group: Group) -> None:
    key = f"group_{report.run_id}"
    pages = max((group.people + PAGE - 1) // PAGE, 1)
    page = min(st.session_state.get(f"{key}_page", 0), pages - 1)
    frame.section(f"{group.name}: {words.count(group.people, 'person', 'people')}")
    if not group.people:
        st.html('<div class="r-muted r-small">Nobody.</div>')
        return
    note_look(parts, report.run_id, f"{group.reason or group.decision}, page {page + 1}")
    found = audience_of(
        parts.store, report.run_id, group.decision, group.reason, limit=PAGE, offset=page * PAGE
    )
    sight = session.sight()
    names = {each.customer_id: sight.name(display_name(parts, each.customer_id)) or "" for each in found}
    audience.people(found, names)
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Before", key=f"{key}_back", disabled=page == 0, on_click=_turn, args=(key, page - 1))
            st.html(
                f'<span class="r-muted r-small">{page + 1} of {words.number(pages)}</span>', width="content"
            )
            last = page + 1 >= pages
            st.button("Next", key=f"{key}_on", disabled=last, on_click=_turn, args=(key, page + 1))


def note_look(parts: Services, run_id: str, part: str) -> None:
    """Take down, once a visit, which of a run's people this colleague was shown."""
    key = f"looked_{run_id}_{'samples' if part == 'samples' else 'people'}"
    if st.session_state.get(key) != part:
        look_at_run(parts.store, parts.clock, run_id, part, actor=session.actor())
        st.session_state[key] = part


def _turn(key: str, page: int) -> None:
    st.session_state[f"{key}_page"] = page


def _names(parts: Services, ids: Sequence[str], sight: Sight) -> None:
    drawn = []
    for each in ids:
        name = sight.name(display_name(parts, each)) or each
        drawn.append(
            f'<a class="r-who" href="customers?customer={quote(each)}" target="_self">{safe(name)}</a>'
        )
    st.html(f'<div class="r-chips">{" · ".join(drawn)}</div>')
