"""Who is unhappy, newest first: what they said, and whether somebody has seen to it."""

from collections.abc import Sequence
from urllib.parse import quote

import streamlit as st

from dashboard.components import words
from dashboard.components.feedback_charts import NAMES
from dashboard.components.tiles import chip
from dashboard.components.words import safe
from dashboard.services import Services
from messaging.desk.feedback import Unhappy

SEEN = {
    "nobody": ("Nobody has seen to it", "bad"),
    "promised": ("Promised", "warn"),
    "kept": ("Seen to", "good"),
}


def unhappy_people(parts: Services, found: Sequence[Unhappy]) -> None:
    """List them; a name leads to the customer, where a follow-up is promised and kept."""
    if not found:
        st.html('<div class="r-muted r-small">Nobody. Well done.</div>')
        return
    waiting = words.count(sum(each.seen_to == "nobody" for each in found), "person", "people")
    drawn = "".join(_person(each, parts.settings.time_zone) for each in found)
    st.html(
        f'<div class="r-small">{waiting} of {len(found)} wait for somebody.</div>'
        f'<div class="r-rows" role="list">{drawn}</div>'
    )


def _person(each: Unhappy, zone: str) -> str:
    name = safe(each.name or "Name unknown")
    link = f'<a class="r-who" href="customers?customer={quote(each.customer_id)}" target="_self">{name}</a>'
    mark = f", {words.plain(each.score)} of {each.scale}" if each.score is not None and each.scale else ""
    note = safe(f"{NAMES.get(each.kind, each.kind)}{mark}, {words.day(each.at, zone)}")
    said = f'<div class="r-said">{safe(each.words)}</div>' if each.words else ""
    return (
        f'<div class="r-row" role="listitem"><div class="r-grow">{link}'
        f'<div class="r-muted r-small">{note}</div>{said}</div>'
        f'<div class="r-end">{chip(*SEEN[each.seen_to])}</div></div>'
    )
