"""What the view knows of one customer beyond the basics: what to do next, worth, service, feelings, habits.

Every figure is a column of customer_360; one that nobody knows is left out, or says why it is not known. What a release
of an older version does not have is left out too.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import streamlit as st

from dashboard.components import words
from dashboard.components.tiles import Row, Tile, chip, rows, tiles
from dashboard.components.words import safe
from data_contracts.model import Contract

Facts = Mapping[str, Any]

ACTION_TONES = {"apologise": "bad", "answer": "bad", "call": "bad", "win": "warn", "ask": "warn"}
LEVEL_STATES = {"gone": "red", "high": "red", "medium": "amber", "low": "green"}
MOODS = {
    "advocate": ("Advocate", "good"),
    "detractor": ("Detractor", "bad"),
    "recovered": ("Recovered", "good"),
    "neutral": ("Neutral", ""),
}
TRENDS = {"falling": ("Their tone is falling", "red"), "rising": ("Their tone is rising", "green")}
TIERS = {"platinum": "Platinum", "gold": "Gold", "silver": "Silver"}
HALF = 0.5
CLEAR = 0.05  # beyond which VADER's authors call a text positive or negative


def next_step(facts: Facts) -> None:
    """Show the next best action and its reason, above everything else; nothing where there is none."""
    action = facts.get("next_best_action")
    if not action or action == "nothing":
        return
    tone = next((tone for begin, tone in ACTION_TONES.items() if action.startswith(begin)), "brand")
    reason = words.dated(facts.get("next_best_action_reason") or "")
    st.html(
        f'<div class="r-note-box r-chips">{chip(f"Next: {words.title(action)}", tone)}<span>{safe(reason)}</span></div>'
    )


def labels(facts: Facts) -> str:
    """Give the words that sum a customer up (segment, tier, mood) as chips of HTML."""
    found = []
    if segment := facts.get("rfm_segment"):
        found.append(chip(words.title(segment), "brand"))
    if tier := TIERS.get(facts.get("vip_tier") or ""):
        found.append(chip(tier, "brand"))
    if mood := MOODS.get(facts.get("satisfaction_state") or ""):
        found.append(chip(*mood))
    return "".join(found)


def worth(facts: Facts, currency: str) -> None:
    """Show what the customer is likely to bring, whether they are about to leave, and why."""
    figures = []
    if (value := facts.get("value_365d_minor")) is not None:
        note = f"{words.money(facts.get('value_90d_minor'), currency)} in 90 days"
        figures.append(Tile("Expected in a year", words.money(value, currency), note))
    if (alive := facts.get("probability_alive")) is not None:
        due = facts.get("next_order_expected_at")
        note = f"next order by {due:%-d %b %Y}" if due else ""
        figures.append(Tile("Still a customer", words.share(alive), note))
    if score := facts.get("rfm_score"):
        figures.append(Tile("Recency, frequency, money", " ".join(score), "1 is least, 5 is most"))
    if figures:
        tiles(figures, dense=True)
    rows(
        _known(
            _churn(facts),
            None if facts.get("profiling_objected") else _note("value_note", facts),
            _note("score_note", facts),
            _suggestion(facts),
            _gap(facts),
        )
    )


def service(facts: Facts, zone: str) -> None:
    """Show who waits, how fast we were, and how often they had to come back."""
    waiting = facts.get("waiting_since")
    first, solved = facts.get("first_response_median_seconds"), facts.get("resolution_median_seconds")
    complaints, again = facts.get("open_complaint_count") or 0, facts.get("repeat_contacts_7d") or 0
    lines = [
        Row("Waits for an answer", f"since {words.clock(waiting, zone)}", state="red") if waiting else None,
        Row(words.count(complaints, "open complaint"), state="red") if complaints else None,
        Row("Asked again within 7 days", end=words.count(again, "time"), state="amber") if again else None,
        Row("Usually answered after", end=words.duration(first)) if first is not None else None,
        Row("Usually solved after", end=words.duration(solved)) if solved is not None else None,
    ]
    _list(lines, "Nobody waits for anything.")


def feelings(facts: Facts) -> None:
    """Show what they said of us: scores, reviews, and which way their tone goes."""
    trend = TRENDS.get(facts.get("sentiment_trend") or "")
    csat, nps, rating = facts.get("last_csat"), facts.get("last_nps"), facts.get("last_review_rating")
    verified = "verified buyer" if facts.get("last_review_verified") else "not verified"
    mood = facts.get("sentiment_30d")
    lines = [
        Row(trend[0], state=trend[1]) if trend else None,
        Row("Tone of what they wrote in 30 days", end=_tone(mood)) if mood is not None else None,
        Row("Last satisfaction survey", "0 % not at all, 100 % fully", end=words.share(csat))
        if csat is not None
        else None,
        Row("Last recommendation (0 to 10)", end=words.plain(nps)) if nps is not None else None,
        Row("Last review", verified, end=words.plain(rating)) if rating is not None else None,
    ]
    _list(lines, "They have not told us yet how they feel.")


def habits(facts: Facts) -> None:
    """Show how they answer: what was sent and what came back in 90 days, and when they usually do."""
    sent, texts = facts.get("emails_sent_90d") or 0, facts.get("sms_sent_90d") or 0
    opened, clicked = facts.get("opens_90d") or 0, facts.get("clicks_90d") or 0
    machines = (facts.get("machine_opens_90d") or 0) + (facts.get("scanner_clicks_90d") or 0)
    hour = facts.get("usual_hour")
    mails = f"{opened} opened, {clicked} clicked, {facts.get('replies_90d') or 0} answered"
    mails += f"; machines opened or clicked {machines} more" if machines else ""
    lines = [
        Row("E-mails in 90 days", mails, end=words.number(sent)) if sent else None,
        Row("Texts in 90 days", f"{facts.get('sms_replies_90d') or 0} answered", end=words.number(texts))
        if texts
        else None,
        Row("Usually around", "their own clock", end=f"{hour:02d}:00") if hour is not None else None,
    ]
    _list(lines, "Nothing was sent to them in 90 days.")


def everything(facts: Facts, contract: Contract, currency: str, zone: str) -> None:
    """List every column that has a value, by its title, with what it means; traits of the company too."""
    lines = []
    for column in contract.columns:
        value = facts.get(column.name)
        if value is not None:
            lines.append(Row(column.title, column.description, _written(column.name, value, currency, zone)))
    with st.expander(f"Everything that we know: {words.count(len(lines), 'value')}"):
        rows(lines)


def _tone(mood: float) -> str:
    return "friendly" if mood >= CLEAR else "unhappy" if mood <= -CLEAR else "neither way"


def _written(name: str, value: Any, currency: str, zone: str) -> str:
    """Write a value as people read it, by its column's name and by its type."""
    if name.endswith("_minor"):
        return words.money(value, currency)
    if name.endswith("_seconds"):
        return words.duration(value)
    if isinstance(value, datetime):
        return words.clock(value, zone)
    return _plainly(value)


