"""Whom a segment holds: how many, some of them, who came and left, how it lies over others, and a file to take away."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import streamlit as st

from dashboard.components import frame, segment_charts, words
from dashboard.components.segment_draft import TOLD, Draft
from dashboard.components.tiles import Tile, tiles
from dashboard.components.words import MISSING, safe
from dashboard.services import Services
from dashboard.session import actor, may, sight
from data_contracts.errors import LibraryError, NotFoundError, RapportError
from data_contracts.model import Contract
from messaging.desk import segments as asked
from messaging.desk.writing import Desk
from messaging.segments import Overlap, Segment, describe, lists_of
from messaging.segments.sizes import rule_hash

SHOWN, NAMED, MOST_LAID = 10, 8, 7
PREVIEW, MOVED, EXPORT = "segment_preview", "segment_moved", "segment_export"


def figures(desk: Desk, segment: Segment, draft: Draft) -> asked.Counted:
    """Count the people of the draft, and whom of them each channel reaches."""
    release = desk.customers.release().version
    lists = tuple(
        (each.name, each.uploaded_at)
        for each in asked.uploaded_lists(desk)
        if each.name in lists_of(segment.rule)
    )
    found = _counted(desk, segment, release, (draft.text, lists), draft.is_saved)
    of_all = f"{words.share(found.matched, found.people)} of {words.number(found.people)}"
    shown = [
        Tile("In the segment", words.number(found.matched), of_all, found.matched / max(found.people, 1))
    ]
    for channel, people in found.reached.items():
        of_them = f"{words.share(people, found.matched)} of them"
        filled = people / max(found.matched, 1)
        label = f"Reachable by {'e-mail' if channel == 'email' else words.channel_name(channel)}"
        shown.append(Tile(label, words.number(people), of_them, filled, channel))
    tiles(shown)
    sentence = describe(segment.rule, desk.library.contract, desk.settings.currency)
    st.html(f'<div class="r-who-rule">{safe(sentence[:1].upper() + sentence[1:])}.</div>')
    return found


@st.cache_data(ttl=30, max_entries=200, show_spinner="Counting ...")
def _counted(_desk: Desk, _segment: Segment, release: str, key: Any, keep: bool) -> asked.Counted:  # noqa: ARG001, FBT001
    return asked.counted(_desk, _segment, keep=keep)


def preview(parts: Services, desk: Desk, segment: Segment, draft: Draft) -> None:
    """Show some people of the draft, with what its rules look at."""
    frame.section(
        "Some of them", f"The {SHOWN} seen last, with what the conditions look at; a name opens the person."
    )
    if not may("segment.preview"):
        st.html('<div class="r-muted r-small">Your role sees how many they are, not who.</div>')
        return
    seen = (draft.text, desk.customers.release().version, sight())
    held = st.session_state.get(PREVIEW)
    if held is None or held[0] != seen:  # asked, and taken down, once for the same rules
        held = (seen, asked.previewed(desk, segment, SHOWN, sight=sight(), actor=actor()))
        st.session_state[PREVIEW] = held
    rows = held[1]
    if not rows:
        frame.empty("Nobody is in it", "Take a condition away, or loosen one.")
        return
    st.html(people_table(rows, desk.library.contract, parts.settings.currency, parts.settings.time_zone))


def people_table(rows: list[dict[str, Any]], contract: Contract, currency: str, zone: str) -> str:
    """Write people as a table; every text in it is escaped."""
    columns = [each for each in rows[0] if each not in {"customer_id", "display_name"}]
    head = "".join(f"<th>{safe(contract.column(each).title)}</th>" for each in ("display_name", *columns))
    body = []
    for row in rows:
        link = f'<a class="r-who" href="customers?customer={quote(row["customer_id"])}" target="_self">'
        name = f"{link}<bdi>{safe(row['display_name'] or 'Name unknown')}</bdi></a>"
        cells = "".join(f"<td>{_cell(each, row[each], currency, zone)}</td>" for each in columns)
        body.append(f"<tr><td>{name}</td>{cells}</tr>")
    table = f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody>"
    return f'<div class="r-people" tabindex="0"><table>{table}</table></div>'


def _cell(column: str, value: Any, currency: str, zone: str) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f'<span class="r-nowrap">{safe(words.day(value, zone))}</span>'
    if isinstance(value, int | float):
        told = words.money(int(value), currency) if column.endswith("_minor") else words.plain(value)
        return f'<span class="r-num">{safe(told)}</span>'
    return f"<bdi>{safe(value)}</bdi>"


def movement(parts: Services, desk: Desk, segment: Segment, draft: Draft) -> None:
    """Show the segment's size over time, and who came and left since the release before."""
    sizes = asked.history(desk, segment)
    frame.section("Over time", "Its size in each release in which somebody counted these conditions.")
    if len(sizes) >= segment_charts.FEWEST:
        segment_charts.history(sizes, parts.settings.time_zone)
    else:
        st.html(
            '<div class="r-muted r-small">A line begins with the second release in which somebody looks.</div>'
        )
    if not may("segment.changes"):
        return
    seen = (draft.text, desk.customers.release().version, sight())
    held = st.session_state.get(MOVED)
    if held is not None and held[0] == seen:
        _movement(held[1], parts)
        return
    if st.button("Who came and who left since the last time?", key="seg_moved"):
        with st.spinner("Comparing with the release before ..."):
            st.session_state[MOVED] = (seen, asked.moved(desk, segment, NAMED, sight=sight(), actor=actor()))
        st.rerun()


