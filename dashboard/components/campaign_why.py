"""Why somebody got a message, step by step, or why they did not."""

import streamlit as st

from dashboard import session
from dashboard.components import frame, words
from dashboard.components.tiles import Row, rows
from dashboard.components.words import safe
from dashboard.services import Services
from data_contracts.errors import RapportError
from messaging.desk import masking
from messaging.desk.whys import explain_customer, explain_message
from messaging.planner import Why

CERTAIN = 0.97


def asking(parts: Services, names: list[str]) -> None:
    """Take a message's id, or a customer and a campaign, and answer."""
    left, right = st.container(key="pair_why").columns(2, gap="medium")
    with left, st.container(border=True):
        frame.section("Why did they get this message?")
        if asked := st.query_params.get("why"):
            frame.follow("why_message", asked)
        message_id = st.text_input("A message's id", key="why_message", placeholder="msg_…").strip()
        hint = "“Why?” beside a person in a campaign's review brings you here with the id filled in."
        st.html(f'<div class="r-muted r-small">{hint}</div>')
    with right, st.container(border=True):
        frame.section("Why did they not get it?")
        who = st.text_input(
            "A customer", key="why_customer", placeholder="Name, e-mail, phone, order or customer number"
        )
        campaign = st.selectbox("Campaign", names, key="why_campaign", format_func=words.title)
    try:
        if message_id:
            _message(parts, message_id)
        if who and campaign:
            _customer(parts, who, campaign)
    except RapportError as error:
        frame.trouble(error)


def _message(parts: Services, message_id: str) -> None:
    """Answer once, and keep it while the page is drawn anew: each answer stands in the audit."""
    kept = st.session_state.get("why_told")
    if not isinstance(kept, Why) or kept.message_id != message_id:
        kept = explain_message(parts.planner, message_id, actor=session.actor())
        st.session_state["why_told"] = kept
    _draw(masking.why(kept, session.sight()))


def _customer(parts: Services, who: str, campaign: str) -> None:
    sight = session.sight()
    hits = [masking.hit(each, sight) for each in parts.customers.find(who)]
    certain = [each for each in hits if each.score >= CERTAIN] or hits
    if not certain:
        frame.empty(f"Nobody found for “{who}”", "Try the surname alone, or an order number.")
        return
    labels = {each.customer_id: each.display_name or each.customer_id for each in certain}
    customer_id = certain[0].customer_id
    if len(certain) > 1:
        customer_id = st.selectbox(
            "Whom do you mean?", [*labels], format_func=words.apart(labels).__getitem__
        )
    asked, told = (customer_id, campaign), st.session_state.get("why_not_told")
    if told is None or told[0] != asked:
        sentences = explain_customer(parts.planner, customer_id, campaign, actor=session.actor())
        st.session_state["why_not_told"] = told = (asked, sentences)
    with st.container(border=True):
        frame.named(f"{labels[customer_id]} and {words.title(campaign)}")
        st.html("".join(f"<p>{safe(each)}</p>" for each in told[1]))


def _draw(why: Why) -> None:
    with st.container(border=True):
        frame.section("In short")
        told = "".join(f"<li>{safe(each)}</li>" for each in why.sentences)
        st.html(f'<ul class="r-brief">{told}</ul>')
        link = f'<a class="r-who" href="customers?customer={safe(why.customer_id)}" target="_self">Open the customer</a>'
        st.html(link)
    for number, step in enumerate(why.steps, 1):
        with st.container(border=True):
            frame.section(f"{number}. {step.title}")
            rows([Row(f"{fact.what.capitalize()}: {fact.value}", fact.proof) for fact in step.facts])