def _plainly(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    return words.plain(value) if isinstance(value, float) else str(value)


def _churn(facts: Facts) -> Row | None:
    level, risk = facts.get("churn_level"), facts.get("churn_risk")
    if not level or risk is None:
        return None
    how = (
        "learnt from who left before"
        if facts.get("churn_method") == "calibrated"
        else "by rules, history is short"
    )
    reasons = facts.get("churn_reasons")
    note = f"{words.dated(reasons)} ({how})" if reasons else how
    title = "Has let the usual time pass" if level == "gone" else "May not order again in time"
    return Row(title, note, words.share(risk), LEVEL_STATES.get(level, ""))


def _note(column: str, facts: Facts) -> Row | None:
    note = facts.get(column)
    return Row(words.dated(note)) if note else None


def _suggestion(facts: Facts) -> Row | None:
    product = facts.get("suggested_product")
    return (
        Row(f"Suggest {product}", words.dated(facts.get("suggested_product_reason") or ""))
        if product
        else None
    )


def _gap(facts: Facts) -> Row | None:
    days = facts.get("usual_gap_days")
    return Row("Usually orders every", end=words.count(int(days + HALF), "day")) if days else None


def _known(*lines: Row | None) -> list[Row]:
    return [line for line in lines if line is not None]


def _list(lines: Iterable[Row | None], nothing: str) -> None:
    known = _known(*lines)
    if known:
        rows(known)
    else:
        st.html(f'<div class="r-muted">{safe(nothing)}</div>')
