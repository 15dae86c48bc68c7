"""Why a customer is one person: what ties the records, what was refused, what is under review, and the ids it had."""

from collections.abc import Sequence
from itertools import groupby
from urllib.parse import quote

import streamlit as st

from dashboard.components import charts, words
from dashboard.components.tiles import Row, rows
from dashboard.components.words import safe
from messaging.customers.why import CloseCall, Refusal, Step, Waterfall, Why
from messaging.customers.why import words as said

MOST = 5  # lines of each kind shown at first


def why(answer: Why, zone: str) -> None:
    """Show the whole story of one customer, quietly: each kind of line only where there is one."""
    whole = answer.sentences[0].replace(f" ({answer.one.customer_id})", "", 1)  # it stands above already
    st.html(f'<div class="r-muted r-small">{safe(whole)}</div>')
    _ties(answer.steps)
    told = {each.sentence: _stranger(each, answer) for each in answer.refused}
    for heading, refusals in (
        ("Left apart", [line for line in told.items() if line[1]]),
        ("Ties nobody", [line for line in told.items() if not line[1]]),
    ):
        if refusals:
            _heading(heading)
            _links(refusals)
    if answer.review:
        _heading("Under review")
        for call in answer.review:
            _close_call(call, answer)
    if answer.journal or answer.aliases:
        _heading("Earlier")
        lines = [Row(said.became(each), words.clock(each.at, zone)) for each in reversed(answer.journal)]
        rows(lines or [Row(f"Known before as {', '.join(answer.aliases)}.")])
    if answer.missing:
        st.html(f'<div class="r-muted r-small">{safe(answer.sentences[-1])}</div>')


def _ties(steps: Sequence[Step]) -> None:
    _steps(steps[:MOST])
    if len(steps) > MOST:
        with st.expander(f"{words.count(len(steps) - MOST, 'more tie')}"):
            _steps(steps[MOST:])


def _steps(steps: Sequence[Step]) -> None:
    """List ties, those that need no drawing in one list."""
    for is_plain, some in groupby(steps, key=lambda step: step.waterfall is None):
        if is_plain:
            rows([Row(step.sentence) for step in some])
            continue
        for step in some:
            rows([Row(step.sentence)])
            if step.waterfall:
                _weights(step.waterfall)


def _close_call(call: CloseCall, answer: Why) -> None:
    other = call.customer_id if call.customer_id != answer.one.customer_id else call.other_customer_id
    _links([(call.sentence, other)])
    _weights(call.waterfall)


def _weights(waterfall: Waterfall) -> None:
    with st.expander("What speaks for it, and what against"):
        charts.waterfall(waterfall)


def _stranger(refusal: Refusal, answer: Why) -> str | None:
    both = (refusal.other_customer_id, refusal.customer_id)
    return next((each for each in both if each and each != answer.one.customer_id), None)


def _heading(text: str) -> None:
    st.html(f'<div class="r-day" role="heading" aria-level="4">{safe(text)}</div>')


def _links(lines: Sequence[tuple[str, str | None]]) -> None:
    """List sentences, each with the way to the other customer, if there is one."""
    drawn = []
    for sentence, customer_id in lines:
        link = ""
        if customer_id:
            target = quote(customer_id)
            link = f'<a class="r-who" href="customers?customer={target}" target="_self">Open</a>'
        drawn.append(
            f'<div class="r-row" role="listitem"><div class="r-grow">{safe(sentence)}</div>'
            f'<div class="r-end">{link}</div></div>'
        )
    st.html(f'<div class="r-rows" role="list">{"".join(drawn)}</div>')