def _movement(found: asked.Movement | None, parts: Services) -> None:
    if found is None:
        st.html(
            '<div class="r-muted r-small">There is no release before the newest one. Ask again after the next build.</div>'
        )
        return
    changes = found.changes
    since = words.clock(changes.before_as_of, parts.settings.time_zone)
    told = f"{words.number(changes.matched_before)} people with the data of {since}, {words.number(changes.matched)} now."
    pieces = [f'<div class="r-small">{safe(told)}</div>']
    for word, ids, tone in (("came", changes.entered, "good"), ("left", changes.left, "warn")):
        people = ", ".join(_person(each, found.names) for each in ids[:NAMED])
        more = f" and {words.number(len(ids) - NAMED)} more" if len(ids) > NAMED else ""
        chip = f'<span class="r-chip r-{tone}">{words.number(len(ids))} {word}</span>'
        pieces.append(f'<div class="r-moved">{chip} {people}{more}</div>')
    st.html("".join(pieces))


def _person(customer_id: str, names: Mapping[str, str]) -> str:
    if customer_id not in names:
        return "somebody who is no longer there"
    link = f'<a class="r-who" href="customers?customer={quote(customer_id)}" target="_self">'
    return f"{link}<bdi>{safe(names[customer_id])}</bdi></a>"


def overlap(desk: Desk, segment: Segment) -> None:
    """Lay the draft over other segments."""
    frame.section("Overlap", "How many of these people are in other segments, too.")
    found: dict[str, str] = {}
    for name in desk.library.names("segments"):
        try:
            found |= {name: desk.library.segment(name).title} if name != segment.name else {}
        except (LibraryError, NotFoundError):
            continue  # its own page says what is wrong with it
    others = words.apart(found)
    chosen = st.multiselect(
        "Other segments", [*others], key=f"seg_overlap_{segment.name}", format_func=lambda each: others.get(each, each),
        max_selections=MOST_LAID, placeholder="Choose segments to lay over it", label_visibility="collapsed",
    )  # fmt: skip
    if chosen:
        several = [segment, *map(desk.library.segment, chosen)]
        rules = tuple((each.name, rule_hash(each.rule)) for each in several)
        laid = _laid(desk, several, desk.customers.release().version, rules)
        segment_charts.overlap(laid, segment.name, {each: others[each] for each in chosen})


@st.cache_data(ttl=30, max_entries=100, show_spinner="Laying them over one another ...")
def _laid(_desk: Desk, _several: list[Segment], release: str, rules: Any) -> Overlap:  # noqa: ARG001 (the key)
    return asked.overlapping(_desk, _several)


def export(desk: Desk, draft: Draft) -> None:
    """Offer everybody of the saved segment as a CSV; making it is audited."""
    frame.section(
        "Take it with you",
        "A CSV with names and addresses as your role sees them. Who takes one is written down.",
    )
    if not draft.is_saved:
        st.html(
            '<div class="r-muted r-small">Save your changes first: what is exported is what stands in the file.</div>'
        )
        return
    made = st.session_state.get(EXPORT)
    if made is not None and made[0] == (draft.name, draft.text, sight()):
        file = made[1]
        label = f"Download {words.label(file.file)} ({words.count(file.people, 'person', 'people')})"
        st.download_button(
            label, file.text.encode("utf-8-sig"), file.file, "text/csv", type="primary", on_click="ignore"
        )
        return
    st.button("Make the CSV", key="seg_export", on_click=_export, args=(desk, draft))


def _export(desk: Desk, draft: Draft) -> None:
    try:
        with st.spinner("Writing the CSV ..."):
            file = asked.exported(desk, draft.name, sight=sight(), actor=actor())
    except RapportError as error:
        st.session_state[TOLD] = error
        return
    st.session_state[EXPORT] = ((draft.name, draft.text, sight()), file)
