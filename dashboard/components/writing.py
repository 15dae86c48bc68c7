"""Write to one customer now: an answer in one's own words, or a service template; the gate has its say first."""

from dataclasses import replace

import streamlit as st

from dashboard.components import desk, unsent, words
from dashboard.components.tiles import Row, rows
from dashboard.components.words import safe
from dashboard.services import Services, desk_of, templates_of_service
from dashboard.session import actor
from data_contracts.errors import RapportError
from messaging.desk.writing import (
    LONGEST,
    Draft,
    Way,
    WrittenSinceError,
    last_written,
    rendered,
    ways,
    write_to,
)
from messaging.rendering.segments import count_segments
from messaging.store.ids import new_id

OWN = "My own words"


def write_now(parts: Services, customer_id: str, preferred: str | None) -> None:
    """Offer the ways to write to a customer; nothing goes where the gate says no."""
    offer = templates_of_service(parts)
    chosen = st.selectbox(
        "What do you send?",
        [OWN, *offer],
        format_func=words.apart({OWN: OWN} | {name: each.title for name, each in offer.items()}).__getitem__,
        key=f"what_{customer_id}",
        help="Marketing goes by campaigns. These templates serve: an apology, an answer, a follow-up.",
    )
    kind = offer[chosen].message_class if chosen in offer else "conversational"
    offered = ways(desk_of(parts), customer_id, kind)
    open_ones = {each.channel: each for each in offered if each.is_open}
    if not open_ones:
        rows([Row(words.channel_name(each.channel), str(each.sentence), state="red") for each in offered])
        return
    channel = st.segmented_control(
        "By",
        [*open_ones],
        default=preferred if preferred in open_ones else next(iter(open_ones)),
        format_func=words.channel_name,
        key=f"by_{customer_id}_{kind}",
    )
    if channel:
        _compose(parts, customer_id, open_ones[channel], None if chosen == OWN else chosen)
    closed = [f"{words.channel_name(each.channel)}: {each.sentence}" for each in offered if not each.is_open]
    st.html(f'<div class="r-muted r-small">{"<br>".join(map(safe, closed))}</div>')


def _compose(parts: Services, customer_id: str, way: Way, template: str | None) -> None:
    key = f"write_{customer_id}_{way.channel}"
    draft = st.session_state.setdefault(f"{key}_id", new_id("msg"))
    # what a colleague wrote is asked anew until one begins to write oneself, and kept from then on
    is_begun = template is None and st.session_state.get(f"{key}_body")
    if not is_begun or f"{key}_seen" not in st.session_state:
        st.session_state[f"{key}_seen"] = last_written(desk_of(parts), customer_id)
    begun = Draft(draft, way.channel, template=template, seen=st.session_state[f"{key}_seen"])
    if template is not None:
        try:
            shown = rendered(desk_of(parts), customer_id, template, way.channel)
        except RapportError as error:
            st.html(f'<div class="r-muted">{safe(error.message)}</div>')
            return
        subject = f"<b>{safe(shown.subject)}</b><br>" if shown.subject else ""
        st.html(f'<div class="r-bubble">{subject}{safe(shown.body)}</div>')
    else:
        if way.channel == "email":
            st.text_input("Subject", key=unsent.field(f"{key}_subject"), max_chars=200)
        most = LONGEST[way.channel]
        st.text_area("Message", key=unsent.field(f"{key}_body"), max_chars=most, height=120)
        if way.channel == "sms" and (body := st.session_state.get(f"{key}_body")):
            st.html(
                f'<div class="r-muted r-small">{words.count(count_segments(body), "text")} to pay for</div>'
            )
    label = f"Send to {words.label(str(way.address))}"
    st.button(
        label,
        key=f"{key}_send",
        type="primary",
        on_click=_send,
        args=(parts, customer_id, key, begun),
    )


def _send(parts: Services, customer_id: str, key: str, begun: Draft) -> None:
    body, subject = (str(st.session_state.get(f"{key}_{name}") or "") for name in ("body", "subject"))
    draft = replace(begun, body=body, subject=subject)
    cleared = [name for name in (f"{key}_body", f"{key}_subject") if name in st.session_state]
    desk.act(
        "It is on its way, and goes within minutes.",
        lambda: write_to(desk_of(parts), customer_id, draft, actor=actor()),
        cleared,
    )
    outcome = st.session_state.get(desk.TOLD)
    if isinstance(outcome, WrittenSinceError):  # they know of it now: the next press sends
        st.session_state.pop(f"{key}_seen", None)
    if not isinstance(outcome, RapportError):
        st.session_state.pop(f"{key}_id", None)
