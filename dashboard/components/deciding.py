"""Say who is one person and who is not: a colleague's word, with a reason, which the next build obeys."""

import streamlit as st

from dashboard.components import desk, words
from dashboard.components.tiles import Row, rows
from dashboard.services import Services
from dashboard.session import actor, may
from messaging.customers import CustomerCard
from messaging.desk.identity import decide_identity, decisions_about, take_back
from messaging.identity_decisions import Decision, Kind

SAID = {"merge": "are one person", "split": "are two people"}
WHY = "Why? Whoever asks later reads this."


def deciding(parts: Services, card: CustomerCard) -> None:
    """Show what colleagues said about this customer, and take a new word."""
    for each in decisions_about(parts.store, parts.customers, card.customer_id):
        _decision(parts, each)
    one = card.customer_id
    if not may("identity.merge"):
        return
    with st.expander("This is somebody else, too"), st.form(f"merge_{one}", border=False):
        st.text_input(
            "Who?", key=f"merge_{one}_b", placeholder="Their e-mail, phone, order or customer number"
        )
        st.text_input(WHY, key=f"merge_{one}_why", max_chars=500)
        st.form_submit_button("They are one person", on_click=_decide, args=(parts, "merge", one))
    values = [each.value for each in card.identifiers]
    if len(values) > 1:
        with st.expander("These are two people"), st.form(f"split_{one}", border=False):
            left, right = st.columns(2)
            left.selectbox("This belongs to one", values, key=f"split_{one}_a")
            right.selectbox("and this to another", values, index=1, key=f"split_{one}_b")
            st.text_input(WHY, key=f"split_{one}_why", max_chars=500)
            st.form_submit_button("They are two people", on_click=_decide, args=(parts, "split", one))


def _decision(parts: Services, each: Decision) -> None:
    when = words.clock(each.decided_at, parts.settings.time_zone)
    told = f"{each.author}, {when}: {each.reason}"
    rows([Row(f"{each.one} and {each.other} {SAID[each.kind]}", told, "the next build obeys it", "amber")])
    if not may("identity.withdraw"):
        return
    key = f"back_{each.decision_id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Why take it back?", key=key, max_chars=500)
        st.button("Take it back", key=f"{key}_go", on_click=_take_back, args=(parts, each.decision_id, key))


def _decide(parts: Services, kind: Kind, customer_id: str) -> None:
    fields = {
        name: str(st.session_state.get(f"{kind}_{customer_id}_{name}") or "") for name in ("a", "b", "why")
    }
    one = fields["a"] or customer_id
    desk.act(
        "Noted, with your reason. The next build does it; until then it can be taken back here.",
        lambda: decide_identity(
            parts.store,
            parts.customers,
            parts.clock,
            kind,
            one,
            fields["b"],
            reason=fields["why"],
            actor=actor(),
        ),
        [f"{kind}_{customer_id}_why"],
    )


def _take_back(parts: Services, decision_id: str, key: str) -> None:
    reason = str(st.session_state.get(key) or "")
    desk.act(
        "It is taken back.",
        lambda: take_back(parts.store, parts.clock, decision_id, reason=reason, actor=actor()),
    )
