"""What needs a person today, each with the way to where it is done."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

import streamlit as st

from dashboard.components import frame, words
from dashboard.components.tiles import Tile, tiles
from dashboard.components.words import safe
from dashboard.session import may
from messaging.customers.service import ANSWERED_WITHIN, Service
from messaging.desk.brief import waited
from messaging.desk.today import Today

CHECKS = "#data-checks"  # where data checks stand on the first page
REQUESTS = "privacy?tab=Requests"
TONES = {"red": "bad", "amber": "warn", "": ""}


def needs(today: Today, now: datetime, zone: str) -> None:
    """List what needs somebody, the most pressing first, or say that nothing does."""
    if today.is_quiet:
        frame.empty("Nothing needs you today", "Nobody waits, nothing is red, and no promise is due.")
        return
    st.html(f'<div class="r-rows" role="list">{"".join(_lines(today, now, zone))}</div>')


def service_level(service: Service) -> None:
    """Show how well we answered, and how many answered us, against what is usual."""
    figures, first, answers = [], service.first_response, service.responses
    if first and first.in_time_rate is not None:
        note = (
            f"usually {words.share(first.usual_in_time_rate)}" if first.usual_in_time_rate is not None else ""
        )
        within = words.duration(ANSWERED_WITHIN.total_seconds())
        figures.append(
            Tile(f"Answered within {within}", words.share(first.in_time_rate), note, first.in_time_rate)
        )
    if first and first.median_seconds is not None:
        usual = first.usual_median_seconds
        note = f"usually {words.duration(usual)}" if usual is not None else ""
        figures.append(Tile("First answer after", words.duration(first.median_seconds), note))
    if answers:
        note = f"usually {words.share(answers.usual_rate)}" if answers.usual_rate is not None else ""
        figures.append(Tile("Answered us", words.share(answers.rate), note, answers.rate))
    if not figures:
        frame.empty("Nothing to measure yet", "It begins with the first whole week of questions and answers.")
        return
    tiles(figures, dense=True)
    told = []
    if first:
        asked = words.count(first.question_count, "question")
        told.append(
            f"{asked} in the week of {first.week:%-d %B}, {first.waiting_count} still without an answer."
        )
    if answers:
        wrote = words.count(answers.written_count, "person", "people")
        told.append(f"We wrote to {wrote} in the week of {answers.week:%-d %B}.")
    st.html(f'<div class="r-muted r-small">{safe(" ".join(told))}</div>')


def _lines(today: Today, now: datetime, zone: str) -> Iterator[str]:
    for person in today.waiting:
        complains = ", and has a complaint that is not settled" if person.complains else ""
        told = f"waits for an answer for {waited(person.since, now)}{complains}"
        state = "red" if person.complains else "amber"
        yield _line(person.name or "Name unknown", told, state, _customer(person.customer_id), "Answer")
    if more := today.waiting_lately - len(today.waiting):
        ever = (
            f"; {words.number(today.waiting_ever)} in all, however long ago"
            if today.waiting_ever > today.waiting_lately
            else ""
        )
        yield _line(f"{words.number(more)} more wait", f"for up to two weeks{ever}", "amber")
    for each in today.follow_ups:
        name = today.names.get(each.customer_id) or "Name unknown"
        overdue = each.due_at < now
        due = f"{'was' if overdue else 'is'} due {words.clock(each.due_at, zone)}"
        told = f"promised to {name} by {each.made_by}, {due}"
        yield _line(each.promise, told, "red" if overdue else "amber", _customer(each.customer_id), "Keep it")
    if today.red_contracts:
        tables = ", ".join(map(words.table_name, today.red_contracts))
        yield _line("Data checks are red", f"{tables}: marketing on them waits", "red", CHECKS, "Look")
    if today.unconfirmed:
        number = words.count(today.unconfirmed, "message")
        yield _line(
            f"{number} may or may not have gone", "the provider has not said", "red", "campaigns", "Look"
        )
    if today.requests and may("request.look"):
        asked = words.count(today.requests, "request") + " about somebody's data"
        yield _line(asked, "due within a week, or late: the law gives a month", "red", REQUESTS, "Answer")
    for name in today.unapproved:
        yield _line(words.title(name), "is planned and waits for approval", "amber", "campaigns", "Review")
    if today.doubts:
        pairs = words.count(today.doubts, "pair") + " of customers may be one person"
        way = _customer(today.first_doubt) if today.first_doubt else None
        yield _line(
            pairs, "alike, but not enough to join them without a person's word", "amber", way, "Decide"
        )


def _customer(customer_id: str) -> str:
    return f"customers?customer={quote(customer_id)}"


def _line(text: str, note: str, state: str, link: str | None = None, verb: str = "") -> str:
    dot = f'<span class="r-dot r-{TONES[state]}" role="img" aria-label="{safe(state)}"></span>'
    end = ""
    if link:
        end = f'<a class="r-who" href="{safe(link)}" target="_self" aria-label="{safe(f"{verb}: {text}")}">{safe(verb)}</a>'
    return (
        f'<div class="r-row" role="listitem">{dot}<div class="r-grow"><bdi>{safe(text)}</bdi>'
        f'<div class="r-muted r-small">{safe(note)}</div></div><div class="r-end">{end}</div></div>'
    )
